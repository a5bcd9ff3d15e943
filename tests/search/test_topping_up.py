"""Search has TMDb asked where the catalogue has no such title and few such words, and for titles alone."""

from __future__ import annotations

import pytest
from pytest_django.fixtures import Settings

from matinee.catalog.columns import refresh_columns
from matinee.catalog.filters import EVERYTHING, MovieFilter
from matinee.catalog.models import Movie
from matinee.search import finding
from matinee.search.index import refresh_index
from matinee.search.topping_up import search_and_top_up, title_in
from matinee.tmdb.models import WantedSearch
from tests.catalog.films import NOW
from tests.search.films import titled


@pytest.fixture(autouse=True)
def _shelf(settings: Settings, db: None) -> None:
    settings.TMDB_TOKEN = "a.token.of.the.test"
    Movie.objects.bulk_create(
        [
            titled(1, "The Matrix", cast=["Keanu Reeves"]),
            titled(2, "Heat", 1995, overview="A thief and a detective in the city of angels."),
            titled(3, "Speed", 1994, cast=["Keanu Reeves"], overview="A bus in the city of angels."),
        ]
    )
    refresh_columns()
    refresh_index()


def wanted(text: str, movie_filter: MovieFilter = EVERYTHING) -> list[str]:
    """What TMDb is to be asked for after this search."""
    search_and_top_up(text=text, movie_filter=movie_filter, sort=None, first=20, most=20, now=NOW)
    return list(WantedSearch.objects.values_list("words", flat=True))


@pytest.mark.parametrize("text", ["matrix", "the matrx", "heat 1995", "spee"])
def test_a_title_that_is_there_or_near_is_enough(text: str) -> None:
    assert wanted(text) == []


def test_words_that_many_films_have_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "ENOUGH", 2)

    assert wanted("keanu reeves") == []


def test_a_title_that_is_not_there_is_asked_for() -> None:
    assert wanted("Zoolander") == ["zoolander"]


def test_words_that_stand_in_few_films_are_too() -> None:
    assert wanted("City of Angels") == ["city of angels"]


def test_what_a_filter_hides_is_not_missing() -> None:
    assert wanted("matrix", MovieFilter(any_genres=(99,))) == []
    assert wanted("zoolander", MovieFilter(any_genres=(99,))) == ["zoolander"]


@pytest.mark.parametrize("text", ["tt9999999", "zo", "?!", "  "])
def test_what_is_no_title_is_not_asked_for(text: str) -> None:
    assert wanted(text) == []


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("  Zoolander  \t 2 ", "zoolander 2"),
        ("Zoolander 2001", "zoolander"),
        ("2012", "2012"),
        ('"Zoolander"', '"zoolander"'),
        ("Zoo\x00lander\ud800", "zoo lander"),
        ("ﬃ" * 200, "ffi" * 66 + "ff"),
    ],
)
def test_it_is_asked_for_as_it_was_typed_without_case_and_year(text: str, title: str) -> None:
    assert title_in(text) == title


def test_without_an_index_nothing_is_known_to_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "search_index", lambda: None)

    assert wanted("zoolander") == []
