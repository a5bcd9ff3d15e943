"""The lane beside Django: what each answers to the same request."""

from __future__ import annotations

from typing import Any, NamedTuple
from wsgiref.util import setup_testing_defaults

from django.core.handlers.wsgi import WSGIHandler
from django.urls import clear_script_prefix

from matinee.api.fast_lane import FastLane
from matinee.api.gateway import Gateway
from tests.api.conftest import connections_kept

MOVIES = "/api/v1/movies/"
TO_ONE_ANOTHERS_ACCOUNT = {"RateLimit"}
"""Each of two that ask the same counts as a request."""


class Reply(NamedTuple):
    status: str
    headers: dict[str, str]
    body: bytes


class Counting:
    """Django, and how often it was asked."""

    def __init__(self) -> None:
        self.handler = WSGIHandler()
        self.asked = 0

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        self.asked += 1
        return self.handler(environ, start_response)


def ask(application: Any, path: str, method: str = "GET", **more: str) -> Reply:
    path, _, query = path.partition("?")
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1:8000",
        "HTTP_X_REQUEST_ID": "the-same-in-both",
        **more,
    }
    setup_testing_defaults(environ)
    told: list[Any] = []
    with connections_kept():
        answer = application(environ, lambda status, headers: told.extend((status, headers)))
        body = b"".join(answer)
        getattr(answer, "close", lambda: None)()
    clear_script_prefix()  # Django leaves it to its thread until the next request, and its test client sets none
    status, headers = told
    return Reply(status, {k: v for k, v in headers if k not in TO_ONE_ANOTHERS_ACCOUNT}, body)


def both(access: str | None, path: str, **more: str) -> tuple[Reply, Reply, bool]:
    """What comes through the lane, what comes from Django alone, and whether the lane answered."""
    django = Counting()
    lane = Gateway(FastLane(django))
    if access:
        more = {"HTTP_AUTHORIZATION": f"Bearer {access}", **more}
    through_the_lane = ask(lane, path, **more)
    from_django = ask(Gateway(WSGIHandler()), path, **more)
    return through_the_lane, from_django, django.asked == 0
