"""Erasing a person (GDPR, article 17), for good: a backup from before gives nobody back.

What is left is the audit trail, under a key that says whose it was to nobody. The same key is on the list of those who
were erased, in the database and in a file beside it, since a restored database knows only those of its own day.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import stamina
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session as AdminSession
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections, transaction

from matinee.accounts import erasure_tasks
from matinee.accounts.models import Erasure, Letter, User
from matinee.accounts.privacy import Erased, erasers, owned
from matinee.accounts.recovery import confirmed
from matinee.audit.actions import Action
from matinee.audit.trail import record

LINE = 3  # key, instant, and the word that ends it
TRIES = 5
"""Who rates a film in that very moment holds its row and waits for the version of their state; the erasure may hold
that and wait for the row. PostgreSQL ends one of the two."""
DEADLOCK = "40P01"
"""PostgreSQL's name for it."""


def erase_account(*, user: User, session_id: int, password: str, now: dt.datetime) -> None:
    """Erase the account of who asks. Raises WrongPassword."""
    person = confirmed(user, session_id, password, "password", now)
    erase(person, by=person.audit_key, now=now)


def erase(person: User, *, by: str | None, now: dt.datetime) -> None:
    """Erase somebody; `by` is the audit key of who does it."""
    erased = Erased(person.pk, person.audit_key)
    for attempt in stamina.retry_context(on=_is_deadlock, attempts=TRIES, wait_initial=0.05, wait_jitter=0.05):
        with attempt, _overwriting(DEFAULT_DB_ALIAS), transaction.atomic():
            Erasure.objects.create(audit_key=erased.audit_key, erased_at=now)
            record(Action.ACCOUNT_ERASED, actor=by, subject=erased.audit_key, now=now)
            _delete_rows(person)
            erasure_tasks.empty_write_ahead_log.enqueue()
            transaction.on_commit(lambda: _finish(erased, now))


def _is_deadlock(error: Exception) -> bool:
    return isinstance(error, OperationalError) and getattr(error.__cause__, "sqlstate", None) == DEADLOCK


def _finish(erased: Erased, now: dt.datetime) -> None:
    _remember({erased.audit_key: now})
    for eraser in erasers():
        eraser(erased)


def erase_again(*, using: str = DEFAULT_DB_ALIAS, listed_elsewhere: str = "") -> int:
    """Erase whoever was erased before and is there: the database is an older one; returns how many.

    The list in the database and the one in the file become the same: each machine has a file, and either may be older.
    `listed_elsewhere` is a text of `list_with`.
    """
    listed = _parsed(list_with(listed_elsewhere))
    known = _known_to(using)
    with _overwriting(using), transaction.atomic(using=using):
        missing = [Erasure(audit_key=key, erased_at=at) for key, at in listed.items() if key not in known]
        Erasure.objects.using(using).bulk_create(missing)
        back = list(User.objects.using(using).filter(audit_key__in=listed))
        for person in back:
            _delete_rows(person)
        if back and using == DEFAULT_DB_ALIAS:  # a database that is not in service yet has no worker
            erasure_tasks.empty_write_ahead_log.enqueue()
    _remember(listed | known)
    return len(back)


def list_with(listed_elsewhere: str) -> str:
    """The list as this instance has it, with those of another text of this kind."""
    erased = _parsed(listed_elsewhere) | _listed() | _known_to(DEFAULT_DB_ALIAS)
    return "".join(_lines(erased))


def _known_to(alias: str) -> dict[str, dt.datetime]:
    """The list in a database; the live one may have no tables yet when a backup comes to its place."""
    if Erasure._meta.db_table not in connections[alias].introspection.table_names():  # noqa: SLF001 - Django's name
        return {}
    return dict(Erasure.objects.using(alias).values_list("audit_key", "erased_at"))


def _delete_rows(person: User) -> None:
    """The account and all rows from which a path leads to it, whatever Django would do with them."""
    using = person._state.db  # noqa: SLF001 - Django's name for where a row comes from
    for model, path in owned():
        model._base_manager.using(using).filter(**{path: person.pk}).delete()  # noqa: SLF001 - Django's public name for it
    Letter.objects.using(using).filter(email_key=person.email_key).delete()  # some are of nobody's account
    about = ContentType.objects.db_manager(using).get_for_model(User)
    LogEntry.objects.using(using).filter(content_type=about, object_id=str(person.pk)).delete()
    if person.is_staff:
        for session in AdminSession.objects.using(using).iterator():
            if session.get_decoded().get("_auth_user_id") == str(person.pk):
                session.delete()
    User.objects.using(using).filter(pk=person.pk).delete()


@contextmanager
def _overwriting(alias: str) -> Iterator[None]:
    """On SQLite what is deleted is overwritten with zeros, where it would else stay in the file until it is reused."""
    if connections[alias].vendor != "sqlite":
        yield
        return
    with connections[alias].cursor() as cursor:
        cursor.execute("PRAGMA secure_delete = ON")
    try:
        yield
    finally:
        with connections[alias].cursor() as cursor:
            cursor.execute("PRAGMA secure_delete = OFF")


def _listed() -> dict[str, dt.datetime]:
    try:
        return _parsed(_file().read_text(encoding="ascii"))
    except FileNotFoundError:
        return {}


def _parsed(text: str) -> dict[str, dt.datetime]:
    whole = (line.split() for line in text.splitlines())  # a crash may have cut the last one short
    return {parts[0]: dt.datetime.fromisoformat(parts[1]) for parts in whole if len(parts) == LINE}


def _remember(erased: dict[str, dt.datetime]) -> None:
    """Add to the file those that it lacks."""
    there = _listed()
    lines = _lines({key: at for key, at in erased.items() if key not in there})
    with os.fdopen(os.open(_file(), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w", encoding="ascii") as file:
        file.write("".join(["\n", *lines]) if lines else "")
        file.flush()
        os.fsync(file.fileno())


def _lines(erased: dict[str, dt.datetime]) -> list[str]:
    return [f"{key} {at.isoformat()} erased\n" for key, at in erased.items()]


def _file() -> Path:
    path: Path = settings.DATA_DIR / "erased"
    return path
