"""The guard against guessing: strangers are stopped, the owner is not, and neither can tell whose account it is."""

from __future__ import annotations

import datetime as dt
import functools
import multiprocessing
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import connection, connections
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from matinee.accounts import guard, recovery
from matinee.accounts.erasure import erase_account
from matinee.accounts.models import Guesses, Letter, Session, User
from matinee.accounts.origins import Origin
from matinee.accounts.recovery import WrongPassword
from matinee.accounts.sessions import Tokens, WrongCredentials, open_session, sign_in
from matinee.accounts.tasks import forget_old_guesses
from matinee.audit.models import Event
from matinee.core.jobs.schedule import registered
from matinee.core.networks import NEIGHBOURHOOD, network_of
from tests.accounts.conftest import NOW, PASSWORD
from tests.at_once import at_once

HOME, AWAY = "192.0.2.7", "203.0.113.9"
MINUTE = dt.timedelta(minutes=1)
OTHER_PASSWORD = "another battery staple horse"


def gets_in(
    password: str = PASSWORD,
    *,
    at: dt.datetime = NOW,
    address: str = AWAY,
    name: str = "alice",
    last_refresh: str | None = None,
) -> Tokens | None:
    origin = Origin(address=address)
    try:
        return sign_in(username=name, password=password, now=at, origin=origin, last_refresh=last_refresh)[1]
    except WrongCredentials:
        return None


def guess(times: int, *, at: dt.datetime = NOW, address: str = AWAY, name: str = "alice") -> None:
    for number in range(times):
        assert gets_in(f"a wrong guess, number {number}", at=at, address=address, name=name) is None


def guess_from_everywhere(at: dt.datetime = NOW) -> None:
    """More often than strangers may."""
    for network in range(13):
        guess(5, at=at, address=f"198.51.{network}.1")


def test_after_five_wrong_ones_not_even_the_right_one_is_looked_at_for_half_an_hour(alice: User) -> None:
    guess(4)
    assert gets_in()
    guess(5)

    assert not gets_in()
    assert not gets_in(at=NOW + 29 * MINUTE)
    assert gets_in(at=NOW + 30 * MINUTE)


def test_no_half_hour_has_more_than_five(alice: User) -> None:
    for minute in range(0, 25, 5):
        guess(1, at=NOW + minute * MINUTE)

    assert not gets_in(at=NOW + 29 * MINUTE)
    guess(1, at=NOW + 30 * MINUTE)
    assert not gets_in(at=NOW + 34 * MINUTE)
    assert gets_in(at=NOW + 35 * MINUTE)


@pytest.mark.parametrize(
    ("near", "far"),
    [("203.0.113.250", "203.0.114.9"), ("2001:db8:1:2:ffff::1", "2001:db8:1:3::1"), ("", "203.0.113.9")],
)
def test_a_network_counts_as_one_and_another_one_for_itself(alice: User, near: str, far: str) -> None:
    address = {"203.0.113.250": AWAY, "2001:db8:1:2:ffff::1": "2001:db8:1:2::9", "": ""}[near]
    guess(5, address=address)

    assert not gets_in(address=near)
    assert gets_in(address=far)


def test_either_name_counts(alice: User) -> None:
    for _ in range(5):
        with pytest.raises(WrongCredentials):
            sign_in(email="Alice@example.org", password="wrong", now=NOW, origin=Origin(address=AWAY))

    assert not gets_in()
    assert not gets_in(name="ALICE")


def test_nobody_else_is_held_up(alice: User, bob: User) -> None:
    guess(5)

    assert gets_in(name="bob")


