"""What Django gets of what the web server hands over: Content-Types, bodies in chunks, what proxies say."""

from __future__ import annotations

import io
import ipaddress
import json
from typing import Any

import pytest
from django.test import RequestFactory
from django.test.client import ClientHandler

from matinee.accounts.models import User
from matinee.api.arriving_bodies import ArrivingBodies
from matinee.api.gateway import Gateway
from tests.api.conftest import PASSWORD

LOGIN = "/api/v1/users/login/"


def response_to(method: str, path: str, **environ: Any) -> Any:
    """What the whole application gives, without a client that would tidy up the request."""
    django = ClientHandler(enforce_csrf_checks=False)
    request = RequestFactory()._base_environ(  # type: ignore[attr-defined] # what its requests are made of
        REQUEST_METHOD=method, PATH_INFO=path, **environ
    )
    if "HTTP_TRANSFER_ENCODING" in request:
        ArrivingBodies().read(request)
    return Gateway(lambda environ, _: django(environ))(request, None)


def answer(method: str, path: str, **environ: Any) -> tuple[int, dict[str, Any]]:
    response = response_to(method, path, **environ)
    return response.status_code, json.loads(response.content)


def chunked(body: bytes) -> dict[str, Any]:
    """As a server hands over a body without a length: to be read to its end."""
    return {
        "HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": "", "CONTENT_TYPE": "application/json",
        "wsgi.input": io.BytesIO(body), "wsgi.input_terminated": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json; charset=rot13",
        "application/json; charset=undefined",
        "text/plain; charset=base64",
        "text/plain; charset=utf-16",
        "text/plain; charset*=utf-8''rot13",
        "text/plain; a*=nope''%41%ff",
        "multipart/form-data; charset=hex; boundary=x",
        "multipart/form-data; charset=hex",
    ],
)
def test_no_charset_makes_a_query_unreadable(db: None, content_type: str) -> None:
    status, page = answer("GET", "/api/v1/movies/", QUERY_STRING="page=1&page_size=5", CONTENT_TYPE=content_type)

    assert (status, page["page_size"]) == (200, 5)


def test_a_body_in_json_is_utf8_whatever_charset_it_claims(alice: User) -> None:
    body = json.dumps({"username": "alice", "password": PASSWORD}).encode()
    sent = {"CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body)}

    status, tokens = answer("POST", LOGIN, CONTENT_TYPE="application/json; charset=utf-16", **sent)

    assert (status, tokens["user"]["username"]) == (200, "alice")


def test_a_form_in_parts_keeps_its_boundary() -> None:
    environ = {"CONTENT_TYPE": 'multipart/form-data; charset=utf-8; boundary="--x:1"'}

    Gateway(lambda _environ, _start: [])(environ, None)

    assert environ["CONTENT_TYPE"] == 'multipart/form-data; boundary="--x:1"'


def test_a_body_in_chunks_is_read(alice: User) -> None:
    status, tokens = answer("POST", LOGIN, **chunked(json.dumps({"username": "alice", "password": PASSWORD}).encode()))

    assert (status, tokens["user"]["username"]) == (200, "alice")


def test_a_body_in_chunks_can_be_too_large(db: None) -> None:
    status, problem = answer("POST", LOGIN, **chunked(b" " * 1_000_001))

    assert (status, problem["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(("peer", "https"), [("10.0.0.1", True), ("198.51.100.7", False)])
def test_only_a_proxy_of_ours_can_say_that_the_client_came_by_https(
    db: None, settings: Any, peer: str, https: bool
) -> None:
    settings.TRUSTED_PROXIES = (ipaddress.ip_network("10.0.0.0/8"),)
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.SECURE_SSL_REDIRECT = True

    response = response_to("GET", "/api/v1/movies/genres/", REMOTE_ADDR=peer, HTTP_X_FORWARDED_PROTO="https")

    assert response.status_code == (200 if https else 301)
