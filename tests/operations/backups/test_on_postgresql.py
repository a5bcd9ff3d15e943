"""What there is to hold of backups on PostgreSQL alone."""

from __future__ import annotations

import datetime as dt
import os
import secrets
from pathlib import Path

import psycopg
import pytest
from django.db import connection
from psycopg.conninfo import make_conninfo

from matinee.catalog.models import Movie
from matinee.operations.backups import postgresql, services
from matinee.operations.backups.postgresql import COMMENT_ON, MARK
from matinee.operations.backups.refusals import (
    MayNotCreateDatabases,
    ToolMissing,
    WouldOverwrite,
)
from tests.operations.backups.conftest import NOW, film_numbers

ON_POSTGRESQL = os.environ.get("MATINEE_TEST_DATABASE") == "postgresql"


@pytest.mark.skipif(not ON_POSTGRESQL, reason="SQLite needs no other program.")
def test_without_postgresqls_programs_it_says_which_one_is_missing(
    films: list[int], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")

    with pytest.raises(ToolMissing, match="pg_dump is not on the PATH"):
        services.backup(folder=folder, now=NOW)

    assert not [*folder.glob("*.backup")]


@pytest.mark.skipif(not ON_POSTGRESQL, reason="SQLite has no roles.")
def test_a_role_that_may_not_create_databases_makes_backups_that_were_read_and_restores_none(
    films: list[int], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = f"limited_{secrets.token_hex(4)}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {role} LOGIN")
        cursor.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
        cursor.execute(f"GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}")
    connection.close()

    with monkeypatch.context() as connected:
        connected.setitem(connection.settings_dict, "USER", role)
        made = services.backup(folder=folder, now=NOW)
        with pytest.raises(MayNotCreateDatabases, match=f"ALTER ROLE {role} CREATEDB"):
            services.restore(file=made.path, replace=True, now=NOW)
        connection.close()

    assert not made.was_restored
    assert made.manifest.rows["catalog_movie"] == 3


@pytest.mark.skipif(not ON_POSTGRESQL, reason="SQLite makes files of its own.")
@pytest.mark.parametrize("suffix", ["staged", "before"])
def test_a_database_of_somebody_else_that_has_the_name_is_not_dropped(
    films: list[int], folder: Path, suffix: str
) -> None:
    made = services.backup(folder=folder, now=NOW)
    theirs = f"{connection.settings_dict['NAME']}_{suffix}"
    with psycopg.connect(live_database(), autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{theirs}"')
        with psycopg.connect(live_database(theirs)) as other:
            other.execute("CREATE TABLE precious (id int)")
        try:
            with pytest.raises(WouldOverwrite, match=theirs):
                services.restore(file=made.path, replace=True, now=NOW)
            with pytest.raises(WouldOverwrite, match=theirs):
                services.backup(folder=folder, now=NOW + dt.timedelta(days=1))
        finally:
            server.execute(f'DROP DATABASE "{theirs}"')  # fails where it is gone


@pytest.mark.skipif(not ON_POSTGRESQL, reason="SQLite makes files of its own.")
def test_what_is_marked_as_ours_is_the_leftover_and_never_the_live_one(films: list[int], folder: Path) -> None:
    made = services.backup(folder=folder, now=NOW)
    live = connection.settings_dict["NAME"]
    with psycopg.connect(live_database(), autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{live}_before"')  # empty: killed before it was marked
        server.execute(f'CREATE DATABASE "{live}_staged"')
        with psycopg.connect(live_database(f"{live}_staged")) as leftover:
            leftover.execute("CREATE TABLE films (id int)")
        server.execute(f"COMMENT ON DATABASE \"{live}_staged\" IS '{MARK}'")

    services.restore(file=made.path, replace=True, now=NOW)

    with psycopg.connect(live_database()) as server:
        assert server.execute(COMMENT_ON, [live]).fetchone() == (None,)
        assert server.execute(COMMENT_ON, [f"{live}_staged"]).fetchone() is None


@pytest.mark.skipif(not ON_POSTGRESQL, reason="SQLite restores by its own locks.")
def test_whoever_is_connected_to_the_old_database_finds_the_new_one_next(films: list[int], folder: Path) -> None:
    made = services.backup(folder=folder, now=NOW)
    other = psycopg.connect(live_database())
    other.execute("SELECT 1")

    services.restore(file=made.path, replace=True, now=NOW)

    with pytest.raises(psycopg.OperationalError):
        other.execute("SELECT 1")
    with psycopg.connect(live_database()) as again:
        assert again.execute("SELECT COUNT(*) FROM catalog_movie").fetchone() == (3,)
        ours = "SELECT datname FROM pg_database WHERE starts_with(datname, %s || '_')"
        assert again.execute(ours, [connection.settings_dict["NAME"]]).fetchall() == []


@pytest.mark.skipif(not ON_POSTGRESQL, reason="SQLite's statistics are part of its file.")
def test_the_planner_knows_the_rows_before_the_first_request(films: list[int], folder: Path) -> None:
    made = services.backup(folder=folder, now=NOW)

    services.restore(file=made.path, replace=True, now=NOW)

    assert planned_rows("catalog_movie") == 3


@pytest.mark.skipif(not ON_POSTGRESQL, reason="SQLite has no other databases.")
def test_an_instance_in_the_database_that_every_server_has_is_restored_too(
    films: list[int], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    every_server_has = (connection.settings_dict["NAME"], *postgresql.MAINTENANCE[1:])
    monkeypatch.setattr(postgresql, "MAINTENANCE", every_server_has)  # the server's own is in use by other tests
    made = services.backup(folder=folder, now=NOW)
    Movie.objects.all().delete()

    services.restore(file=made.path, replace=True, now=NOW)

    assert film_numbers() == films


def planned_rows(table: str) -> int:
    """Of a table, by the statistics from which queries are planned; -1 where there are none."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples::int FROM pg_class WHERE relname = %s", [table])
        (rows,) = cursor.fetchone()
    return int(rows)


def live_database(name: str | None = None) -> str:
    live = connection.settings_dict
    return make_conninfo(dbname=name or live["NAME"], user=live["USER"], host=live["OPTIONS"]["host"])
