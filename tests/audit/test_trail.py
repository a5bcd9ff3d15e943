"""What is put down of a change, and that it is put down in the change's own transaction or not at all."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import transaction
from pytest_django import DjangoAssertNumQueries

from matinee.audit.actions import Action
from matinee.audit.models import Event
from matinee.audit.trail import Deed, events_of, new_key, record, record_all
from matinee.core import client_network, request_id

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
ALICE, BOB = new_key(), new_key()


@pytest.mark.django_db
def test_an_event_says_who_did_what_to_whose_thing_and_from_where() -> None:
    request = request_id.current.set("request-7")
    place = client_network.address.set("203.0.113.77")

    record(Action.RATING_GIVEN, actor=ALICE, subject=BOB, target="movie:603", changes={"rating": 5, "a": None}, now=NOW)
    client_network.address.reset(place)
    request_id.current.reset(request)

    event = Event.objects.get()
    assert (event.at, event.action, event.actor, event.subject) == (NOW, "rating_given", ALICE, BOB)
    assert (event.target, event.changes, event.changed) == (
        "movie:603",
        '{"a":null,"rating":5}',
        {"rating": 5, "a": None},
    )
    assert (event.request_id, event.network) == ("request-7", "203.0.113.0/24")
    assert (event.segment_id, event.place, event.digest) == (None, None, None)
    assert str(event) == f"event {event.pk}: rating_given"


@pytest.mark.django_db
def test_what_is_not_known_is_left_out() -> None:
    record(Action.SIGN_IN_FAILED, actor=None, subject=None, now=NOW)

    event = Event.objects.get()
    assert (event.actor, event.subject, event.target, event.changed) == (None, None, "", {})
    assert (event.request_id, event.network) == ("", "")


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("127.0.0.1", "127.0.0.0/24"),
        ("", ""),
        ("a unix socket", ""),
    ],
)
def test_of_an_address_the_network_alone_is_kept(address: str, network: str) -> None:
    place = client_network.address.set(address)

    kept = client_network.network()
    client_network.address.reset(place)

    assert kept == network


@pytest.mark.django_db
def test_several_changes_of_one_transaction_are_an_event_each() -> None:
    deeds = [Deed(Action.REVIEW_HIDDEN, ALICE, BOB, f"rating:{number}") for number in range(3)]

    record_all(deeds, now=NOW)

    assert [event.target for event in events_of(BOB)] == ["rating:2", "rating:1", "rating:0"]
    assert not events_of(ALICE).exists()


@pytest.mark.django_db(transaction=True)
def test_a_change_that_is_taken_back_leaves_no_event() -> None:
    with transaction.atomic():
        record(Action.FAVORITE_ADDED, actor=ALICE, subject=ALICE, now=NOW)
        transaction.set_rollback(True)

    assert not Event.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_nothing_is_recorded_since_it_could_tell_what_never_was() -> None:
    with pytest.raises(transaction.TransactionManagementError, match="transaction of what it tells"):
        record(Action.FAVORITE_ADDED, actor=ALICE, subject=ALICE, now=NOW)

    assert not Event.objects.exists()


def test_keys_are_random_and_fit() -> None:
    keys = {new_key() for _ in range(100)}

    assert len(keys) == 100
    assert {len(key) for key in keys} == {32}


@pytest.mark.django_db
def test_an_event_costs_one_statement(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(1):
        record(Action.FAVORITE_ADDED, actor=ALICE, subject=ALICE, changes={"n": 1}, now=NOW)
