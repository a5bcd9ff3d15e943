"""`matinee tmdb stand-in` serves the starter films, or those of a file, until it is stopped."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from matinee.tmdb.stand_in.server import StandIn
from tests.operations.processes import eventually, free_port, get, start
from tests.tmdb.payloads import payload


def test_it_serves_the_starter_films() -> None:
    port = free_port()
    process = start(["-m", "matinee.cli", "tmdb", "stand-in", "--port", str(port), "--fault", "500", "--share", "0"])

    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        status, body = get(port, "/3/genre/movie/list?api_key=any")
    finally:
        process.terminate()

    assert said == f"4,803 films at http://127.0.0.1:{port}/3/. Ctrl-C stops it.\n"
    assert (status, {"id": 28, "name": "Action"} in json.loads(body)["genres"]) == (200, True)
    assert eventually(lambda: process.poll() is not None)


def test_ctrl_c_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_server: StandIn) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(StandIn, "serve_forever", interrupted)

    with pytest.raises(CommandError, match="Stopped") as refusal:
        call_command("tmdb", "stand-in", "--port", "0")

    assert refusal.value.returncode == 130


def test_a_port_that_is_taken_is_69(stand_in: StandIn) -> None:
    with pytest.raises(CommandError, match="can't be used") as refusal:
        call_command("tmdb", "stand-in", "--port", str(stand_in.server_port))

    assert refusal.value.returncode == 69


@pytest.mark.parametrize("share", ["3", "-0.1", "nan"])
def test_what_is_no_share_of_the_requests_is_refused(share: str) -> None:
    with pytest.raises(CommandError, match="is no share of the requests") as refusal:
        call_command("tmdb", "stand-in", "--port", "0", f"--share={share}")

    assert refusal.value.returncode == 64


@pytest.mark.parametrize(
    ("content", "code"), [(b"<html>", 65), (b'{"title": "No id"}', 65), (None, 66)], ids=["html", "no id", "no file"]
)
def test_a_file_that_is_no_list_of_films_is_named(tmp_path: Path, content: bytes | None, code: int) -> None:
    path = tmp_path / "films.jsonl.gz"
    if content is not None:
        lines = json.dumps(payload(603, "The Matrix")).encode() + b"\n" + content
        path.write_bytes(gzip.compress(lines))

    with pytest.raises(CommandError, match=r"films\.jsonl\.gz") as refusal:
        call_command("tmdb", "stand-in", "--films", str(path))

    assert refusal.value.returncode == code


@pytest.mark.parametrize("filler", [b"", b"\xff" * 50], ids=["cut off", "damaged"])
def test_a_packed_file_that_is_not_whole_can_not_be_read(tmp_path: Path, filler: bytes) -> None:
    path = tmp_path / "films.jsonl.gz"
    path.write_bytes(gzip.compress(json.dumps(payload(603, "The Matrix")).encode())[:-20] + filler)

    with pytest.raises(CommandError, match="can't be read") as refusal:
        call_command("tmdb", "stand-in", "--films", str(path))

    assert refusal.value.returncode == 66
