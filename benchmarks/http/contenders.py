"""Who is measured: this API on both databases, the peers that people would build, and the floor under all of them."""

from __future__ import annotations

import importlib.metadata
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.http.client import HOST
from benchmarks.http.endpoints import Endpoint
from benchmarks.http.servers import PASSWORD, USERNAME, Server, free_port
from benchmarks.venvs import BENCHMARKS, PEERS, python_of, versions_of
from matinee.cli import TREES

WORKERS = 2
DRF_THREADS = 4
OURS = ("matinee", "django", "django-ninja", "granian")
DRF_PACKAGES = ("django", "djangorestframework", "django-filter", "djangorestframework-simplejwt", "gunicorn")
FASTAPI_PACKAGES = ("fastapi", "pydantic", "sqlalchemy", "aiosqlite", "uvicorn", "uvloop")


@dataclass(frozen=True)
class Contender:
    """`about`: versions and settings, for the result. `start` writes the server's log below a folder."""

    name: str
    about: str
    start: Callable[[Path], Server]
    answers: Callable[[Endpoint], bool]
    is_floor: bool = False


SERVE = (
    "from granian.constants import RuntimeModes; from matinee.operations.web import serve; "
    "serve(host={host!r}, port={port}, workers={workers}, runtime=RuntimeModes.{runtime})"
)


def matinee(
    env: Mapping[str, str],
    *,
    name: str = "Matinee",
    beside: Sequence[int] = (),
    workers: int = WORKERS,
    runtime: str = "auto",
) -> Contender:
    """The web workers alone, as `matinee serve` runs them: the job worker answers no requests. What a database server
    costs counts with it, where `beside` names its process."""

    def start(folder: Path) -> Server:
        port = free_port()
        program = SERVE.format(host=HOST, port=port, workers=workers, runtime=runtime)
        command = [sys.executable, "-P", "-c", program]
        log = folder / f"{name}.log"
        return Server(name, command, port=port, folder=BENCHMARKS.parent, env=env, log=log, beside=beside)

    return Contender(name, _versions(OURS), start, answers=lambda _endpoint: True)


def drf(folder: Path, rows: Path) -> Contender:
    """Django REST framework on gunicorn with threads, which keep connections open; its default worker closes each."""
    env = _peer_environment(folder / "drf.sqlite3")
    manage = [str(python_of("drf")), "manage.py"]
    subprocess.run([*manage, "migrate", "--verbosity", "0"], cwd=PEERS / "drf", env=env, check=True)
    subprocess.run([*manage, "load_films", str(rows)], cwd=PEERS / "drf", env=env, check=True)

    def command(port: int) -> list[str]:
        gunicorn = [str(python_of("drf")), "-m", "gunicorn", "--bind", f"{HOST}:{port}", "--workers", str(WORKERS)]
        return [*gunicorn, "--threads", str(DRF_THREADS), "project.wsgi:application"]

    about = f"{_versions_in('drf', DRF_PACKAGES)}; {DRF_THREADS} threads a worker"
    return _peer("Django REST framework", "drf", about, command, env)


def fastapi(folder: Path, rows: Path) -> Contender:
    """FastAPI with async SQLAlchemy on uvicorn."""
    env = _peer_environment(folder / "fastapi.sqlite3")
    python = str(python_of("fastapi"))
    subprocess.run([python, "-m", "films.load", str(rows)], cwd=PEERS / "fastapi", env=env, check=True)

    def command(port: int) -> list[str]:
        uvicorn = [python, "-m", "uvicorn", "films.main:app", "--host", HOST, "--port", str(port)]
        return [*uvicorn, "--workers", str(WORKERS), "--no-access-log", "--log-level", "warning"]

    return _peer("FastAPI", "fastapi", _versions_in("fastapi", FASTAPI_PACKAGES), command, env)


