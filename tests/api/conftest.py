"""A client that speaks JSON, holds every answer against the published schema, and can be somebody."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, cast

import jsonschema
import pytest
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.core.signals import request_finished, request_started, setting_changed
from django.db import close_old_connections
from django.http import HttpResponse
from django.test import Client
from django.test.client import ClientHandler
from django.utils import timezone

from matinee.accounts.models import User
from matinee.accounts.services import create_user
from matinee.accounts.sessions import sign_in
from matinee.api.app import api as matinee_api
from matinee.api.fast_lane import Answer as LaneAnswer
from matinee.api.fast_lane import FastLane, template_of
from matinee.api.overload import Overload
from matinee.api.reference import HEADERS
from matinee.api.turns import Turns
from matinee.catalog.cards import refresh_cards
from matinee.catalog.columns import refresh_columns
from matinee.catalog.models import Movie
from tests.exchanges import Holding, brought, on_a_thread
from tests.operations.processes import eventually

PASSWORD = "correct horse battery staple"
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


class Answer(HttpResponse):
    """What Django's test client gives: a response that reads its own JSON."""

    def json(self) -> Any: ...


LANE_NOTES = Path(os.environ.get("MATINEE_TEST_LANE_NOTES", os.devnull))
"""The tests that ask for what the fast lane might answer: noted with the lane, repeated without it."""


@cache
def _note(test: str) -> None:
    with LANE_NOTES.open("a", encoding="utf-8") as notes:
        notes.write(f"{test}\n")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if os.environ.get("MATINEE_TEST_FAST_LANE") == "off" and LANE_NOTES.is_file():
        noted = set(LANE_NOTES.read_text(encoding="utf-8").splitlines())
        config.hook.pytest_deselected(items=[item for item in items if item.nodeid not in noted])
        items[:] = [item for item in items if item.nodeid in noted]


class LaneHandler(ClientHandler):
    """As in service: the fast lane first, then Django. MATINEE_TEST_FAST_LANE=off leaves the lane out."""

    def __init__(self) -> None:
        super().__init__(enforce_csrf_checks=False)
        self._lane: FastLane | None = None
        setting_changed.connect(self.begin_anew)

    def begin_anew(self, **_: Any) -> None:
        """In service no setting ever changes."""
        self._lane = None

    def __call__(self, environ: dict[str, Any]) -> Any:
        with connections_kept():
            answer = self._answered_by_the_lane(environ)
        if template_of(environ["REQUEST_METHOD"], environ["PATH_INFO"])[0] is not None:
            _note(os.environ["PYTEST_CURRENT_TEST"].rpartition(" ")[0])
        if answer is None:
            return super().__call__(environ)
        response = HttpResponse(answer.body, status=answer.status_code, headers=answer.headers)
        if "Content-Type" not in answer.headers:
            del response["Content-Type"]
        response.wsgi_request = WSGIRequest(environ)  # type: ignore[attr-defined] # as the client wants it
        return response

    def _answered_by_the_lane(self, environ: dict[str, Any]) -> LaneAnswer | None:
        if os.environ.get("MATINEE_TEST_FAST_LANE") == "off":
            return None
        if self._lane is None:  # made when it is asked: it costs more than most tests, and settings change often
            self._lane = FastLane(WSGIHandler())
        return self._lane.answer(environ)


