from __future__ import annotations

import re
from pathlib import Path

import pytest

from matinee.core import env


def test_a_secret_comes_from_the_environment_or_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from the file\n")

    assert env.secret("MATINEE_X") is None
    monkeypatch.setenv("MATINEE_X_FILE", str(tmp_path / "secret"))
    assert env.secret("MATINEE_X") == "from the file"
    monkeypatch.delenv("MATINEE_X_FILE")
    monkeypatch.setenv("MATINEE_X", " from the environment ")
    assert env.secret("MATINEE_X") == "from the environment"


def test_a_secret_given_twice_or_from_a_missing_file_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MATINEE_X_FILE", str(tmp_path / "nowhere"))
    with pytest.raises(env.ConfigurationError, match="MATINEE_X_FILE can't be read"):
        env.secret("MATINEE_X")

    monkeypatch.setenv("MATINEE_X", "too")
    with pytest.raises(env.ConfigurationError, match="not both"):
        env.secret("MATINEE_X")


def test_an_empty_value_is_none_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from the file")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MATINEE_X", " ")
    monkeypatch.setenv("MATINEE_X_FILE", "secret")

    assert env.text("MATINEE_X", "default") == "default"
    assert env.integer("MATINEE_X", 5) == 5
    assert env.boolean("MATINEE_X", default=True) is True
    assert env.choice("MATINEE_X", "open", among=frozenset({"open"})) == "open"
    assert env.folder("MATINEE_X", "./data") == tmp_path / "data"
    assert env.secret("MATINEE_X") == "from the file"


def test_a_folder_may_be_below_the_users_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("MATINEE_X", "~/data")

    assert env.folder("MATINEE_X", "./data") == tmp_path / "data"
    monkeypatch.setenv("MATINEE_X", "~nobody-of-this-name/data")
    with pytest.raises(env.ConfigurationError, match="MATINEE_X"):
        env.folder("MATINEE_X", "./data")


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [("many", "whole number"), ("1.5", "whole number"), ("2", "3 or more"), ("7000", "6,000 or less")],
)
def test_a_number_that_makes_no_sense_is_named(monkeypatch: pytest.MonkeyPatch, raw: str, complaint: str) -> None:
    monkeypatch.setenv("MATINEE_X", raw)

    with pytest.raises(env.ConfigurationError, match=f"MATINEE_X must be .*{complaint}"):
        env.integer("MATINEE_X", 5, at_least=3, at_most=6_000)


def test_numbers_truths_choices_and_lists_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATINEE_N", "7")
    monkeypatch.setenv("MATINEE_B", "Yes")
    monkeypatch.setenv("MATINEE_C", "open")
    monkeypatch.setenv("MATINEE_W", "a, b,,c ")

    assert env.integer("MATINEE_N", 5) == 7
    assert env.integer("MATINEE_ABSENT", 5) == 5
    assert env.boolean("MATINEE_B", default=False) is True
    assert env.boolean("MATINEE_ABSENT", default=False) is False
    assert env.choice("MATINEE_C", "closed", among=frozenset({"open", "closed"})) == "open"
    assert env.words("MATINEE_W") == ["a", "b", "c"]
    assert env.words("MATINEE_ABSENT") == []


def test_a_wrong_truth_and_a_wrong_choice_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATINEE_X", "perhaps")

    with pytest.raises(env.ConfigurationError, match="MATINEE_X must be true or false"):
        env.boolean("MATINEE_X", default=True)
    with pytest.raises(env.ConfigurationError, match="MATINEE_X must be one of closed, open"):
        env.choice("MATINEE_X", "open", among=frozenset({"open", "closed"}))


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        ("valkey://cache:6379/0", "redis://cache:6379/0"),
        ("valkeys://:pass@cache", "rediss://:pass@cache"),
        ("redis://cache", "redis://cache"),
        ("unix:///run/valkey.sock", "unix:///run/valkey.sock"),
    ],
)
def test_a_valkey_is_named_by_its_own_scheme_or_that_of_redis(
    monkeypatch: pytest.MonkeyPatch, raw: str, read: str
) -> None:
    assert env.valkey_url("MATINEE_X") is None
    monkeypatch.setenv("MATINEE_X", raw)

    assert env.valkey_url("MATINEE_X") == read


@pytest.mark.parametrize("raw", ["file:///shared/films", "s3://films", "s3://films/a/prefix"])
def test_a_depot_is_a_folder_or_a_bucket(monkeypatch: pytest.MonkeyPatch, raw: str) -> None:
    assert env.depot_url("MATINEE_X") is None
    monkeypatch.setenv("MATINEE_X", raw)

    assert env.depot_url("MATINEE_X") == raw


@pytest.mark.parametrize("raw", ["/shared/films", "file://films", "file:///", "s3://", "http://films", "films"])
def test_what_is_no_depot_is_refused(monkeypatch: pytest.MonkeyPatch, raw: str) -> None:
    monkeypatch.setenv("MATINEE_X", raw)

    with pytest.raises(env.ConfigurationError, match="MATINEE_X must be like file:///shared/folder or s3://"):
        env.depot_url("MATINEE_X")


