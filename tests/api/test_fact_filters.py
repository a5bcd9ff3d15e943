"""The filters on people, keywords, certifications and providers, with one meaning on every list."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from matinee.catalog.facts import differences, known_facts, store_facts
from matinee.catalog.publication import publish_what_is_stale
from matinee.catalog.published_postings import refresh_postings
from matinee.search.index import refresh_index
from tests.api.conftest import NOW, Api

HEAT, INSIDER, ALI, OTHER = 949, 9008, 8489, 1
PACINO, DE_NIRO, MANN = ({"id": 1158, "name": "Al Pacino"}, {"id": 380, "name": "De Niro"}, {"id": 638, "name": "Mann"})
NETFLIX, MUBI = {"id": 8, "name": "Netflix"}, {"id": 11, "name": "MUBI"}
LISTS = ("movies/", "movies/search/?q=crime", "movies/trending/", f"movies/{OTHER}/similar/", "movies/recommendations/")


def film(tmdb_id: int, **facts: Any) -> dict[str, Any]:
    known = {"title": f"Crime {tmdb_id}", "genre_ids": [80], "popularity": float(tmdb_id), "vote_count": 10}
    return {"tmdb_id": tmdb_id, **known, **facts}


@pytest.fixture(autouse=True)
def _films(db: None) -> None:
    directed = [{**MANN, "job": "Director", "department": "Directing"}]
    films = [
        film(
            HEAT,
            cast_members=[PACINO, DE_NIRO],
            crew_members=directed,
            keyword_tags=[{"id": 1, "name": "heist"}, {"id": 2, "name": "police"}],
            certifications=[{"country": "US", "certification": "R"}, {"country": "DE", "certification": "16"}],
            watch_offers=[{"region": "US", "kind": "flatrate", **NETFLIX}, {"region": "US", "kind": "buy", **MUBI}],
        ),
        film(
            INSIDER,
            cast_members=[PACINO],
            crew_members=directed,
            keyword_tags=[{"id": 2, "name": "police"}],
            certifications=[{"country": "US", "certification": "PG-13"}],
            watch_offers=[{"region": "DE", "kind": "rent", **NETFLIX}],
        ),
        film(ALI, cast_members=[MANN], certifications=[{"country": "US", "certification": "NR"}]),
        film(OTHER),
    ]
    store_facts([known_facts(one) for one in films], choose=differences, now=NOW)
    publish_what_is_stale()
    refresh_index()


def found(api: Api, path: str) -> set[int]:
    return {movie["tmdb_id"] for movie in api.get(path).json()["results"]}


MEANT = {
    "with_cast=1158": {HEAT, INSIDER},
    "with_cast=1158,380": {HEAT},
    "with_cast=380|638": {HEAT, ALI},
    "with_crew=638": {HEAT, INSIDER},
    "with_people=638": {HEAT, INSIDER, ALI},
    "with_people=638,380": {HEAT},
    "with_keywords=1|2": {HEAT, INSIDER},
    "with_keywords=2&without_keywords=1": {INSIDER},
    "certification_country=US&certification=R|NR": {HEAT, ALI},
    "certification_country=US&certification.lte=PG-13": {INSIDER},
    "certification_country=US&certification.gte=PG-13": {HEAT, INSIDER},
    "certification_country=DE&certification.gte=12": {HEAT},
    "watch_region=US&with_watch_providers=8": {HEAT},
    "watch_region=DE&with_watch_providers=8|11": {INSIDER},
    "watch_region=US&with_watch_providers=8,11": {HEAT},
    "with_cast=1158&vote_count.gte=11": set[int](),
    "with_cast=999999999999999999": set[int](),
}


@pytest.mark.parametrize("path", LISTS)
def test_a_filter_means_the_same_on_every_list(as_alice: Api, path: str) -> None:
    joint = "&" if "?" in path else "?"

    assert {asked: found(as_alice, f"{path}{joint}{asked}") for asked in MEANT} == MEANT


@pytest.mark.parametrize("path", LISTS)
def test_what_is_impossible_is_named(as_alice: Api, path: str) -> None:
    asked = "with_cast=1,2|3&certification.lte=PG&watch_region=USA&with_watch_providers=8"

    answer = as_alice.get(f"{path}{'&' if '?' in path else '?'}{asked}")

    assert answer.status_code == 400
    assert {error["field"] for error in answer.json()["errors"]} <= {"with_cast", "certification.lte", "watch_region"}
    assert answer.json()["code"] == "invalid_parameter"


def test_they_cost_no_query_more(api: Api, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(1):
        api.get("movies/?with_people=638&with_keywords=2&watch_region=US&with_watch_providers=8")


def test_what_was_recommended_before_a_films_people_changed_is_not_given_again(as_alice: Api) -> None:
    asked = "movies/recommendations/?with_cast=380"
    before = [found(as_alice, asked) for _ in range(2)]

    facts = known_facts(film(INSIDER, cast_members=[DE_NIRO]))
    store_facts([facts], choose=differences, now=NOW)
    refresh_postings()

    assert (before, found(as_alice, asked)) == ([{HEAT}, {HEAT}], {HEAT, INSIDER})
