"""My rights over what is held about me: to have it, and to have it erased."""

from __future__ import annotations

import datetime as dt

from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from ninja import Field, Router, Schema

from matinee.accounts import erasure, exports
from matinee.accounts.models import Export
from matinee.api.answers import answer
from matinee.api.authentication import SignedInRequest
from matinee.api.bodies import Body
from matinee.api.schemas import Problem
from matinee.api.users import Password, example

router = Router()

ASK_AGAIN_SECONDS = 2
ZIP = "application/zip"
A_ZIP = {
    "responses": {
        200: {"description": "The zip.", "content": {ZIP: {"schema": {"type": "string", "format": "binary"}}}}
    }
}


class ExportOut(Schema):
    """An export that is being made."""

    id: int
    rows: int = Field(description="How many there are about me.")
    rows_done: int
    created_at: dt.datetime
    expires_at: dt.datetime = Field(description="Until then it can be had, once it is ready.")


class Erasing(Body):
    model_config = example({"password": "correct horse battery staple"})

    password: Password


@router.get("/export/", response={200: None, 202: ExportOut, 401: Problem}, url_name="export", openapi_extra=A_ZIP)
def ask_for_export(request: SignedInRequest) -> HttpResponseBase:
    """Everything that is held about me, as a zip of JSON and CSV; a 202, where it is large, tells where it will be."""
    made = exports.ask(user=request.auth, now=timezone.now())
    return _under_way(request, made) if isinstance(made, Export) else _zip(HttpResponse(made, content_type=ZIP))


@router.get(
    "/export/{int:export_id}/",
    response={200: None, 202: ExportOut, 401: Problem, 404: Problem},
    url_name="export_file",
    openapi_extra=A_ZIP,
)
def get_export(request: SignedInRequest, export_id: int) -> HttpResponseBase:
    """An export that I asked for: the zip, or a 202 that tells how far it is."""
    made = exports.find(user=request.auth, export_id=export_id, now=timezone.now())
    if made.ready_at is None:
        return _under_way(request, made)
    return _zip(FileResponse(exports.file_of(made), content_type=ZIP))


@router.delete(
    "/account/",
    response={204: None, 400: Problem, 401: Problem, 403: Problem, 415: Problem, 422: Problem},
    url_name="account",
)
def erase_account(request: SignedInRequest, body: Erasing) -> HttpResponse:
    """Erase me and everything that is held about me, at once and for good."""
    erasure.erase_account(user=request.auth, session_id=request.session_id, password=body.password, now=timezone.now())
    return HttpResponse(status=204)


def _under_way(request: HttpRequest, made: Export) -> HttpResponse:
    told = {name: getattr(made, name) for name in ExportOut.model_fields}
    response = answer(told, status=202)
    response["Location"] = request.build_absolute_uri(reverse("api:export_file", args=[made.pk]))
    response["Retry-After"] = str(ASK_AGAIN_SECONDS)
    response["Cache-Control"] = "no-store"
    return response


def _zip(response: HttpResponseBase) -> HttpResponseBase:
    response["Content-Disposition"] = 'attachment; filename="matinee-export.zip"'
    response["Cache-Control"] = "no-store"
    return response
