"""`python -m benchmarks.recommender.scale --ratings N …`: how the fit grows with the ratings, beside implicit's ALS.

Every fit has a process of its own, on the same made-up ratings and with two threads. How good the lists are for people
held out stands beside, so that no speed is bought with it. With `--engine spark` the fit whose ratings Spark counts
stands beside the one that counts them here, and how far both list the same films: where Spark is installed.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib.metadata
import json
import os
import platform
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.recommender.progress import Progress
from benchmarks.recommender.scale.outcome import FIGURES, LISTS
from benchmarks.recommender.scale.report import Record, markdown
from benchmarks.recommender.scale.sample import cases
from benchmarks.recommender.synthetic import Size
from benchmarks.venvs import BENCHMARKS, python_of, versions_of
from matinee.engine.arrays import Doubles
from matinee.engine.evaluation.cases import Rankings
from matinee.engine.evaluation.metrics import Estimate, accuracy

PROGRAM = "benchmarks.recommender.scale"
MATINEE, ON_SPARK = "Matinee", "Matinee, counted by Spark"
SYSTEMS = {
    "local": {MATINEE: "fit_matinee", "implicit ALS": "fit_implicit"},
    "spark": {MATINEE: "fit_matinee", ON_SPARK: "fit_on_spark"},
}
METRIC = "NDCG@100"
Lists = NDArray[np.int64]
"""(people, 100) film ids, the best first, -1 where there are no more."""
THREADS = {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"}
ONE_BLAS_THREAD = {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "1"}
"""As implicit asks for: its own threads call BLAS."""


def main(arguments: Sequence[str]) -> None:
    options = _options(arguments)
    tell = Progress()
    is_local = options.engine == "local"
    peer = python_of("implicit") if is_local else None
    sizes: list[dict[str, object]] = []
    for ratings in options.ratings:
        size = Size.of(ratings)
        with tempfile.TemporaryDirectory(dir=options.work) as name:
            folder = Path(name)
            tell(f"{ratings:,} ratings: making them up")
            _run(Path(sys.executable), "sample", folder, str(ratings), env=THREADS)
            systems: dict[str, dict[str, object]] = {}
            lists: dict[str, Lists] = {}
            for system, program in SYSTEMS[options.engine].items():
                tell(f"{ratings:,} ratings: {system}")
                if program == "fit_implicit" and peer is not None:
                    _run(peer, program, folder, env=ONE_BLAS_THREAD)
                else:
                    _run(Path(sys.executable), program, folder, env=THREADS | {"MATINEE_DATA_DIR": name})
                lists[system] = np.load(folder / LISTS).astype(np.int64)
                quality = vars(Estimate.of(_scores(folder, lists[system])))
                systems[system] = json.loads((folder / FIGURES).read_text()) | {METRIC: quality}
            if ON_SPARK in systems:
                differences = _scores(folder, lists[ON_SPARK]) - _scores(folder, lists[MATINEE])
                systems[ON_SPARK]["same_films"] = same_films(lists[ON_SPARK], lists[MATINEE])
                systems[ON_SPARK]["difference"] = vars(Estimate.of(differences))
        sizes.append({**vars(size), "systems": systems})
    versions = {name: importlib.metadata.version(name) for name in ("matinee", "numpy", "scipy")}
    versions |= (
        versions_of("implicit", ["implicit"]) if is_local else {"pyspark": importlib.metadata.version("pyspark")}
    )
    record = Record(about=_about(arguments, versions), sizes=sizes)
    options.out.mkdir(parents=True, exist_ok=True)
    result = options.out / ("scale" if is_local else "scale-spark")
    result.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n")
    result.with_suffix(".md").write_text(markdown(record))
    print(markdown(record))


def same_films(some: Lists, others: Lists) -> float:
    """The share of the films of each person's list that stand in the other list too, in the mean."""
    both = zip(some, others, strict=True)
    return float(np.mean([np.isin(one[one > 0], other).mean() for one, other in both]))


def _run(python: Path, program: str, folder: Path, *arguments: str, env: dict[str, str]) -> None:
    command = [str(python), "-m", f"{PROGRAM}.{program}", str(folder), *arguments]
    subprocess.run(command, cwd=BENCHMARKS.parent, env=dict(os.environ) | env, check=True)


def _scores(folder: Path, lists: Lists) -> Doubles:
    """The metric of each person's list."""
    ranked = tuple(ranked[ranked > 0] for ranked in lists)
    return accuracy(Rankings(ranked), cases(folder))[METRIC]


def _about(arguments: Sequence[str], versions: dict[str, str]) -> dict[str, str]:
    memory = f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"
    return {
        "Command": f"`{shlex.join(['python', '-m', PROGRAM, *arguments])}`",
        "Date": dt.datetime.now(dt.UTC).date().isoformat(),
        "Machine": f"{os.cpu_count()} cores, {memory}, {platform.system()}, CPython {platform.python_version()}",
        "Versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
    }


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"python -m {PROGRAM}", description=__doc__)
    parser.add_argument("--ratings", type=int, nargs="+", default=[100_000, 1_000_000, 5_000_000, 25_000_000])
    parser.add_argument("--engine", choices=[*SYSTEMS], default="local")
    parser.add_argument(
        "--work", type=Path, metavar="FOLDER", help="where arrays lie meanwhile: 1 GB at 25 million, 25 with Spark"
    )
    parser.add_argument("--out", type=Path, default=BENCHMARKS / "results", metavar="FOLDER")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
