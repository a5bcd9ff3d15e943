"""`python -m benchmarks.recommender.serving`: what one answer costs, beside implicit and LensKit, by pytest-benchmark.

Everybody is asked the same on the same made-up matrix, on one core, one thread: each process is held to it.
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
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.recommender.progress import Progress
from benchmarks.recommender.serving.questions import FOLDER, ROUNDS
from benchmarks.recommender.serving.report import Record, figures, markdown
from benchmarks.venvs import BENCHMARKS, CannotInstall, python_of, versions_of
from matinee.operations.memory import KEPT_BYTES

HERE = Path(__file__).parent
PEERS = ("implicit", "lenskit")
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
KEEP_MEMORY = dict.fromkeys(("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"), str(KEPT_BYTES))
"""What `operations.memory` tells glibc, for processes that it reads as they start."""


def main(arguments: Sequence[str]) -> None:
    options = _options(arguments)
    tell = Progress()
    (BENCHMARKS / ".work").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BENCHMARKS / ".work") as name:
        folder = options.keep or Path(name)
        env = _instance(folder)
        if not (folder / "train.npz").exists():
            _prepare(folder, tell)
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # which the measuring processes inherit
        tell("Asking Matinee")
        measured = {"Matinee": _measured(Path(sys.executable), "matinee", folder, env)}
        versions = {each: importlib.metadata.version(each) for each in ("matinee", "numpy", "pytest-benchmark")}
        for peer in () if options.ours_alone else PEERS:
            tell(f"Asking {peer}")
            try:
                measured[peer] = _measured(python_of(peer), peer, folder, env)
                versions |= versions_of(peer, [peer])
            except CannotInstall as error:
                versions[peer] = str(error)
    record: Record = {"about": _about(arguments, versions), "figures": figures(measured)}
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "serving.json").write_text(json.dumps(record, indent=1) + "\n")
    (options.out / "serving.md").write_text(markdown(record))
    print(markdown(record))


def _instance(folder: Path) -> dict[str, str]:
    """The environment of a process that serves the made-up instance, as `matinee serve` sets it; the peers' as well."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MATINEE_")}
    own = {"MATINEE_DATA_DIR": str(folder / "data"), "DJANGO_SETTINGS_MODULE": "matinee.settings", FOLDER: str(folder)}
    return kept | own | ONE_THREAD | KEEP_MEMORY


def _prepare(folder: Path, tell: Progress) -> None:
    for name, value in _instance(folder).items():
        if name not in ONE_THREAD:
            os.environ[name] = value
    import django  # noqa: PLC0415 - its settings read the environment that is set above
    from django.core.management import call_command  # noqa: PLC0415 - its settings read the environment that is set above

    django.setup()
    from benchmarks.recommender.serving.world import prepare  # noqa: PLC0415 - its settings read the environment that is set above

    call_command("migrate", verbosity=0)
    prepare(folder, tell)


def _measured(python: Path, system: str, folder: Path, env: Mapping[str, str]) -> list[dict[str, Any]]:
    """What pytest-benchmark says of each measurement; CPU time, so that what else the machine does counts little."""
    out = folder / f"{system}.json"
    command = [str(python), "-m", "pytest", "-q", "-c", str(HERE / "pytest.ini"), str(HERE / f"bench_{system}.py")]
    for plugin in ("django", "randomly", "xdist", "socket", "cacheprovider"):
        command += ["-p", f"no:{plugin}"]
    command += [f"--benchmark-json={out}", "--benchmark-timer=time.process_time", "--benchmark-columns=mean,median"]
    environment = dict(env) | {"PYTHONPATH": str(BENCHMARKS.parent)}
    subprocess.run(command, cwd=BENCHMARKS.parent, env=environment, stdout=sys.stderr, check=True)
    measurements: list[dict[str, Any]] = json.loads(out.read_text())["benchmarks"]
    return measurements


def _about(arguments: Sequence[str], versions: Mapping[str, str]) -> dict[str, str]:
    return {
        "Command": f"`{shlex.join(['python', '-m', 'benchmarks.recommender.serving', *arguments])}`",
        "Date": dt.datetime.now(dt.UTC).date().isoformat(),
        "Machine": f"1 core of {os.cpu_count()}, {platform.system()}, CPython {platform.python_version()}",
        "Data": "synthetic: 60,000 films, 2 million ratings by 12,800 people",
        "Measured": f"CPU time of one process, {ROUNDS} answers each, histories of 40 people in turn",
        "Versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
    }


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recommender.serving", description=__doc__)
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the made-up instance there for the next run")
    parser.add_argument("--ours-alone", action="store_true", help="leave the peers out")
    parser.add_argument("--out", type=Path, default=BENCHMARKS / "results", metavar="FOLDER")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
