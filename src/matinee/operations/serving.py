"""What `matinee serve` does: bring the data up to date, then run web server and job workers as one tree."""

from __future__ import annotations

import errno
import gc
import http.client
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection

from matinee.accounts.erasure import erase_again
from matinee.catalog.publication import publish_what_is_stale
from matinee.core import processes
from matinee.core.counters import begin_anew
from matinee.core.database import is_unusable, told
from matinee.core.draining import begin_draining
from matinee.core.durability import takes_no_more
from matinee.core.jobs.schedule import registered, whole_of
from matinee.core.jobs.worker import Worker
from matinee.core.processes import SHARED_FOLDER
from matinee.operations import courier, web
from matinee.operations.reporting import begin
from matinee.operations.supervisor import Child, Supervisor

logger = logging.getLogger(__name__)

MOST_WORKERS = 4
"""By default; a worker takes some 100 MB, and two already answer more than one household asks."""
UNHURRIED = frozenset({"training"})
"""Queues whose jobs take a core for minutes while nobody waits for them."""
NICENESS = 5
"""Of their worker: requests on the same machine go first."""
LAST_PORT = 65_535


class PortTaken(Exception):
    """Nothing can be served at this address; the message says why."""


def default_workers() -> int:
    return min(len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1, MOST_WORKERS)


def free_address(host: str, port: int) -> str:
    """The address that `host` is or names, IPv4 where it names both: granian takes no names. Raises PortTaken where
    the port is not free there. Asked first, since granian's workers would share it with a server that has it."""
    if not 0 < port <= LAST_PORT:
        raise PortTaken(f"There is no port {port}: they go from 1 to {LAST_PORT}. Choose another one with --port.")
    try:
        family, *_, (address, *_) = min(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        socket.create_server((address, port), family=family).close()
    except (OSError, UnicodeError) as error:
        is_taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        reason = "another program has it" if is_taken else (getattr(error, "strerror", None) or str(error))
        raise PortTaken(f"Port {port} at {host} can't be used: {reason}. Choose another one with --port.") from error
    return str(address)


def bring_up_to_date() -> None:
    """Apply the migrations, let nobody back who was erased, fetch what other nodes published, and publish
    the catalogue's columns and cards where needed."""
    begin_anew(settings.LIMITS_FILE)
    call_command("migrate", interactive=False, verbosity=0)
    erase_again()
    connection.close()
    courier.look_before_serving()
    try:
        publish_what_is_stale()
    except OSError as error:
        if not takes_no_more(error):
            raise
        logger.error("Columns and cards are not published, lists are answered from the rows: %s", error)  # noqa: TRY400 - the error is a sentence


def prepare(work: Callable[[], None], *, meanwhile: Callable[[], None] = lambda: None) -> None:
    """Do `work`, which comes before all else, in a process that ends with it. So this one stays what others can be
    copied from: it is small, and has neither threads nor connections. Raises SystemExit where the work fails, which
    says why.
    """
    process = processes.start("start-up", partial(_told, work), in_own_group=False)
    meanwhile()
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is for the other one, which answers it
    process.join()
    signal.signal(signal.SIGINT, before)
    if process.exitcode:
        raise SystemExit(process.exitcode if process.exitcode > 0 else 128 - process.exitcode)
    gc.collect()
    gc.freeze()  # a collection would write to all memory that copies share


def _told(work: Callable[[], None]) -> None:
    try:
        work()
    except CommandError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.returncode)
    except DatabaseError as error:
        if not is_unusable(error):
            raise
        sys.stderr.write(f"{told(error)}\n")
        sys.exit(os.EX_UNAVAILABLE)


def web_servers(*, host: str, port: int, workers: int) -> list[Child]:
    """One for each worker, so that the end of one leaves the others: they share the port, each on its own socket."""
    work = partial(web.serve, host=host, port=port, workers=1)
    return [Child(f"web server {number}", work, answers=True) for number in range(1, workers + 1)]


def job_workers(queues: Sequence[str]) -> list[Child]:
    """One process for each queue."""
    return [Child(f"jobs: {queue}", partial(run_jobs, [queue])) for queue in queues]


def run_jobs(queues: Sequence[str]) -> None:
    """In this process, until a signal."""
    begin()
    if UNHURRIED.issuperset(queues):
        _let_others_first()
    Worker(queues=queues).run()


def _let_others_first() -> None:
    """This process with all of its threads, which on Linux stand each for itself: numpy's are there by now."""
    niceness = os.nice(NICENESS)
    for thread in Path("/proc/self/task").glob("*"):
        with suppress(ProcessLookupError):
            os.setpriority(os.PRIO_PROCESS, int(thread.name), niceness)


def couriers() -> list[Child]:
    """One for this node, where it shares a depot with others."""
    return [Child("courier", _fetch, is_vital=False)] if settings.DEPOT_URL else []


def _fetch() -> None:
    begin()
    courier.run()


def serve(*, host: str, port: int, workers: int, queues: Sequence[str], announce: Callable[[], None]) -> None:
    """Run the whole tree until a signal: web servers, and a job worker for each of `queues`.

    `announce` is called once it answers. Raises supervisor.CannotStart.
    """
    Supervisor(
        [*web_servers(host=host, port=port, workers=workers), *job_workers(queues), *couriers()],
        is_up=lambda: answers(host, port),
        announce=announce,
        drain=lambda: begin_draining(Path(os.environ[SHARED_FOLDER])),
        drain_seconds=settings.DRAIN_SECONDS,
    ).run()


def queues() -> list[str]:
    """The queues that anything is scheduled in. Without TMDb the mirror's is not among them, and needs no process."""
    in_use = {whole_of(periodic.task.queue_name) for periodic in registered()}
    return [queue for queue in settings.QUEUES if queue in in_use]


def answers(host: str, port: int) -> bool:
    """Whether an HTTP server answers there, whatever it says."""
    here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    asking = http.client.HTTPConnection(here, port, timeout=1)
    try:
        asking.request("GET", "/livez", headers={"Host": "localhost"})
        asking.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asking.close()
    return True


def url(host: str, port: int) -> str:
    """The address that a person on this machine types."""
    here = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 - compared, not bound
    return f"http://[{here}]:{port}" if ":" in here else f"http://{here}:{port}"
