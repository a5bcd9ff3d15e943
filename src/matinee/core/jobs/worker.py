"""The process that runs jobs, one at a time, and queues the periodic ones of its queues.

Training has a queue and so a process of its own: a fit computes for minutes, holds Python's lock for seconds and
takes memory that only a process gives back, and the catalogue's refresh must not wait for it.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import secrets
import signal
import socket
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

from django.db import Error as AnyDatabaseError
from django.db import close_old_connections, connections
from django.utils import timezone
from prometheus_client import Counter

from matinee.core import tracing
from matinee.core.database import is_unusable
from matinee.core.jobs import queue, schedule
from matinee.core.jobs.models import JobLease
from matinee.core.jobs.queue import LeaseLost, Patience
from matinee.core.jobs.resting import Rest

logger = logging.getLogger(__name__)

ENDED = Counter("matinee_jobs_ended", "Tries of jobs, by task and how they ended.", ["task", "outcome"])
IDLE_SECONDS = 0.5
AWAY_TOLD_EVERY_SECONDS = 60.0
"""It is tried again with every round, twice a second."""
GRACE_SECONDS = 7.0  # within the ten that container runtimes allow by default
SIGNALS = (signal.SIGTERM, signal.SIGINT)


class OutOfTime(BaseException):
    """The worker must end now: unwinds the running job, which then goes back to the queue."""


class Heartbeat:
    """Renews a lease from a thread of its own, on its own database connection, while the job runs."""

    def __init__(self, lease: JobLease, patience: Patience) -> None:
        self._lease = lease
        self._patience = patience
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    def _beat(self) -> None:
        try:
            while not self._done.wait(self._patience.beat.total_seconds()):
                try:
                    if not queue.renew(self._lease, patience=self._patience, now=timezone.now()):
                        logger.warning("Job %s was taken from this worker", self._lease.job.task_path)
                        return
                except AnyDatabaseError:
                    logger.warning("The lease of %s can't be renewed just now", self._lease.job.task_path)
                    connections.close_all()
        finally:
            connections.close_all()


class Worker:
    """Runs the jobs of `queues` until it is told to stop."""

    def __init__(
        self, *, queues: Collection[str], patience: Patience | None = None, grace_seconds: float = GRACE_SECONDS
    ) -> None:
        self.worker_id = f"{socket.gethostname()[:40]}-{os.getpid()}-{secrets.token_hex(4)}"
        self._queues = queues
        self._patience = patience or Patience()
        self._grace_seconds = grace_seconds
        self._stopping = False
        self._in_job = False
        self._told_away_at: float | None = None
        self._rest = Rest()

    def run(self) -> None:
        """Work until SIGTERM or SIGINT. A running job then has the grace time to end and goes back to the queue
        after that; a second signal ends the process at once.
        """
        logger.info("Job worker %s serves %s", self.worker_id, ", ".join(self._queues))
        with self._signals():
            while not self._stopping:
                if not self._step():
                    time.sleep(IDLE_SECONDS)
        logger.info("Job worker %s has stopped", self.worker_id)

    def run_one(self, *, now: dt.datetime) -> bool:
        """Queue what is due, take back what was lost, and run one job; False where there was none to run."""
        queues = schedule.with_parts(self._queues)
        mine = [p for p in schedule.registered() if p.task.queue_name in queues]
        schedule.enqueue_due(mine, now=now)
        queue.reclaim_expired(patience=self._patience, now=now)
        lease = queue.claim(queues=queues, worker_id=self.worker_id, patience=self._patience, now=now)
        if lease is None:
            return False
        self._run(lease)
        return True

    def _step(self) -> bool:
        """One round that outlives a database that is away or busy."""
        close_old_connections()
        try:
            found = not self._rest.spares_a_look() and self.run_one(now=timezone.now())
            if found:
                self._rest.end()
        except AnyDatabaseError as error:
            self._tell_away(error)
            connections.close_all()
            return False
        self._told_away_at = None
        return found

    def _tell_away(self, error: AnyDatabaseError) -> None:
        now = time.monotonic()
        if self._told_away_at is None or now - self._told_away_at >= AWAY_TOLD_EVERY_SECONDS:
            self._told_away_at = now
            logger.error("The job queue can't be reached; trying again: %s", error, exc_info=not is_unusable(error))

    def _run(self, lease: JobLease) -> None:
        try:
            with Heartbeat(lease, self._patience):
                self._attempt(lease)
        except LeaseLost:
            logger.warning("Job %s ended after it was taken from this worker", lease.job.task_path)

    def _attempt(self, lease: JobLease) -> None:
        if not tracing.is_on():
            self._try(lease)
            return
        with tracing.span(is_request=False) as span:
            outcome = self._try(lease)
            span.end(lease.job.task_path, {"matinee.job.attempt": lease.attempt}, failed=outcome == "failed")

    def _try(self, lease: JobLease) -> str:
        """How it ended. Raises LeaseLost."""
        try:
            queue.succeed(lease, self._call(lease), now=timezone.now())
            outcome = "succeeded"
        except OutOfTime:
            queue.hand_back(lease, now=timezone.now())
            logger.warning("Job %s goes back to the queue: this worker stops", lease.job.task_path)
            return "handed back"
        except LeaseLost:
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a job may raise anything; all of it is recorded
            queue.fail(lease, error, patience=self._patience, now=timezone.now())
            outcome = "failed"
        ENDED.labels(lease.job.task_path, outcome).inc()
        return outcome

    def _call(self, lease: JobLease) -> Any:
        task, arguments = lease.job.task, lease.job.args_kwargs
        self._in_job = True
        try:
            return task.call(*arguments["args"], **arguments["kwargs"])
        finally:
            self._in_job = False

    @contextmanager
    def _signals(self) -> Iterator[None]:
        before = {number: signal.signal(number, self._stop) for number in SIGNALS}
        before[signal.SIGALRM] = signal.signal(signal.SIGALRM, self._give_up)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        if self._stopping:
            os._exit(128 + number)
        self._stopping = True
        signal.setitimer(signal.ITIMER_REAL, self._grace_seconds)

    def _give_up(self, _number: int, _frame: FrameType | None) -> None:
        if self._in_job:
            raise OutOfTime
