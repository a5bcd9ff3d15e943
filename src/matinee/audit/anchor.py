"""The newest root that this machine has sealed, kept outside the database: a trail whose end was cut off is whole in
itself, and only something kept elsewhere tells. Every root is logged, too."""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
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
    """Put it in place at once: whoever reads sees the old one or the new."""
    fresh = _path().with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
        json.dump([segment.number, segment.root], file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(_path())
    logger.info("Audit segment %d is sealed: %d events, root %s", segment.number, segment.size, segment.root)


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


def _path() -> Path:
    path: Path = settings.DATA_DIR / "audit-anchor"
    return path
