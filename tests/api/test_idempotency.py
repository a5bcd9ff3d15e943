"""A POST that comes again under its Idempotency-Key is done once and answered the same, whoever dies on the way."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import signal
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.utils import timezone
from pytest_django.fixtures import Settings

from matinee.accounts.models import User
from matinee.api import idempotency
from matinee.api.app import api as matinee_api
from matinee.api.idempotency import InFlight
from matinee.api.models import KeptAnswer
from matinee.api.tasks import forget_old_answers
from matinee.core.refusals import NotFound
from matinee.library.models import Favorite, MovieRating
from tests.api.conftest import PASSWORD, Answer, Api, MakeMovie, signed_in_as
from tests.at_once import at_once
from tests.killed import run_and_kill
from tests.rounds import rounds

KEY = "a6c1f1a0-0b9e-4a53-8d3e-1f1f7a3f0d11"
NOT_IN_A_TEST = dt.timedelta(hours=1)
"""So long no test takes, not even one whose process is stopped for a minute meanwhile."""


def favorite(api: Api, movie_id: int, key: str = KEY) -> Answer:
    return api.post("movies/favorites/", {"movie_id": movie_id}, Idempotency_Key=key)


def rate(api: Api, movie_id: int, stars: int, key: str = KEY) -> Answer:
    return api.post(f"movies/{movie_id}/rate/", {"rating": stars}, Idempotency_Key=key)


def test_the_same_again_gets_the_first_answer_and_is_not_done_again(as_alice: Api, make_movie: MakeMovie) -> None:
    make_movie(603)
    first = favorite(as_alice, 603)
    Favorite.objects.all().delete()

    again = favorite(as_alice, 603)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again["Content-Type"] == first["Content-Type"]
    assert again["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first
    assert not Favorite.objects.exists()


def test_what_is_kept_of_a_request_lets_nobody_guess_at_a_password_in_it(as_alice: Api) -> None:
    body = {"email": "alice@example.com", "password": PASSWORD}

    as_alice.post("users/email/change/", body, Idempotency_Key=KEY)

    said = f"/api/v1/users/email/change/\n{json.dumps(body)}".encode()
    kept = KeptAnswer.objects.get().request
    assert len(kept) == 64
    assert kept != hashlib.sha256(said).hexdigest()


def test_the_same_again_is_known_while_the_secret_is_rotated(
    as_alice: Api, make_movie: MakeMovie, settings: Settings
) -> None:
    make_movie(603)
    favorite(as_alice, 603)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another secret of thirty-two characters or more"

    again = favorite(as_alice, 603)

    assert again.status_code == 201
    assert again["Idempotency-Replayed"] == "true"


def test_without_a_key_each_request_is_one_of_its_own(as_alice: Api, make_movie: MakeMovie) -> None:
    make_movie(603)

    answers = [as_alice.post("movies/favorites/", {"movie_id": 603}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 200]
    assert not KeptAnswer.objects.exists()


def test_without_a_key_it_costs_no_query(
    as_alice: Api, make_movie: MakeMovie, django_assert_num_queries: Callable[..., Any]
) -> None:
    make_movie(603)
    with django_assert_num_queries(FAVORITE_QUERIES, exact=False) as plain:
        as_alice.post("movies/favorites/", {"movie_id": 603})

    assert not [query for query in plain.captured_queries if "api_keptanswer" in query["sql"]]


FAVORITE_QUERIES = 30


def test_another_request_under_the_same_key_is_refused(as_alice: Api, make_movie: MakeMovie) -> None:
    make_movie(603)
    make_movie(604)
    favorite(as_alice, 603)

    other_body, other_path = favorite(as_alice, 604), rate(as_alice, 603, 5)

    for answer in (other_body, other_path):
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert Favorite.objects.count() == 1
    assert not MovieRating.objects.exists()


def test_keys_are_each_persons_own(as_alice: Api, as_bob: Api, make_movie: MakeMovie) -> None:
    make_movie(603)

    answers = [favorite(api, 603) for api in (as_alice, as_bob)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert Favorite.objects.count() == 2


def test_while_it_is_in_flight_a_second_one_is_told_so(
    as_alice: Api, make_movie: MakeMovie, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_movie(603)
    monkeypatch.setattr(idempotency, "TAKEN_FOR_DEAD_AFTER", NOT_IN_A_TEST)
    done = idempotency._done
    seen: list[Answer] = []

    def and_meanwhile(kept: KeptAnswer, do: Callable[[], HttpResponse]) -> HttpResponse:
        seen.append(favorite(as_alice, 603))
        return done(kept, do)

    monkeypatch.setattr(idempotency, "_done", and_meanwhile)

    first = favorite(as_alice, 603)

    assert first.status_code == 201
    assert [(answer.status_code, answer.json()["code"]) for answer in seen] == [(409, "request_in_flight")]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("tmdb_id", range(603, 603 + rounds(1)))
def test_of_sixteen_at_once_one_is_done_and_all_get_its_answer(
    as_alice: Api, make_movie: MakeMovie, tmdb_id: int
) -> None:
    make_movie(tmdb_id)

    answers = at_once(*[lambda: rate(Api(as_alice.token), tmdb_id, 4) for _ in range(16)])

    answered = [answer for answer in answers if isinstance(answer, HttpResponse)]
    assert len(answered) == 16
    assert {answer.status_code for answer in answered} <= {201, 409}
    retried = [rate(as_alice, tmdb_id, 4) for _ in range(2)]
    assert {answer.content for answer in [*answered, *retried] if answer.status_code == 201} == {retried[0].content}
    assert MovieRating.objects.count() == 1
    assert rated_events() == 1


def rated_events() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM audit_event WHERE action LIKE 'rating_%%'", [])
        return int(cursor.fetchone()[0])


DIES_WITHIN = 300
"""Seconds, be the machine ever so busy."""


def die(*_: object, **__: object) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.django_db(transaction=True)
def test_killed_between_effect_and_answer_nothing_was_done_and_it_is_done_again(
    as_alice: Api, make_movie: MakeMovie, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_movie(603)
    monkeypatch.setattr(idempotency, "TAKEN_FOR_DEAD_AFTER", NOT_IN_A_TEST)

    def rate_and_die() -> None:
        idempotency._claim_of = die  # asked for when the rating is written and the answer is to be kept
        rate(as_alice, 603, 4)

    run_and_kill(rate_and_die, after=DIES_WITHIN)

    assert KeptAnswer.objects.get().status is None
    assert not MovieRating.objects.exists()
    assert rate(as_alice, 603, 4).status_code == 409
    monkeypatch.setattr(idempotency, "TAKEN_FOR_DEAD_AFTER", dt.timedelta(0))
    again = rate(as_alice, 603, 4)
    assert again.status_code == 201
    assert "Idempotency-Replayed" not in again
    assert rated_events() == 1


@pytest.mark.django_db(transaction=True)
def test_killed_before_the_answer_was_sent_it_is_answered_from_what_was_kept(
    as_alice: Api, make_movie: MakeMovie
) -> None:
    make_movie(603)
    done = idempotency._done

    def rate_and_die() -> None:
        idempotency._done = lambda kept, do: die(done(kept, do))
        rate(as_alice, 603, 4)

    run_and_kill(rate_and_die, after=DIES_WITHIN)

    again = rate(as_alice, 603, 4)
    assert (again.status_code, again["Idempotency-Replayed"]) == (201, "true")
    assert again.json()["rating"] == 4
    assert rated_events() == 1


def test_who_was_taken_for_dead_changes_nothing_any_more(alice: User, make_movie: MakeMovie) -> None:
    movie = make_movie(603)
    now = timezone.now()
    kept = idempotency._claimed(alice, KEY, "digest", now=now)

    def slowly() -> HttpResponse:
        later = now + idempotency.TAKEN_FOR_DEAD_AFTER
        idempotency._claimed(alice, KEY, "digest", now=later)  # another one takes it over meanwhile
        Favorite.objects.create(user=alice, movie=movie, created_at=now)
        return HttpResponse(status=201)

    with pytest.raises(InFlight):
        idempotency._done(kept, slowly)

    assert not Favorite.objects.exists()


def test_a_refusal_is_not_kept_but_its_trace_is(alice: User, make_movie: MakeMovie) -> None:
    movie = make_movie(603)
    kept = idempotency._claimed(alice, KEY, "digest", now=timezone.now())

    def refusing() -> HttpResponse:
        Favorite.objects.create(user=alice, movie=movie, created_at=timezone.now())
        raise NotFound("Nothing here.")

    with pytest.raises(NotFound):
        idempotency._done(kept, refusing)

    assert Favorite.objects.exists()
    assert KeptAnswer.objects.get().status is None


def test_what_was_refused_may_be_tried_again_under_its_key(as_alice: Api, make_movie: MakeMovie) -> None:
    refused = favorite(as_alice, 603)
    make_movie(603)

    again = favorite(as_alice, 603)

    assert (refused.status_code, again.status_code) == (404, 201)


@pytest.mark.parametrize("key", ["", " ", "two words", "ü", "x" * 256], ids=["empty", "blank", "space", "ü", "long"])
def test_a_key_of_another_form_is_refused(as_alice: Api, make_movie: MakeMovie, key: str) -> None:
    make_movie(603)

    answer = favorite(as_alice, 603, key=key)

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_idempotency_key")
    assert not Favorite.objects.exists()


def test_answers_with_tokens_are_never_kept(as_alice: Api) -> None:
    body = {"username": "alice", "password": PASSWORD}

    tokens = [as_alice.post("users/login/", body, Idempotency_Key=KEY).json()["refresh"] for _ in range(2)]

    assert len(set(tokens)) == 2
    assert not KeptAnswer.objects.exists()


def operations() -> list[tuple[str, dict[str, Any]]]:
    paths = matinee_api.get_openapi_schema()["paths"]
    return [(path, methods["post"]) for path, methods in paths.items() if "post" in methods]


def test_every_route_that_gives_tokens_is_left_out() -> None:
    components = matinee_api.get_openapi_schema()["components"]["schemas"]
    giving = set()
    for path, operation in operations():
        for status, told in operation["responses"].items():
            shape = told.get("content", {}).get("application/json", {}).get("schema", {}).get("$ref", "")
            if status < 300 and "refresh" in components.get(shape.rpartition("/")[2], {}).get("properties", {}):
                giving.add(path)

    names = {"register": "/register/", "login": "/login/", "token_refresh": "/token/refresh/"}
    assert {f"/api/v1/users{names[name]}" for name in idempotency.WITH_TOKENS} == giving


@pytest.mark.parametrize("path", [path for path, _ in operations()])
def test_every_post_takes_a_key(alice: User, make_movie: MakeMovie, path: str) -> None:
    make_movie(603)
    url = path.replace("{movie_id}", "603")
    body = {"movie_id": 603} if "favorites" in path or "watchlist" in path else {"rating": 4} if "rate" in path else {}

    answers = [signed_in_as(alice).post(url, body, Idempotency_Key=KEY) for _ in range(2)]

    assert answers[0].status_code == answers[1].status_code < 500
    assert answers[0].status_code >= 400 or answers[0].content == answers[1].content


@pytest.mark.django_db(transaction=True)
def test_after_a_day_a_key_is_free_again_and_its_answer_forgotten(as_alice: Api, make_movie: MakeMovie) -> None:
    make_movie(603)
    make_movie(604)
    favorite(as_alice, 603)
    favorite(as_alice, 603, key="another")
    day_old = timezone.now() - idempotency.KEPT_FOR
    KeptAnswer.objects.update(claimed_at=day_old)

    anew = favorite(as_alice, 604)
    forgotten = forget_old_answers.call()

    assert anew.status_code == 201
    assert forgotten == 1
    assert KeptAnswer.objects.get().key == KEY


def test_what_was_kept_goes_with_the_account(as_alice: Api, alice: User, make_movie: MakeMovie) -> None:
    make_movie(603)
    favorite(as_alice, 603)

    alice.delete()

    assert not KeptAnswer.objects.exists()
