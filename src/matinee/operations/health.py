"""/livez says that this process answers; /readyz names what is there and what is missing."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from http import HTTPStatus

from django.conf import settings
from django.db import Error as AnyDatabaseError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from matinee.core.artifacts import ArtifactStore
from matinee.core.jobs import queue
from matinee.recommendations.pool import newest_model
from matinee.search.index import search_index

RETRY_AFTER_SECONDS = 5
QUEUE_IS_BEHIND_AFTER = dt.timedelta(minutes=10)
LOOPBACK = frozenset({"127.0.0.1", "::1"})


@dataclass(frozen=True)
class Check:
    """One thing the service stands on; without a `needed` one it can't serve at all."""

    name: str
    ok: bool
    needed: bool
    detail: str


@never_cache
@require_safe
def livez(_request: HttpRequest) -> HttpResponse:
    return JsonResponse({"status": "alive"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 while all that is needed is there, else a 503 problem; both name each check."""
    checks = run_checks(now=timezone.now())
    told = {check.name: _told(check, in_detail=_may_see_detail(request)) for check in checks}
    missing = [check.name for check in checks if check.needed and not check.ok]
    if not missing:
        return JsonResponse({"status": "ready", "checks": told})
    problem = {
        "type": "urn:matinee:problem:not_ready",
        "title": "Service Unavailable",
        "status": HTTPStatus.SERVICE_UNAVAILABLE,
        "detail": f"The service can't do without: {', '.join(missing)}.",
        "code": "not_ready",
        "errors": [],
        "checks": told,
    }
    answer = JsonResponse(problem, status=HTTPStatus.SERVICE_UNAVAILABLE, content_type="application/problem+json")
    answer["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return answer


def run_checks(*, now: dt.datetime) -> list[Check]:
    """All checks at `now`; what needs the database is left out while that is away."""
    artifacts = [_catalogue(), _model(), _search()]
    try:
        return [_database(), _migrations(), *artifacts, _queue(now=now)]
    except AnyDatabaseError:
        connection.close()
        return [Check("database", ok=False, needed=True, detail="It does not answer."), *artifacts]


def _database() -> Check:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return Check("database", ok=True, needed=True, detail=connection.display_name)


_migrated: set[str] = set()
"""The databases whose migrations were seen applied: they stay so, and looking reads every migration there is."""


def _migrations() -> Check:
    name = str(connection.settings_dict["NAME"])
    if name not in _migrated:
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if waiting:
            return Check("migrations", ok=False, needed=True, detail=f"{len(waiting)} wait for `matinee migrate`.")
        _migrated.add(name)
    return Check("migrations", ok=True, needed=True, detail="All are applied.")


def _catalogue() -> Check:
    version = ArtifactStore(settings.ARTIFACTS_DIR, "catalogue").current_version()
    return Check("catalogue", ok=version is not None, needed=False, detail=version or "None is published yet.")


def _model() -> Check:
    published = newest_model()  # as this process serves it: a damaged one is not in service
    version = published.version if published is not None else None
    return Check("model", ok=version is not None, needed=False, detail=version or "None is in service.")


def _search() -> Check:
    index = search_index()  # as this process reads it: a damaged one does not answer
    version = index.version if index is not None else None
    missing = "No index is in service: the database finds titles by their beginning."
    return Check("search", ok=version is not None, needed=False, detail=version or missing)


def _queue(*, now: dt.datetime) -> Check:
    since = queue.waiting_since(queues=settings.TASKS["default"]["QUEUES"], now=now)
    waiting = dt.timedelta(0) if since is None else max(now - since, dt.timedelta(0))
    detail = "No job waits." if since is None else f"The oldest job waits for {waiting.total_seconds():.0f} s."
    return Check("queue", ok=waiting < QUEUE_IS_BEHIND_AFTER, needed=False, detail=detail)


def _told(check: Check, *, in_detail: bool) -> dict[str, object]:
    told: dict[str, object] = {"ok": check.ok, "needed": check.needed}
    return told | {"detail": check.detail} if in_detail else told


def _may_see_detail(request: HttpRequest) -> bool:
    """In production only who asks on this very machine, and not through a proxy on it."""
    on_this_machine = request.META.get("REMOTE_ADDR") in LOOPBACK and "X-Forwarded-For" not in request.headers
    return on_this_machine or settings.MODE != "production"
