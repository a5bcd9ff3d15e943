"""Where I am signed in."""

from __future__ import annotations

import datetime as dt

from django.http import HttpResponse
from django.utils import timezone
from ninja import Field, Query, Router, Schema

from matinee.accounts import sessions
from matinee.accounts.models import Session
from matinee.api.answers import PageQuery, page_of
from matinee.api.authentication import SignedInRequest
from matinee.api.schemas import Page, Problem

router = Router()


class SessionOut(Schema):
    id: int
    device: str = Field(description="What the client called it, or its User-Agent.")
    address: str | None = Field(description="Where it was used last from.")
    created_at: dt.datetime
    last_used_at: dt.datetime = Field(description="When it last took new tokens.")
    expires_at: dt.datetime = Field(description="When it is over unless it is used again.")
    current: bool = Field(description="The one that asks.")


@router.get("/sessions/", response={200: Page[SessionOut], 400: Problem, 401: Problem}, url_name="sessions")
def list_sessions(request: SignedInRequest, paging: Query[PageQuery]) -> HttpResponse:
    """Where I am signed in, the latest used first."""
    live = Session.objects.filter(user=request.auth).live(now=timezone.now())
    results = [
        {
            "id": session.pk,
            "device": session.device,
            "address": session.address or None,
            "created_at": session.created_at,
            "last_used_at": session.last_used_at,
            "expires_at": session.expires_at,
            "current": session.pk == request.session_id,
        }
        for session in live.by_last_use()[paging.span]
    ]
    return page_of(request, paging, total=live.count(), results=results)


@router.delete("/sessions/", response={204: None, 401: Problem})
def end_other_sessions(request: SignedInRequest) -> HttpResponse:
    """Sign out everywhere but here."""
    sessions.sign_out_elsewhere(user=request.auth, session_id=request.session_id, now=timezone.now())
    return HttpResponse(status=204)


@router.delete("/sessions/{int:session_id}/", response={204: None, 401: Problem, 404: Problem}, url_name="session")
def end_session(request: SignedInRequest, session_id: int) -> HttpResponse:
    """Sign out one device: its access and refresh tokens stop working at once."""
    sessions.end_session(user=request.auth, session_id=session_id, now=timezone.now())
    return HttpResponse(status=204)
