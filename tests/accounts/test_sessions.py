"""Staying signed in: each refresh token works once, a spent one ends its family, and an end is an end at once."""

from __future__ import annotations

import datetime as dt
import functools
from collections import Counter

import pytest
from django.db import transaction
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from matinee.accounts.live_sessions import sessions_of
from matinee.accounts.models import PersonState, RefreshToken, Session, User, UserProfile, digest_of
from matinee.accounts.origins import Origin
from matinee.accounts.sessions import (
    RefreshRefused,
    Tokens,
    forget_expired,
    open_session,
    refresh,
    sign_out,
)
from matinee.accounts.tasks import forget_expired_sessions
from matinee.accounts.tokens import new_access_token
from matinee.catalog.cards import Standing
from matinee.catalog.models import Movie
from matinee.core.jobs.schedule import registered
from tests.accounts.conftest import NOW, is_good, session_of
from tests.at_once import at_once
from tests.rounds import rounds

LATER = NOW + dt.timedelta(minutes=10)
MUCH_LATER = NOW + dt.timedelta(days=29)


def is_alive(tokens: Tokens, *, now: dt.datetime = LATER) -> bool:
    return is_good(tokens.access, now=now)


def test_a_refresh_gives_the_next_pair_of_the_same_session(alice: User) -> None:
    first = open_session(user=alice, now=NOW)

    second = refresh(token=first.refresh, now=MUCH_LATER)

    assert second.refresh != first.refresh
    session = Session.objects.get()
    assert session_of(access=second.access, now=MUCH_LATER)[:2] == (session.pk, alice)
    assert session.created_at == NOW
    assert (session.last_used_at, session.address) == (MUCH_LATER, "")
    assert session.expires_at == MUCH_LATER + dt.timedelta(days=30)


def test_a_refresh_does_not_end_the_access_token_before_it(alice: User) -> None:
    first = open_session(user=alice, now=NOW)

    refresh(token=first.refresh, now=LATER)

    assert is_alive(first)


def test_a_spent_token_that_comes_back_ends_its_family_and_no_other(alice: User, bob: User) -> None:
    phone, laptop, of_bob = (open_session(user=user, now=NOW) for user in (alice, alice, bob))
    second = refresh(token=phone.refresh, now=LATER)
    third = refresh(token=second.refresh, now=LATER)

    with pytest.raises(RefreshRefused):
        refresh(token=phone.refresh, now=LATER)

    assert [is_alive(tokens) for tokens in (phone, second, third)] == [False, False, False]
    with pytest.raises(RefreshRefused):
        refresh(token=third.refresh, now=LATER)
    assert is_alive(refresh(token=laptop.refresh, now=LATER))
    assert is_alive(refresh(token=of_bob.refresh, now=LATER))


@pytest.mark.django_db(transaction=True)
def test_the_end_of_a_family_outlives_the_refusal(alice: User) -> None:
    first = open_session(user=alice, now=NOW)
    refresh(token=first.refresh, now=LATER)

    with pytest.raises(RefreshRefused):
        refresh(token=first.refresh, now=LATER)

    assert Session.objects.get().ended_at == LATER


@pytest.mark.django_db(transaction=True)
def test_a_refresh_inside_a_transaction_that_could_undo_it_is_a_mistake_that_shows(alice: User) -> None:
    first = open_session(user=alice, now=NOW)

    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        refresh(token=first.refresh, now=LATER)


def test_a_session_that_nobody_uses_expires(alice: User, settings: Settings) -> None:
    settings.REFRESH_TOKEN_LIFETIME = dt.timedelta(days=1)
    tokens = open_session(user=alice, now=NOW)

    with pytest.raises(RefreshRefused):
        refresh(token=tokens.refresh, now=NOW + dt.timedelta(days=1))

    just_in_time = NOW + dt.timedelta(hours=23, minutes=59)
    assert is_alive(refresh(token=tokens.refresh, now=just_in_time), now=just_in_time)


def test_a_session_ends_at_last_however_much_it_is_used(alice: User, settings: Settings) -> None:
    settings.SESSION_LIFETIME = dt.timedelta(days=40)
    tokens = open_session(user=alice, now=NOW)

    used = refresh(token=tokens.refresh, now=MUCH_LATER)

    the_end = NOW + dt.timedelta(days=40)
    assert Session.objects.get().expires_at == the_end
    last = refresh(token=used.refresh, now=the_end - dt.timedelta(minutes=1))
    assert is_alive(last, now=the_end - dt.timedelta(seconds=1))
    assert not is_alive(last, now=the_end)
    with pytest.raises(RefreshRefused):
        refresh(token=last.refresh, now=the_end)


