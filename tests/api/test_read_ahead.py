"""Who asks is read for those that wait, too, and never from before they came."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from matinee.accounts.models import Session, User
from matinee.accounts.sessions import open_session
from matinee.accounts.tokens import InvalidToken
from matinee.api import read_ahead
from matinee.api.read_ahead import session_for, standing_read, standing_told
from matinee.catalog.cards import refresh_cards
from matinee.catalog.columns import refresh_columns
from matinee.core.waiting import READ_AHEAD, others_wait
from tests.api.conftest import Api, MakeMovie

Environ = dict[str, Any]


def token_of(user: User) -> str:
    return open_session(user=user, now=timezone.now()).access


def waiting(token: str | None = None) -> Environ:
    """A request that waits, as Turns has it."""
    brings = {} if token is None else {"HTTP_AUTHORIZATION": f"Bearer {token}"}
    return {READ_AHEAD: [], **brings}


def test_one_query_reads_for_who_asks_and_for_those_that_wait(
    alice: User, bob: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    of_alice, of_bob = token_of(alice), token_of(bob)
    hers, his, nobodys = waiting(of_alice), waiting(of_bob), waiting()

    with others_wait(lambda: [hers, his, nobodys]), django_assert_num_queries(1):
        first = session_for({}, of_alice)
    with django_assert_num_queries(0):
        second, third = session_for(hers, of_alice), session_for(his, of_bob)
        cards = standing_told(nobodys)

    assert [one.user.pk for one in (first, second, third)] == [alice.pk, alice.pk, bob.pk]
    assert second.user is not first.user
    assert cards == first.cards


def test_a_token_that_is_not_valid_is_refused_wherever_it_waited_and_keeps_nobody_out(alice: User, bob: User) -> None:
    of_alice, ended, of_bob = token_of(alice), token_of(alice), token_of(bob)
    Session.objects.filter(user=alice).order_by("-pk").first().delete()  # type: ignore[union-attr] # there is one
    refused, forged, his = waiting(ended), waiting("x.y.z"), waiting(of_bob)

    with others_wait(lambda: [refused, forged, his]):
        assert session_for({}, of_alice).user == alice
        words = set()
        for environ, token in ((refused, ended), (forged, "x.y.z"), ({}, ended)):
            with pytest.raises(InvalidToken) as refusal:
                session_for(environ, token)
            words.add(refusal.value.detail)

    assert words == {"The access token is not valid, or no longer."}, "one that was forged tells no more"
    assert session_for(his, of_bob).user == bob


def test_what_was_read_while_a_request_waited_counts_for_that_request_alone(alice: User) -> None:
    token = token_of(alice)
    hers = waiting(token)
    with others_wait(lambda: [hers]):
        session_for({}, token)
    Session.objects.update(ended_at=timezone.now())

    assert session_for(hers, token).user == alice, "it came before the end"
    for environ in (hers, {}):
        with pytest.raises(InvalidToken):
            session_for(environ, token)


def test_a_request_that_waited_for_long_since_reads_for_itself(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    token = token_of(alice)
    hers, nobodys = waiting(token), waiting()
    with others_wait(lambda: [hers, nobodys]):
        session_for({}, token)
    Session.objects.update(ended_at=timezone.now())
    monkeypatch.setattr(read_ahead, "GOOD_FOR", 0.0)

    with pytest.raises(InvalidToken):
        session_for(hers, token)
    assert standing_told(nobodys) is None


@pytest.mark.parametrize("read", [session_for, standing_read])
def test_who_comes_while_it_is_read_is_told_nothing(
    alice: User, make_movie: MakeMovie, read: Callable[..., object]
) -> None:
    make_movie(603)
    refresh_cards()
    token = token_of(alice)
    queue: list[Environ] = []

    def another_comes(execute: Callable[..., Any], *statement: Any) -> Any:
        read_by_then = execute(*statement)
        queue.extend([waiting(token), waiting()])
        return read_by_then

    with others_wait(lambda: [*queue]), connection.execute_wrapper(another_comes):
        read(*({}, token) if read is session_for else ())

    assert [environ[READ_AHEAD] for environ in queue] == [[], []]


def test_a_request_that_has_begun_is_told_nothing(alice: User) -> None:
    token = token_of(alice)
    begun: Environ = {"HTTP_AUTHORIZATION": f"Bearer {token}"}

    with others_wait(lambda: [begun]):
        session_for({}, token)

    assert begun.keys() == {"HTTP_AUTHORIZATION"}


def test_a_list_for_nobody_in_particular_is_answered_by_what_was_read_meanwhile(
    api: Api, make_movie: MakeMovie, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_movie(603)
    refresh_columns()
    refresh_cards()
    expected = api.get("movies/").json()
    nobodys = waiting()
    with others_wait(lambda: [nobodys]), django_assert_num_queries(1):
        standing_read()

    with django_assert_num_queries(0):
        answer = api.client.get("/api/v1/movies/", **nobodys)

    assert answer.json() == expected
