"""What the mirror does with answers that make no sense, and with a TMDb that is unwell."""

from __future__ import annotations

import datetime as dt

import pytest

from matinee.catalog.models import Movie
from matinee.tmdb import sync
from matinee.tmdb.client import Client
from matinee.tmdb.failures import TokenRefused
from matinee.tmdb.models import QuarantinedFilm, SyncLease, WantedFilm
from matinee.tmdb.pace import Pace
from matinee.tmdb.stand_in.faults import Fault
from matinee.tmdb.stand_in.films import Films
from matinee.tmdb.stand_in.server import StandIn
from matinee.tmdb.sync import Progress, TmdbUnwell
from tests.tmdb.catalogue import DAY, NOON, Clock, asked_films, end_state, mirrored, titles
from tests.tmdb.payloads import payload

pytestmark = pytest.mark.django_db(transaction=True)

GARBAGE = ["wrong-types", "nan", "nul", "no-json", "many-genres", "huge", "redirect", "half", "html", "reset", "500"]


class TestGarbage:
    @pytest.mark.parametrize("kind", GARBAGE)
    def test_a_film_that_is_told_wrongly_is_set_aside_and_keeps_what_it_had(
        self, client: Client, clock: Clock, stand_in: StandIn, kind: str
    ) -> None:
        mirrored(client, clock)
        before = end_state()
        for tmdb_id in (603, 550):
            stand_in.films.put({"id": tmdb_id, "runtime": 200}, day=NOON.date())
        stand_in.faults.put(Fault(kind, path="/3/movie/603"))
        clock.now = NOON + DAY

        stored = mirrored(client, clock)

        set_aside = QuarantinedFilm.objects.get()
        assert (set_aside.tmdb_id, set_aside.times, stored.quarantined) == (603, 1, 1)
        assert set_aside.reason
        matrix = next(film for film in end_state()["films"] if film["tmdb_id"] == 603)
        assert matrix in before["films"]
        assert Movie.objects.get(tmdb_id=550).runtime == 200
        assert not WantedFilm.objects.exists()

    def test_it_is_asked_for_again_and_then_forgotten(self, client: Client, clock: Clock, stand_in: StandIn) -> None:
        stand_in.faults.put(Fault("nan", path="/3/movie/603", times=2))
        mirrored(client, clock)
        clock.now = NOON + DAY
        mirrored(client, clock)
        twice = QuarantinedFilm.objects.get().times
        clock.now = NOON + 2 * DAY

        mirrored(client, clock)

        assert twice == 2
        assert not QuarantinedFilm.objects.exists()
        assert 603 in titles()

    def test_blanks_never_replace_what_is_known(self, client: Client, clock: Clock, stand_in: StandIn) -> None:
        mirrored(client, clock)
        before = end_state()
        nothing = {"overview": "", "runtime": 0, "genres": [], "poster_path": None, "imdb_id": "", "release_date": ""}
        stand_in.films.put({"id": 603, **nothing, "credits": {"cast": [], "crew": []}}, day=NOON.date())
        clock.now = NOON + DAY

        mirrored(client, clock)

        assert end_state() == before

    def test_an_average_goes_with_its_last_vote(self, client: Client, clock: Clock, stand_in: StandIn) -> None:
        mirrored(client, clock)
        stand_in.films.put({"id": 603, "vote_average": 0.0, "vote_count": 0}, day=NOON.date())
        clock.now = NOON + DAY

        mirrored(client, clock)

        matrix = Movie.objects.get(tmdb_id=603)
        assert (matrix.vote_average, matrix.vote_count) == (None, 0)


class TestTmdbIsUnwell:
    @pytest.mark.parametrize("kind", ["500", "503", "reset", "html", "half", "redirect"])
    def test_a_run_that_gets_no_answer_ends_and_the_next_one_goes_on(
        self, client: Client, clock: Clock, stand_in: StandIn, pace: Pace, kind: str
    ) -> None:
        stand_in.faults.put(Fault(kind, path="/3/"))

        with pytest.raises(TmdbUnwell):
            mirrored(client, clock)

        assert titles() == {}
        stand_in.faults.clear()
        pace.succeeded()
        mirrored(client, clock)
        assert len(titles()) == 3
        assert not QuarantinedFilm.objects.exists()

    def test_one_that_fails_in_the_middle_keeps_what_is_left_for_the_next_run(
        self,
        client: Client,
        next_client: Client,
        clock: Clock,
        stand_in: StandIn,
        pace: Pace,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(sync, "BATCH", 10)
        stand_in.films = Films(payload(number, f"Film {number}", popularity=float(number)) for number in range(1, 41))
        told: list[Progress] = []

        def fail_after_two_batches(progress: Progress) -> None:
            told.append(progress)
            if len(told) == 3:
                stand_in.faults.put(Fault("500"))

        with pytest.raises(TmdbUnwell, match="20 films are left"):
            mirrored(client, clock, on_progress=fail_after_two_batches)
        done = len(titles())
        stand_in.faults.clear()
        pace.succeeded()
        stand_in.asked.clear()
        mirrored(next_client, clock)

        assert (done, len(titles())) == (20, 40)
        assert len(asked_films(stand_in)) == 20
        assert not QuarantinedFilm.objects.exists()

    def test_it_waits_for_a_tmdb_that_comes_back(
        self, client: Client, clock: Clock, stand_in: StandIn, pace: Pace, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def come_back(_seconds: float) -> None:
            stand_in.faults.clear()
            pace.succeeded()

        monkeypatch.setattr(sync.time, "sleep", come_back)  # type: ignore[attr-defined] # the module, as it sees it
        mirrored(client, clock)
        stand_in.films.put({"id": 603, "runtime": 200}, day=NOON.date())
        clock.now = NOON + DAY
        stand_in.faults.put(Fault("500", path="/3/movie/603"))
        stand_in.faults.put(Fault("500", path="/3/configuration"))

        mirrored(client, clock, patience=dt.timedelta(minutes=1))

        assert Movie.objects.get(tmdb_id=603).runtime == 200

    def test_a_refused_token_ends_the_run(self, clock: Clock, client: Client, stand_in: StandIn) -> None:
        stand_in.faults.put(Fault("401"))

        with pytest.raises(TokenRefused):
            mirrored(client, clock)

        assert SyncLease.objects.get().expires_at <= clock.now
