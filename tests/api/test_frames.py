"""What middleware puts around an answer is asked for once a kind of request, and is what Django would put there."""

from __future__ import annotations

import io
import ipaddress
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from pytest_django.fixtures import Settings

from matinee.api.fast_lane import FRAMED_BY, FastLane
from matinee.api.gateway import Gateway
from tests.api.lane import MOVIES, Counting, ask, both


@pytest.mark.parametrize("origin", ["https://cinema.example", "https://elsewhere.example"])
def test_a_page_of_another_site_is_told_the_same_by_both(access: str, settings: Settings, origin: str) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://cinema.example"]

    here, there, in_lane = both(access, MOVIES, HTTP_ORIGIN=origin)

    assert in_lane
    assert here == there
    assert here.headers.get("access-control-allow-origin") == (origin if "cinema" in origin else None)


@pytest.mark.parametrize(
    "more",
    [
        {"HTTP_HOST": "localhost:9000"},
        {"HTTP_HOST": "LOCALHOST"},
        {"HTTP_HOST": "localhost", "wsgi.url_scheme": "https"},
        {"HTTP_X_FORWARDED_PROTO": "https"},
        {"HTTP_ORIGIN": "null"},
        {"HTTP_ORIGIN": "http://["},
    ],
    ids=str,
)
@pytest.mark.parametrize("path", [f"{MOVIES}?page=2&page_size=3", f"{MOVIES}?page=2&page_size=3&sort_by=title.asc"])
def test_what_kind_of_request_it_is_shows_in_the_answer_of_both(
    access: str, settings: Settings, path: str, more: dict[str, str]
) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.SECURE_HSTS_SECONDS = 60
    settings.TRUSTED_PROXIES = [ipaddress.ip_network("127.0.0.1")]

    for reader in (access, None):
        here, there, in_lane = both(reader, path, **more)

        assert in_lane
        assert here == there
        assert ("Strict-Transport-Security" in here.headers) is ("https" in str(more))


def test_each_kind_of_request_has_its_own_frame_in_one_lane(access: str) -> None:
    django = Counting()
    lane, path = Gateway(FastLane(django)), f"{MOVIES}?page_size=3"
    hosts = ["localhost", "127.0.0.1:8000", "127.0.0.1"] * 2

    for host in hosts:
        for more in ({"HTTP_AUTHORIZATION": f"Bearer {access}"}, {}):
            here = ask(lane, path, HTTP_HOST=host, **more)

            assert here == ask(Gateway(WSGIHandler()), path, HTTP_HOST=host, **more)
            assert f"http://{host}/api/v1/movies/?page_size=3&page=2".encode() in here.body
    assert django.asked == 0


def test_who_comes_without_https_where_it_is_needed_is_left_to_django(access: str, settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True

    here, there, in_lane = both(access, MOVIES)

    assert not in_lane
    assert here == there
    assert here.status == "301 Moved Permanently"


def test_a_kind_of_request_that_takes_much_to_remember_is_left_to_django(access: str) -> None:
    here, there, in_lane = both(access, MOVIES, HTTP_ORIGIN="https://" + "a" * 248)

    assert not in_lane
    assert here == there


class Watched(dict[str, Any]):
    """A request's environ, and what was looked at of it."""

    def __init__(self, environ: dict[str, Any]) -> None:
        super().__init__(environ)
        self.seen: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.seen.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.seen.add(name)
        return super().get(name, default)

    def __contains__(self, name: object) -> bool:
        self.seen.add(str(name))
        return super().__contains__(name)


class WatchedHeaders(dict[str, str]):
    """A request's headers, and what was looked at of them."""

    def __init__(self, seen: set[str]) -> None:
        super().__init__()
        self.seen = seen

    def get(self, name: str, default: Any = None) -> Any:
        self.seen.add(f"HTTP_{name.upper().replace('-', '_')}")
        return default


@pytest.mark.parametrize("origin", [None, "https://cinema.example"])
def test_the_middleware_that_is_asked_once_looks_at_no_more_of_a_request_than_its_kind(
    settings: Settings, origin: str | None
) -> None:
    """Whoever adds a middleware that looks at more adds that to FRAMED_BY, or does its part in the lane."""
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.SECURE_HSTS_SECONDS = 60
    settings.CORS_ALLOWED_ORIGINS = ["https://cinema.example"]
    known = {"HTTP_HOST": "localhost", "SERVER_NAME": "x", "SERVER_PORT": "1", "wsgi.url_scheme": "http"}
    environ = Watched({"REQUEST_METHOD": "GET", "PATH_INFO": MOVIES, "wsgi.input": io.BytesIO(), **known})
    request = WSGIRequest(environ)
    environ.seen.clear()
    headers = WatchedHeaders(environ.seen)
    request.__dict__["headers"] = headers
    if origin is not None:
        headers["origin"] = environ["HTTP_ORIGIN"] = origin

    FastLane(Counting())._framing(request)

    assert {"HTTP_HOST", "wsgi.url_scheme"} < environ.seen <= {*FRAMED_BY}
