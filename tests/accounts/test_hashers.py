"""However many give passwords at once, one is hashed at a time in a process, and who waits too long is told so."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher, make_password
from django.test import Client

from matinee.accounts import hashers
from matinee.accounts.hashers import TooManyHashes
from matinee.accounts.models import User
from matinee.accounts.sessions import sign_in
from tests.accounts.conftest import NOW, PASSWORD
from tests.api.conftest import Api
from tests.at_once import at_once


@contextmanager
def somebody_elses_turn() -> Iterator[None]:
    """Another thread hashes, and does not end."""
    began, over = threading.Event(), threading.Event()

    def hash_on() -> None:
        with hashers.hashing():
            began.set()
            over.wait()

    thread = threading.Thread(target=hash_on)
    thread.start()
    began.wait()
    yield
    over.set()
    thread.join()


def test_of_200_passwords_at_once_no_two_are_hashed_together(monkeypatch: pytest.MonkeyPatch) -> None:
    at_work, most = [0], [0]
    real = Argon2PasswordHasher.encode

    def counted(self: Argon2PasswordHasher, password: str, salt: str) -> str:
        at_work[0] += 1
        most[0] = max(most[0], at_work[0])
        try:
            return real(self, password, salt)
        finally:
            at_work[0] -= 1

    monkeypatch.setattr(Argon2PasswordHasher, "encode", counted)
    monkeypatch.setattr(hashers, "PATIENCE_SECONDS", 60.0)

    outcomes = at_once(*[functools.partial(make_password, PASSWORD)] * 200)

    assert len({str(outcome) for outcome in outcomes if str(outcome).startswith("argon2$")}) == 200
    assert most == [1]


@pytest.mark.usefixtures("alice")
def test_who_waits_too_long_gets_a_503_that_says_when_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashers, "PATIENCE_SECONDS", 0.01)
    body = {"username": "alice", "password": PASSWORD}

    with somebody_elses_turn():
        response = Api().post("users/login/", body)
        admin = Client().post("/admin/login/", body)
        with pytest.raises(TooManyHashes):
            User().set_password(PASSWORD)

    assert (response.status_code, response.json()["code"], response["Retry-After"]) == (503, "unavailable", "5")
    assert (admin.status_code, admin["Retry-After"]) == (503, "5")
    assert Api().post("users/login/", body).status_code == 200


def test_what_fails_gives_its_turn_back(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Argon2PasswordHasher, password: str, encoded: str) -> bool:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(Argon2PasswordHasher, "verify", fail)
        with pytest.raises(MemoryError):
            sign_in(username="alice", password=PASSWORD, now=NOW)

    outcomes = at_once(functools.partial(User().set_password, PASSWORD))
    assert outcomes == [None]
