"""A web server of the tree: granian, whose main process only watches its worker."""

from __future__ import annotations

import logging
import multiprocessing
import os
from typing import Any

import django
from django.conf import settings
from django.urls import get_resolver
from django.utils.module_loading import import_string
from granian import Granian
from granian.constants import HTTPModes, Interfaces, RuntimeModes
from granian.http import HTTP1Settings
from granian.log import LogLevels

from matinee.core.processes import call_it, end_with_parent
from matinee.operations.exchanges import bring_exchanges
from matinee.operations.memory import keep_memory

WORKER = "web worker"
BACKLOG = 1024
CONNECTIONS = 1024
"""Open connections a worker, idle ones included: small enough for its memory, and too many for a few slow clients."""
HEADERS_WITHIN_MS = 10_000
LARGEST_HEADERS = 32_768
KILL_AFTER_SECONDS = 5
THREADS_BESIDE = 30
"""Threads of a worker beside those that answer, started only where they are needed: more than may wait for bodies and
for other machines (`api.arriving_bodies`, `api.turns`), so that one is always there to bring the next request. No more
than that, since granian hands requests to all that it has in turn, each of them cold."""
TURNS = "matinee.wsgi.turns"


def serve(*, host: str, port: int, workers: int, runtime: RuntimeModes = RuntimeModes.auto) -> None:
    """Serve the application of the settings until SIGTERM, with `workers` processes, each on a socket of its own.

    `runtime`: on which threads a worker reads and writes; `python -m benchmarks.http.settings` measures them.
    """
    logging.getLogger("_granian").addFilter(
        lambda record: "Python threads" not in record.getMessage()
    )  # it is meant so
    server = Granian(
        TURNS,
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        workers=workers,
        runtime_mode=runtime,
        blocking_threads=THREADS_BESIDE + settings.REQUESTS_AT_ONCE,
        backlog=BACKLOG,
        backpressure=CONNECTIONS,
        http1_settings=HTTP1Settings(header_read_timeout=HEADERS_WITHIN_MS, max_buffer_size=LARGEST_HEADERS),
        respawn_failed_workers=True,
        workers_kill_timeout=KILL_AFTER_SECONDS,
        log_level=LogLevels.warning,
    )
    name = multiprocessing.current_process().name
    server.on_startup(lambda: call_it(name))  # it calls itself otherwise where setproctitle is installed
    server.serve(target_loader=_application, wrap_loader=False)


def read_application() -> None:
    """Have all that answers take in this process, so that its copies need not read it."""
    import_string(TURNS)
    get_resolver().url_patterns  # noqa: B018 - they are read when they are first asked for


def _application() -> Any:
    """In a worker, whose parent is the server that started it. Where that has the application already, it is there at
    once."""
    end_with_parent(os.getppid())
    call_it(WORKER)
    keep_memory()
    django.setup()  # where it is no copy
    from matinee.operations.reporting import begin  # noqa: PLC0415 - it needs Django set up

    begin()
    bring_exchanges()
    return import_string(TURNS)
