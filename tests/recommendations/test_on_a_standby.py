"""A training reads a real standby: what it reads there, what it writes elsewhere, and what it does when that fails."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from unittest.mock import patch

import psycopg
import pytest
from django.conf import settings as django_settings
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from pytest_django import DjangoDbBlocker
from pytest_django.fixtures import Settings

from matinee.accounts.models import User
from matinee.accounts.services import create_user
from matinee.core import replica
from matinee.core.replica import REPLICA, read_where_it_may_lag
from matinee.recommendations.training import train
from tests.api.conftest import PASSWORD, signed_in_as
from tests.operations.processes import eventually
from tests.recommendations.conftest import NOW, film, make_movie, rate
from tests.recommendations.standby import Standby, primary, standby
from tests.recommendations.test_reads_that_lag import learned_from
from tests.recommendations.test_training import own_ratings

pytestmark = pytest.mark.skipif(django_settings.EMBEDDED_DATABASE, reason="SQLite has no replicas.")

WAITS_FOR_A_LOCK = (
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND backend_type = 'client backend'"
)
ENDED_FOR_A_CONFLICT = "SELECT confl_lock FROM pg_stat_database_conflicts WHERE datname = current_database()"


@pytest.fixture(scope="module")
def server(django_db_setup: None) -> Iterator[Standby]:
    with standby() as following:
        yield following


@pytest.fixture
def alice(
    transactional_db: None, server: Standby, settings: Settings, django_db_blocker: DjangoDbBlocker
) -> Iterator[User]:
    """Who has rated two films, which the standby knows."""
    connections.databases[REPLICA] = server.settings()
    settings.REPLICA_URL = "postgresql:///replica"
    settings.DATABASE_ROUTERS = ["matinee.core.replica.Router"]
    with patch.object(BaseDatabaseWrapper, "ensure_connection", django_db_blocker._real_ensure_connection):
        for number in (101, 102, 103):
            make_movie(number)
        person = create_user(email="alice@example.org", username="alice", password=PASSWORD, now=NOW)
        rate(person, {101: 4, 102: 1})
        server.catch_up()
        try:
            yield person
        finally:
            connections[REPLICA].close()
            del connections[REPLICA], connections.databases[REPLICA]


@pytest.fixture
def behind(alice: User, server: Standby) -> Iterator[None]:
    """What alice rates from here on does not come there."""
    server.ask("SELECT pg_wal_replay_pause()::text")
    assert eventually(lambda: server.ask("SELECT pg_get_wal_replay_pause_state()") == "paused")
    rate(alice, {103: 5})
    yield
    server.ask("SELECT pg_wal_replay_resume()::text")


def test_a_training_reads_the_standby_and_writes_nothing_there(alice: User, server: Standby) -> None:
    assert server.ask("SELECT pg_is_in_recovery()")

    with server.asked() as statements:
        version = train(now=NOW).version

    assert learned_from(version) == 2
    for table in ("library_movierating", "library_favorite", "catalog_movie"):
        assert any(f'FROM "{table}"' in line for line in statements)
    assert not [line for line in statements if any(verb in line for verb in ("INSERT ", "UPDATE ", "DELETE "))]


def test_what_is_written_meanwhile_comes_to_the_standby_by_the_primary(alice: User, server: Standby) -> None:
    def rename() -> None:
        read = film(101)
        assert read._state.db == REPLICA
        read.title = "Renamed"
        read.save()

    read_where_it_may_lag(rename)

    server.catch_up()
    assert server.ask("SELECT title FROM catalog_movie WHERE tmdb_id = 101") == "Renamed"


@pytest.mark.usefixtures("behind")
def test_a_training_learns_what_the_standby_has(alice: User) -> None:
    assert learned_from(train(now=NOW).version) == 2
    assert len(own_ratings()) == 3


@pytest.mark.usefixtures("behind")
def test_a_persons_own_state_is_never_read_there(alice: User, server: Standby) -> None:
    train(now=NOW)

    with server.asked() as statements:
        as_alice = signed_in_as(alice)
        rated = as_alice.get("movies/ratings/").json()["results"]
        recommended = as_alice.get("movies/recommendations/").json()["results"]
        as_alice.get("users/profile/")
        as_alice.get("movies/103/")

    assert sorted(each["tmdb_id"] for each in rated) == [101, 102, 103]
    assert recommended == []
    assert statements == []


@pytest.mark.usefixtures("behind")
def test_a_standby_that_is_far_behind_is_not_read(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(replica, "LAGS_AT_MOST_SECONDS", 0)

    assert learned_from(train(now=NOW).version) == 3

    assert "The database itself is read and not its replica: it is 0 s behind." in caplog.text


def test_a_read_that_the_standby_ends_for_a_conflict_is_done_anew_on_the_primary(
    alice: User, server: Standby, caplog: pytest.LogCaptureFixture
) -> None:
    """As a migration locks one table and then another, of which the read has the second already."""
    with server.without_patience(), Migration(server) as migration:
        version = train(now=NOW, on_stage=migration.begin_before_ratings_are_read).version

    assert learned_from(version) == 2
    assert server.ask(ENDED_FOR_A_CONFLICT) == 1
    assert "it failed meanwhile (OperationalError: canceling statement due to conflict with recovery)." in caplog.text


def test_a_standby_that_goes_down_in_the_middle_is_read_no_further_and_not_asked_until_it_is_back(
    alice: User, server: Standby, caplog: pytest.LogCaptureFixture
) -> None:
    went_down = once(server.stop)

    assert learned_from(train(now=NOW, on_stage=went_down).version) == 2
    assert "not its replica: it failed meanwhile (" in caplog.text
    assert learned_from(train(now=NOW, force=True).version) == 2
    assert "not its replica: it does not answer (" in caplog.text

    server.start()
    caplog.clear()
    rate(alice, {103: 5})
    server.catch_up()
    with server.asked() as statements:
        assert learned_from(train(now=NOW).version) == 3
    assert statements
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def once(do: Callable[[], None]) -> Callable[[str], None]:
    """Does so as ratings are about to be read for the first time."""
    done = threading.Event()

    def on_stage(stage: str) -> None:
        if stage == "Reading ratings" and not done.is_set():
            done.set()
            do()

    return on_stage


class Migration:
    """Locks two tables one after the other; in the standby a read stands between them, and waits for the first."""

    def __init__(self, server: Standby) -> None:
        self._server = server
        self._sessions: list[psycopg.Connection] = []
        self._rest = threading.Thread(target=self._lock_ratings)
        self.begin_before_ratings_are_read = once(self._lock_favorites)

    def __enter__(self) -> Migration:
        return self

    def __exit__(self, *_: object) -> None:
        self._rest.join()
        self._end()

    def _lock_favorites(self) -> None:
        self._lock("library_favorite")
        self._rest.start()

    def _lock_ratings(self) -> None:
        try:
            assert eventually(lambda: self._server.ask(WAITS_FOR_A_LOCK) == 1)
            self._lock("library_movierating")
        finally:
            self._end()  # the primary is read next

    def _lock(self, table: str) -> None:
        session = psycopg.connect(primary())
        self._sessions.append(session)
        session.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        self._server.catch_up()

    def _end(self) -> None:
        for session in self._sessions:
            session.close()
