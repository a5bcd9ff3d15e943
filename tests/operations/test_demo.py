"""`matinee demo` recommends real films to a new person, also without a network, by the commands that it prints."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from pathlib import Path

import pytest
from django.utils import timezone

from matinee.catalog.models import Movie
from matinee.operations import demo
from tests.operations.instances import UNREACHABLE, started

PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy", "PIP_INDEX_URL")
NO_NETWORK = dict.fromkeys(PROXIES, UNREACHABLE) | {"PIP_RETRIES": "0", "PIP_DEFAULT_TIMEOUT": "1"}


def typed(text: str) -> str:
    """What a reader of the instructions types: the indented lines."""
    return "\n".join(line.strip() for line in text.splitlines() if line.startswith("    "))


def test_without_a_network_it_says_what_it_left_out_and_its_commands_work(tmp_path: Path) -> None:
    with started(tmp_path, "demo", **NO_NETWORK) as instance:
        answers = subprocess.run(
            ["sh", "-c", typed(instance.output)], capture_output=True, text=True, check=True, timeout=60
        ).stdout.splitlines()
        with urllib.request.urlopen(f"http://127.0.0.1:{instance.port}/api/v1/movies/genres/") as genres:
            limit = genres.headers["RateLimit-Policy"]

    assert limit == '"read";q=12000;w=60', "ten times what a service gives"
    assert "Left out: MovieLens-100K" in instance.output
    *rated, recommended = [json.loads(line) for line in answers if line]
    assert [answer["rating"] for answer in rated] == list(demo.FIRST_RATINGS.values())
    films = recommended["results"]
    assert recommended["personalised"] is True
    assert len(films) == 5
    assert not {film["tmdb_id"] for film in films} & set(demo.FIRST_RATINGS)
    assert all(film["because"] for film in films)


@pytest.mark.django_db(transaction=True)
def test_what_is_in_place_is_neither_loaded_nor_trained_again(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in NO_NETWORK.items():
        monkeypatch.setenv(name, value)
    now = timezone.now()
    Movie.objects.create(tmdb_id=603, title="The Matrix", genre_ids=[878], created_at=now, updated_at=now)
    said: list[str] = []
    demo.set_up(said.append)
    first = capsys.readouterr().out

    demo.set_up(said.append)

    again = capsys.readouterr().out
    assert "Films:" not in first, "there was a film already"
    assert "Model" in first
    assert "Model" not in again
    assert said[:2] == said[2:], "what is still left out is said again"


def test_every_start_suggests_another_address_and_a_password_that_is_long_enough() -> None:
    first, second = demo.instructions("http://127.0.0.1:8000"), demo.instructions("http://127.0.0.1:8000")

    assert first != second
    assert len(json.loads(first.split("-d '", 1)[1].split("'", 1)[0])["password"]) >= 15
