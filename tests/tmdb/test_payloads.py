"""Answers are checked on the way in: what does not fit is refused whole, with a reason that quotes nothing of it."""

from __future__ import annotations

import contextlib
import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.tmdb.failures import Unfit
from matinee.tmdb.payloads import Film, read
from tests.tmdb.payloads import payload
from tests.tmdb.shared_data import shared


def film(**values: Any) -> Film:
    return read(Film, json.dumps({**payload(603, "The Matrix"), **values}).encode())


@pytest.mark.parametrize("name", ["tmdb-movies-2000-2012.jsonl.gz", "tmdb-5000-with-credits.jsonl.gz"])
def test_real_films_fit(name: str) -> None:
    lines = gzip.decompress(shared(name).read_bytes()).splitlines()[::5]

    films = [read(Film, line) for line in lines]

    assert len(films) == len(lines)


def test_a_blank_is_none() -> None:
    blank = film(overview="", tagline="  ", release_date="", poster_path="", imdb_id="")

    assert (blank.overview, blank.tagline, blank.release_date, blank.poster_path, blank.imdb_id) == (None,) * 5


def test_text_is_cleaned() -> None:
    assert film(overview=" One\r\nTwo\rThree\x92s ").overview == "One\nTwo\nThrees"
    assert film(title="Ame\u0301lie").title == "Am\u00e9lie"


@pytest.mark.parametrize(
    ("values", "place"),
    [
        ({"id": "603"}, "id"),
        ({"id": 0}, "id"),
        ({"id": 2**31}, "id"),
        ({"title": ""}, "title"),
        ({"title": None}, "title"),
        ({"title": ["The Matrix"]}, "title"),
        ({"overview": "nul\0"}, "overview"),
        ({"overview": "\ud800"}, "The whole"),
        ({"overview": "x" * 20_001}, "overview"),
        ({"runtime": "136"}, "runtime"),
        ({"runtime": -1}, "runtime"),
        ({"runtime": 136.5}, "runtime"),
        ({"runtime": True}, "runtime"),
        ({"popularity": float("nan")}, "popularity"),
        ({"popularity": float("inf")}, "popularity"),
        ({"popularity": -1.0}, "popularity"),
        ({"budget": 2**63}, "budget"),
        ({"release_date": "1999-02-31"}, "release_date"),
        ({"release_date": 1999}, "release_date"),
        ({"genres": {"id": 28}}, "genres"),
        ({"genres": [{"id": 28}]}, "genres.0.name"),
        ({"genres": [{"id": 28, "name": "Action"}] * 501}, "genres"),
        ({"credits": {"cast": [{"id": "Keanu"}]}}, "credits.cast.0.id"),
        ({"poster_path": "/../../etc/passwd"}, "poster_path"),
        ({"poster_path": "https://evil.example/x.jpg"}, "poster_path"),
        ({"videos": {"results": [{"key": '"><script>'}]}}, "videos.results.0.key"),
        ({"watch/providers": {"results": {"Germany": {}}}}, "watch/providers.results.Germany"),
        ({"success": False, "id": None}, "id"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_by_its_place(values: dict[str, Any], place: str) -> None:
    with pytest.raises(Unfit, match=place):
        film(**values)


@pytest.mark.parametrize(
    "values",
    [
        {"videos": {"results": [{"key": "x", "size": "1080p"}]}},
        {"release_dates": {"results": [{"iso_3166_1": "DE", "release_dates": [{"note": 7, "release_date": None}]}]}},
        {"watch/providers": {"results": {"DE": {"link": 7, "buy": [{"provider_id": 2, "display_priority": "high"}]}}}},
    ],
)
def test_a_film_is_not_refused_for_what_nothing_here_reads(values: dict[str, Any]) -> None:
    assert film(**values).id == 603


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null", b"3", b"[" * 100_000, b'{"id": 603', b"\xff\xfe"])
def test_what_is_no_film_is_refused(body: bytes) -> None:
    with pytest.raises(Unfit):
        read(Film, body)


def test_a_reason_quotes_nothing_of_the_answer() -> None:
    with pytest.raises(Unfit) as refusal:
        film(runtime="a secret\x1b[31m")

    assert "secret" not in str(refusal.value)
    assert str(refusal.value).isprintable()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(Film.__dataclass_fields__)), JSON)
def test_whatever_stands_in_a_field_it_is_read_or_refused(name: str, value: Any) -> None:
    with contextlib.suppress(Unfit):
        film(**{name: value})
