"""`python -m benchmarks.tmdb`: first fills from the stand-in, at TMDb's pace as the server sees it, and without one.

The films are real answers of TMDb's (MATINEE_SHARED_DATA), again under other ids where more are wanted, each with the
cast, crew and keywords of one of 4,803 real films.
"""

from __future__ import annotations

import argparse
import datetime as dt
import itertools
import json
import os
import platform
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.paths import RESULTS
from benchmarks.tmdb.films import real_films
from benchmarks.tmdb.report import markdown
from matinee.tmdb.pace import PER_SECOND
from matinee.tmdb.stand_in.films import Films
from matinee.tmdb.stand_in.server import Asked, StandIn

UNLIMITED = 1_000_000


def main(arguments: Sequence[str]) -> None:
    options = _options(arguments)
    results = options.out or RESULTS
    record = _earlier(results / "tmdb.json")
    about = {
        "Command": shlex.join(["python", "-m", "benchmarks.tmdb", *arguments]),
        "Date": dt.datetime.now(dt.UTC).date().isoformat(),
        "Machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, SQLite",
    }
    if options.paced:
        record["paced"] = {"about": about, "fills": [_filled(options.paced, PER_SECOND)]}
    if options.films:
        record["unlimited"] = {"about": about, "fills": [_filled(films, UNLIMITED) for films in options.films]}
    results.mkdir(parents=True, exist_ok=True)
    (results / "tmdb.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    (results / "tmdb.md").write_text(markdown(record), encoding="utf-8")
    print(markdown(record))


def _earlier(path: Path) -> dict[str, Any]:
    """What was measured before of the part that is left out now."""
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def _filled(films: int, per_second: float) -> dict[str, Any]:
    """One fill, measured at both ends."""
    with (
        StandIn(Films(itertools.islice(real_films(), films))).running() as stand_in,
        tempfile.TemporaryDirectory(prefix="matinee-benchmark-") as data,
    ):
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.tmdb.mirror", str(films), str(per_second)],
            check=True,
            stdout=subprocess.PIPE,
            env=_environment(data, stand_in.url),
        )
        return {"films": films, **json.loads(done.stdout), **_as_the_server_saw_it(stand_in.asked)}


def _as_the_server_saw_it(asked: Sequence[Asked]) -> Mapping[str, float]:
    """Requests in all, a second on average, and in the fullest second, wherever it begins."""
    at = sorted(one.at for one in asked)
    fullest, first = 0, 0
    for last, instant in enumerate(at):
        while instant - at[first] >= 1:
            first += 1
        fullest = max(fullest, last - first + 1)
    return {"requests": len(at), "per_second": len(at) / max(at[-1] - at[0], 1e-9), "fullest_second": fullest}


def _environment(data: str, stand_in: str) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("MATINEE_")}
    return {**plain, "MATINEE_DATA_DIR": data, "MATINEE_LOG_LEVEL": "WARNING", "MATINEE_TMDB_STAND_IN": stand_in}


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tmdb", description=__doc__)
    parser.add_argument("--paced", type=int, default=25_000, help="films at TMDb's pace: 14 minutes; 0 for none")
    parser.add_argument("--films", type=int, nargs="*", default=[25_000, 100_000], help="sizes without a limit")
    parser.add_argument("--out", type=Path, help="write there, and leave results/ alone")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
