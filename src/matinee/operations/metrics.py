"""/metrics: what all processes of this machine have counted, and how things stand at this moment, for Prometheus."""

from __future__ import annotations

import datetime as dt
import math
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from django.conf import settings
from django.db import Error as AnyDatabaseError
from django.db import connection
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Gauge, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from matinee import __version__
from matinee.catalog.columns import columns
from matinee.catalog.models import MovieChange
from matinee.core.artifacts import ArtifactStore, stored_kinds
from matinee.core.jobs import queue
from matinee.core.jobs.schedule import with_parts
from matinee.core.processes import SHARED_FOLDER
from matinee.operations import courier
from matinee.operations.access import may_see_inside
from matinee.operations.layouts import PROJECTIONS
from matinee.recommendations.pool import newest_model
from matinee.tmdb.status import Status, read_status

STARTED = Gauge("matinee_process_started_seconds", "When a process began, since 1970.", multiprocess_mode="liveall")
Sample = tuple[tuple[str, ...], float]


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """In Prometheus' text format."""
    if not may_see_inside(request):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    _forget_ended_processes()
    counted, state = REGISTRY, CollectorRegistry()
    if SHARED_FOLDER in os.environ:
        counted = CollectorRegistry()
        counted.register(CountedByAll())
    state.register(StateCollector())
    return HttpResponse(generate_latest(counted) + generate_latest(state), content_type=CONTENT_TYPE_LATEST)


class CountedByAll(Collector):
    """What the processes of this tree have counted, those that are gone included.

    One that is killed as it makes its file leaves an empty one, on which prometheus-client's own collector fails.
    """

    def collect(self) -> Iterator[Metric]:
        files = [str(file) for file in Path(os.environ[SHARED_FOLDER]).glob("*.db") if _is_begun(file)]
        yield from MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call] # prometheus-client leaves it untyped


class StateCollector(Collector):
    """What nobody counts on the way, since it can be looked up when it is asked for."""

    def collect(self) -> Iterator[Metric]:
        now = timezone.now()
        about = {"version": __version__, "mode": settings.MODE, "database": connection.vendor}
        yield InfoMetricFamily("matinee", "What runs here.", value=about)
        yield _gauge("artifact_age_seconds", "Since each kind was published last.", ["kind"], _ages(now))
        yield _gauge("model_quality", "Of the model in service, on people held out.", ["metric"], _quality())
        processes = [*_processes()]
        memory, files = [((pid,), n) for pid, n, _ in processes], [((pid,), n) for pid, _, n in processes]
        yield _gauge("process_resident_bytes", "Memory that a process holds.", ["pid"], memory)
        yield _gauge("process_open_files", "Files and sockets that a process has open.", ["pid"], files)
        yield _gauge("depot_up", "1 while the depot answers this node.", [], _depot())
        free = float(shutil.disk_usage(settings.DATA_DIR).free)
        yield _gauge("disk_free_bytes", "Where the data directory is.", [], [((), free)])
        try:
            found = [*_of_the_database(now)]
        except AnyDatabaseError:
            connection.close()
            found = []
        yield _gauge("database_up", "1 while the database answers.", [], [((), float(bool(found)))])
        yield from found


def _of_the_database(now: dt.datetime) -> Iterator[Metric]:
    since = {name: queue.waiting_since(queues=with_parts([name]), now=now) for name in settings.QUEUES}
    ages = [((name,), (now - at).total_seconds() if at else 0.0) for name, at in since.items()]
    yield _gauge("queue_age_seconds", "How long the oldest job of each queue waits.", ["queue"], ages)
    jobs = {"waiting": queue.ready(queues=with_parts(settings.QUEUES), now=now), "parked": queue.parked()}
    counts = [((state,), float(found.count())) for state, found in jobs.items()]
    yield _gauge("jobs", "Jobs that wait to be run, and those that failed every time.", ["state"], counts)
    ours = MovieChange.objects.filter(consumer__in=PROJECTIONS).order_by()
    pending = dict(ours.values_list("consumer").annotate(Count("id")))
    changes = [((consumer,), float(pending.get(consumer, 0))) for consumer in PROJECTIONS]
    yield _gauge("outbox_pending", "Changes of films that a projection has not taken in.", ["consumer"], changes)
    yield _gauge("films", "Films in the catalogue's columns.", [], [((), float(columns().size))])
    mirror = read_status(now=now)
    yield from _of_the_mirror(mirror) if mirror.configured else ()


def _of_the_mirror(mirror: Status) -> Iterator[Metric]:
    lag = math.inf if mirror.lag is None else mirror.lag.total_seconds()
    yield _gauge("tmdb_lag_seconds", "Since the last day ended whose changes at TMDb are known.", [], [((), lag)])
    ages = [] if mirror.success_age is None else [((), mirror.success_age.total_seconds())]
    yield _gauge("tmdb_success_age_seconds", "Since a run left nothing to ask TMDb for.", [], ages)
    films = {"wanted": mirror.left, "quarantined": mirror.quarantined}
    told = [((state,), float(number)) for state, number in films.items()]
    yield _gauge(
        "tmdb_films", "Films that TMDb is to be asked for, and those whose answer did not fit.", ["state"], told
    )
    yield _gauge("tmdb_running", "1 while the mirror works.", [], [((), float(mirror.running is not None))])
    rests = float(mirror.resting_until is not None)
    yield _gauge("tmdb_resting", "1 while TMDb has failed and is not asked.", [], [((), rests)])


def _ages(now: dt.datetime) -> Iterator[Sample]:
    for kind in stored_kinds(settings.ARTIFACTS_DIR):
        yield (kind,), now.timestamp() - ArtifactStore(settings.ARTIFACTS_DIR, kind).published_at()


def _quality() -> Iterator[Sample]:
    model = newest_model()
    figures = model.notes.get("held_out", {}) if model is not None else {}
    for metric in ("NDCG@100", "Recall@20"):
        if metric in figures:
            yield (metric,), float(figures[metric])


def _depot() -> Iterator[Sample]:
    """Nothing where there is none."""
    if settings.DEPOT_URL:
        found = courier.word()
        yield (), float(found is not None and not found.is_late and found.away is None)


def _processes() -> Iterator[tuple[str, int, int]]:
    """Pid, bytes in memory and open files of each process that counts here, as far as the system tells."""
    for pid in _counting():
        proc = Path(f"/proc/{pid}")
        try:
            pages = int((proc / "statm").read_text().split()[1])
            yield str(pid), pages * os.sysconf("SC_PAGE_SIZE"), sum(1 for _ in (proc / "fd").iterdir())
        except OSError:
            continue  # it has just ended, or this is no Linux


def _counting() -> set[int]:
    """The processes that count, by the names of their files."""
    folder = os.environ.get(SHARED_FOLDER)
    if folder is None:
        return {os.getpid()}
    return {int(file.stem.rpartition("_")[2]) for file in Path(folder).glob("gauge_liveall_*.db")}


def _is_begun(file: Path) -> bool:
    try:
        return file.stat().st_size > 0
    except FileNotFoundError:
        return False  # another worker has just found that its process is gone


def _forget_ended_processes() -> None:
    """Drop what is told of processes that are gone; what they counted stays."""
    for pid in _counting():
        if not Path(f"/proc/{pid}").exists():
            mark_process_dead(pid)  # type: ignore[no-untyped-call] # prometheus-client leaves it untyped


def _gauge(name: str, told: str, labels: Sequence[str], samples: Iterable[Sample]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"matinee_{name}", told, labels=labels)
    for values, value in samples:
        family.add_metric(values, value)
    return family
