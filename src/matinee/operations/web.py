"""The web server of the tree: granian, whose main process only watches its workers and knows no Django."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence

from granian import Granian
from granian.constants import HTTPModes, Interfaces, RuntimeModes
from granian.http import HTTP1Settings
from granian.log import LogLevels

BACKLOG = 1024
CONNECTIONS = 1024
"""Open connections a worker, idle ones included: small enough for its memory, and too many for a few slow clients."""
HEADERS_WITHIN_MS = 10_000
LARGEST_HEADERS = 32_768
KILL_AFTER_SECONDS = 5
THREADS = 36
"""More than bodies on their way may hold with those that wait for them, and started only where they are needed; how
many of them call the application at once is `api.turns`' to say."""


def main(arguments: Sequence[str]) -> None:
    """Serve `matinee.wsgi` at HOST PORT with WORKERS processes."""
    host, port, workers = arguments
    serve(host=host, port=int(port), workers=int(workers))


def serve(*, host: str, port: int, workers: int, runtime: RuntimeModes = RuntimeModes.auto) -> None:
    """`runtime`: on which threads a worker reads and writes; `python -m benchmarks.http.settings` measures them."""
    logging.getLogger("_granian").addFilter(
        lambda record: "Python threads" not in record.getMessage()
    )  # it is meant so
    Granian(
        "matinee.wsgi:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        workers=workers,
        runtime_mode=runtime,
        blocking_threads=THREADS,
        backlog=BACKLOG,
        backpressure=CONNECTIONS,
        http1_settings=HTTP1Settings(header_read_timeout=HEADERS_WITHIN_MS, max_buffer_size=LARGEST_HEADERS),
        respawn_failed_workers=True,
        workers_kill_timeout=KILL_AFTER_SECONDS,
        log_level=LogLevels.warning,
    ).serve()


if __name__ == "__main__":
    main(sys.argv[1:])
