"""The newest root that this machine has sealed, kept outside the database: a trail whose end was cut off is whole in
itself, and only something kept elsewhere tells. Every root is logged, too."""

from __future__ import annotations

import datetime as dt
import fcntl
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.db import transaction

from matinee.audit.actions import Action
from matinee.audit.models import Segment
from matinee.audit.trail import record

logger = logging.getLogger(__name__)


class Anchor(NamedTuple):
    number: int
    root: str


def write(segment: Segment) -> None:
    """Put it in place at once: whoever reads sees the old one or the new.

    It takes the place of an older one alone, and of none that the trail does not hold: whoever cut off its end would
    have to wait for the next segment, and nothing would tell.
    """
    logger.info("Audit segment %d is sealed: %d events, root %s", segment.number, segment.size, segment.root)
    with _one_at_a_time():
        try:
            old = _held()
        except ValueError as error:
            logger.error("The audit trail's anchor stays as it is: %s", error)  # noqa: TRY400 - no trace needed
            return
        if old is None or old.number < segment.number:
            _put(Anchor(segment.number, segment.root))


def _held() -> Anchor | None:
    """What stands there, if the trail holds it. Raises ValueError where it does not, or the file is damaged."""
    old = read()
    if old is not None and not Segment.objects.filter(**old._asdict()).exists():
        raise ValueError(
            f"The trail does not hold segment {old.number} with root {old.root}, which this machine has sealed; see "
            "`matinee audit verify`."
        )
    return old


def _put(anchor: Anchor) -> None:
    fresh = _path().with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
        json.dump(anchor, file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(_path())


def read() -> Anchor | None:
    """None where this machine has sealed nothing. Raises ValueError where the file is damaged."""
    try:
        number, root = json.loads(_path().read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, TypeError) as error:
        raise ValueError(f"{_path()} can't be read: {error}") from None
    return Anchor(int(number), str(root))


def accept_restore(*, now: dt.datetime) -> None:
    """Take the trail of a restored backup, which is older than what was sealed since, as it is; an event says so."""
    with transaction.atomic():
        changes = {"segments": Segment.objects.count()}
        record(Action.RESTORE_ACCEPTED, actor=None, subject=None, changes=changes, now=now)
    _path().unlink(missing_ok=True)


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Of all processes of this machine; a killed one leaves no lock behind."""
    with _path().with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _path() -> Path:
    path: Path = settings.DATA_DIR / "audit-anchor"
    return path
