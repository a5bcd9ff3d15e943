"""Asking for everything that is held about a person (GDPR, articles 15 and 20)."""

from __future__ import annotations

import datetime as dt
import io
from typing import IO

from django.db import transaction

from matinee.accounts import export_tasks
from matinee.accounts.export_files import path_of, write
from matinee.accounts.models import Export, User
from matinee.accounts.privacy import sections
from matinee.audit.actions import Action
from matinee.audit.trail import record
from matinee.core.refusals import NotFound

MADE_AT_ONCE = 2_000
"""Rows, up to which an export is made while its reader waits."""
KEPT_FOR = dt.timedelta(days=1)
GONE = "There is no such export, or it has expired. Ask for a new one."


class ExportNotFound(NotFound):
    """There is no such export of this person, or not any more."""

    code = "export_not_found"


def ask(*, user: User, now: dt.datetime) -> bytes | Export:
    """The zip itself or, where it is large, the export that a job makes; one that is under way or ready will do."""
    person = User.objects.get(pk=user.pk)
    made = _latest(person, now)
    if made is not None:
        return made
    rows = sum(section.rows_of(person).count() for section in sections())
    if rows > MADE_AT_ONCE:
        return _begun(person, rows, now)
    with transaction.atomic():
        _record(person, now)
    content = io.BytesIO()
    write(content, person, now=now)
    return content.getvalue()


@transaction.atomic
def _begun(person: User, rows: int, now: dt.datetime) -> Export:
    """A new export for a job to make; of several that are asked for at once the first is that of all."""
    User.objects.select_for_update(no_key=True).filter(pk=person.pk).first()  # whoever asks at once waits here
    made = _latest(person, now)
    if made is None:
        made = Export.objects.create(user=person, created_at=now, expires_at=now + KEPT_FOR, rows=rows)
        export_tasks.make_export.enqueue(made.pk)
        _record(person, now)
    return made


def _latest(person: User, now: dt.datetime) -> Export | None:
    """Under way or ready, and not expired."""
    return Export.objects.filter(user=person, expires_at__gt=now).order_by("-id").first()


def _record(person: User, now: dt.datetime) -> None:
    record(Action.EXPORT_ASKED, actor=person.audit_key, subject=person.audit_key, now=now)


def find(*, user: User, export_id: int, now: dt.datetime) -> Export:
    """Raises ExportNotFound."""
    found = Export.objects.filter(pk=export_id, user=user, expires_at__gt=now).first()
    if found is None:
        raise ExportNotFound(GONE)
    return found


def file_of(made: Export) -> IO[bytes]:
    """The zip of one that is ready. Raises ExportNotFound."""
    try:
        return path_of(made).open("rb")
    except FileNotFoundError:
        raise ExportNotFound(GONE) from None
