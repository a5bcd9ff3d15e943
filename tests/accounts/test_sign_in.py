"""Signing in by e-mail or username, and what a stranger can learn by trying: nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import transaction

from matinee.accounts import guard, sessions
from matinee.accounts.models import RefreshToken, Session, User
from matinee.accounts.sessions import WrongCredentials, sign_in
from matinee.core.refusals import Invalid
from tests.accounts.conftest import NOW, PASSWORD


@pytest.mark.parametrize(
    "names",
    [
        {"email": "alice@example.org"},
        {"email": "ALICE@Example.ORG"},
        {"username": "alice"},
        {"username": "Alice"},
        {"username": "\uff21LICE"},
    ],
)
def test_alice_signs_in_by_either_name_however_she_writes_it(alice: User, names: dict[str, Any]) -> None:
    user, tokens = sign_in(**names, password=PASSWORD, now=NOW)

    assert user == alice
    assert tokens.expires_in == 900
    session = Session.objects.get()
    assert (session.user, session.created_at, session.last_used_at) == (alice, NOW, NOW)
    assert session.expires_at == NOW + dt.timedelta(days=30)
    assert str(session) == f"session {session.pk} of {alice.pk}"


def test_nothing_that_would_sign_in_is_stored(alice: User) -> None:
    _, tokens = sign_in(username="alice", password=PASSWORD, now=NOW)

    stored = RefreshToken.objects.get()
    assert len(tokens.refresh) == 43
    assert len(stored.digest) == 32
    assert tokens.refresh.encode() not in bytes(stored.digest)
    assert str(stored) == f"refresh token {stored.pk}"


@pytest.mark.parametrize(
    "names",
    [
        {"email": "alice@example.org"},
        {"username": "alice"},
        {"email": "nobody@example.org"},
        {"username": "nobody"},
        {"email": "alice"},
        {"username": "alice@example.org"},
        {"email": ""},
        {"username": ""},
    ],
)
def test_a_wrong_name_and_a_wrong_password_are_refused_alike(alice: User, names: dict[str, Any]) -> None:
    with pytest.raises(WrongCredentials) as refusal:
        sign_in(**names, password="not the one that she chose", now=NOW)

    assert refusal.value.detail == sessions.WRONG
    assert not Session.objects.exists()


@pytest.mark.parametrize("names", [{}, {"email": "alice@example.org", "username": "alice"}])
def test_exactly_one_name_is_given(alice: User, names: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refusal:
        sign_in(**names, password=PASSWORD, now=NOW)

    assert [field.field for field in refusal.value.fields] == ["email", "username"]


@pytest.mark.parametrize("text", ["\x00", "ali\x00ce", "\ud800", "x" * 10_000])
@pytest.mark.parametrize("field", ["email", "username", "password"])
def test_hostile_text_is_refused_by_name(alice: User, field: str, text: str) -> None:
    given: dict[str, Any] = {"username": "alice", "password": PASSWORD, field: text}
    if field == "email":
        del given["username"]

    with pytest.raises(Invalid) as refusal:
        sign_in(**given, now=NOW)

    assert [error.field for error in refusal.value.fields] == [field]


def _switched_off(alice: User) -> None:
    alice.is_active = False
    alice.save()


def _without_password(alice: User) -> None:
    alice.set_unusable_password()
    alice.save()


def _with_gibberish(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(password="gibberish")


@pytest.mark.parametrize(
    ("names", "password", "prepare"),
    [
        ({"username": "alice"}, PASSWORD, None),
        ({"username": "alice"}, "wrong", None),
        ({"username": "alice"}, "", None),
        ({"email": "nobody@example.org"}, PASSWORD, None),
        ({"username": "nobody"}, "", None),
        ({"username": "alice"}, PASSWORD, _switched_off),
        ({"username": "alice"}, "wrong", _switched_off),
        ({"username": "alice"}, PASSWORD, _without_password),
        ({"username": "alice"}, PASSWORD, _with_gibberish),
    ],
)
def test_every_way_through_a_sign_in_computes_exactly_one_hash(
    alice: User,
    monkeypatch: pytest.MonkeyPatch,
    names: dict[str, Any],
    password: str,
    prepare: Callable[[User], None] | None,
) -> None:
    if prepare is not None:
        prepare(alice)
    hashes = _count_hashes(monkeypatch)

    try:
        sign_in(**names, password=password, now=NOW)
    except WrongCredentials:
        signed_in = False
    else:
        signed_in = True

    assert len(hashes) == 1
    assert signed_in == (names == {"username": "alice"} and password == PASSWORD and prepare is None)


def _count_hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    calls: list[str] = []
    for name in ("encode", "verify", "harden_runtime"):
        real = getattr(Argon2PasswordHasher, name)

        def counted(self: Argon2PasswordHasher, *given: Any, _name: str = name, _real: Any = real) -> Any:
            if _name != "harden_runtime":  # argon2's does nothing
                calls.append(_name)
            return _real(self, *given)

        monkeypatch.setattr(Argon2PasswordHasher, name, counted)
    return calls


def _switch_off(person: User) -> None:
    person.is_active = False


def _replace_password(person: User) -> None:
    person.set_password("another battery staple horse")


@pytest.mark.parametrize("change", [_switch_off, _replace_password])
def test_an_account_that_changes_while_its_password_is_hashed_is_not_signed_in(
    alice: User, monkeypatch: pytest.MonkeyPatch, change: Callable[[User], None]
) -> None:
    slow = guard.verified

    def changed_meanwhile(asker: guard.Asker, password: str, *, now: dt.datetime) -> User | None:
        found = slow(asker, password, now=now)
        owner = User.objects.get(pk=alice.pk)
        change(owner)
        owner.save()
        return found

    monkeypatch.setattr(guard, "verified", changed_meanwhile)

    with pytest.raises(WrongCredentials):
        sign_in(username="alice", password=PASSWORD, now=NOW)

    assert not Session.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("password", [PASSWORD, "wrong"])
def test_a_sign_in_inside_a_transaction_that_could_undo_its_trace_is_a_mistake_that_shows(
    alice: User, password: str
) -> None:
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        sign_in(username="alice", password=password, now=NOW)


@pytest.mark.parametrize("name", ["alice", "ALICE", "alice@example.org"])
def test_the_admin_takes_either_name_too(alice: User, name: str) -> None:
    assert authenticate(username=name, password=PASSWORD) == alice


@pytest.mark.parametrize(
    ("name", "password"),
    [("alice", "wrong"), ("nobody", PASSWORD), ("no@example.org", PASSWORD), (None, None), ("alice", None)],
)
def test_the_admin_refuses_with_one_hash_as_well(
    alice: User, monkeypatch: pytest.MonkeyPatch, name: str | None, password: str | None
) -> None:
    hashes = _count_hashes(monkeypatch)

    assert authenticate(username=name, password=password) is None

    assert len(hashes) == 1


def test_the_admin_refuses_an_account_that_is_switched_off(alice: User) -> None:
    _switched_off(alice)

    assert authenticate(username="alice", password=PASSWORD) is None