def test_a_session_tells_its_device_and_where_it_was_used_last(alice: User) -> None:
    tokens = open_session(user=alice, now=NOW, origin=Origin(device="Kitchen", address="192.0.2.7"))
    opened = Session.objects.get()

    refresh(token=tokens.refresh, now=LATER, address="2001:db8::7")

    used = Session.objects.get()
    assert (opened.device, opened.address) == ("Kitchen", "192.0.2.7")
    assert (used.device, used.address) == ("Kitchen", "2001:db8::7")


@pytest.mark.django_db
@pytest.mark.parametrize("token", ["", "x", "x" * 43, "\x00", "\ud800", "é", "x" * 100_000])
def test_an_unknown_token_is_refused(token: str) -> None:
    with pytest.raises(RefreshRefused):
        refresh(token=token, now=NOW)


def test_an_access_token_refreshes_nothing(alice: User) -> None:
    tokens = open_session(user=alice, now=NOW)

    with pytest.raises(RefreshRefused):
        refresh(token=tokens.access, now=NOW)


def test_an_account_that_is_switched_off_is_out_at_once_and_its_session_stays_ended(alice: User) -> None:
    tokens = open_session(user=alice, now=NOW)
    User.objects.filter(pk=alice.pk).update(is_active=False)

    assert not is_alive(tokens)
    with pytest.raises(RefreshRefused):
        refresh(token=tokens.refresh, now=LATER)
    User.objects.filter(pk=alice.pk).update(is_active=True)
    assert not is_alive(tokens)


def test_signing_out_ends_this_session_at_once_and_no_other(alice: User, bob: User) -> None:
    phone, laptop, of_bob = (open_session(user=user, now=NOW) for user in (alice, alice, bob))
    session = session_of(access=phone.access, now=LATER)

    sign_out(user=alice, session_id=session.pk, token=phone.refresh, now=LATER)

    assert [is_alive(tokens) for tokens in (phone, laptop, of_bob)] == [False, True, True]
    with pytest.raises(RefreshRefused):
        refresh(token=phone.refresh, now=LATER)


def test_signing_out_again_changes_nothing(alice: User) -> None:
    tokens = open_session(user=alice, now=NOW)
    session = session_of(access=tokens.access, now=NOW)

    sign_out(user=alice, session_id=session.pk, token=tokens.refresh, now=NOW)
    sign_out(user=alice, session_id=session.pk, token=tokens.refresh, now=LATER)

    assert Session.objects.get().ended_at == NOW


def test_signing_out_with_another_of_ones_tokens_ends_both_sessions(alice: User) -> None:
    phone, laptop = open_session(user=alice, now=NOW), open_session(user=alice, now=NOW)
    session = session_of(access=phone.access, now=LATER)

    sign_out(user=alice, session_id=session.pk, token=laptop.refresh, now=LATER)

    assert [is_alive(tokens) for tokens in (phone, laptop)] == [False, False]


def test_nobody_is_signed_out_by_another_person(alice: User, bob: User) -> None:
    of_alice, of_bob = open_session(user=alice, now=NOW), open_session(user=bob, now=NOW)
    session = session_of(access=of_bob.access, now=LATER)

    sign_out(user=bob, session_id=session.pk, token=of_alice.refresh, now=LATER)

    assert [is_alive(tokens) for tokens in (of_alice, of_bob)] == [True, False]


def test_a_deleted_person_is_out_at_once(alice: User) -> None:
    tokens = open_session(user=alice, now=NOW)

    alice.delete()

    assert not is_alive(tokens)
    with pytest.raises(RefreshRefused):
        refresh(token=tokens.refresh, now=LATER)


def test_a_token_for_somebody_elses_session_is_refused(alice: User, bob: User) -> None:
    session = session_of(access=open_session(user=alice, now=NOW).access, now=NOW)

    assert not is_good(new_access_token(user_id=bob.pk, session_id=session.pk, now=NOW), now=NOW)


def test_a_token_from_before_its_session_was_of_another_one_that_a_restore_took_away(alice: User) -> None:
    began = NOW + dt.timedelta(seconds=10, microseconds=900_000)
    tokens = open_session(user=alice, now=began)
    session = session_of(access=tokens.access, now=began)
    before = new_access_token(user_id=alice.pk, session_id=session.pk, now=began - dt.timedelta(seconds=1))

    assert not is_good(before, now=began)


@pytest.mark.parametrize("microsecond", [0, 1, 499_999, 500_000, 999_499, 999_500, 999_999])
def test_a_token_of_the_very_second_in_which_its_session_began_is_good(alice: User, microsecond: int) -> None:
    began = NOW.replace(microsecond=microsecond)

    tokens = open_session(user=alice, now=began)

    assert session_of(access=tokens.access, now=began).user == alice