@contextmanager
def connections_kept() -> Iterator[None]:
    """A request that begins or ends leaves the test's own transaction alone."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in signals:
            signal.connect(close_old_connections)


class Api:
    """`get("movies/")`, `post("users/login/", {...})`: paths are below /api/v1/, bodies are JSON."""

    def __init__(self, token: str | None = None) -> None:
        self.client = Client(raise_request_exception=False)
        self.client.handler = LaneHandler()
        self.token = token

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token is not None:
            sent["Authorization"] = f"Bearer {self.token}"
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        content_type = "" if body is None else "application/json"
        url = path if path.startswith(("/", "http")) else f"/api/v1/{path}"
        response = cast("Answer", self.client.generic(method, url, data, content_type=content_type, headers=sent))
        conforms(method, url, response)
        return response

    def get(self, path: str, **headers: str) -> Answer:
        return self.request("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        return self.request("POST", path, body, **headers)

    def put(self, path: str, body: Any = None, **headers: str) -> Answer:
        return self.request("PUT", path, body, **headers)

    def patch(self, path: str, body: Any = None, **headers: str) -> Answer:
        return self.request("PATCH", path, body, **headers)

    def delete(self, path: str, **headers: str) -> Answer:
        return self.request("DELETE", path, **headers)


def conforms(method: str, url: str, response: HttpResponse) -> None:
    """Hold an answer against the schema that /api/openapi.json publishes; nothing beyond it may be in there."""
    if method == "HEAD":
        assert response.content == b""
        return
    if response.status_code >= 400 and not url.startswith("/admin"):
        assert response["Content-Type"] == "application/problem+json", response.content
        _validate(response, {"$ref": "#/components/schemas/Problem"})
    operation = _operation(method, url)
    if operation is None or response.status_code in {308, 405, 413, 500, 503}:
        return
    described = operation["responses"].get(response.status_code)
    assert described is not None, f"{method} {url} answers {response.status_code}, which its schema does not tell"
    if "$ref" in described:
        described = matinee_api.get_openapi_schema()["components"]["responses"][described["$ref"].rpartition("/")[2]]
    _headers_conform(described["headers"], response)
    if "application/json" in described.get("content", {}):
        _validate(response, described["content"]["application/json"]["schema"])


def _headers_conform(described: dict[str, Any], response: HttpResponse) -> None:
    """Each that is told to be always there is, and each that is there is told and looks as told."""
    told = {name: header if "schema" in header else HEADERS[name] for name, header in described.items()}
    there = {name for name in HEADERS if name in response}
    assert {name for name, header in told.items() if header["required"]} <= there <= set(told)
    for name in there:
        value = int(response[name]) if told[name]["schema"]["type"] == "integer" else response[name]
        jsonschema.Draft202012Validator(told[name]["schema"]).validate(value)


def _operation(method: str, url: str) -> dict[str, Any] | None:
    path = url.partition("?")[0]
    for pattern, methods in _patterns():
        if pattern.fullmatch(path):
            return methods.get(method.lower())
    return None


@cache
def _schema() -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(json.dumps(matinee_api.get_openapi_schema()))
    for shape in schema["components"]["schemas"].values():
        if shape.get("type") == "object" and "properties" in shape:
            shape["additionalProperties"] = False
    return schema


@cache
def _patterns() -> list[tuple[re.Pattern[str], dict[str, Any]]]:
    paths = matinee_api.get_openapi_schema()["paths"]
    fixed_first = sorted(paths, key=lambda path: path.count("{"))
    return [(re.compile(re.sub(r"{\w+}", r"\\d+", path)), paths[path]) for path in fixed_first]


def _validate(response: HttpResponse, shape: dict[str, Any]) -> None:
    document = {**shape, "components": _schema()["components"]}
    jsonschema.Draft202012Validator(document).validate(json.loads(response.content))


@pytest.fixture
def api(db: None) -> Api:
    """Nobody in particular."""
    return Api()


@pytest.fixture
def alice(db: None) -> User:
    return create_user(email="alice@example.org", username="alice", password=PASSWORD, now=NOW)


@pytest.fixture
def bob(db: None) -> User:
    return create_user(email="bob@example.org", username="bob", password=PASSWORD, now=NOW)


def signed_in_as(user: User) -> Api:
    _, tokens = sign_in(username=user.username, password=PASSWORD, now=timezone.now())
    return Api(tokens.access)


@pytest.fixture
def as_alice(alice: User) -> Api:
    return signed_in_as(alice)


@pytest.fixture
def as_bob(bob: User) -> Api:
    return signed_in_as(bob)


MakeMovie = Callable[..., Movie]


@pytest.fixture
def make_movie(db: None) -> MakeMovie:
    """A film with every fact known, but for what the test says."""

    def make(tmdb_id: int, title: str | None = None, **facts: Any) -> Movie:
        known = {
            "overview": "Someone does something.",
            "release_date": dt.date(1999, 3, 30),
            "runtime": 136,
            "vote_average": 8.2,
            "vote_count": 26_000,
            "popularity": float(tmdb_id),
            "genre_ids": [28, 878],
            "original_language": "en",
            "budget": 63_000_000,
            "revenue": 463_517_383,
        }
        return Movie.objects.create(
            tmdb_id=tmdb_id, title=title or f"Film {tmdb_id}", created_at=NOW, updated_at=NOW, **{**known, **facts}
        )

    return make


@pytest.fixture
def access(as_alice: Api, make_movie: MakeMovie) -> str:
    """alice's token: of 30 films she has a favourite and some ratings."""
    for tmdb_id in range(1, 31):
        make_movie(tmdb_id, vote_count=tmdb_id * 10)
    as_alice.post("movies/favorites/", {"movie_id": 4})
    for tmdb_id in range(6, 10):
        as_alice.post(f"movies/{tmdb_id}/rate/", {"rating": 4})
    refresh_columns()
    refresh_cards()
    return str(as_alice.token)


@pytest.fixture
def holding() -> Iterator[Holding]:
    holding = Holding()
    yield holding
    holding.comes_back.set()
    holding.may_answer.set()


@pytest.fixture
def behind(holding: Holding) -> Iterator[Turns]:
    """One request has the only turn. In the end all is as in the beginning."""
    application = Turns(holding, at_once=1)
    first = on_a_thread(application, who="first")
    assert eventually(lambda: holding.called == ["first"])
    yield application
    holding.comes_back.set()
    holding.may_answer.set()
    assert first.answer() == ("200", b"first")
    assert eventually(lambda: bool(application._free))
    application._overload = Overload()
    assert brought(application).answer()[0] == "200"
