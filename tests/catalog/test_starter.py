"""The starter catalogue: what the packaged file holds, and what loading it does to the films that are there."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from importlib import resources
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoDbBlocker

from matinee.catalog.facts import StoreReport
from matinee.catalog.film_lists import LISTS
from matinee.catalog.models import Genre, Movie
from matinee.catalog.starter import load_starter, starter_content

MONDAY = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
TUESDAY = MONDAY + dt.timedelta(days=1)
AVATAR = 19995
FIGHT_CLUB = 550
LONGEST_TITLE = 90


@pytest.fixture(scope="module")
def content() -> dict[str, Any]:
    return starter_content()


class TestTheFile:
    def test_it_is_small(self) -> None:
        packed = resources.files("matinee.catalog").joinpath("data/starter.json.gz").read_bytes()

        assert len(packed) < 1_500_000
        assert packed[4:8] == b"\0\0\0\0", "no time of its making, so that the same films are the same bytes"

    def test_it_holds_4803_films_each_once(self, content: dict[str, Any]) -> None:
        ids = [film["tmdb_id"] for film in content["films"]]

        assert len(ids) == len(set(ids)) == 4803

    def test_it_holds_facts_and_no_sentence(self, content: dict[str, Any]) -> None:
        assert {name for film in content["films"] for name in film} == {
            *("tmdb_id", "title", "original_title", "release_date", "runtime", "genres", "keywords", "directors"),
            *("cast", "original_language", "countries", "companies", "languages", "vote_average", "vote_count"),
            *("popularity", "budget", "revenue", "status"),
        }
        strings = set(_strings(content))
        assert max(map(len, strings)) <= LONGEST_TITLE
        assert not [text for text in strings if text.endswith(".") and len(text.split()) > 8]

    def test_unknown_is_null(self, content: dict[str, Any]) -> None:
        for film in content["films"]:
            assert 0 not in (film["budget"], film["revenue"], film["runtime"])
            assert (film["vote_average"] is None) == (film["vote_count"] == 0)
            assert len(film["cast"]) <= 5


@pytest.fixture(scope="class")
def loaded(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[tuple[StoreReport, list[int]]]:
    """The starter catalogue, loaded once into an empty one: the report, and the progress that was told."""
    told: list[int] = []
    with django_db_blocker.unblock(), transaction.atomic():
        yield load_starter(now=MONDAY, on_progress=told.append), told
        transaction.set_rollback(True)


@pytest.mark.django_db
class TestLoading:
    @pytest.fixture(autouse=True)
    def _is_loaded(self, loaded: tuple[StoreReport, list[int]]) -> None:
        """Each test begins where it was loaded, and leaves it so."""

    def test_the_films_are_there_with_their_facts(self, loaded: tuple[StoreReport, list[int]]) -> None:
        report, told = loaded

        assert (report.added, report.changed, report.unchanged) == (4803, 0, 0)
        assert sum(told) == 4803
        avatar = Movie.objects.get(tmdb_id=AVATAR)
        assert (avatar.title, avatar.release_date, avatar.runtime) == ("Avatar", dt.date(2009, 12, 10), 162)
        assert avatar.directors == ["James Cameron"]
        assert avatar.cast[0] == "Sam Worthington"
        assert avatar.production_countries[0] == {"iso_3166_1": "US", "name": "United States of America"}
        assert {"id": 289, "name": "Ingenious Film Partners"} in avatar.production_companies
        assert {"iso_639_1": "en", "name": "English"} in avatar.spoken_languages
        assert avatar.overview is None
        assert avatar.created_at == avatar.updated_at == MONDAY
        assert Genre.objects.get(id=28).name == "Action"

    def test_people_and_keywords_are_there_under_their_ids(self) -> None:
        pk = Movie.objects.get(tmdb_id=AVATAR).pk
        cast, crew, tags = (LISTS[name].read([pk])[pk] for name in ("cast_members", "crew_members", "keyword_tags"))
        assert cast[0] == (65731, "Sam Worthington", None, "Jake Sully")
        assert crew == ((2710, "James Cameron", None, "Director", "Directing"),)
        assert (1463, "culture clash") in tags

    def test_loading_it_again_changes_nothing_and_costs_one_query_a_batch(self) -> None:
        with CaptureQueriesContext(connection) as queries:
            report = load_starter(now=TUESDAY)

        assert (report.added, report.changed, report.unchanged) == (0, 0, 4803)
        assert not Movie.objects.exclude(updated_at=MONDAY).exists()
        selects = [query for query in queries.captured_queries if query["sql"].startswith("SELECT")]
        assert len(selects) == 10
        assert not [query for query in queries.captured_queries if query["sql"].startswith("UPDATE")]

    def test_what_is_there_keeps_its_facts_and_gains_what_it_lacks(self) -> None:
        Movie.objects.get(tmdb_id=AVATAR).delete()
        Movie.objects.create(
            tmdb_id=AVATAR, title="Avatar: Special", overview="Blue.", runtime=178, created_at=MONDAY, updated_at=MONDAY
        )
        Movie.objects.get(tmdb_id=FIGHT_CLUB).delete()
        Genre.objects.filter(id=28).update(name="Krach")

        report = load_starter(now=TUESDAY)

        assert (report.added, report.changed, report.unchanged) == (1, 1, 4801)
        avatar = Movie.objects.get(tmdb_id=AVATAR)
        assert (avatar.title, avatar.overview, avatar.runtime) == ("Avatar: Special", "Blue.", 178)
        assert avatar.release_date == dt.date(2009, 12, 10)
        assert (avatar.created_at, avatar.updated_at) == (MONDAY, TUESDAY)
        assert Genre.objects.get(id=28).name == "Krach"


def _strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for entry in value.values() for text in _strings(entry)]
    if isinstance(value, list):
        return [text for entry in value for text in _strings(entry)]
    return [value] if isinstance(value, str) else []


def test_the_file_is_one_json_document_with_sorted_films(content: dict[str, Any]) -> None:
    ids = [film["tmdb_id"] for film in content["films"]]

    assert ids == sorted(ids)
    assert json.dumps(content)