def test_strangers_stop_at_sixty_within_a_month_wherever_they_are(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    evaluated = _count(monkeypatch, "verify")

    guess_from_everywhere(NOW)
    guess(5, at=NOW + dt.timedelta(days=29))

    assert len(evaluated) == 60
    assert not gets_in(at=NOW + dt.timedelta(days=29), address="2001:db8::1")
    assert gets_in(at=NOW + dt.timedelta(days=30, minutes=1), address="2001:db8::1")


def test_the_owner_gets_in_from_a_network_that_is_known(alice: User) -> None:
    assert gets_in(address=HOME)
    guess_from_everywhere()

    assert not gets_in(address=AWAY)
    assert gets_in(address=HOME)


def test_the_owner_gets_in_on_a_device_that_is_known_beside_whoever_guesses(alice: User) -> None:
    phone = gets_in(address=HOME)
    assert phone is not None
    guess_from_everywhere()
    guess(5, address=HOME)
    Session.objects.update(ended_at=NOW)

    assert not gets_in(address=HOME)
    assert gets_in(address=HOME, last_refresh=phone.refresh)
    assert gets_in(address=AWAY, last_refresh=phone.refresh)


def test_who_is_signed_in_stays_so(alice: User) -> None:
    tokens = open_session(user=alice, now=NOW)
    guess_from_everywhere()

    recovery.change_password(
        user=alice, session_id=Session.objects.get().pk, current=PASSWORD, new=OTHER_PASSWORD, now=NOW
    )

    assert tokens.access


@pytest.mark.parametrize("token", ["", "x" * 43, "\x00", "of bob"])
def test_no_other_token_makes_a_device_known(alice: User, bob: User, token: str) -> None:
    of_bob = open_session(user=bob, now=NOW).refresh
    guess(5)

    assert not gets_in(last_refresh=of_bob if token == "of bob" else token)


def test_a_known_device_and_a_known_network_have_their_limits_too(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    phone = gets_in(address=HOME)
    assert phone is not None
    evaluated = _count(monkeypatch, "verify")

    guess_from_everywhere()
    for hour in range(5):
        at = NOW + dt.timedelta(hours=hour)
        guess(6, at=at, address=HOME)
        for _ in range(6):
            assert gets_in("wrong", at=at, address=HOME, last_refresh=phone.refresh) is None

    assert len(evaluated) == 100


def test_who_knows_the_password_gets_in_though_the_guesses_are_forgotten_meanwhile(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_right = User.check_password

    def forgotten_meanwhile(user: User, password: str) -> bool:
        Guesses.objects.all().delete()
        return is_right(user, password)

    monkeypatch.setattr(User, "check_password", forgotten_meanwhile)

    assert gets_in()
    assert not Guesses.objects.exists()


def test_a_new_password_begins_anew(alice: User) -> None:
    guess_from_everywhere()

    alice.set_password(OTHER_PASSWORD)
    alice.save()

    assert gets_in(OTHER_PASSWORD)


def test_what_is_confirmed_while_signed_in_is_guarded_too(alice: User) -> None:
    open_session(user=alice, now=NOW)
    change = functools.partial(recovery.change_password, user=alice, session_id=Session.objects.get().pk, now=NOW)
    for _ in range(5):
        with pytest.raises(WrongPassword):
            change(current="wrong", new=OTHER_PASSWORD)

    with pytest.raises(WrongPassword):
        change(current=PASSWORD, new=OTHER_PASSWORD)


def test_who_erases_their_account_is_guarded_as_the_session_that_they_ask_from(alice: User) -> None:
    open_session(user=alice, now=NOW)
    session = Session.objects.get()

    with pytest.raises(WrongPassword):
        erase_account(user=alice, session_id=session.pk, password="wrong", now=NOW)

    assert [past["place"] for past in Guesses.objects.get().tries] == [f"session {session.pk}"]


def test_the_admin_is_guarded_with_the_same_counts(alice: User) -> None:
    request = RequestFactory().post("/admin/login/", REMOTE_ADDR=AWAY)
    for _ in range(5):
        assert authenticate(request, username="alice@example.org", password="wrong") is None

    assert authenticate(request, username="alice", password=PASSWORD) is None
    assert Guesses.objects.get().tries[0]["place"] == "203.0.113.0/24"


def test_the_owner_is_told_once_a_day(alice: User) -> None:
    for hours in (0, 1, 23, 25):
        guess(6, at=NOW + dt.timedelta(hours=hours))

    assert [*Letter.objects.values_list("kind", "email")] == [("guessed", "alice@example.org")] * 2
    assert Event.objects.filter(action="sign_ins_blocked", subject=alice.audit_key).count() == 2


def test_a_name_of_nobody_takes_the_same_steps_and_stores_no_name(alice: User, bob: User) -> None:
    def steps(name: str, password: str) -> list[str]:
        with CaptureQueriesContext(connection) as queries:
            assert gets_in(password, name=name, last_refresh="x" * 43) is None
        return [query["sql"].split()[0] for query in queries]

    bob.is_active = False
    bob.save()

    for number in range(8):
        of_alice, of_nobody = steps("alice", f"wrong {number}"), steps("nobody-here", f"wrong {number}")
        assert of_alice == of_nobody == steps("bob", PASSWORD)
    rows = str([*Guesses.objects.values()])
    assert "nobody-here" not in rows
    assert str(Guesses.objects.get(user=alice)) == f"guesses at account:{alice.pk}"
    assert Guesses.objects.filter(user=None).count() == 1


@pytest.mark.parametrize("name", ["alice", "nobody"])
def test_a_try_too_many_computes_one_hash_and_looks_at_no_password(
    alice: User, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    guess(5, name=name)
    evaluated, computed = _count(monkeypatch, "verify"), _count(monkeypatch, "encode")

    assert not gets_in(name=name)

    assert (len(evaluated), len(computed)) == (0, 1)


def test_the_networks_of_an_account_are_its_latest(alice: User) -> None:
    for place in range(guard.MOST_NETWORKS + 5):
        gets_in(address=f"198.51.{place}.1", at=NOW + place * MINUTE)

    networks = Guesses.objects.get().networks
    assert len(networks) == guard.MOST_NETWORKS
    assert "198.51.4.0/24" not in networks
    assert "198.51.54.0/24" in networks


def test_a_network_is_forgotten_a_month_after_it_was_signed_in_from_last(alice: User) -> None:
    gets_in(address=HOME)
    gets_in(address=AWAY, at=NOW + dt.timedelta(days=29))
    at_home_and_away = len(Guesses.objects.get().networks)

    guess(1, at=NOW + guard.REMEMBERED)

    assert at_home_and_away == 2
    assert [*Guesses.objects.get().networks] == [network_of(AWAY, NEIGHBOURHOOD)]


def test_what_is_old_is_forgotten_and_it_goes_with_its_person(alice: User, bob: User) -> None:
    today = dt.datetime.now(dt.UTC)
    guess(1, at=today - dt.timedelta(days=31))
    guess(1, name="bob", at=today - dt.timedelta(days=29))
    guess(1, name="nobody", at=today - dt.timedelta(days=2))
    guess(1, name="nobody-else", at=today)
    periodic = next(periodic for periodic in registered() if periodic.task == forget_old_guesses)

    assert periodic.every == dt.timedelta(days=1)
    assert periodic.task.call() == 2
    assert Guesses.objects.count() == 2
    bob.delete()
    assert Guesses.objects.get().user is None


@pytest.mark.django_db(transaction=True)
def test_of_200_guesses_at_once_in_two_processes_five_are_evaluated(alice: User) -> None:
    evaluated = multiprocessing.get_context("fork").Value("i", 0)
    connections.close_all()  # a connection can't be shared with a fork
    attackers = [
        multiprocessing.get_context("fork").Process(target=_guess_a_hundred_times, args=(evaluated,)) for _ in range(2)
    ]

    for attacker in attackers:
        attacker.start()
    for attacker in attackers:
        attacker.join()

    assert [attacker.exitcode for attacker in attackers] == [0, 0]
    assert evaluated.value == 5
    assert len(Guesses.objects.get().tries) == 5
    assert not gets_in()


def _guess_a_hundred_times(evaluated: Any) -> None:
    real = Argon2PasswordHasher.verify

    def counted(self: Argon2PasswordHasher, password: str, encoded: str) -> bool:
        with evaluated.get_lock():
            evaluated.value += 1
        return real(self, password, encoded)

    setattr(Argon2PasswordHasher, "verify", counted)  # noqa: B010 - in this process alone
    guesses = [functools.partial(gets_in, f"a wrong guess, number {number}") for number in range(10)]
    for _ in range(10):
        outcomes = at_once(*guesses)
        assert outcomes == [None] * 10, outcomes


@pytest.mark.django_db(transaction=True)
def test_of_many_people_with_the_right_password_at_once_all_get_in(alice: User) -> None:
    outcomes = at_once(*[gets_in] * 12)

    assert Counter(type(outcome) for outcome in outcomes) == {Tokens: 12}


def _count(monkeypatch: pytest.MonkeyPatch, name: str) -> list[str]:
    """Calls of the hasher: `verify` compares with the password of an account."""
    calls: list[str] = []
    real: Callable[..., Any] = getattr(Argon2PasswordHasher, name)

    def counted(self: Argon2PasswordHasher, *given: Any) -> Any:
        calls.append(name)
        return real(self, *given)

    monkeypatch.setattr(Argon2PasswordHasher, name, counted)
    return calls
