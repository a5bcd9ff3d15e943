"""What every answer has in common: problems, slashes, request ids, ETag, HEAD, coding."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from django.db import DatabaseError, InterfaceError, OperationalError
from django.test import Client

from matinee.api import movies
from matinee.catalog.models import Movie
from tests.api.conftest import Api, MakeMovie


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "nowhere/", 404, "not_found"),
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "movies/abc/", 404, "not_found"),
        ("POST", "movies/", 405, "method_not_allowed"),
        ("DELETE", "movies/603/", 405, "method_not_allowed"),
        ("GET", "users/login/", 405, "method_not_allowed"),
        ("GET", "movies/favorites/", 401, "not_authenticated"),
    ],
)
def test_every_failure_is_a_problem_with_its_code(api: Api, method: str, path: str, status: int, code: str) -> None:
    response = api.request(method, path)

    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.json()["status"] == status
    assert ("Allow" in response) == (status == 405)


@pytest.mark.parametrize(
    "path", ["/", "/api/docs", "/api/openapi.json", "/livez", "/readyz", "/metrics", "/.well-known/security.txt"]
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_an_address_outside_the_api_tells_that_it_is_only_read(db: None, method: str, path: str) -> None:
    response = Client(enforce_csrf_checks=True).generic(method, path)

    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
    assert response["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", ["/api/", "/nowhere", "/api/v1/nowhere/"])
def test_where_nothing_is_a_post_finds_nothing_either(db: None, path: str) -> None:
    response = Client(enforce_csrf_checks=True).post(path)

    assert (response.status_code, response.json()["code"]) == (404, "not_found")


def test_a_405_tells_what_is_allowed(api: Api) -> None:
    response = api.request("PATCH", "movies/favorites/")

    assert response["Allow"] == "GET, HEAD, POST"


@pytest.mark.parametrize("over_https_only", [False, True])
@pytest.mark.parametrize("path", ["/api/v1/movies/", "/api/docs", "/", "/admin/login/", "/nowhere"])
def test_an_unknown_host_is_a_problem_that_tells_what_to_set(
    db: None, settings: Any, caplog: pytest.LogCaptureFixture, path: str, over_https_only: bool
) -> None:
    settings.SECURE_SSL_REDIRECT = over_https_only

    response = Client(raise_request_exception=False).get(path, HTTP_HOST="evil.example")

    assert (response.status_code, response["Content-Type"]) == (400, "application/problem+json")
    assert response.json()["code"] == "unknown_host"
    assert "MATINEE_ALLOWED_HOSTS" in response.json()["detail"]
    assert response["X-Content-Type-Options"] == "nosniff"
    assert not caplog.records


def test_an_answer_without_a_body_has_no_media_type(as_alice: Api) -> None:
    for answer in (as_alice.delete("movies/favorites/603/"), as_alice.get("movies")):
        assert (answer.content, "Content-Type" in answer) == (b"", False)


def test_a_problem_tells_its_length(api: Api) -> None:
    for path in ("movies/603/", "nowhere/"):
        response = api.get(path)

        assert response["Content-Length"] == str(len(response.content))


@pytest.mark.parametrize("path", ["movies/", "movies/genres/", "movies/999/", "/api/docs", "/livez", "/admin/login/"])
def test_every_answer_tells_its_length(api: Api, path: str) -> None:
    response = api.get(path)

    assert response["Content-Length"] == str(len(response.content))


def test_a_health_probe_may_come_by_address(db: None) -> None:
    assert Client().get("/livez", HTTP_HOST="10.0.0.7").status_code == 200


def test_a_body_in_another_format_or_too_large_is_refused(as_alice: Api) -> None:
    form = as_alice.client.post(
        "/api/v1/movies/favorites/", "movie_id=603", content_type="application/x-www-form-urlencoded",
        HTTP_AUTHORIZATION=f"Bearer {as_alice.token}",
    )  # fmt: skip
    large = as_alice.post("movies/favorites/", b'{"movie_id": 603, "x": "' + b"x" * 1_000_001 + b'"}')

    assert (form.status_code, form.json()["code"]) == (415, "unsupported_media_type")
    assert (large.status_code, large.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(
    "error",
    [
        OperationalError("attempt to write a readonly database"),
        InterfaceError("gone"),
        DatabaseError("database disk image is malformed"),
    ],
)
def test_a_database_that_is_read_only_gone_or_damaged_is_a_503_with_retry_after(
    api: Api, monkeypatch: pytest.MonkeyPatch, error: DatabaseError
) -> None:
    def fail(*_: object) -> bytes:
        raise error

    monkeypatch.setattr(movies, "detail_of", fail)

    response = api.get("movies/603/")

    assert (response.status_code, response.json()["code"]) == (503, "unavailable")
    assert int(response["Retry-After"]) > 0


def test_a_surprise_is_a_500_that_tells_nothing(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> bytes:
        raise RuntimeError("a secret of ours")

    monkeypatch.setattr(movies, "detail_of", fail)

    response = api.get("movies/603/")

    assert response.status_code == 500
    assert b"secret" not in response.content


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_path_without_its_last_slash_is_a_308_to_it(api: Api, method: str) -> None:
    response = api.request(method, "movies/favorites?page=2")

    assert (response.status_code, response["Location"]) == (308, "/api/v1/movies/favorites/?page=2")


@pytest.mark.parametrize("given", ["job-7.a_B", "Root=1-67891233-abcdef012345678912345678;Sampled=1", "a/b+c:d@e=="])
def test_a_request_id_is_echoed_where_it_is_harmless_and_made_where_it_is_not(api: Api, given: str) -> None:
    assert api.get("movies/genres/", x_request_id=given)["X-Request-ID"] == given
    assert len(api.get("movies/genres/")["X-Request-ID"]) == 32
    assert "evil" not in api.get("movies/genres/", x_request_id="evil\x1b[31m")["X-Request-ID"]


def test_an_unchanged_answer_is_a_304_without_a_body(api: Api, make_movie: MakeMovie) -> None:
    movie = make_movie(603)
    first = api.get("movies/603/")

    unchanged = api.get("movies/603/", if_none_match=first["ETag"])
    any_of = api.get("movies/603/", if_none_match=f'"other", {first["ETag"]}')
    Movie.objects.filter(pk=movie.pk).update(title="Changed")
    changed = api.get("movies/603/", if_none_match=first["ETag"])

    assert not first["ETag"].startswith("W/")
    assert (unchanged.status_code, unchanged.content, any_of.status_code) == (304, b"", 304)
    assert unchanged["ETag"] == first["ETag"]
    assert changed.status_code == 200


def test_an_etag_is_its_readers_own(api: Api, as_alice: Api, as_bob: Api, make_movie: MakeMovie) -> None:
    make_movie(603)

    etags = [client.get("movies/603/")["ETag"] for client in (api, as_alice, as_bob)]
    again = as_alice.get("movies/603/")

    assert len(set(etags)) == 3
    assert again["ETag"] == etags[1]
    assert as_bob.get("movies/603/", if_none_match=etags[1]).status_code == 200


def test_no_shared_cache_may_keep_what_is_personal(api: Api, as_alice: Api, make_movie: MakeMovie) -> None:
    make_movie(603)

    assert "private" in as_alice.get("movies/603/")["Cache-Control"]
    assert "public" in api.get("movies/603/")["Cache-Control"]
    for client in (api, as_alice):
        assert {"Authorization", "Accept-Encoding"} <= {
            name.strip() for name in client.get("movies/")["Vary"].split(",")
        }
    assert api.get("movies/favorites/")["Cache-Control"] == "no-store"


def test_head_is_get_without_its_body(api: Api, make_movie: MakeMovie) -> None:
    make_movie(603)
    got = api.get("movies/603/")

    head = api.request("HEAD", "movies/603/")
    absent = api.request("HEAD", "movies/604/")

    assert (head.status_code, head.content, head["ETag"]) == (200, b"", got["ETag"])
    assert head["Content-Length"] == str(len(got.content))
    assert (absent.status_code, absent.content) == (404, b"")


def test_large_public_answers_are_compressed_and_their_etag_names_it(
    api: Api, as_alice: Api, make_movie: MakeMovie
) -> None:
    for tmdb_id in range(1, 41):
        make_movie(tmdb_id)
    plain = api.get("movies/?page_size=40")

    packed = api.client.get("/api/v1/movies/?page_size=40", HTTP_ACCEPT_ENCODING="br, gzip;q=0.8")
    starred = api.client.get("/api/v1/movies/?page_size=40", HTTP_ACCEPT_ENCODING="*;q=0, gzip")
    refused = api.client.get("/api/v1/movies/?page_size=40", HTTP_ACCEPT_ENCODING="gzip;q=0, identity")
    mine = as_alice.get("movies/?page_size=40", accept_encoding="gzip")
    small = api.get("movies/genres/", accept_encoding="gzip")

    assert (packed["Content-Encoding"], gzip.decompress(packed.content)) == ("gzip", plain.content)
    assert starred.content == packed.content
    assert packed["ETag"] != plain["ETag"]
    assert all("Content-Encoding" not in response for response in (plain, refused, mine, small))


def test_another_sites_pages_may_not_read_unless_they_are_listed(api: Api, settings: object) -> None:
    stranger = api.get("movies/genres/", origin="https://app.example")
    settings.CORS_ALLOWED_ORIGINS = ["https://app.example"]  # type: ignore[attr-defined] # pytest-django's
    friend = api.get("movies/genres/", origin="https://app.example")

    assert "Access-Control-Allow-Origin" not in stranger
    assert friend["Access-Control-Allow-Origin"] == "https://app.example"