def test_an_access_token_costs_one_query(alice: User, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    tokens = open_session(user=alice, now=NOW)

    with django_assert_num_queries(1):
        user = session_of(access=tokens.access, now=NOW).user
        assert (user.pk, user.audit_key) == (alice.pk, alice.audit_key)
    assert user.username == "alice", "what few requests need is read when it is asked for"


def test_it_tells_what_nearly_every_request_needs_besides(alice: User) -> None:
    UserProfile.objects.filter(user=alice).update(maturity_ceiling="US:R")
    Movie.objects.create(tmdb_id=603, title="The Matrix", created_at=NOW, updated_at=NOW)
    tokens = open_session(user=alice, now=NOW)

    session = session_of(access=tokens.access, now=NOW)

    assert session.state_version == PersonState.objects.get(user=alice).version
    assert session.maturity_ceiling == "US:R"
    assert session.cards == Standing(version=None, pending=frozenset({603}))


def test_a_forged_token_costs_none(db: None, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        assert sessions_of(["x.y.z", ""], now=NOW) == [None, None]


def test_many_tokens_cost_one_query_and_each_speaks_for_itself(
    alice: User, bob: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    UserProfile.objects.filter(user=bob).update(maturity_ceiling="US:R")
    Movie.objects.create(tmdb_id=603, title="The Matrix", created_at=NOW, updated_at=NOW)
    Movie.objects.create(tmdb_id=949, title="Heat", created_at=NOW, updated_at=NOW)
    phone, of_bob, ended = (open_session(user=user, now=NOW) for user in (alice, bob, bob))
    began = dict(Session.objects.values_list("tokens__digest", "pk"))
    phone_pk, bob_pk, ended_pk = (began[digest_of(tokens.refresh)] for tokens in (phone, of_bob, ended))
    Session.objects.filter(pk=ended_pk).update(ended_at=NOW)
    of_another = new_access_token(user_id=bob.pk, session_id=phone_pk, now=NOW)
    accesses = [phone.access, "x.y.z", of_bob.access, ended.access, of_another, phone.access]

    with django_assert_num_queries(1):
        sessions = sessions_of(accesses, now=NOW)

    told = [None if one is None else (one.pk, one.user.pk, one.maturity_ceiling) for one in sessions]
    of_phone = (phone_pk, alice.pk, None)
    assert told == [of_phone, None, (bob_pk, bob.pk, "US:R"), None, None, of_phone]
    first, *_, last = sessions
    assert first is not None
    assert last is not None
    assert first.user is not last.user, "each request has a person of its own to keep things with"
    assert {one.cards for one in sessions if one is not None} == {Standing(None, frozenset({603, 949}))}
    versions = dict(PersonState.objects.values_list("user_id", "version"))
    assert all(one.state_version == versions[one.user.pk] for one in sessions if one is not None)


def test_what_can_not_come_back_is_forgotten_and_nothing_else(alice: User) -> None:
    abandoned, used = open_session(user=alice, now=NOW), open_session(user=alice, now=NOW)
    second = refresh(token=used.refresh, now=LATER)
    third = refresh(token=second.refresh, now=MUCH_LATER)
    a_month_later = LATER + dt.timedelta(days=30, seconds=1)

    rows = forget_expired(now=a_month_later)

    assert rows == 3  # the abandoned session, its token, and the token that was spent first
    assert is_alive(third, now=MUCH_LATER)
    with pytest.raises(RefreshRefused):
        refresh(token=abandoned.refresh, now=LATER)
    with pytest.raises(RefreshRefused):  # spent less than a month ago: it still ends its family
        refresh(token=second.refresh, now=a_month_later)
    assert not is_alive(third, now=MUCH_LATER)


def test_the_job_worker_forgets_once_a_day(alice: User) -> None:
    open_session(user=alice, now=NOW - dt.timedelta(days=1_000))

    periodic = next(periodic for periodic in registered() if periodic.task == forget_expired_sessions)

    assert periodic.every == dt.timedelta(days=1)
    assert periodic.task.call() == 2
    assert not Session.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_eight_who_spend_one_token_at_once_exactly_one_gets_the_next(alice: User) -> None:
    for _ in range(rounds(12)):
        tokens, other_device = open_session(user=alice, now=NOW), open_session(user=alice, now=NOW)

        outcomes = at_once(*[functools.partial(refresh, token=tokens.refresh, now=LATER)] * 8)

        assert Counter(type(outcome) for outcome in outcomes) == {Tokens: 1, RefreshRefused: 7}
        successor = next(outcome for outcome in outcomes if isinstance(outcome, Tokens))
        assert [is_alive(pair) for pair in (tokens, successor, other_device)] == [False, False, True]
        with pytest.raises(RefreshRefused):
            refresh(token=successor.refresh, now=LATER)
    assert RefreshToken.objects.count() == rounds(12) * 3
