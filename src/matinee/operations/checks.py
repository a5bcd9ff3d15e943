"""What the service stands on, one check each: /readyz asks a few of them with every probe, `matinee doctor` all."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from django.conf import settings
from django.db import Error as AnyDatabaseError
from django.db import connection

from matinee.catalog import columns
from matinee.core.artifacts import ArtifactStore
from matinee.core.database import waiting_migrations
from matinee.core.jobs import queue
from matinee.core.jobs.schedule import with_parts
from matinee.operations import courier
from matinee.recommendations.pool import newest_model
from matinee.search.index import search_index

QUEUE_IS_BEHIND_AFTER = dt.timedelta(minutes=10)
A_WORKER_PUBLISHES = "A job worker publishes it within seconds: `matinee serve` or `matinee worker` must be running."

State: TypeAlias = Literal["ok", "warning", "problem"]


@dataclass(frozen=True)
class Check:
    """One thing the service stands on; without a `needed` one it can't serve, or should not."""

    name: str
    ok: bool
    needed: bool
    detail: str
    advice: str = ""
    """What to do where it is not ok."""

    @property
    def state(self) -> State:
        if self.ok:
            return "ok"
        return "problem" if self.needed else "warning"


def quick_checks(*, now: dt.datetime) -> list[Check]:
    """What costs two small queries once the migrations were seen applied; what needs the database is left out while
    that is away, and what needs its tables until they are there."""
    artifacts = [_catalogue(), _model(), _search(), *([_depot()] if settings.DEPOT_URL else [])]
    try:
        base = [_database()]
        if base[0].ok:
            base.append(_migrations())
        return [*base, *artifacts, *([_queue(now=now)] if all(check.ok for check in base) else [])]
    except AnyDatabaseError as error:
        connection.close()
        detail, advice = _away(error)
        return [Check("database", ok=False, needed=True, detail=detail, advice=advice), *artifacts]


def _database() -> Check:
    """SQLite would make the file that it does not find."""
    if settings.EMBEDDED_DATABASE and not Path(path := connection.settings_dict["NAME"]).exists():
        advice = "`matinee serve` makes it; where there was one, `matinee restore` the newest backup."
        return Check("database", ok=False, needed=True, detail=f"There is no {path}.", advice=advice)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return Check("database", ok=True, needed=True, detail=connection.display_name)


def _away(error: AnyDatabaseError) -> tuple[str, str]:
    """What is wrong, and what to do."""
    if not settings.EMBEDDED_DATABASE:
        return "It does not answer.", "Start it, and see that MATINEE_DATABASE_URL names it."
    path = connection.settings_dict["NAME"]
    advice = (
        f"See that {path} is this user's, and that its disk is well. If the file is damaged, stop all that runs, move "
        "it and those beside it that end in -wal and -shm away, and `matinee restore` the newest backup."
    )
    return f"It can't be read ({error}).", advice


_migrated: set[str] = set()
"""The databases whose migrations were seen applied: they stay so, and looking reads every migration there is."""


def _migrations() -> Check:
    name = str(connection.settings_dict["NAME"])
    if name not in _migrated:
        if waiting := waiting_migrations():
            detail, advice = (
                f"{waiting} wait for `matinee migrate`.",
                "Run `matinee migrate`; `serve` does it, too.",
            )
            return Check("migrations", ok=False, needed=True, detail=detail, advice=advice)
        _migrated.add(name)
    return Check("migrations", ok=True, needed=True, detail="All are applied.")


def _catalogue() -> Check:
    version = ArtifactStore(settings.ARTIFACTS_DIR, columns.KIND).current_version()
    return _in_service("catalogue", version, "None is published yet.", A_WORKER_PUBLISHES)


def _model() -> Check:
    published = newest_model()  # as this process serves it: a damaged one is not in service
    advice = "`matinee train` makes one; until then popular films are recommended."
    return _in_service("model", published.version if published else None, "None is in service.", advice)


def _search() -> Check:
    index = search_index()  # as this process reads it: a damaged one does not answer
    missing = "No index is in service: the database finds titles by their beginning."
    return _in_service("search", index.version if index else None, missing, A_WORKER_PUBLISHES)


def _depot() -> Check:
    """As the courier of this node found it; what is in service here serves on whatever it is."""
    found = courier.word()
    advice = "See that MATINEE_DEPOT_URL is right and answers. Until then this node serves what it has."
    if found is None or found.is_late:
        detail, advice = "No courier has looked lately.", "`matinee serve` or `matinee worker` must be running here."
    elif found.away is not None:
        detail = found.away
    elif found.refused:
        detail = "Refused and left out: " + " ".join(f"{kind}: {why}" for kind, why in sorted(found.refused.items()))
        advice = "The version before serves. The next one that any node publishes replaces it."
    else:
        return Check("depot", ok=True, needed=False, detail="What it holds for this node is in service.")
    return Check("depot", ok=False, needed=False, detail=detail, advice=advice)


def _in_service(name: str, version: str | None, missing: str, advice: str) -> Check:
    return Check(name, ok=version is not None, needed=False, detail=version or missing, advice=advice)


def _queue(*, now: dt.datetime) -> Check:
    since = queue.waiting_since(queues=with_parts(settings.QUEUES), now=now)
    waiting = dt.timedelta(0) if since is None else max(now - since, dt.timedelta(0))
    detail = "No job waits." if since is None else f"The oldest job waits for {waiting.total_seconds():.0f} s."
    advice = "See that a job worker runs, and what its log says."
    return Check("queue", ok=waiting < QUEUE_IS_BEHIND_AFTER, needed=False, detail=detail, advice=advice)