def test_a_bucket_needs_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATINEE_X", "s3://films")
    monkeypatch.setitem(env.DEPOT_SCHEMES, "s3", "a_package_that_is_not_here")

    with pytest.raises(env.ConfigurationError, match="pip install"):
        env.depot_url("MATINEE_X")


@pytest.mark.parametrize("raw", ["cache:6379", "http://cache", "valkey://", "valkey://cache:port/0"])
def test_what_is_no_address_of_a_valkey_is_refused_without_being_told(
    monkeypatch: pytest.MonkeyPatch, raw: str
) -> None:
    monkeypatch.setenv("MATINEE_X", raw)

    with pytest.raises(env.ConfigurationError, match="MATINEE_X must be like valkey://"):
        env.valkey_url("MATINEE_X")


@pytest.mark.parametrize(
    "raw",
    [
        *("mysql://host/name", "postgresql://host", "postgresql://host/", "name"),
        *("postgresql://host:port/name", "postgresql://me:sec#ret@host/name", "postgresql://[::1/name"),
    ],
)
def test_a_database_that_can_not_be_meant_is_named(monkeypatch: pytest.MonkeyPatch, raw: str) -> None:
    monkeypatch.setenv("MATINEE_X", raw)

    with pytest.raises(env.ConfigurationError, match=r"MATINEE_X must be like postgresql://"):
        env.database_url("MATINEE_X")


@pytest.mark.parametrize(
    "raw", ["postgresql://me:secret@host:5432/name", "postgres://host/name", "postgresql:///name?host=/run/postgresql"]
)
def test_a_database_is_read_as_it_is_given(monkeypatch: pytest.MonkeyPatch, raw: str) -> None:
    monkeypatch.setenv("MATINEE_X", raw)

    assert env.database_url("MATINEE_X") == raw


def test_a_folder_is_made_for_its_user_alone_and_named_where_it_can_not_be(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()

    monkeypatch.setenv("MATINEE_X", str(tmp_path / "folder"))
    with monkeypatch.context() as looking:
        looking.setattr(env, "makes_what_is_missing", False)
        assert not env.folder("MATINEE_X", "elsewhere").exists()
    assert env.folder("MATINEE_X", "elsewhere").stat().st_mode & 0o777 == 0o700
    monkeypatch.setenv("MATINEE_X", str(tmp_path / "file"))
    with pytest.raises(env.ConfigurationError, match=r"MATINEE_X: .*/file can't be made"):
        env.folder("MATINEE_X", "elsewhere")


@pytest.mark.parametrize(
    "raw", ["https://films.example.org", "http://localhost:5173", "capacitor://app, https://[::1]"]
)
def test_origins_are_read_as_browsers_send_them(monkeypatch: pytest.MonkeyPatch, raw: str) -> None:
    monkeypatch.setenv("ORIGINS", raw)

    assert env.origins("ORIGINS") == raw.split(", ")


@pytest.mark.parametrize("raw", ["films.example.org", "https://films.example.org/", "https://", "*", "https://*.org"])
def test_what_is_no_origin_is_named(monkeypatch: pytest.MonkeyPatch, raw: str) -> None:
    monkeypatch.setenv("ORIGINS", f"https://films.example.org,{raw}")

    with pytest.raises(
        env.ConfigurationError,
        match=re.escape(f"ORIGINS must name origins, such as https://films.example.org, not {raw!r}."),
    ):
        env.origins("ORIGINS")


def test_a_star_stands_for_hosts_where_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORIGINS", "https://*.example.org")

    assert env.origins("ORIGINS", with_star=True) == ["https://*.example.org"]


@pytest.mark.parametrize("raw", ["films.example.org", ".example.org", "localhost, 127.0.0.1, [::1]", "*"])
def test_hosts_are_read_as_requests_name_them(monkeypatch: pytest.MonkeyPatch, raw: str) -> None:
    monkeypatch.setenv("HOSTS", raw)

    assert env.hosts("HOSTS") == raw.split(", ")


@pytest.mark.parametrize("raw", ["https://films.example.org", "films.example.org/", "localhost:8000", "*.example.org"])
def test_what_no_request_can_name_as_its_host_is_refused(monkeypatch: pytest.MonkeyPatch, raw: str) -> None:
    monkeypatch.setenv("HOSTS", raw)

    with pytest.raises(
        env.ConfigurationError, match=re.escape(f"HOSTS must name hosts alone, such as films.example.org, not {raw!r}.")
    ):
        env.hosts("HOSTS")


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////srv/matinee.sqlite3",
        "postgresql:///matinee",
        "postgresql://matinee:secret@localhost/matinee",
        "postgresql://matinee@127.0.0.1:5433/matinee",
        "postgresql://matinee@[::1]/matinee",
        "postgresql://%2Fvar%2Frun%2Fpostgresql/matinee",
        "postgresql://matinee@/matinee?host=/var/run/postgresql",
    ],
)
def test_databases_of_this_machine(url: str) -> None:
    assert env.is_here(url)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://matinee@postgres/matinee",
        "postgresql://matinee@10.0.0.1/matinee",
        "postgresql://matinee@localhost/matinee?host=db.example.org",
        "postgresql://matinee@127.0.0.1,10.0.0.1/matinee",
    ],
)
def test_databases_that_may_be_elsewhere(url: str) -> None:
    assert not env.is_here(url)
