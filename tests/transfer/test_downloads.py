"""A download is whole or not there, in time or given up, and comes from an https address."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from matinee.transfer import downloads
from matinee.transfer.downloads import Limits, Unreachable, download, download_wheel
from tests.transfer.conftest import Website
from tests.transfer.movielens_sets import zipped

LIMITS = Limits(most_bytes=1_000, seconds=5, connect_seconds=2, silent_seconds=2)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


def test_a_file_arrives_and_its_progress_is_told(website: Website, tmp_path: Path) -> None:
    website.pages["/set.zip"] = b"x" * 900
    told: list[tuple[int, int | None]] = []

    download(
        f"{website.url}/set.zip", tmp_path / "new" / "set.zip", limits=LIMITS, on_bytes=lambda *args: told.append(args)
    )

    assert (tmp_path / "new" / "set.zip").read_bytes() == b"x" * 900
    assert sum(done for done, _ in told) == 900
    assert {whole for _, whole in told} == {900}


@pytest.mark.parametrize("is_announced", [True, False])
def test_a_file_that_is_too_large_leaves_nothing(website: Website, tmp_path: Path, is_announced: bool) -> None:
    website.pages["/big"] = b"x" * 1_001
    if not is_announced:
        website.unannounced.add("/big")

    with pytest.raises(Unreachable, match="larger than 1,000 bytes"):
        download(f"{website.url}/big", tmp_path / "big", limits=LIMITS)

    assert list(tmp_path.iterdir()) == []


def test_a_failed_download_leaves_the_file_that_was_there(website: Website, tmp_path: Path) -> None:
    (tmp_path / "set.zip").write_bytes(b"old")

    with pytest.raises(Unreachable, match="answered 404"):
        download(f"{website.url}/set.zip", tmp_path / "set.zip", limits=LIMITS)

    assert (tmp_path / "set.zip").read_bytes() == b"old"


def test_a_download_that_breaks_off_leaves_nothing(website: Website, tmp_path: Path) -> None:
    website.pages["/half"] = b"x" * 500
    website.breaks_off.add("/half")

    with pytest.raises(Unreachable, match="can't be fetched"):
        download(f"{website.url}/half", tmp_path / "half", limits=LIMITS)

    assert list(tmp_path.iterdir()) == []


def test_a_server_that_drips_is_given_up_in_time(website: Website, tmp_path: Path) -> None:
    website.pages["/slow"] = b"x" * 500
    website.drips.add("/slow")
    website.unannounced.add("/slow")
    started_at = time.monotonic()

    with pytest.raises(Unreachable, match=r"took longer than 0\.3 seconds"):
        download(f"{website.url}/slow", tmp_path / "slow", limits=Limits(most_bytes=1_000, seconds=0.3))

    assert time.monotonic() - started_at < 15, "all of it would take 25 seconds"


@pytest.mark.parametrize(
    "url",
    ["http://example.com/set.zip", "ftp://example.com/set.zip", "file:///etc/passwd", "https:///set.zip", "set.zip"],
)
def test_only_https_addresses_are_fetched(tmp_path: Path, url: str) -> None:
    with pytest.raises(Unreachable, match="is not an https address"):
        download(url, tmp_path / "set.zip", limits=LIMITS)


def test_a_redirect_to_anything_but_https_is_not_followed(website: Website, tmp_path: Path) -> None:
    website.redirects["/moved"] = "/elsewhere"
    website.pages["/elsewhere"] = b"secret"

    with pytest.raises(Unreachable, match="is not an https address"):
        download(f"{website.url}/moved", tmp_path / "set.zip", limits=LIMITS)

    assert website.asked == ["/moved"]


def test_redirects_are_followed_only_so_far(website: Website, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "_refuse_unless_safe", lambda url, *, first: None)  # this server speaks no https
    website.redirects |= {"/once": "/there", "/round": "/round"}
    website.pages["/there"] = b"here"

    download(f"{website.url}/once", tmp_path / "once", limits=LIMITS)
    with pytest.raises(Unreachable, match="more than 3 redirects"):
        download(f"{website.url}/round", tmp_path / "round", limits=LIMITS)

    assert (tmp_path / "once").read_bytes() == b"here"
    assert website.asked.count("/round") == 4


def test_an_https_address_where_none_is_spoken_is_unreachable(website: Website, tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="can't be fetched"):
        download(website.url.replace("http:", "https:"), tmp_path / "set.zip", limits=LIMITS)


def test_a_proxy_of_the_environment_is_used(website: Website, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", website.url)
    monkeypatch.setenv("no_proxy", "")

    with pytest.raises(Unreachable, match="can't be fetched"):
        download("https://example.com/set.zip", tmp_path / "set.zip", limits=LIMITS)


def test_a_host_that_is_to_be_reached_without_a_proxy_is(
    website: Website, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    website.pages["/set.zip"] = b"ratings"
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # the discard port: nothing answers
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    download(f"{website.url}/set.zip", tmp_path / "set.zip", limits=LIMITS)

    assert (tmp_path / "set.zip").read_bytes() == b"ratings"


def test_a_name_that_nobody_knows_is_unreachable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)

    with pytest.raises(Unreachable, match=r"The name example\.com can't be looked up"):
        download("https://example.com/set.zip", tmp_path / "set.zip", limits=LIMITS)


def test_a_resolver_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    end_of_test = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: end_of_test.wait())

    with pytest.raises(Unreachable, match="could not be looked up in time"):
        download("https://example.com/set.zip", tmp_path / "set.zip", limits=Limits(1_000, 5, connect_seconds=0.1))

    end_of_test.set()


class TestWheels:
    @pytest.fixture
    def index(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A package index of one wheel, as the settings of pip on this machine."""
        folder = tmp_path / "index"
        folder.mkdir()
        info = "tiny-1.0.dist-info"
        zipped(
            folder / "tiny-1.0-py3-none-any.whl",
            {
                "tiny/u.data": "1\t1\t4\t10\n",
                f"{info}/METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n",
                f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
                f"{info}/RECORD": "",
            },
        )
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
        return folder

    def test_a_wheel_comes_from_the_index_that_pip_knows(self, index: Path, tmp_path: Path) -> None:
        versions = [subprocess.run([*pip, "--version"], check=False, capture_output=True) for pip in downloads._pips()]
        if all(version.returncode for version in versions):
            pytest.skip("no Python on this machine has pip")

        wheel = download_wheel("tiny==1.0", tmp_path / "downloads", seconds=60)

        assert wheel == tmp_path / "downloads" / "tiny-1.0-py3-none-any.whl"
        assert wheel.read_bytes() == (index / wheel.name).read_bytes()
        assert list((tmp_path / "downloads").iterdir()) == [wheel]

    def test_where_one_pip_fails_the_next_is_asked(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        writes = "import sys, pathlib; pathlib.Path(sys.argv[-2], 'tiny-1.0-py3-none-any.whl').write_bytes(b'wheel')"
        _only_pips(
            monkeypatch,
            ["/nowhere/python", "-m", "pip"],
            [sys.executable, "-c", "raise SystemExit('No module named pip')"],
            [sys.executable, "-c", writes],
        )

        wheel = download_wheel("tiny==1.0", tmp_path / "downloads", seconds=60)

        assert wheel.read_bytes() == b"wheel"

    def test_without_any_pip_it_is_said_so(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        _only_pips(monkeypatch)
        with pytest.raises(Unreachable, match="neither pip nor uv"):
            download_wheel("tiny==1.0", tmp_path / "downloads", seconds=60)

        _only_pips(monkeypatch, [sys.executable, "-c", "raise SystemExit('No matching distribution')"])
        with pytest.raises(Unreachable, match="No matching distribution"):
            download_wheel("tiny==1.0", tmp_path / "downloads", seconds=60)

    def test_a_pip_that_hangs_is_given_up_in_time(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        _only_pips(monkeypatch, [sys.executable, "-c", "import time; time.sleep(30)"])

        with pytest.raises(Unreachable, match="timed out"):
            download_wheel("tiny==1.0", tmp_path / "downloads", seconds=0.2)

    def test_pythons_outside_of_this_environment_and_uv_are_asked_too(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("python3", "uv"):
            (tmp_path / name).write_text("#!/bin/sh\n")
            (tmp_path / name).chmod(0o755)
        monkeypatch.setenv("PATH", f"{Path(sys.prefix) / 'bin'}:{tmp_path}")
        monkeypatch.delenv("UV", raising=False)

        pips = list(downloads._pips())

        assert pips[0] == [sys.executable, "-m", "pip"]
        assert pips[-2:] == [[str(tmp_path / "python3"), "-m", "pip"], [str(tmp_path / "uv"), "tool", "run", "pip"]]
        own = Path(sys.prefix).resolve()
        assert all(own not in Path(command[0]).absolute().parents for command in pips[1:])

    def test_without_uv_there_is_one_way_less(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.delenv("UV", raising=False)

        assert shutil.which("uv") is None
        assert all(command[1:] == ["-m", "pip"] for command in downloads._pips())


def _only_pips(monkeypatch: pytest.MonkeyPatch, *commands: list[str]) -> None:
    def pips() -> Iterator[list[str]]:
        yield from commands

    monkeypatch.setattr(downloads, "_pips", pips)
