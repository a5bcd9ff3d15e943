"""What people do with films goes through the lane as through Django: the same answers, rows and events, done once."""

from __future__ import annotations

import io
import re
from typing import Any, NamedTuple

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.db import transaction
from django.utils import timezone
from pytest_django.fixtures import Settings

from matinee.api import limits
from matinee.api.fast_lane import ROUTES, FastLane
from matinee.api.gateway import Gateway
from matinee.audit.models import Event
from matinee.library.models import Favorite, MovieRating, Watchlist
from tests.api.lane import MOVIES, Counting, Reply, ask

KINDS = (Favorite, Watchlist, MovieRating, Event)
FAVORITES, WATCHLIST = f"{MOVIES}favorites/", f"{MOVIES}watchlist/"
USUAL = [
    ("POST", FAVORITES, b'{"movie_id": 3}', 201),
    ("POST", FAVORITES, b'{"movie_id": 4, "tmdb_id": 4}', 200),
    ("DELETE", f"{FAVORITES}4/", b"", 204),
    ("DELETE", f"{FAVORITES}999/", b"", 204),
    ("POST", WATCHLIST, b' {"tmdb_id":\n3} ', 201),
    ("DELETE", f"{WATCHLIST}3/", b'{"not": "read"}', 204),
    ("POST", f"{MOVIES}3/rate/", b'{"rating": 5}', 201),
    ("POST", f"{MOVIES}6/rate/", '{"rating": 1, "review": "Äh\u0301 …", "review_private": true}'.encode(), 200),
    ("PUT", f"{MOVIES}6/rate/", b'{"review": "\\u00e9"}', 200),
    ("PUT", f"{MOVIES}6/rate/", b"{}", 200),
    ("DELETE", f"{MOVIES}6/rate/", b"", 204),
]
RATE = ("POST", f"{MOVIES}3/rate/")
UNUSUAL = [
    (*RATE, b'{"rating": 6}', 422),
    (*RATE, b'{"rating": "5"}', 422),
    (*RATE, b'{"rating": 5, "user_id": 1}', 422),
    (*RATE, b'{"rating": 5, "rating": 4}', 400),
    (*RATE, b'{"rating": NaN}', 400),
    (*RATE, b'{"rating": 5, "review": "\\ud800"}', 422),
    (*RATE, b"[" * 100_000, 400),
    (*RATE, b"\xff", 400),
    (*RATE, b"", 422),
    (*RATE, b" " * 1_000_001, 413),
    ("POST", f"{MOVIES}3/rate/?page=1", b'{"rating": 5}', 400),
    ("POST", f"{MOVIES}999/rate/", b'{"rating": 5}', 404),
    ("POST", f"{MOVIES}03/rate/", b'{"rating": 5}', 201),
    ("POST", f"{MOVIES}3/rate", b'{"rating": 5}', 308),
    ("PUT", f"{MOVIES}3/rate/", b'{"rating": 5}', 404),
    ("PATCH", f"{MOVIES}3/rate/", b'{"rating": 5}', 405),
    ("POST", FAVORITES, b'{"movie_id": 999}', 404),
    ("POST", FAVORITES, b'{"movie_id": 3, "tmdb_id": 4}', 400),
    ("POST", FAVORITES, b"{}", 422),
    ("DELETE", FAVORITES, b"", 405),
]
BY_HEADERS: dict[str, tuple[dict[str, str], int]] = {
    "no token": ({"HTTP_AUTHORIZATION": ""}, 401),
    "not a token": ({"HTTP_AUTHORIZATION": "Bearer x.y.z"}, 401),
    "a key, so that it is done once": ({"HTTP_IDEMPOTENCY_KEY": "mine"}, 201),
    "a key that is none": ({"HTTP_IDEMPOTENCY_KEY": ""}, 400),
    "a condition": ({"HTTP_IF_MATCH": '"none.x"'}, 201),
    "a condition that nothing meets": ({"HTTP_IF_MATCH": ""}, 412),
    "another type": ({"CONTENT_TYPE": "text/plain"}, 415),
    "a coding": ({"HTTP_CONTENT_ENCODING": "gzip"}, 415),
    "another host": ({"HTTP_HOST": "elsewhere.example"}, 400),
    "below a prefix": ({"SCRIPT_NAME": "/cinema"}, 201),
}


