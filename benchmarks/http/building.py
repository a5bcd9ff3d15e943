"""What it takes to publish everything of a catalogue that no projection holds yet, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.venvs import BENCHMARKS

PROJECTIONS = {
    "columns": "matinee.catalog.columns",
    "postings": "matinee.catalog.published_postings",
    "cards": "matinee.catalog.cards",
}
LOOK_EVERY_SECONDS = 0.005
PROGRAM = "import benchmarks.django_ready; from {module} import refresh_{name} as refresh; refresh()"

FORGETTING = """
import shutil
import benchmarks.django_ready
from django.conf import settings
from matinee.catalog import cards, columns, outbox, published_postings
outbox.start_over(using="default")
for published in (columns, published_postings, cards):
    shutil.rmtree(settings.ARTIFACTS_DIR / published.KIND)
"""


@dataclass(frozen=True)
class Build:
    seconds: float
    cpu_seconds: float
    own_bytes: int
    """The most of memory that no file stands behind, Python and Django included."""
    file_bytes: int
    """What is published."""


def publish(env: Mapping[str, str]) -> dict[str, Build]:
    """All of PROJECTIONS, by name."""
    return {name: build(name, env) for name in PROJECTIONS}


def publish_again(env: Mapping[str, str]) -> dict[str, Build]:
    """The same where all of them were published before: that is forgotten, and every film counts as changed. Raises
    CalledProcessError where it was not."""
    subprocess.run([sys.executable, "-c", FORGETTING], cwd=BENCHMARKS.parent, env=dict(env), check=True)
    return publish(env)


def build(name: str, env: Mapping[str, str]) -> Build:
    """Publish one of PROJECTIONS. Raises RuntimeError where that fails."""
    folder = Path(env["MATINEE_DATA_DIR"]) / "artifacts"
    before = _file_bytes(folder)
    began, cpu_before = time.perf_counter(), psutil.Process().cpu_times()
    program = PROGRAM.format(module=PROJECTIONS[name], name=name)
    process = subprocess.Popen([sys.executable, "-c", program], cwd=BENCHMARKS.parent, env=dict(env))
    most = 0
    while process.poll() is None:
        most = max(most, own_bytes(process.pid))
        time.sleep(LOOK_EVERY_SECONDS)
    seconds, cpu = time.perf_counter() - began, psutil.Process().cpu_times()
    if process.returncode:
        raise RuntimeError(f"The {name} can't be published: see above.")
    spent = cpu.children_user + cpu.children_system - cpu_before.children_user - cpu_before.children_system
    return Build(seconds, spent, most, _file_bytes(folder) - before)


def own_bytes(pid: int) -> int:
    """Resident memory of a process that no file stands behind, in bytes; 0 where it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1_024 for line in status.splitlines() if line.startswith("RssAnon:"))


def _file_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
