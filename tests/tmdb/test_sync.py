"""The catalogue follows TMDb: filled once, then by what changed, and left as it was by whatever goes wrong."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from matinee.accounts.models import User
from matinee.accounts.services import create_user
from matinee.catalog.models import Genre, Movie
from matinee.library.models import Favorite
from matinee.tmdb import planning, sync
from matinee.tmdb.client import Client
from matinee.tmdb.connection import MirrorScope
from matinee.tmdb.models import SyncLease, SyncStep, WantedFilm
from matinee.tmdb.planning import is_due
from matinee.tmdb.stand_in.faults import Fault
from matinee.tmdb.stand_in.films import Films
from matinee.tmdb.stand_in.server import StandIn
from matinee.tmdb.storing import Stored
from matinee.tmdb.sync import Progress
from tests.tmdb.catalogue import DAY, NOON, Clock, asked_films, end_state, mirrored, titles
from tests.tmdb.payloads import payload

pytestmark = pytest.mark.django_db(transaction=True)

LISTS_OF_TMDB = {
    "belongs_to_collection": {"id": 2344, "name": "The Matrix Collection", "poster_path": None, "backdrop_path": None},
    "release_dates": {
        "results": [
            {
                "iso_3166_1": "US",
                "release_dates": [{"certification": "PG-13", "type": 5}, {"certification": "R", "type": 3}],
            },
            {
                "iso_3166_1": "DE",
                "release_dates": [{"certification": "", "type": 1}, {"certification": "16", "type": 3}],
            },
            {"iso_3166_1": "FR", "release_dates": [{"certification": "", "type": 3}]},
        ]
    },
    "watch/providers": {
        "results": {
            "DE": {
                "link": "https://www.themoviedb.org/movie/603-the-matrix/watch?locale=DE",
                "flatrate": [{"provider_id": 8, "provider_name": "Netflix", "logo_path": "/n.jpg"}],
            }
        }
    },
    "videos": {
        "results": [
            {
                "key": "vKQi3bBA1y8",
                "site": "YouTube",
                "name": "Trailer",
                "type": "Trailer",
                "official": True,
                "size": 1080,
            }
        ]
    },
    "alternative_titles": {"titles": [{"iso_3166_1": "DE", "title": "Matrix", "type": ""}]},
}


class TestTheFirstFill:
    def test_it_brings_the_most_popular_films(self, client: Client, clock: Clock, stand_in: StandIn) -> None:
        stand_in.films.put(payload(604, "The Matrix Reloaded", popularity=55.0), day=NOON.date())

        stored = mirrored(client, clock)

        assert (stored.added, stored.withdrawn, stored.quarantined) == (4, 0, 0)
        assert titles() == {603: "The Matrix", 604: "The Matrix Reloaded", 550: "Fight Club", 949: "Heat"}
        assert not WantedFilm.objects.exists()

    def test_a_film_has_all_its_facts(self, client: Client, clock: Clock) -> None:
        mirrored(client, clock)

        matrix = Movie.objects.get(tmdb_id=603)
        assert (matrix.runtime, matrix.release_date, matrix.genre_ids) == (136, dt.date(1999, 3, 31), [28])
        assert (matrix.cast, matrix.directors, matrix.keywords) == (
            ["Keanu Reeves"],
            ["Lana Wachowski"],
            ["saviour"],
        )
        assert matrix.created_at == matrix.updated_at == NOON
        assert list(Genre.objects.values_list("id", "name")) == [(28, "Action")]

    def test_its_lists_are_those_of_tmdb(self, client: Client, clock: Clock, stand_in: StandIn) -> None:
        stand_in.films.put({"id": 603, **LISTS_OF_TMDB}, day=NOON.date())

        mirrored(client, clock)

        state = end_state()
        assert state["cast_members"][603][0][:4] == (6384, "Keanu Reeves", None, "Neo")
        assert [entry.job for entry in state["crew_members"][603]] == ["Director", "Director of Photography"]
        assert state["certifications"][603] == (("DE", "16"), ("US", "R"))
        assert [tuple(entry)[:4] for entry in state["watch_offers"][603]] == [("DE", "flatrate", 8, "Netflix")]
        assert [(entry.key, entry.is_official) for entry in state["videos"][603]] == [("vKQi3bBA1y8", True)]
        assert state["alternative_titles"][603] == (("DE", "Matrix", None),)
        matrix = Movie.objects.get(tmdb_id=603)
        assert matrix.collection is not None
        assert matrix.collection.name == "The Matrix Collection"

    def test_where_a_film_can_be_watched_changes_to_nowhere(
        self, client: Client, clock: Clock, stand_in: StandIn
    ) -> None:
        stand_in.films.put({"id": 603, **LISTS_OF_TMDB}, day=NOON.date())
        mirrored(client, clock)
        stand_in.films.put({"id": 603, "watch/providers": {"results": {}}, "videos": {"results": []}}, day=NOON.date())
        clock.now = NOON + DAY

        mirrored(client, clock)

        state = end_state()
        assert (603 in state["watch_offers"], 603 in state["videos"]) == (False, True)

    def test_no_more_films_than_wanted_and_the_most_popular_first(
        self, client: Client, clock: Clock, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(planning, "LIST_PAGES", 0)
        monkeypatch.setattr(sync, "BATCH", 1)
        stand_in.films.put(payload(550, "Fight Club", popularity=20.0), day=NOON.date())

        mirrored(client, clock, scope=MirrorScope(films=2, adult=False, video=False))

        assert asked_films(stand_in) == [603, 550]

    @pytest.mark.parametrize("kind", ["adult", "video"])
    def test_some_kinds_are_left_out_unless_they_are_wanted(
        self, client: Client, clock: Clock, stand_in: StandIn, kind: str
    ) -> None:
        stand_in.films.put(payload(7, "Of that kind", **{kind: True}), day=NOON.date())

        mirrored(client, clock)
        without = set(titles())
        mirrored(client, clock, full=True, scope=MirrorScope(films=10, adult=True, video=True))

        assert (7 in without, 7 in titles()) == (False, True)

    def test_films_that_the_catalogue_had_are_taken_in_too(self, client: Client, clock: Clock) -> None:
        Movie.objects.create(tmdb_id=949, title="Hot", created_at=NOON - DAY, updated_at=NOON - DAY)
        Movie.objects.create(tmdb_id=5, title="Nothing of TMDb's", created_at=NOON - DAY, updated_at=NOON - DAY)

        mirrored(client, clock, scope=MirrorScope(films=1, adult=False, video=False))

        assert titles()[949] == "Heat"
        assert 5 not in titles()

    def test_yesterdays_list_of_ids_does_where_todays_is_not_there_yet(
        self, client: Client, clock: Clock, stand_in: StandIn
    ) -> None:
        missing = f"/p/exports/movie_ids_{NOON:%m_%d_%Y}.json.gz"
        stand_in.faults.put(Fault("404", path=missing))

        mirrored(client, clock)

        assert len(stand_in.asked_for("/p/exports/")) == 2
        assert len(titles()) == 3


class TestWhatChanged:
    def test_a_day_costs_requests_in_proportion_to_its_changes(
        self, client: Client, clock: Clock, stand_in: StandIn
    ) -> None:
        mirrored(client, clock)
        stand_in.asked.clear()
        stand_in.films.put(payload(550, "Fight Club", runtime=139), day=NOON.date())
        stand_in.films.put(payload(1, "Unknown to us"), day=NOON.date())
        clock.now = NOON + DAY
        SyncStep.objects.filter(name="lists").update(done_at=clock.now)

        stored = mirrored(client, clock)

        assert [one.path for one in stand_in.asked] == ["/3/movie/changes", "/3/movie/550"]
        assert (stored.added, stored.changed, stored.unchanged) == (0, 1, 0)
        changed, same = Movie.objects.get(tmdb_id=550), Movie.objects.get(tmdb_id=603)
        assert (changed.runtime, changed.updated_at, same.updated_at) == (139, clock.now, NOON)

    def test_a_film_that_changed_in_nothing_of_ours_is_not_written(
        self, client: Client, clock: Clock, stand_in: StandIn
    ) -> None:
        mirrored(client, clock)
        before = end_state()
        stand_in.films.put(payload(550, "Fight Club", homepage="https://example.org"), day=NOON.date())
        clock.now = NOON + DAY

        mirrored(client, clock)

        assert end_state() == before
        assert Movie.objects.get(tmdb_id=550).updated_at == NOON

    def test_a_run_with_nothing_due_asks_nothing(self, client: Client, clock: Clock, stand_in: StandIn) -> None:
        mirrored(client, clock)
        stand_in.asked.clear()
        clock.now += dt.timedelta(minutes=15)

        assert not is_due(now=clock.now)
        assert mirrored(client, clock) == Stored()
        assert not stand_in.asked

    @pytest.mark.parametrize(("after_midnight", "up_to"), [("00:59:59", "2026-03-01"), ("01:00:00", "2026-03-02")])
    def test_a_day_is_asked_for_when_it_has_been_over_for_an_hour(
        self, client: Client, clock: Clock, after_midnight: str, up_to: str
    ) -> None:
        mirrored(client, clock)
        clock.now = dt.datetime.fromisoformat(f"2026-03-03T{after_midnight}+00:00")

        mirrored(client, clock)

        assert SyncStep.objects.get(name=planning.CHANGES).day == dt.date.fromisoformat(up_to)

    @pytest.mark.parametrize("days", [2, 14])
    def test_days_that_were_missed_are_caught_up_with(
        self, client: Client, clock: Clock, stand_in: StandIn, days: int
    ) -> None:
        mirrored(client, clock)
        stand_in.films.put(payload(550, "Fight Club", runtime=139), day=NOON.date())
        clock.now = NOON + days * DAY
        stand_in.asked.clear()

        mirrored(client, clock)

        assert len(stand_in.asked_for("/3/movie/changes")) == days
        assert Movie.objects.get(tmdb_id=550).runtime == 139

    def test_after_too_many_days_every_film_is_asked_for(self, client: Client, clock: Clock, stand_in: StandIn) -> None:
        mirrored(client, clock)
        stand_in.films.put(payload(550, "Fight Club", runtime=139), day=NOON.date())
        clock.now = NOON + 15 * DAY
        stand_in.asked.clear()

        mirrored(client, clock)

        assert not stand_in.asked_for("/3/movie/changes")
        assert sorted(asked_films(stand_in)) == [550, 603, 949]
        assert Movie.objects.get(tmdb_id=550).runtime == 139

    def test_new_popular_films_come_daily(self, client: Client, clock: Clock, stand_in: StandIn) -> None:
        mirrored(client, clock)
        stand_in.films.put(payload(604, "The Matrix Reloaded", popularity=99.0), day=NOON.date() - 9 * DAY)
        clock.now = NOON + DAY

        mirrored(client, clock)

        assert 604 in titles()

    def test_genres_are_read_weekly(self, client: Client, clock: Clock, stand_in: StandIn) -> None:
        mirrored(client, clock)
        for tmdb_id in titles():
            stand_in.films.put({"id": tmdb_id, "genres": [{"id": 28, "name": "Azione"}]}, day=NOON.date())
        clock.now = NOON + 7 * DAY

        mirrored(client, clock)

        assert Genre.objects.get(id=28).name == "Azione"


class TestFilmsThatAreNoMore:
    @pytest.fixture
    def alice(self) -> User:
        return create_user(email="alice@example.org", password="a long enough word", now=NOON)

    def test_a_deleted_film_goes_and_one_on_a_list_of_somebodys_stays(
        self, client: Client, clock: Clock, stand_in: StandIn, alice: User
    ) -> None:
        mirrored(client, clock)
        Favorite.objects.create(user=alice, movie=Movie.objects.get(tmdb_id=949), created_at=NOON)
        for tmdb_id in (550, 949):
            stand_in.films.delete(tmdb_id, day=NOON.date())
        clock.now = NOON + DAY

        stored = mirrored(client, clock)

        assert stored.withdrawn == 1
        assert titles() == {603: "The Matrix", 949: "Heat"}
        assert Favorite.objects.count() == 1

    def test_a_merged_film_is_there_under_its_new_id(self, client: Client, clock: Clock, stand_in: StandIn) -> None:
        mirrored(client, clock)
        stand_in.films.put(payload(10, "Heat, the one that stays"), day=NOON.date())
        stand_in.films.merge(949, into=10, day=NOON.date())
        clock.now = NOON + DAY

        mirrored(client, clock)

        assert titles() == {603: "The Matrix", 550: "Fight Club", 10: "Heat, the one that stays"}


class TestEndingEarly:
    def test_ctrl_c_leaves_nothing_half_done(
        self, client: Client, clock: Clock, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sync, "BATCH", 10)
        stand_in.films = Films(payload(number, f"Film {number}", popularity=float(number)) for number in range(1, 41))

        def stop(progress: Progress) -> None:
            if progress.done:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            mirrored(client, clock, on_progress=stop)

        assert (len(titles()), WantedFilm.objects.count()) == (10, 30)
        assert SyncLease.objects.get().expires_at <= clock.now

    def test_no_run_begins_inside_a_transaction(self, client: Client, clock: Clock, stand_in: StandIn) -> None:
        with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
            mirrored(client, clock)

        assert not stand_in.asked


def test_a_batch_in_which_nothing_changed_costs_few_statements(client: Client, clock: Clock, stand_in: StandIn) -> None:
    stand_in.films = Films(payload(number, f"Film {number}") for number in range(1, 81))
    mirrored(client, clock)
    clock.now = NOON + 15 * DAY
    SyncStep.objects.exclude(name="changes").update(done_at=clock.now)

    with CaptureQueriesContext(connection) as queries:
        stored = mirrored(client, clock)

    written = [query["sql"] for query in queries if "catalog_movie" in query["sql"] and "UPDATE" in query["sql"][:7]]
    assert stored.unchanged == 80
    assert not written
    assert len(queries) < 40
