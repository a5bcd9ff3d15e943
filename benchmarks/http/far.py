"""A database behind a network, made up: what it answers comes later, by one way there and back.

A process of its own between the two, which costs some CPU on the same cores for each statement.
"""

from __future__ import annotations

import asyncio
import selectors
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.http.client import HOST
from benchmarks.venvs import BENCHMARKS

PIECE = 65_536


@contextmanager
def relay(socket_path: str, *, milliseconds: float) -> Iterator[int]:
    """The port at which whoever listens at a socket is so far away."""
    command = [sys.executable, "-m", "benchmarks.http.far", socket_path, str(milliseconds / 1_000)]
    with subprocess.Popen(command, cwd=BENCHMARKS.parent, stdout=subprocess.PIPE) as process:
        assert process.stdout
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


async def _listen(socket_path: str, delay: float) -> None:
    async def connected(client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        server, to_server = await asyncio.open_unix_connection(socket_path)
        await asyncio.gather(_hand_on(client, to_server, 0.0), _hand_on(server, to_client, delay))

    async with await asyncio.start_server(connected, HOST, 0) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()


async def _hand_on(source: asyncio.StreamReader, target: asyncio.StreamWriter, delay: float) -> None:
    """Until the source ends: each piece in its order, and no earlier than `delay` seconds after it came."""
    loop = asyncio.get_running_loop()
    while piece := await source.read(PIECE):
        loop.call_later(delay, target.write, piece)
    loop.call_later(delay, target.close)


if __name__ == "__main__":
    # `select` waits for parts of a millisecond, which asyncio's own choice rounds up
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())) as runner:
        runner.run(_listen(sys.argv[1], float(sys.argv[2])))
