"""What the ways into a session, through it and out of it leave in the trail: who, of whom, which session, and when."""

from __future__ import annotations

import datetime as dt

import pytest

from matinee.accounts.models import Session, User
from matinee.accounts.origins import Origin
from matinee.accounts.sessions import (
    RefreshRefused,
    SessionNotFound,
    WrongCredentials,
    end_session,
    open_session,
    refresh,
    sign_in,
    sign_out,
    sign_out_elsewhere,
    sign_out_everywhere,
)
from matinee.audit.models import Event
from matinee.core.refusals import Invalid
from tests.accounts.conftest import NOW, PASSWORD

LATER = NOW + dt.timedelta(minutes=10)


def last() -> tuple[str, str | None, str | None, str, dt.datetime]:
    event = Event.objects.latest("id")
    return event.action, event.actor, event.subject, event.target, event.at


def test_signing_in_is_the_persons_own_deed(alice: User) -> None:
    sign_in(username="alice", password=PASSWORD, now=LATER, origin=Origin(device="Kitchen", address="192.0.2.7"))

    assert last() == ("signed_in", alice.audit_key, alice.audit_key, "", LATER)
    assert (Session.objects.get().device, Session.objects.get().address) == ("Kitchen", "192.0.2.7")


@pytest.mark.parametrize("name", ["alice", "nobody"])
def test_who_fails_to_sign_in_is_nobody_known_though_the_account_may_be(alice: User, name: str) -> None:
    with pytest.raises(WrongCredentials):
        sign_in(username=name, password="wrong", now=LATER)

    assert last() == ("sign_in_failed", None, alice.audit_key if name == "alice" else None, "", LATER)


def test_a_refresh_names_its_session(alice: User) -> None:
    refresh(token=open_session(user=alice, now=NOW).refresh, now=LATER)

    session = f"session:{Session.objects.get().pk}"
    assert last() == ("tokens_refreshed", alice.audit_key, alice.audit_key, session, LATER)


def test_of_a_spent_token_that_comes_back_nobody_knows_whose_deed_it_is(alice: User) -> None:
    tokens = open_session(user=alice, now=NOW)
    refresh(token=tokens.refresh, now=NOW)

    with pytest.raises(RefreshRefused) as refusal:
        refresh(token=tokens.refresh, now=LATER)

    assert refusal.value.detail == "The refresh token is not valid, or no longer. Sign in again."
    assert last() == ("refresh_token_reused", None, alice.audit_key, f"session:{Session.objects.get().pk}", LATER)


def test_a_session_of_an_account_that_is_switched_off_ends_when_it_is_used(alice: User) -> None:
    tokens = open_session(user=alice, now=NOW)
    User.objects.filter(pk=alice.pk).update(is_active=False)

    with pytest.raises(RefreshRefused):
        refresh(token=tokens.refresh, now=LATER)

    assert last() == ("session_ended", None, alice.audit_key, f"session:{Session.objects.get().pk}", LATER)
    assert Session.objects.get().ended_at == LATER


def test_a_session_that_has_ended_leaves_nothing_when_its_token_is_tried(alice: User) -> None:
    tokens = open_session(user=alice, now=NOW)
    Session.objects.update(ended_at=NOW)
    before = Event.objects.count()

    with pytest.raises(RefreshRefused):
        refresh(token=tokens.refresh, now=LATER)

    assert Event.objects.count() == before


def test_signing_out_names_the_session_that_asked(alice: User) -> None:
    tokens = open_session(user=alice, now=NOW)
    session = Session.objects.get()

    sign_out(user=alice, session_id=session.pk, token=tokens.refresh, now=LATER)

    assert last() == ("signed_out", alice.audit_key, alice.audit_key, f"session:{session.pk}", LATER)
    assert Session.objects.get().ended_at == LATER


def test_one_device_is_signed_out_by_its_owner_alone_and_once(alice: User, bob: User) -> None:
    open_session(user=alice, now=NOW)
    kitchen = Session.objects.get()
    open_session(user=alice, now=NOW)

    with pytest.raises(SessionNotFound, match=r"^You are not signed in under this id\.$"):
        end_session(user=bob, session_id=kitchen.pk, now=LATER)
    end_session(user=alice, session_id=kitchen.pk, now=LATER)
    told = last()
    with pytest.raises(SessionNotFound):
        end_session(user=alice, session_id=kitchen.pk, now=LATER + dt.timedelta(days=1))

    assert told == ("session_ended", alice.audit_key, alice.audit_key, f"session:{kitchen.pk}", LATER)
    assert list(Session.objects.order_by("pk").values_list("ended_at", flat=True)) == [LATER, None]


def test_what_has_expired_is_no_session_to_sign_out(alice: User) -> None:
    open_session(user=alice, now=NOW)

    with pytest.raises(SessionNotFound):
        end_session(user=alice, session_id=Session.objects.get().pk, now=NOW + dt.timedelta(days=30))


def test_the_other_devices_are_signed_out_and_where_there_is_none_nothing_is_told(alice: User, bob: User) -> None:
    for user in (alice, alice, bob):
        open_session(user=user, now=NOW)
    kitchen, laptop, of_bob = Session.objects.order_by("pk")
    Session.objects.filter(pk=kitchen.pk).update(ended_at=NOW)

    before = Event.objects.count()
    sign_out_elsewhere(user=alice, session_id=laptop.pk, now=LATER)
    nothing_told = Event.objects.count() == before
    open_session(user=alice, now=NOW)
    sign_out_elsewhere(user=alice, session_id=laptop.pk, now=LATER)

    assert nothing_told
    assert last() == ("other_sessions_ended", alice.audit_key, alice.audit_key, f"session:{laptop.pk}", LATER)
    ends = dict(Session.objects.values_list("pk", "ended_at"))
    assert (ends.pop(kitchen.pk), ends.pop(laptop.pk), ends.pop(of_bob.pk), *ends.values()) == (NOW, None, None, LATER)


def test_everywhere_is_every_session_that_has_not_ended_and_no_other_persons(alice: User, bob: User) -> None:
    for user in (alice, alice, bob):
        open_session(user=user, now=NOW)
    ended, live, of_bob = Session.objects.order_by("pk")
    Session.objects.filter(pk=ended.pk).update(ended_at=NOW)

    sign_out_everywhere(user=alice, now=LATER)

    ends = dict(Session.objects.values_list("pk", "ended_at"))
    assert ends == {ended.pk: NOW, live.pk: LATER, of_bob.pk: None}


@pytest.mark.parametrize("names", [{}, {"email": "alice@example.org", "username": "alice"}])
def test_whoever_gives_no_name_or_two_is_told_to_give_one(alice: User, names: dict[str, str]) -> None:
    with pytest.raises(Invalid) as refusal:
        sign_in(password=PASSWORD, now=NOW, **names)  # type: ignore[arg-type] # of the two names alone

    told = ("Give email or username, one of the two.", "one_of")
    assert [(error.message, error.code) for error in refusal.value.fields] == [told, told]
