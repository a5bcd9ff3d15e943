"""MATINEE_MATURITY_CEILING: what is above it is as good as not there, on every list and alone."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from matinee.accounts.models import User, UserProfile
from matinee.catalog.ceiling import instance_ceiling
from matinee.catalog.facts import differences, known_facts, store_facts
from matinee.catalog.models import Movie
from matinee.catalog.publication import publish_what_is_stale
from matinee.core.env import ConfigurationError
from matinee.search.index import refresh_index
from tests.api.conftest import NOW, Api

MILD, AT_CEILING, STRICT, UNRATED, UNKNOWN, ELSEWHERE = range(1, 7)
LISTS = [
    *("movies/", "movies/search/?q=saga", "movies/trending/", f"movies/{MILD}/similar/", "movies/recommendations/"),
    *("movies/suggest/?q=saga", "movies/?ids=1,2,3,4,5,6", "movies/search/?q=saga&sort_by=title.asc"),
]
OF_ONE_FILM = re.compile(r"api/v1/(movies/.*)<int:(?:tmdb_id|movie_id)>(.*)")


@pytest.fixture(autouse=True)
def _films(db: None) -> None:
    rated = {MILD: ("US", "g"), AT_CEILING: ("US", "PG-13"), STRICT: ("US", "R"), UNRATED: ("US", "NR")}
    rated |= {ELSEWHERE: ("DE", "0")}
    for tmdb_id in range(1, 7):
        country, certification = rated.get(tmdb_id, ("US", ""))
        told = [{"country": country, "certification": certification}]
        film = {"tmdb_id": tmdb_id, "title": f"Saga {tmdb_id}", "genre_ids": [80], "popularity": 1.0 * tmdb_id}
        store_facts([known_facts({**film, "certifications": told})], choose=differences, now=NOW)
    publish_what_is_stale()
    refresh_index()


@pytest.fixture
def _ceiling(settings: Settings) -> None:
    settings.MATURITY_CEILING = "US:PG-13"


def shown(api: Api, path: str) -> set[int]:
    return {movie["tmdb_id"] for movie in api.get(path).json()["results"]}


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.usefixtures("_ceiling")
def test_no_list_shows_what_is_above_it_or_not_rated(as_alice: Api, path: str) -> None:
    assert shown(as_alice, path) == {MILD, AT_CEILING} - ({MILD} if "similar" in path else set())


@pytest.mark.parametrize("path", LISTS)
def test_without_it_all_are_shown(as_alice: Api, path: str) -> None:
    assert len(shown(as_alice, path)) >= 5


@pytest.mark.usefixtures("_ceiling")
def test_a_filter_narrows_it_further_and_never_widens_it(api: Api) -> None:
    asked = "movies/?certification_country=US&certification"

    assert shown(api, f"{asked}=R") == set()
    assert shown(api, f"{asked}.gte=PG") == {AT_CEILING}
    assert api.get("movies/").json()["total_results"] == 2


@pytest.mark.usefixtures("_ceiling")
def test_no_route_of_one_film_knows_a_hidden_one(as_alice: Api) -> None:
    answers = answers_on(as_alice, STRICT)

    assert {status for (_, method), status in answers.items() if method != "DELETE"} <= {404, 405}
    assert {status for (_, method), status in answers.items() if method == "DELETE"} <= {204, 405}
    assert [path for (path, method), status in answers.items() if (method, status) == ("GET", 404)] == [
        *(f"movies/{STRICT}/", f"movies/{STRICT}/rate/", f"movies/{STRICT}/reviews/", f"movies/{STRICT}/similar/"),
    ]


@pytest.mark.usefixtures("_ceiling")
def test_a_hidden_film_can_not_be_put_on_a_list(as_alice: Api) -> None:
    answers = [as_alice.post(f"movies/{kind}/", {"movie_id": STRICT}) for kind in ("favorites", "watchlist")]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json()["code"] == "movie_not_found"


def test_what_was_on_my_lists_is_left_out_and_tells_no_reason(as_alice: Api, settings: Settings) -> None:
    for tmdb_id in (STRICT, MILD):
        as_alice.post("movies/favorites/", {"movie_id": tmdb_id})
        as_alice.post(f"movies/{tmdb_id}/rate/", {"rating": 5})
    settings.MATURITY_CEILING = "US:PG-13"

    recommended = as_alice.get("movies/recommendations/").json()["results"]

    assert shown(as_alice, "movies/favorites/") == shown(as_alice, "movies/ratings/") == {MILD}
    assert STRICT not in {reason["tmdb_id"] for movie in recommended for reason in movie["because"]}


@pytest.mark.parametrize("whose", ["mine", "the instance's"])
@pytest.mark.parametrize("path", ["movies/favorites/", "movies/watchlist/", "movies/ratings/"])
def test_what_is_hidden_takes_no_place_on_my_lists_and_counts_nowhere(
    as_alice: Api, settings: Settings, django_assert_num_queries: DjangoAssertNumQueries, path: str, whose: str
) -> None:
    for tmdb_id in (MILD, STRICT, AT_CEILING, UNRATED):
        if "ratings" in path:
            as_alice.post(f"movies/{tmdb_id}/rate/", {"rating": 5})
        else:
            as_alice.post(path, {"movie_id": tmdb_id})
    if whose == "mine":
        as_alice.patch("users/profile/", {"maturity_ceiling": "US:PG-13"})
    else:
        settings.MATURITY_CEILING = "US:PG-13"
    as_alice.get(path)

    pages = [as_alice.get(f"{path}?page_size=1&page={page}").json() for page in (1, 2, 3)]

    assert [[film["tmdb_id"] for film in page["results"]] for page in pages] == [[AT_CEILING], [MILD], []]
    assert [(page["total_results"], page["total_pages"]) for page in pages] == [(2, 2)] * 3
    with django_assert_num_queries(2 if "ratings" in path else 1):  # who asks; reviews are read each time
        as_alice.get(path)


@pytest.mark.usefixtures("_ceiling")
def test_a_film_that_is_rated_anew_comes_and_goes(api: Api) -> None:
    for tmdb_id, certification in ((STRICT, "PG"), (MILD, "R")):
        told = [{"country": "US", "certification": certification}]
        facts = known_facts({"tmdb_id": tmdb_id, "title": "Saga", "certifications": told})
        store_facts([facts], choose=differences, now=NOW)
    publish_what_is_stale()

    assert shown(api, "movies/") == {AT_CEILING, STRICT}
    assert (api.get(f"movies/{STRICT}/").status_code, api.get(f"movies/{MILD}/").status_code) == (200, 404)


@pytest.mark.usefixtures("_ceiling")
def test_it_costs_no_query_more(api: Api, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(1):
        api.get("movies/")
    with django_assert_num_queries(1):
        api.get(f"movies/{MILD}/")


@pytest.fixture
def alices_ceiling(as_alice: Api) -> None:
    assert as_alice.patch("users/profile/", {"maturity_ceiling": "US:PG-13"}).status_code == 200


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.usefixtures("alices_ceiling")
def test_a_persons_own_ceiling_is_theirs_alone(as_alice: Api, as_bob: Api, api: Api, path: str) -> None:
    public = [] if "recommendations" in path else [api]

    assert shown(as_alice, path) == {MILD, AT_CEILING} - ({MILD} if "similar" in path else set())
    assert all(STRICT in shown(other, path) for other in (as_bob, *public))


def test_of_two_ceilings_both_hold(as_alice: Api, settings: Settings) -> None:
    as_alice.patch("users/profile/", {"maturity_ceiling": "US:R"})
    settings.MATURITY_CEILING = "US:PG-13"
    lower_of_the_instance = shown(as_alice, "movies/")
    as_alice.patch("users/profile/", {"maturity_ceiling": "US:G"})

    assert (lower_of_the_instance, shown(as_alice, "movies/")) == ({MILD, AT_CEILING}, {MILD})


@pytest.mark.usefixtures("alices_ceiling")
def test_no_route_of_one_film_knows_one_above_my_ceiling(as_alice: Api, as_bob: Api) -> None:
    assert {status for (_, method), status in answers_on(as_alice, STRICT).items() if method != "DELETE"} <= {404, 405}
    assert 404 not in answers_on(as_bob, STRICT).values()
    assert [
        as_alice.post(f"movies/{kind}/", {"movie_id": STRICT}).status_code for kind in ("favorites", "watchlist")
    ] == [
        404,
        404,
    ]
    assert as_alice.get(f"movies/{'9' * 400}/").status_code == 404


def test_my_lists_and_reasons_leave_out_what_is_above_my_ceiling(as_alice: Api) -> None:
    for tmdb_id in (STRICT, MILD):
        as_alice.post("movies/favorites/", {"movie_id": tmdb_id})
        as_alice.post(f"movies/{tmdb_id}/rate/", {"rating": 5})
    as_alice.patch("users/profile/", {"maturity_ceiling": "US:PG-13"})

    recommended = as_alice.get("movies/recommendations/").json()["results"]
    hidden = shown(as_alice, "movies/favorites/"), shown(as_alice, "movies/ratings/")
    as_alice.patch("users/profile/", {"maturity_ceiling": None})

    assert hidden == ({MILD}, {MILD})
    assert STRICT not in {reason["tmdb_id"] for movie in recommended for reason in movie["because"]}
    assert shown(as_alice, "movies/favorites/") == {MILD, STRICT}


@pytest.mark.usefixtures("alices_ceiling")
def test_a_put_that_does_not_tell_of_it_leaves_it(as_alice: Api) -> None:
    told = as_alice.get("users/profile/").json()
    fields = ("username", "first_name", "last_name", "bio", "birth_date", "favorite_genres", "notification_preferences")

    answer = as_alice.put("users/profile/", {name: told[name] for name in fields})

    assert answer.json()["maturity_ceiling"] == "US:PG-13"


@pytest.mark.parametrize("ceiling", ["PG-13", "US:18", "XX:R", "", "US:NR", "x" * 51])
def test_a_ceiling_of_mine_that_is_none_is_refused_by_name(as_alice: Api, ceiling: str) -> None:
    answer = as_alice.patch("users/profile/", {"maturity_ceiling": ceiling})

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["maturity_ceiling"]


def test_a_ceiling_that_no_scale_has_any_more_shows_nothing(as_alice: Api, alice: User) -> None:
    UserProfile.objects.filter(user=alice).update(maturity_ceiling="SU:U")

    assert shown(as_alice, "movies/") == set()


@pytest.mark.usefixtures("_ceiling")
def test_ten_suggestions_are_filled_from_those_that_may_be_shown(api: Api) -> None:
    Movie.objects.bulk_create(
        Movie(tmdb_id=number, title=f"Saga {number}", popularity=500.0, created_at=NOW, updated_at=NOW)
        for number in range(100, 150)
    )
    refresh_index()

    assert shown(api, "movies/suggest/?q=saga") == {MILD, AT_CEILING}


@pytest.mark.parametrize("setting", ["PG-13", "US", "US:", "US:18", "XX:R", "us:R", "US:NR"])
def test_a_ceiling_that_is_none_stops_the_start(settings: Settings, setting: str) -> None:
    settings.MATURITY_CEILING = setting

    with pytest.raises(ConfigurationError, match="MATINEE_MATURITY_CEILING"):
        instance_ceiling()


def answers_on(person: Api, tmdb_id: int) -> dict[tuple[str, str], int]:
    """The status that each route of this one film answers, by path and method."""
    routes = {match for route in _routes(get_resolver()) if (match := OF_ONE_FILM.fullmatch(route))}
    bodies: dict[str, Any] = {"POST": {"rating": 5}, "PUT": {"rating": 5}}
    return {
        (path, method): person.request(method, path, bodies.get(method) if path.endswith("rate/") else None).status_code
        for path in sorted(f"{match[1]}{tmdb_id}{match[2]}" for match in routes)
        for method in ("GET", "POST", "PUT", "DELETE")
    }


def _routes(resolver: URLResolver, prefix: str = "") -> list[str]:
    found: list[str] = []
    for entry in resolver.url_patterns:
        route = prefix + str(entry.pattern)
        found += [route] if isinstance(entry, URLPattern) else _routes(entry, route)
    return found
