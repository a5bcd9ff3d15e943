"""Whose a sample of the stack is, and that a request goes in as granian would send it."""

from __future__ import annotations

from types import FrameType, SimpleNamespace
from typing import cast

import pytest
from benchmarks.http.breakdown import environ_of, part_of
from benchmarks.http.client import Request


def frame(*files: str) -> object:
    """The innermost of a chain of frames, told from the outermost to the innermost."""
    innermost = None
    for file in files:
        innermost = SimpleNamespace(f_code=SimpleNamespace(co_filename=f"/somewhere/{file}"), f_back=innermost)
    return innermost


@pytest.mark.parametrize(
    ("files", "part"),
    [
        (["benchmarks/http/breakdown.py"], "this program"),
        (["django/core/handlers/base.py", "django/http/request.py"], "Django: handler, routing, its middleware"),
        (["ninja/operation.py", "matinee/api/authentication.py", "jwt/api_jwt.py"], "who asks: token, session, person"),
        (["matinee/api/cards.py", "matinee/library/queries.py", "django/db/backends/utils.py"], "my flags"),
    ],
)
def test_the_innermost_frame_that_a_label_knows_decides(files: list[str], part: str) -> None:
    assert part_of(cast("FrameType", frame(*files))) == part


def test_a_request_goes_in_with_its_query_its_token_and_its_body() -> None:
    environ = environ_of(Request("POST", "/api/v1/movies/favorites/?a=1&b=2", '{"movie_id": 603}'), "abc")

    assert (environ["PATH_INFO"], environ["QUERY_STRING"]) == ("/api/v1/movies/favorites/", "a=1&b=2")
    assert environ["HTTP_AUTHORIZATION"] == "Bearer abc"
    assert environ["wsgi.input"].read() == b'{"movie_id": 603}'
    assert int(environ["CONTENT_LENGTH"]) == 17
    assert "HTTP_AUTHORIZATION" not in environ_of(Request("GET", "/api/v1/movies/"), None)
