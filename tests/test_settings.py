"""What an instance refuses to start with, and what Django's own check says of one in production."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

GOOD_KEY = "k3-J4h5_k3j4H5kjh34k5Jh3k4j5h3k4abcdefghij0123456789"
PRODUCTION = {
    "MATINEE_MODE": "production",
    "MATINEE_SECRET_KEY": GOOD_KEY,
    "MATINEE_ENCRYPTION_KEYS": GOOD_KEY[::-1],
    "MATINEE_ALLOWED_HOSTS": "films.example.org",
}


def matinee(folder: Path, *command: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """What a command says in production, but for `settings`."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MATINEE_")}
    environment = inherited | PRODUCTION | {"MATINEE_DATA_DIR": str(folder)} | settings
    return subprocess.run(
        [sys.executable, "-m", "matinee.cli", *command], env=environment, capture_output=True, text=True, check=False
    )


def test_djangos_check_has_nothing_to_say_of_production(tmp_path: Path) -> None:
    checked = matinee(tmp_path, "check", "--deploy", "--fail-level", "WARNING")

    assert (checked.returncode, checked.stderr) == (0, "")
    assert "no issues" in checked.stdout


def test_a_key_of_the_32_characters_that_are_asked_for_is_nothing_to_warn_of(tmp_path: Path) -> None:
    checked = matinee(tmp_path, "check", "--deploy", "--fail-level", "WARNING", MATINEE_SECRET_KEY=GOOD_KEY[:32])

    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MATINEE_SECRET_KEY", ""),
        ("MATINEE_SECRET_KEY", "short"),
        ("MATINEE_SECRET_KEY", "a" * 64),
        ("MATINEE_SECRET_KEY", f"django-insecure-{GOOD_KEY}"),
        ("MATINEE_SECRET_KEY_FALLBACKS", "an-old-weak-one"),
        ("MATINEE_SECRET_KEY_FALLBACKS", f"{GOOD_KEY}old,{'b' * 40}"),
        ("MATINEE_ENCRYPTION_KEYS", ""),
        ("MATINEE_ALLOWED_HOSTS", ""),
        ("MATINEE_ALLOWED_HOSTS", "films.example.org,*"),
        ("MATINEE_TRUSTED_PROXIES", "0.0.0.0/0"),
        ("MATINEE_VALKEY_URL", "cache:6379"),
        ("MATINEE_REPLICA_URL", "postgresql://of-nothing/films"),
        ("MATINEE_SECURITY_CONTACT", "me"),
        ("MATINEE_SECRET_KEY_FALLBACKS_FILE", sys.executable),
        ("MATINEE_DATABASE_URL", "postgresql://me:pass#word@host/films"),
        ("MATINEE_ALLOWED_HOSTS", "https://films.example.org"),
        ("MATINEE_SESSION_DAYS", "99999999999"),
        ("MATINEE_AUDIT_RETENTION_DAYS", "9999999"),
        ("MATINEE_ACCESS_TOKEN_SECONDS", "99999999999999999"),
        ("MATINEE_SENTRY_DSN", "https://sentry.example.org/1"),
        ("MATINEE_LOG_LEVEL", "loud"),
        ("MATINEE_CORS_ORIGINS", "films.example.org"),
        ("MATINEE_CSRF_TRUSTED_ORIGINS", "films.example.org"),
    ],
)
def test_production_does_not_start_with(tmp_path: Path, name: str, value: str) -> None:
    refused = matinee(tmp_path, "check", **{name: value})

    assert refused.returncode == 78
    assert name in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_wrong_value_stops_the_start_where_it_would_change_nothing(tmp_path: Path) -> None:
    refused = matinee(tmp_path, "check", MATINEE_MODE="embedded", MATINEE_HTTPS_REDIRECT="perhaps")

    assert refused.returncode == 78
    assert "MATINEE_HTTPS_REDIRECT must be true or false" in refused.stderr


def test_a_misspelt_setting_is_told_with_the_one_that_is_meant(tmp_path: Path) -> None:
    checked = matinee(
        tmp_path, "check", MATINEE_CORS_ORIGIN="https://films.example.org", MATINEE_PORT="tcp://10.0.0.1:80"
    )

    assert checked.returncode == 0
    assert "MATINEE_CORS_ORIGIN is no setting" in checked.stderr
    assert "Is MATINEE_CORS_ORIGINS meant?" in checked.stderr
    assert "MATINEE_PORT" not in checked.stderr


def test_old_keys_may_be_given_as_a_file(tmp_path: Path) -> None:
    keys = tmp_path / "old-keys"
    keys.write_text(f"{GOOD_KEY}old, {GOOD_KEY}older\n", encoding="utf-8")

    told = matinee(tmp_path, "diffsettings", "--all", MATINEE_SECRET_KEY_FALLBACKS_FILE=str(keys))

    assert f"SECRET_KEY_FALLBACKS = ['{GOOD_KEY}old', '{GOOD_KEY}older']\n" in told.stdout


def test_nothing_in_the_environment_turns_debugging_on(tmp_path: Path) -> None:
    told = matinee(tmp_path, "diffsettings", "--all", DEBUG="True", DJANGO_DEBUG="1", MATINEE_DEBUG="true")

    assert "DEBUG = False\n" in told.stdout
    assert "DEBUG = True" not in told.stdout


def test_a_database_that_is_gone_without_a_word_holds_nobody_for_hours(tmp_path: Path) -> None:
    server = "postgresql://me@primary/films"

    told = matinee(
        tmp_path, "diffsettings", MATINEE_DATABASE_URL=f"{server}?tcp_user_timeout=9000", MATINEE_REPLICA_URL=server
    )

    (databases,) = (line for line in told.stdout.splitlines() if line.startswith("DATABASES = "))
    assert databases.count("'keepalives_idle': 20") == 2
    assert "'tcp_user_timeout': 9000" in databases
    assert "'tcp_user_timeout': 40000" in databases
