"""`python -m benchmarks.recommender.scale --ratings N …`: how the fit grows with the ratings, beside implicit's ALS.

Every fit has a process of its own, on the same made-up ratings and with two threads. How good the lists are for people
held out stands beside, so that no speed is bought with it.
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

from benchmarks.recommender.progress import Progress
from benchmarks.recommender.scale.outcome import FIGURES, LISTS
from benchmarks.recommender.scale.report import Record, markdown
from benchmarks.recommender.scale.sample import cases
from benchmarks.recommender.synthetic import Size
from benchmarks.venvs import BENCHMARKS, python_of, versions_of
from matinee.engine.evaluation.cases import Rankings
from matinee.engine.evaluation.metrics import Estimate, accuracy

PROGRAM = "benchmarks.recommender.scale"
SYSTEMS = {"Matinee": "fit_matinee", "implicit ALS": "fit_implicit"}
METRIC = "NDCG@100"
THREADS = {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"}
ONE_BLAS_THREAD = {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "1"}
"""As implicit asks for: its own threads call BLAS."""


def main(arguments: Sequence[str]) -> None:
    options = _options(arguments)
    tell = Progress()
    peer = python_of("implicit")
    sizes: list[dict[str, object]] = []
    for ratings in options.ratings:
        size = Size.of(ratings)
        with tempfile.TemporaryDirectory(dir=options.work) as name:
            folder = Path(name)
            tell(f"{ratings:,} ratings: making them up")
            _run(Path(sys.executable), "sample", folder, str(ratings), env=THREADS)
            systems = {}
            for system, program in SYSTEMS.items():
                tell(f"{ratings:,} ratings: {system}")
                if system == "Matinee":
                    _run(Path(sys.executable), program, folder, env=THREADS)
                else:
                    _run(peer, program, folder, env=ONE_BLAS_THREAD)
                systems[system] = json.loads((folder / FIGURES).read_text()) | {METRIC: _quality(folder)}
        sizes.append({**vars(size), "systems": systems})
    versions = {name: importlib.metadata.version(name) for name in ("matinee", "numpy", "scipy")}
    record = Record(about=_about(arguments, versions | versions_of("implicit", ["implicit"])), sizes=sizes)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "scale.json").write_text(json.dumps(record, indent=1) + "\n")
    (options.out / "scale.md").write_text(markdown(record))
    print(markdown(record))


def _run(python: Path, program: str, folder: Path, *arguments: str, env: dict[str, str]) -> None:
    command = [str(python), "-m", f"{PROGRAM}.{program}", str(folder), *arguments]
    subprocess.run(command, cwd=BENCHMARKS.parent, env=dict(os.environ) | env, check=True)


def _quality(folder: Path) -> dict[str, float]:
    """The metric of the lists that were left there, its mean and interval over people."""
    lists = tuple(ranked[ranked > 0] for ranked in np.load(folder / LISTS).astype(np.int64))
    return vars(Estimate.of(accuracy(Rankings(lists), cases(folder))[METRIC]))


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
    parser.add_argument("--work", type=Path, metavar="FOLDER", help="where arrays lie meanwhile: 1 GB at 25 million")
    parser.add_argument("--out", type=Path, default=BENCHMARKS / "results", metavar="FOLDER")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
