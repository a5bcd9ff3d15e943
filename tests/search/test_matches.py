"""What of a film was matched."""

from __future__ import annotations

import pytest
from pytest_django import DjangoAssertNumQueries

from matinee.catalog.facts import differences, known_facts, store_facts
from matinee.catalog.models import Movie
from matinee.search.index import refresh_index
from matinee.search.matches import what_matched
from tests.catalog.films import NOW
from tests.search.films import titled

pytestmark = pytest.mark.django_db

HEAT, RAN = 949, 2


@pytest.fixture
def heat_and_ran() -> None:
    Movie.objects.bulk_create(
        [
            titled(
                HEAT,
                "The Heat",
                1995,
                imdb_id="tt0113277",
                directors=["Michael Mann"],
                cast=["Al Pacino"],
                keywords=["bank robbery"],
                overview="A thief and a detective drink coffee in the heat of Los Angeles.",
            ),
            titled(RAN, "Ran", 1985, original_title="乱"),
        ]
    )
    told = {"tmdb_id": HEAT, "title": "The Heat", "alternative_titles": [{"country": "DE", "title": "Hitze"}]}
    store_facts([known_facts(told)], choose=differences, now=NOW)
    refresh_index()


@pytest.mark.usefixtures("heat_and_ran")
@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("the heat", ("title", "overview")),
        ("theheat", ("title",)),
        ("heta", ("title",)),
        ("hitze", ("alternative_title",)),
        ("pacino", ("person",)),
        ("micheal man", ("person",)),
        ("robbery", ("keyword",)),
        ("coffee", ("overview",)),
        ("heat pacino", ("title", "person", "overview")),
        ("hitze 1995", ("alternative_title", "year")),
        ("tt0113277", ("id",)),
        ("949", ("id",)),
        ("kurosawa", ()),
        ("!", ()),
    ],
)
def test_a_film_says_where_a_word_of_the_question_stands(text: str, parts: tuple[str, ...]) -> None:
    assert what_matched(text=text, tmdb_ids=[HEAT])[HEAT] == parts


@pytest.mark.usefixtures("heat_and_ran")
def test_each_film_of_a_page_has_its_own() -> None:
    assert what_matched(text="乱", tmdb_ids=[RAN, HEAT]) == {RAN: ("title",), HEAT: ()}
    assert what_matched(text="乱", tmdb_ids=[]) == {}


@pytest.mark.usefixtures("heat_and_ran")
def test_it_costs_no_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        what_matched(text="heat", tmdb_ids=[HEAT, RAN])


def test_without_an_index_it_is_the_title() -> None:
    assert what_matched(text="heat", tmdb_ids=[HEAT]) == {HEAT: ("title",)}
