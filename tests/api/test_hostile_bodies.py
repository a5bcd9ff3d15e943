"""Sixty bodies that stock stacks stumble over, sent to every route that reads one: always a 4xx, never a trace."""

from __future__ import annotations

import json
import tracemalloc

import pytest

from matinee.api.app import api as matinee_api
from matinee.library.models import Favorite, MovieRating, Watchlist
from tests.api.conftest import Api, MakeMovie

DEEP = 100_000

NOT_JSON: list[bytes] = [
    b"{", b"}", b"[", b"null x", b"{'movie_id': 1}", b'{"movie_id": 603,}', b'{"movie_id": 0x10}', b'{"movie_id": 01}',
    b'{"movie_id": +1}', b'{"movie_id": .5}', b'{"movie_id": NaN}', b'{"movie_id": Infinity}', b'{"rating": -Infinity}',
    b"\xff\xfe{}", b"\xef\xbb\xbf{}", b"\x00", b'{"review": "\xc3\x28"}', b'{"review": "a\nb"}', b'{"review": "\\x41"}',
    b'{"review": "\\u12"}', '{"movie_id": 603}'.encode("utf-16"), '{"movie_id": 603}'.encode("utf-32"),
    b"[" * DEEP, b'{"a":' * DEEP, b"[" * 5_000 + b"]" * 5_000, b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    b'{"movie_id": ' + b"9" * 5_000 + b"}", b"<?xml version='1.0'?><a/>", b"movie_id=603", b'{"a": 1} {"b": 2}',
]  # fmt: skip

TOO_MUCH: list[bytes] = [
    b"[" * 65 + b"]" * 65,
    b'{"a":' * 65 + b"1" + b"}" * 65,
    json.dumps({f"k{number}": number for number in range(10_001)}).encode(),
    json.dumps({"favorite_genres": [28] * 10_001}).encode(),
    b'{"movie_id": 603, "movie_id": 604}',
    b'{"rating": 5, "rating": 1}',
    b'{"x": {"y": 1, "y": 2}}',
    b'{"\\ud800": 1, "\\ud800": 2}',
]

WRONG: list[object] = [
    None, True, 0, 1, 3.5, -1, "", "603", [], [603], [[]], [{}], {"movie_id": None}, {"movie_id": []}, {"movie_id": {}},
    {"movie_id": "603"}, {"movie_id": True}, {"movie_id": 3.5}, {"movie_id": -1}, {"movie_id": 0}, {"movie_id": 2**63},
    {"movie_id": -(2**63)}, {"movie_id": 10**400}, {"movie_id": 1e308}, {"rating": "5"}, {"rating": 5.5}, {"rating": 6},
    {"rating": 2**31}, {"rating": [5]}, {"__proto__": {}}, {"constructor": 1}, {"": 1}, {"id": 1}, {"user": 1},
    {"is_staff": True}, {"is_superuser": True}, {"password": 1}, {"email": ["a@example.org"]}, {"email": {"$ne": ""}},
    {"review": {"$gt": ""}}, {"refresh": 1}, {"refresh": None}, {"username": ["x"]}, {"birth_date": 20000101},
    {"favorite_genres": "28"}, {"notification_preferences": []},
]  # fmt: skip

BROKEN_TEXT: list[bytes] = [
    b'{"review": "\\ud800", "rating": 5}',
    b'{"rating": 5, "review": "\\udfff tail"}',
    b'{"rating": 5, "review": "nul \\u0000 inside"}',
    b'{"rating": 5, "review": "bell \\u0007"}',
    b'{"rating": 5, "review": "\\uffff"}',
    b'{"email": "\\ud83d", "password": "x"}',
    b'{"\\ud800": "key"}',
    b'{"email": "nul\\u0000@example.org", "password": "correct horse battery"}',
]

BODIES = [*NOT_JSON, *TOO_MUCH, *(json.dumps(body).encode() for body in WRONG), *BROKEN_TEXT]


def writing_routes() -> list[tuple[str, str]]:
    routes = []
    for path, methods in matinee_api.get_openapi_schema()["paths"].items():
        for method, operation in methods.items():
            if "requestBody" in operation:
                routes.append((method.upper(), path.replace("{movie_id}", "603")))
    return routes


def test_there_are_enough_of_them() -> None:
    assert len(BODIES) >= 60
    assert len(writing_routes()) >= 8


@pytest.mark.parametrize(("method", "path"), writing_routes())
def test_a_hostile_body_is_a_4xx_that_changes_nothing(
    as_alice: Api, make_movie: MakeMovie, method: str, path: str
) -> None:
    make_movie(603)
    may_pass = path.endswith(("rate/", "profile/"))

    for body in BODIES:
        response = as_alice.request(method, path, body)

        acceptable = response.status_code in range(400, 500)
        assert acceptable or (may_pass and response.status_code == 200 and body == b"{}"), (body[:80], response.content)
        if response.status_code == 422:
            assert response.json()["errors"], body[:80]

    assert Favorite.objects.count() == Watchlist.objects.count() == MovieRating.objects.count() == 0


def test_a_broken_character_is_named_with_its_field(as_alice: Api, make_movie: MakeMovie) -> None:
    make_movie(603)

    for body in BROKEN_TEXT[:5]:
        response = as_alice.post("movies/603/rate/", body)

        assert response.status_code == 422
        assert [error["field"] for error in response.json()["errors"]] == ["review"]


def test_a_duplicate_key_is_named(as_alice: Api) -> None:
    response = as_alice.post("movies/favorites/", b'{"movie_id": 603, "movie_id": 604}')

    assert (response.status_code, response.json()["code"]) == (400, "duplicate_key")
    assert response.json()["errors"][0]["field"] == "movie_id"


def test_a_long_key_before_a_long_list_costs_no_more_than_the_body(api: Api) -> None:
    body = json.dumps({"k" * 100_000: [0] * 1_000}).encode()
    tracemalloc.start()

    response = api.post("users/login/", body)
    _, most_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert response.status_code == 422
    assert most_bytes < 20_000_000
    assert len(response.content) < 2_000


def test_a_body_that_says_it_is_compressed_is_refused(api: Api) -> None:
    response = api.post("users/login/", {"email": "a@example.org", "password": "x"}, content_encoding="gzip")

    assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")