def floor(folder: Path, content: bytes) -> Contender:
    """What any program behind granian costs at least: `content` to whoever asks, with one kind of request."""
    path = folder / "floor.json"
    path.write_bytes(content)

    def start(logs: Path) -> Server:
        port = free_port()
        granian = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", HOST, "--port", str(port)]
        command = [*granian, "--workers", str(WORKERS), "--blocking-threads", "1", "--log-level", "warning"]
        command.append("benchmarks.http.floor:application")
        env = {**os.environ, "FLOOR_CONTENT": str(path)}
        log = logs / "floor.log"
        return Server("constant bytes", command, port=port, folder=BENCHMARKS.parent, env=env, log=log)

    return Contender(
        "constant bytes", _versions(["granian"]), start, answers=lambda endpoint: endpoint.has_floor, is_floor=True
    )


def fill(
    folder: Path, *, films: int, rows: Path, told: int | None = None, database_url: str | None = None
) -> dict[str, str]:
    """Fill a database of ours below `folder`, and write its rows to `rows`, of films the `told` most popular or else
    all; returns the environment that it serves in. Nothing is published yet."""
    env = environment_of(folder, database_url)
    program = [sys.executable, "-m", "benchmarks.http.dataset", "--films", str(films), "--out", str(rows)]
    program += ["--told", str(told or films)]
    person = ["--username", USERNAME, "--password", PASSWORD]
    subprocess.run([*program, *person], cwd=BENCHMARKS.parent, env=env, check=True)
    return env


def environment_of(folder: Path, database_url: str | None = None) -> dict[str, str]:
    """What Matinee's programs run in whose data is below `folder`."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("MATINEE_")}
    env |= {
        "MATINEE_DATA_DIR": str(folder / "matinee"),
        "MATINEE_MODE": "embedded",
        "MATINEE_ACCESS_TOKEN_SECONDS": "86400",
        "DJANGO_SETTINGS_MODULE": "matinee.settings",
        "MATINEE_LIMITS_TIMES": "10000",
    }
    env |= TREES["serve"]
    return env if database_url is None else env | {"MATINEE_DATABASE_URL": database_url}


def durability(env: Mapping[str, str]) -> str:
    """What `matinee doctor` says of it. Raises RuntimeError where a write that is answered may be lost."""
    program = [sys.executable, "-m", "matinee.cli", "doctor", "--json"]
    told = json.loads(subprocess.run(program, env=env, check=False, stdout=subprocess.PIPE).stdout)
    found = next(check for check in told["checks"] if check["name"] == "durability")
    if found["state"] != "ok":
        raise RuntimeError(found["detail"])
    return str(found["detail"])


def learn(env: Mapping[str, str], community: str) -> str:
    """Train a model; returns on what. Without the community ratings at hand, on people's own and on content."""
    program = [sys.executable, "-m", "matinee.cli"]
    load = subprocess.run([*program, "load", "movielens", community], env=env, check=False, stdout=subprocess.DEVNULL)
    subprocess.run([*program, "train"], env=env, check=True, stdout=subprocess.DEVNULL)
    if load.returncode == 0:
        return f"MovieLens {community} and the benchmark's own people"
    return "the benchmark's own people alone (no community ratings could be loaded)"


def _peer(
    name: str, folder: str, about: str, command: Callable[[int], Sequence[str]], env: Mapping[str, str]
) -> Contender:
    def start(logs: Path) -> Server:
        port = free_port()
        log = logs / f"{folder}.log"
        return Server(name, command(port), port=port, folder=PEERS / folder, env=env, log=log)

    return Contender(name, about, start, answers=lambda endpoint: not endpoint.ours_alone)


def _peer_environment(database: Path) -> dict[str, str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MATINEE_", "DJANGO_", "PYTHON"))}
    return env | {"PEER_DATABASE": str(database), "PEER_SECRET_KEY": secrets.token_hex(32)}


def _versions(names: Sequence[str]) -> str:
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)


def _versions_in(peer: str, names: Sequence[str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions_of(peer, names).items())
