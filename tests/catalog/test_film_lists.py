"""The lists of a film (its cast, its keywords, …) as sources tell them, and as they are stored."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from matinee.catalog import outbox
from matinee.catalog.columns import KIND as COLUMNS
from matinee.catalog.facts import StoreReport, blanks_filled, differences, known_facts, store_facts
from matinee.catalog.film_lists import LISTS, Entries
from matinee.catalog.models import CastMember, Collection, KeywordTag, Movie, MovieChange, Person
from tests.at_once import at_once
from tests.catalog.told import DE_NIRO, HEAT, MANN, NETFLIX, OF_HEAT, PACINO

MONDAY = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
TUESDAY = MONDAY + dt.timedelta(days=1)
INSIDER, ALI = 9008, 8489


def store(*films: dict[str, Any], now: dt.datetime = MONDAY, choose: Any = differences) -> StoreReport:
    return store_facts([known_facts(film) for film in films], choose=choose, now=now)


def of_heat(name: str) -> Entries:
    movie = Movie.objects.get(tmdb_id=HEAT)
    return LISTS[name].read([movie.pk]).get(movie.pk, ())


def statements(queries: CaptureQueriesContext) -> int:
    """Those that read or write rows of the catalogue."""
    told = [query["sql"] for query in queries.captured_queries]
    return len([sql for sql in told if "catalog_" in sql and not sql.startswith("LOCK TABLE")])


def told_in_outbox() -> set[int]:
    return set(MovieChange.objects.filter(consumer=COLUMNS).values_list("tmdb_id", flat=True))


def forget_what_was_told() -> None:
    outbox.forget_changes(outbox.pending_changes(COLUMNS))


def playing(tmdb_id: int, *people: dict[str, Any]) -> dict[str, Any]:
    return {"tmdb_id": tmdb_id, "title": str(tmdb_id), "cast_members": list(people)}


@pytest.mark.django_db
class TestStoring:
    def test_every_list_is_there_as_it_was_told(self) -> None:
        store(OF_HEAT)

        assert of_heat("cast_members") == (
            (1158, "Al Pacino", "/pacino.jpg", "Vincent Hanna"),
            (380, "Robert De Niro", "/deniro.jpg", "Neil McCauley"),
        )
        assert of_heat("crew_members") == (
            (638, "Michael Mann", None, "Director", "Directing"),
            (638, "Michael Mann", None, "Writer", "Writing"),
        )
        assert of_heat("keyword_tags") == ((642, "robbery"), (10051, "heist"))
        assert of_heat("certifications") == (("DE", "16"), ("US", "R"))
        assert of_heat("watch_offers") == (
            ("DE", "buy", 8, "Netflix", "/n.jpg"),
            ("US", "flatrate", 8, "Netflix", "/n.jpg"),
        )
        assert [(video.key, video.published_at, video.is_official) for video in of_heat("videos")] == [
            ("trailer", dt.datetime(2015, 3, 5, 2, 3, 14, tzinfo=dt.UTC), False),
            ("clip", None, True),
        ]
        assert of_heat("alternative_titles") == (("FR", "Heat, en toute sécurité", None),)
        assert Movie.objects.get().collection == Collection.objects.get(name="Heat Collection")

    def test_the_names_of_a_film_follow_from_its_lists(self) -> None:
        store(OF_HEAT)

        movie = Movie.objects.get()
        assert (movie.cast, movie.directors) == (["Al Pacino", "Robert De Niro"], ["Michael Mann"])
        assert movie.keywords == ["robbery", "heist"]

    def test_the_same_again_touches_nothing_and_reads_no_list(self) -> None:
        store(OF_HEAT)
        forget_what_was_told()

        with CaptureQueriesContext(connection) as queries:
            report = store(OF_HEAT, now=TUESDAY)

        assert (report.changed, report.unchanged, statements(queries)) == (0, 1, 1)
        assert Movie.objects.get().updated_at == MONDAY
        assert not told_in_outbox()

    @pytest.mark.parametrize("name", [*LISTS, "collection"])
    def test_a_list_that_is_told_otherwise_is_a_change_and_is_told_to_the_outbox(self, name: str) -> None:
        store(OF_HEAT)
        forget_what_was_told()

        report = store({**OF_HEAT, name: [] if name != "collection" else None}, now=TUESDAY)

        assert report.changed == 1
        assert Movie.objects.get().updated_at == TUESDAY
        assert told_in_outbox() == {HEAT}
        if name == "collection":
            assert Movie.objects.get().collection is None
        else:
            assert of_heat(name) == ()

    def test_a_list_of_which_nothing_is_told_stays(self) -> None:
        store(OF_HEAT)

        report = store({"tmdb_id": HEAT, "title": "Heat", "runtime": 170}, now=TUESDAY)

        assert report.changed == 1
        assert len(of_heat("cast_members")) == 2

    def test_a_list_is_replaced_whole(self) -> None:
        store(OF_HEAT)

        store({**OF_HEAT, "cast_members": [{**DE_NIRO, "character": "Neil"}]}, now=TUESDAY)

        assert of_heat("cast_members") == ((380, "Robert De Niro", "/deniro.jpg", "Neil"),)
        assert Movie.objects.get().cast == ["Robert De Niro"]

    def test_a_poorer_source_fills_lists_that_are_missing_and_changes_none(self) -> None:
        store(playing(HEAT, {**PACINO, "character": "Hanna"}))

        report = store(OF_HEAT, choose=blanks_filled, now=TUESDAY)
        again = store(OF_HEAT, choose=blanks_filled, now=TUESDAY)

        assert (report.changed, again.changed) == (1, 0)
        assert [entry.character for entry in of_heat("cast_members")] == ["Hanna"]
        assert len(of_heat("keyword_tags")) == 2

    def test_films_without_a_list_cost_what_they_did(self) -> None:
        films = [{"tmdb_id": number, "title": "Bare"} for number in range(1, 20)]

        with CaptureQueriesContext(connection) as queries:
            store(*films)

        assert statements(queries) == 2

    def test_as_many_statements_for_many_films_as_for_one(self) -> None:
        def cost_of(*numbers: int) -> int:
            with CaptureQueriesContext(connection) as queries:
                store(*({**OF_HEAT, "tmdb_id": number, "title": "Like Heat"} for number in numbers))
            return statements(queries)

        store(OF_HEAT)

        assert cost_of(1) == cost_of(*range(2, 22)) == 21

    def test_a_film_that_goes_takes_its_lists_along(self) -> None:
        store(OF_HEAT)

        Movie.objects.all().delete()

        assert not CastMember.objects.exists()
        assert not KeywordTag.objects.exists()
        assert Person.objects.count() == 3


@pytest.mark.django_db
class TestWhatFilmsShare:
    def test_somebody_who_is_called_otherwise_is_so_in_all_their_films(self) -> None:
        store(OF_HEAT, playing(INSIDER, PACINO), playing(ALI, DE_NIRO))
        forget_what_was_told()

        store(playing(INSIDER, {**PACINO, "name": "Alfredo Pacino"}), now=TUESDAY)

        heat, insider, ali = (Movie.objects.get(tmdb_id=number) for number in (HEAT, INSIDER, ALI))
        assert (heat.cast, insider.cast) == (["Alfredo Pacino", "Robert De Niro"], ["Alfredo Pacino"])
        assert (heat.updated_at, insider.updated_at, ali.updated_at) == (TUESDAY, TUESDAY, MONDAY)
        assert told_in_outbox() == {HEAT, INSIDER}

    def test_so_is_a_keyword_and_a_collection(self) -> None:
        store(OF_HEAT)
        forget_what_was_told()
        other = {"tmdb_id": ALI, "title": "Ali", "keyword_tags": [{"id": 642, "name": "hold-up"}]}

        store({**other, "collection": {"id": 5, "name": "The Heat Collection"}}, now=TUESDAY)

        heat = Movie.objects.select_related("collection").get(tmdb_id=HEAT)
        assert heat.keywords == ["hold-up", "heist"]
        assert heat.collection is not None
        assert (heat.collection.name, heat.collection.poster_path) == ("The Heat Collection", "/c.jpg")
        assert told_in_outbox() == {HEAT, ALI}

    def test_a_new_name_and_another_change_of_the_same_film_both_hold(self) -> None:
        store(OF_HEAT, playing(INSIDER, PACINO))

        store(
            playing(INSIDER, {**PACINO, "name": "Alfredo Pacino"}),
            {"tmdb_id": HEAT, "title": "Heat", "runtime": 170, "cast": ["stale"]},
            now=TUESDAY,
        )

        heat = Movie.objects.get(tmdb_id=HEAT)
        assert (heat.runtime, heat.cast) == (170, ["Alfredo Pacino", "Robert De Niro"])

    def test_a_picture_of_which_nothing_is_told_stays(self) -> None:
        store(OF_HEAT)

        report = store(playing(ALI, {"id": 1158, "name": "Al Pacino"}), now=TUESDAY)

        assert report.added == 1
        assert Person.objects.get(id=1158).profile_path == "/pacino.jpg"
        assert Movie.objects.get(tmdb_id=HEAT).updated_at == MONDAY


@pytest.mark.parametrize(
    ("name", "told", "stored"),
    [
        ("cast_members", [{"id": 1, "name": " "}, {"id": 0, "name": "X"}, {"id": True, "name": "X"}, "x", None], []),
        ("cast_members", [{"id": 2**63, "name": "X"}, {"name": "X"}, {"id": 1, "name": "nul\0"}], []),
        ("cast_members", [PACINO, PACINO], [(1158, "Al Pacino", "/pacino.jpg", None)]),
        ("cast_members", {"id": 1, "name": "X"}, []),
        ("cast_members", "abc", []),
        ("cast_members", None, []),
        ("crew_members", [{**MANN, "job": ""}], []),
        (
            "keyword_tags",
            [{"id": 3, "name": "b"}, {"id": 2, "name": "a"}, {"id": 3, "name": "c"}],
            [(2, "a"), (3, "b")],
        ),
        ("certifications", [{"country": "us", "certification": "R"}, {"country": "US", "certification": ""}], []),
        (
            "certifications",
            [{"country": "US", "certification": "R"}, {"country": "US", "certification": "NR"}],
            [("US", "R")],
        ),
        (
            "certifications",
            [{"country": "USA", "certification": "R"}, {"country": "FR", "certification": "x" * 41}],
            [],
        ),
        (
            "watch_offers",
            [{**NETFLIX, "region": "USA", "kind": "buy"}, {**NETFLIX, "region": "CA-QC", "kind": "buy"}],
            [],
        ),
        ("watch_offers", [{**NETFLIX, "region": "US", "kind": "steal"}, {**NETFLIX, "region": "", "kind": "buy"}], []),
        ("videos", [{"site": "Elsewhere", "key": "a"}, {"site": "YouTube", "key": "a&b=<script>"}], []),
        ("alternative_titles", [{"country": "FR", "title": ""}, {"country": "France", "title": "X"}], []),
    ],
)
def test_what_can_be_stored_of_a_list_is_kept(name: str, told: Any, stored: list[tuple[Any, ...]]) -> None:
    assert list(LISTS[name].entries(told)) == stored


def test_a_list_is_no_longer_than_its_limit_and_keeps_the_main_jobs() -> None:
    crew = [{"id": number, "name": "X", "job": "Stunts", "department": "Crew"} for number in range(1, 500)]
    crew += [{"id": 999, "name": "Michael Mann", "job": "Director", "department": "Directing"}]

    kept = LISTS["crew_members"].entries(crew)

    assert len(kept) == 50
    assert (kept[0].id, kept[1].id) == (999, 1)


@pytest.mark.django_db(transaction=True)
def test_two_who_bring_the_same_people_in_other_orders_at_once_both_succeed() -> None:
    people = [{"id": number, "name": f"P{number}"} for number in range(1, 60)]

    reports = at_once(
        lambda: store(*(playing(number, *people) for number in range(1, 30))),
        lambda: store(*(playing(number, *reversed(people)) for number in range(29, 0, -1))),
        lambda: store(*(playing(number, {"id": number, "name": "Renamed"}) for number in range(29, 0, -1))),
    )

    assert [type(report) for report in reports] == [StoreReport] * 3
    assert Movie.objects.count() == 29
    casts = LISTS["cast_members"].read([*Movie.objects.values_list("pk", flat=True)])
    assert {len(cast) for cast in casts.values()} <= {1, 50}
