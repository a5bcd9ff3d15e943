"""The peers' virtual environments, `.venvs/NAME`: each made from its own lock when it is first asked for."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

BENCHMARKS = Path(__file__).parent
PEERS = BENCHMARKS / "peers"
VENVS = BENCHMARKS / ".venvs"


class CannotInstall(Exception):
    """A peer's packages could not be had; the message says which and why."""


def python_of(name: str) -> Path:
    """The Python of `peers/NAME`, made anew when its requirements.txt has changed. Raises CannotInstall."""
    venv, lock = VENVS / name, PEERS / name / "requirements.txt"
    if not lock.exists():
        raise CannotInstall(f"There is no {lock.name} of peers/{name}.")
    python, installed = venv / "bin" / "python", venv / "installed"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    if not installed.exists() or installed.read_text() != digest:
        shutil.rmtree(venv, ignore_errors=True)
        base = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
        subprocess.run([base, "-m", "venv", venv], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        done = subprocess.run(
            [*install, "--require-hashes", "--requirement", str(lock)], check=False, capture_output=True, text=True
        )
        if done.returncode != 0:
            raise CannotInstall(f"The packages of peers/{name} can't be installed: {_reason(done.stderr)}")
        installed.write_text(digest)
    return python


def versions_of(name: str, packages: Sequence[str]) -> dict[str, str]:
    """Package → its version in the environment of `peers/NAME`. Raises CannotInstall."""
    program = f"import importlib.metadata as m, json; print(json.dumps({{n: m.version(n) for n in {list(packages)}}}))"
    done = subprocess.run([python_of(name), "-c", program], check=True, capture_output=True)
    versions: dict[str, str] = json.loads(done.stdout)
    return versions


def _reason(stderr: str) -> str:
    errors = [line for line in stderr.splitlines() if line.startswith("ERROR:")]
    return (errors or stderr.splitlines() or ["pip said nothing"])[-1]
