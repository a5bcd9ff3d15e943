"""What `matinee serve` does: bring the data up to date, then run web server and job workers as one tree."""

from __future__ import annotations

import errno
import http.client
import os
import socket
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from django.conf import settings
from django.core.management import call_command
from django.db import connection

from matinee.accounts.erasure import erase_again
from matinee.catalog.publication import publish_what_is_stale
from matinee.core.counters import begin_anew
from matinee.core.draining import begin_draining
from matinee.core.jobs.schedule import registered
from matinee.core.processes import SHARED_FOLDER
from matinee.operations.courier import look_before_serving
from matinee.operations.memory import KEEP_MEMORY
from matinee.operations.supervisor import Child, Supervisor

MOST_WORKERS = 4
"""By default; a worker takes some 100 MB, and two already answer more than one household asks."""


class PortTaken(Exception):
    """Nothing can be served at this address; the message says why."""


def default_workers() -> int:
    return min(len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1, MOST_WORKERS)


def refuse_taken_port(host: str, port: int) -> None:
    """Raises PortTaken. Asked first, since granian's workers would share the port with a server that has it."""
    try:
        socket.create_server((host, port), family=_family(host)).close()
    except OSError as error:
        reason = "another program has it" if error.errno == errno.EADDRINUSE else (error.strerror or str(error))
        raise PortTaken(f"Port {port} at {host} can't be used: {reason}. Choose another one with --port.") from error


def bring_up_to_date() -> None:
    """Apply the migrations, let nobody back who was erased, fetch what other nodes published, and publish
    the catalogue's columns and cards where needed."""
    begin_anew(settings.LIMITS_FILE)
    call_command("migrate", interactive=False, verbosity=0)
    erase_again()
    connection.close()
    look_before_serving()
    publish_what_is_stale()


def job_workers(queues: Sequence[str]) -> list[Child]:
    """One process for each queue."""
    command = [*_python("matinee.cli"), "worker", "--no-courier", "--queue"]
    return [Child(f"job worker ({queue})", [*command, queue]) for queue in queues]


def couriers() -> list[Child]:
    """One for this node, where it shares a depot with others."""
    command = [*_python("matinee.cli"), "courier"]
    return [Child("courier", command, is_vital=False)] if settings.DEPOT_URL else []


def serve(
    *,
    host: str,
    port: int,
    workers: int,
    queues: Sequence[str],
    announce: Callable[[], None],
    environment: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Run the whole tree until a signal: web workers, and a job worker for each of `queues`.

    `announce` is called once it answers. Raises supervisor.CannotStart.
    """
    command = [*_python("matinee.operations.web"), host, str(port), str(workers)]
    connection.close()
    with tempfile.TemporaryDirectory(prefix="matinee-metrics-") as folder:
        # This tree's alone, whatever it was before: containers that share a data directory share pids, too.
        os.environ[SHARED_FOLDER] = folder
        web = Child("web server", command, {**KEEP_MEMORY, **environment})
        children = [web, *job_workers(queues), *couriers()]
        Supervisor(
            children,
            is_up=lambda: answers(host, port),
            announce=announce,
            drain=lambda: begin_draining(Path(folder)),
            drain_seconds=settings.DRAIN_SECONDS,
        ).run()


def queues() -> list[str]:
    """Those that anything is scheduled in; without TMDb the mirror's is none of them, and needs no process."""
    in_use = {periodic.task.queue_name for periodic in registered()}
    return [queue for queue in settings.TASKS["default"]["QUEUES"] if queue in in_use]


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


def _python(module: str) -> list[str]:
    """A module of ours in a process that ends with the supervisor, whose pid is added when it starts."""
    return [sys.executable, "-P", "-m", "matinee.core.processes", module]


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
