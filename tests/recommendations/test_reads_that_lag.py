"""A training reads a replica where there is one, which may lag: here a copy of the database that follows it no more."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from unittest.mock import patch

import psycopg
import pytest
from django.conf import settings as django_settings
from django.db import connection, connections, router
from django.db.backends.base.base import BaseDatabaseWrapper
from pytest_django import DjangoDbBlocker
from pytest_django.fixtures import Settings

from matinee.accounts.models import User
from matinee.catalog.models import Movie
from matinee.core import replica
from matinee.core.replica import REPLICA, read_where_it_may_lag
from matinee.operations import doctor
from matinee.operations.backups.engines import STAGED
from matinee.recommendations.freshness import may_have_changed
from matinee.recommendations.training import train
from tests.recommendations.conftest import NOW, film, make_movie, make_person, rate
from tests.recommendations.test_training import notes, own_ratings

pytestmark = pytest.mark.skipif(django_settings.EMBEDDED_DATABASE, reason="SQLite has no replicas.")


@pytest.fixture
def alice(transactional_db: None, django_db_blocker: DjangoDbBlocker) -> Iterator[User]:
    """Who has rated two films. Django's test cases would let no connection through to what is made on the way."""
    with patch.object(BaseDatabaseWrapper, "ensure_connection", django_db_blocker._real_ensure_connection):
        for number in (101, 102, 103):
            make_movie(number)
        person = make_person("alice")
        rate(person, {101: 4, 102: 1})
        yield person


@pytest.fixture
def left_behind(copied: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A copy that says of itself that it follows."""
    monkeypatch.setattr(replica, "BEHIND", "SELECT 0")
    return copied


@pytest.fixture
def copied(alice: User, settings: Settings) -> Iterator[str]:
    """From here on nothing more reaches the replica; returns its name."""
    name, live = f"replica_{secrets.token_hex(4)}", connection.settings_dict["NAME"]
    connections.close_all()  # a database that somebody is connected to is not copied
    with psycopg.connect(django_settings.DATABASE_URL, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{live}"')
        connections.databases[REPLICA] = {**connection.settings_dict, "NAME": name}
        settings.REPLICA_URL = f"postgresql:///{name}"
        settings.DATABASE_ROUTERS = ["matinee.core.replica.Router"]
        try:
            yield name
        finally:
            connections[REPLICA].close()
            del connections[REPLICA], connections.databases[REPLICA]
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def learned_from(version: str) -> object:
    data = notes(version)["data"]
    assert isinstance(data, dict)
    return data["own_ratings"]


def test_a_training_learns_what_the_replica_has_and_what_it_lacks_is_new_afterwards(
    alice: User, left_behind: str
) -> None:
    rate(alice, {103: 5})

    version = train(now=NOW).version

    assert learned_from(version) == 2
    assert may_have_changed()
    assert len(own_ratings()) == 3


def test_who_is_gone_is_not_learned_from_though_the_replica_has_them_still(alice: User, left_behind: str) -> None:
    rate(make_person("bob"), {101: 2})
    alice.delete()

    assert read_where_it_may_lag(own_ratings) == []
    assert len(own_ratings()) == 1


def test_what_is_written_meanwhile_goes_to_the_database_itself(alice: User, left_behind: str) -> None:
    def rename() -> Movie:
        read = film(101)
        read.title = "Renamed"
        read.save()
        assert film(101).title == "Film 101"
        return read

    read = read_where_it_may_lag(rename)
    read.title = "Renamed again"
    read.save()

    assert film(101).title == "Renamed again"
    assert Movie.objects.using(REPLICA).get(tmdb_id=101).title == "Film 101"


def test_rows_of_a_backup_that_is_made_ready_stay_there(alice: User, left_behind: str) -> None:
    alice._state.db = STAGED

    assert router.db_for_write(User, instance=alice) == router.db_for_read(User, instance=alice) == STAGED
    assert router.allow_migrate(STAGED, "accounts")
    assert not router.allow_migrate(REPLICA, "accounts")


@pytest.mark.parametrize("fault", ["away", "far behind", "of an unknown time"])
def test_a_replica_that_is_away_or_far_behind_is_not_read(
    alice: User, left_behind: str, fault: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rate(alice, {103: 5})
    if fault == "away":
        monkeypatch.setitem(connections[REPLICA].settings_dict, "NAME", "there_is_none")
    else:
        seconds = "NULL" if fault == "of an unknown time" else replica.LAGS_AT_MOST_SECONDS + 1
        monkeypatch.setattr(replica, "BEHIND", f"SELECT {seconds}")

    assert len(read_where_it_may_lag(own_ratings)) == 3

    assert "The database itself is read and not its replica: it" in caplog.text
    assert not doctor.followed().ok


def test_the_doctor_says_that_it_follows(left_behind: str) -> None:
    assert doctor.followed().ok


def test_a_database_that_follows_nobody_is_not_read(alice: User, copied: str) -> None:
    rate(alice, {103: 5})

    assert len(read_where_it_may_lag(own_ratings)) == 3

    assert not doctor.followed().ok
