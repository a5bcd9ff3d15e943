"""What a browser is told of every answer: pages and data, what works and what fails."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from matinee.accounts.models import User
from matinee.api import movies
from tests.api.access_matrix import MATRIX
from tests.api.conftest import Api, MakeMovie

EXPECTED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
ASKED = {**EXPECTED, "Strict-Transport-Security": "max-age=31536000"}


@pytest.fixture
def https(db: None, settings: Any) -> Client:
    """As production serves it."""
    settings.SECURE_HSTS_SECONDS = 31_536_000
    return Client(raise_request_exception=False)


def told(answer: Any) -> dict[str, str]:
    assert "camera=()" in answer["Permissions-Policy"]
    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
    assert "Server" not in answer
    return {name: answer[name] for name in ASKED}


@pytest.mark.parametrize("row", MATRIX, ids=lambda row: f"{row.method} {row.route}")
def test_every_route_has_them(https: Client, row: Any) -> None:
    path = row.path.format(tmdb_id=603, movie_id=603, session_id=1, export_id=1)

    answers = [https.generic(row.method, path, secure=True), https.generic("PURGE", path, secure=True)]

    assert [told(answer) for answer in answers] == [ASKED, ASKED]


def test_what_fails_has_them_too(
    https: Client, make_movie: MakeMovie, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    make_movie(603)
    monkeypatch.setattr(movies, "detail_of", lambda *_: 1 / 0)

    answers: dict[int, Any] = {
        400: https.get("/api/v1/movies/", HTTP_HOST="evil.example", secure=True),
        404: https.get("/nowhere", secure=True),
        413: https.post("/api/v1/users/login/", b" " * 1_000_001, "application/json", secure=True),
        500: https.get("/api/v1/movies/603/", secure=True),
        308: https.get("/api/v1/movies", secure=True),
        200: https.get("/static/admin/css/base.css", secure=True),
    }
    settings.REQUESTS_A_MINUTE = {**settings.REQUESTS_A_MINUTE, "register": 1}
    answers[429] = [https.post("/api/v1/users/register/", secure=True) for _ in range(3)][-1]

    for status, answer in answers.items():
        assert (answer.status_code, told(answer)) == (status, ASKED)


def test_over_http_nothing_is_said_of_https(https: Client) -> None:
    answer = https.get("/livez")

    assert {name: answer[name] for name in EXPECTED} == EXPECTED
    assert "Strict-Transport-Security" not in answer


def test_data_may_load_nothing_and_pages_what_we_serve(https: Client) -> None:
    def policy(path: str) -> str:
        return https.get(path)["Content-Security-Policy"]

    assert policy("/api/v1/movies/genres/") == "default-src 'none'; frame-ancestors 'none'"
    for page in ("/api/docs", "/admin/login/"):
        assert policy(page).startswith("default-src 'self'; ")
        assert "script-src" not in policy(page), "scripts are ours alone"
    assert "unsafe-inline" not in policy("/admin/login/")


@pytest.mark.parametrize("page", ["/api/docs", "/admin/login/"])
def test_no_page_carries_a_script_that_its_policy_would_stop(https: Client, page: str) -> None:
    html = https.get(page).content.decode()

    assert "<script>" not in html
    assert " onclick=" not in html


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"])
def test_no_header_turns_one_method_into_another(as_alice: Api, alice: User, header: str) -> None:
    answer = as_alice.post("users/profile/", {"_method": "PATCH", "bio": "x"}, **{header: "PATCH"})

    assert answer.status_code == 405
    assert as_alice.get("users/profile/", **{header: "DELETE"}).status_code == 200


def test_links_are_made_of_no_host_that_a_header_names(api: Api, make_movie: MakeMovie) -> None:
    for number in range(3):
        make_movie(number + 1)

    page: HttpResponse = api.get("movies/?page_size=1", x_forwarded_host="evil.example", forwarded="host=evil.example")

    assert b"evil.example" not in page.content
    assert b"http://testserver/api/v1/movies/?page_size=1&page=2" in page.content
