"""What the audit trail holds about me."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from django.http import HttpResponse
from ninja import Field, Query, Router, Schema

from matinee.api.answers import PageQuery, page_of
from matinee.api.authentication import SignedInRequest
from matinee.api.schemas import Page, Problem
from matinee.audit.models import Event
from matinee.audit.trail import events_of

router = Router()


class Activity(Schema):
    id: int
    at: dt.datetime
    action: str = Field(description="Such as rating_given or sign_in_failed.")
    by: Literal["me", "staff"] | None = Field(description="null: nobody who proved to be somebody.")
    target: str | None = Field(description="The kind of thing and its id: movie:603, with TMDb's id.")
    changes: dict[str, Any] = Field(description="What was different afterwards.")
    network: str | None = Field(description="The network it came from; the address itself is not kept.")
    request_id: str | None


@router.get("/activity/", response={200: Page[Activity], 400: Problem, 401: Problem}, url_name="activity")
def list_activity(request: SignedInRequest, paging: Query[PageQuery]) -> HttpResponse:
    """What was done to my account and my things, by me or by staff, newest first."""
    mine = events_of(request.auth.audit_key)
    return page_of(request, paging, total=mine.count(), results=[_activity(event) for event in mine[paging.span]])


def _activity(event: Event) -> dict[str, Any]:
    return {
        "id": event.pk,
        "at": event.at,
        "action": event.action,
        "by": None if event.actor is None else "me" if event.actor == event.subject else "staff",
        "target": event.target or None,
        "changes": event.changed,
        "network": event.network or None,
        "request_id": event.request_id or None,
    }
