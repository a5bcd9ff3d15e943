"""Of a person so many keys are remembered at once: nobody fills the database with answers to themselves."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from matinee.accounts.models import User
from matinee.api import idempotency
from matinee.api.models import KeptAnswer
from matinee.library.models import Favorite
from tests.api.conftest import Answer, Api, MakeMovie
from tests.at_once import at_once


def favorite(api: Api, movie_id: int, key: str = "mine") -> Answer:
    return api.post("movies/favorites/", {"movie_id": movie_id}, Idempotency_Key=key)


def remember(person: User, keys: int, *, ago: dt.timedelta = dt.timedelta(0)) -> None:
    claimed_at = timezone.now() - ago
    KeptAnswer.objects.bulk_create(
        KeptAnswer(user=person, key=f"{ago}-{number}", status=204, claimed_at=claimed_at, body=b"")
        for number in range(keys)
    )


@pytest.mark.parametrize("keys", [0, 40])
def test_to_claim_a_new_key_takes_one_statement_however_many_there_are(
    as_alice: Api, alice: User, make_movie: MakeMovie, django_assert_num_queries: Callable[..., Any], keys: int
) -> None:
    make_movie(603)
    remember(alice, keys)
    with django_assert_num_queries(30, exact=False) as all_of_it:
        favorite(as_alice, 603)

    about_keys = [query["sql"].split()[0] for query in all_of_it.captured_queries if "api_keptanswer" in query["sql"]]
    assert about_keys == ["INSERT", "UPDATE"]


def test_so_many_keys_are_remembered_of_a_person_and_the_next_is_refused_with_nothing_done(
    as_alice: Api, as_bob: Api, alice: User, make_movie: MakeMovie, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_movie(603)
    make_movie(604)
    monkeypatch.setattr(idempotency, "MOST_KEYS", 3)
    remember(alice, 2, ago=dt.timedelta(hours=20))
    first = favorite(as_alice, 603)

    free_at = min(KeptAnswer.objects.values_list("claimed_at", flat=True)) + idempotency.KEPT_FOR
    most = free_at - timezone.now()

    refused = [favorite(as_alice, 604, key="one-more") for _ in range(2)]

    least = free_at - timezone.now()
    for answer in refused:
        assert (answer.status_code, answer.json()["code"]) == (429, "too_many_idempotency_keys")
        assert least <= dt.timedelta(seconds=int(answer["Retry-After"])) < most + dt.timedelta(seconds=1)
    assert (KeptAnswer.objects.count(), Favorite.objects.count()) == (3, 1)
    assert favorite(as_alice, 603).content == first.content  # what is remembered is answered all the same
    assert favorite(as_bob, 604).status_code == 201
    assert as_alice.post("movies/favorites/", {"movie_id": 604}).status_code == 201


def test_keys_that_are_a_day_old_leave_room_at_once(
    as_alice: Api, alice: User, make_movie: MakeMovie, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_movie(603)
    monkeypatch.setattr(idempotency, "MOST_KEYS", 3)
    remember(alice, 2, ago=idempotency.KEPT_FOR)
    remember(alice, 1)

    assert favorite(as_alice, 603).status_code == 201
    assert KeptAnswer.objects.count() == 2


def test_what_was_refused_takes_no_room(as_alice: Api, make_movie: MakeMovie, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idempotency, "MOST_KEYS", 1)

    refused = [favorite(as_alice, 603, key=f"key-{number}").status_code for number in range(3)]
    make_movie(603)

    assert refused == [404] * 3
    assert favorite(as_alice, 603).status_code == 201


@pytest.mark.django_db(transaction=True)
def test_a_flood_of_keys_leaves_no_more_than_one_a_caller_too_many(
    as_alice: Api, make_movie: MakeMovie, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_movie(603)
    monkeypatch.setattr(idempotency, "MOST_KEYS", 6)
    callers = 4

    def flood(caller: int) -> list[int]:
        api = Api(as_alice.token)
        return [favorite(api, 603, key=f"{caller}-{number}").status_code for number in range(6)]

    floods = at_once(*[partial(flood, caller) for caller in range(callers)])

    statuses = [status for told in floods if isinstance(told, list) for status in told]
    assert len(statuses) == 6 * callers
    assert set(statuses) <= {200, 201, 429}
    assert 6 <= KeptAnswer.objects.count() < 6 + callers
