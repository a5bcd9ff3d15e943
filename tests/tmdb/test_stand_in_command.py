"""`matinee tmdb stand-in` serves the starter films, or those of a file, until it is stopped."""

from __future__ import annotations

import gzip
import json
import signal
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.operations.processes import eventually, free_port, get, start
from tests.tmdb.payloads import payload


def test_it_serves_the_starter_films_until_ctrl_c() -> None:
    port = free_port()
    process = start(["-m", "matinee.cli", "tmdb", "stand-in", "--port", str(port), "--fault", "500", "--share", "0"])

    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        status, body = get(port, "/3/genre/movie/list?api_key=any")
    finally:
        process.send_signal(signal.SIGINT)

    assert said == f"4,803 films at http://127.0.0.1:{port}/3/. Ctrl-C stops it.\n"
    assert (status, {"id": 28, "name": "Action"} in json.loads(body)["genres"]) == (200, True)
    assert eventually(lambda: process.poll() == 130)


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