@pytest.fixture(autouse=True)
def _one_moment(access: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """After she signed in: what is written says when."""
    now = timezone.now()
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)


class Done(NamedTuple):
    """An answer, and all rows that there are then."""

    reply: Reply
    rows: list[list[dict[str, Any]]]


def done(application: Any, access: str, method: str, path: str, body: bytes, **more: str) -> Done:
    """What comes of it; it is taken back at once, so that the next one finds everything as it was."""
    sent: dict[str, Any] = {"CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body))}
    sent |= {"HTTP_AUTHORIZATION": f"Bearer {access}", "wsgi.input": io.BytesIO(body), **more}
    with transaction.atomic():
        reply = ask(application, path, method, **sent)
        rows = [[{**row, "id": None} for row in kind.objects.order_by("pk").values()] for kind in KINDS]
        transaction.set_rollback(True)
    return Done(reply, rows)


def both(access: str, method: str, path: str, body: bytes, **more: str) -> tuple[Done, Done, bool]:
    """What comes of it through the lane, by Django alone, and whether the lane answered."""
    django = Counting()
    here = done(Gateway(FastLane(django)), access, method, path, body, **more)
    there = done(Gateway(WSGIHandler()), access, method, path, body, **more)
    return here, there, django.asked == 0


@pytest.mark.parametrize(("method", "path", "body", "status"), USUAL)
def test_what_is_written_in_the_lane_is_what_django_would_write(
    access: str, method: str, path: str, body: bytes, status: int
) -> None:
    here, there, in_lane = both(access, method, path, body)

    assert in_lane
    assert here == there
    assert int(here.reply.status[:3]) == status


@pytest.mark.parametrize(("method", "path", "body", "status"), UNUSUAL)
def test_a_write_that_is_refused_or_unusual_is_left_to_django(
    access: str, method: str, path: str, body: bytes, status: int
) -> None:
    here, there, in_lane = both(access, method, path, body)

    assert not in_lane
    assert here == there
    assert int(here.reply.status[:3]) == status


@pytest.mark.parametrize(("more", "status"), BY_HEADERS.values(), ids=BY_HEADERS)
def test_a_write_with_an_unusual_header_is_left_to_django(access: str, more: dict[str, str], status: int) -> None:
    here, there, in_lane = both(access, *RATE, b'{"rating": 5}', **more)

    assert not in_lane
    assert here == there
    assert int(here.reply.status[:3]) == status


def test_each_write_of_the_lane_is_held_against_django() -> None:
    asked = {(method, re.sub(r"/[0-9]+/", "/1/", path)) for method, path, *_ in USUAL}

    assert asked == {(method, path) for method, path in ROUTES if method != "GET"}


@pytest.mark.parametrize("stars", [5, 6])
def test_just_as_many_writes_are_served_as_the_limit_says_whoever_answers(
    access: str, settings: Settings, monkeypatch: pytest.MonkeyPatch, stars: int
) -> None:
    minute = 2_000_000.0 + 60 * stars
    monkeypatch.setattr(limits, "time", lambda: minute)  # no new one begins
    settings.REQUESTS_A_MINUTE = {**settings.REQUESTS_A_MINUTE, "write": 5}
    lane = Gateway(FastLane(Counting()))

    statuses = [done(lane, access, *RATE, b'{"rating": %d}' % stars).reply.status[:3] for _ in range(7)]

    assert statuses == ["201" if stars == 5 else "422"] * 5 + ["429"] * 2
