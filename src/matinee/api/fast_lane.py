"""A lane before Django's handler for the lists and films that are read most.

It answers what Django would answer, by the same endpoints, and leaves out what such a request passes through in vain:
the search for a route, the reading of a query that was read before, and middleware that says the same each time. What
middleware puts around an answer depends on little of a request: it is asked once for each such kind of request. What is
each answer's own (its id, its place in the limits, its ETag) comes from the functions that the middleware calls, too.
Whatever is unusual is left to Django: a lane that meets a failure says nothing, and Django meets it again.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.core.signals import request_started
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.urls import ResolverMatch, resolve
from django.utils.cache import patch_vary_headers
from django.utils.module_loading import import_string
from pydantic import BaseModel

from matinee.api import favorites, movies, ratings, recommendations, search, watchlist
from matinee.api.answers import LONGEST_REMEMBERED, PageQuery, query_of
from matinee.api.authentication import SignedIn, maybe_signed_in, reader_of, signed_in
from matinee.api.filters import CatalogueQuery, FilterQuery
from matinee.api.gateway import Wsgi
from matinee.api.limits import Limits, told_of
from matinee.api.measuring import measured
from matinee.api.middleware import identity_of, wrong_parameters
from matinee.api.representations import VARIES_BY, is_known, represented
from matinee.core import client_network, request_id
from matinee.core.client_address import client_address
from matinee.core.remembered import Remembered

API = "/api/v1/movies/"
FILM = re.compile(rf"{API}([1-9][0-9]{{0,17}})/((?:similar/)?)")
LEFT_TO_DJANGO = ("SCRIPT_NAME", "HTTP_IF_MATCH")
"""What a request must not have."""
NEEDS_NO_LANE = frozenset(
    {
        "whitenoise.middleware.WhiteNoiseMiddleware",
        "matinee.api.middleware.Problems",
        "matinee.api.middleware.OneSlash",
        "matinee.api.middleware.KnownParametersOnly",
        "matinee.api.admin_middleware.Sessions",
        "django.middleware.csrf.CsrfViewMiddleware",
        "matinee.api.admin_middleware.Authentication",
        "matinee.api.admin_middleware.Messages",
    }
)
"""Middleware for pages and for failures."""
DONE_HERE = frozenset(
    {
        "matinee.api.measuring.Measured",
        "matinee.api.middleware.RequestId",
        "matinee.api.middleware.KnownLength",
        "matinee.api.middleware.ConditionalAnswers",
        "matinee.api.limits.RateLimits",
    }
)
"""Middleware whose part is each answer's own."""
FRAMED_BY = (
    *("HTTP_HOST", "SERVER_NAME", "SERVER_PORT", "wsgi.url_scheme", "HTTP_X_FORWARDED_PROTO", "HTTP_ORIGIN"),
    "HTTP_ACCESS_CONTROL_REQUEST_PRIVATE_NETWORK",
)
"""All of a request that the other middleware looks at; a test holds it to that."""
FRAMES_REMEMBERED = 500
LONGEST_FRAMED = 255
"""Characters of each of them, as of any name of a host: what is longer would be kept for whoever sent it."""
REASONS = {200: "200 OK", 304: "304 Not Modified"}
OF_JSON = {"Content-Type": "application/json"}


class Place(NamedTuple):
    """What a path leads to."""

    call: Callable[..., HttpResponse]
    reads: tuple[type[BaseModel], ...] = ()
    """Of the query, as `call` takes it."""
    who: SignedIn = maybe_signed_in


PLACES: Mapping[str, Place] = {
    API: Place(movies.list_movies, (PageQuery, CatalogueQuery)),
    f"{API}genres/": Place(movies.list_genres),
    f"{API}trending/": Place(movies.list_trending, (PageQuery, movies.TrendingQuery)),
    f"{API}search/": Place(search.search_movies, (PageQuery, search.SearchQuery)),
    f"{API}suggest/": Place(search.suggest_movies, (search.SuggestQuery,)),
    f"{API}recommendations/": Place(
        recommendations.list_recommendations, (PageQuery, recommendations.RecommendationQuery), signed_in
    ),
    f"{API}favorites/": Place(favorites.list_favorites, (PageQuery,), signed_in),
    f"{API}watchlist/": Place(watchlist.list_watchlist, (PageQuery,), signed_in),
    f"{API}ratings/": Place(ratings.list_ratings, (PageQuery,), signed_in),
    f"{API}1/": Place(movies.get_movie),
    f"{API}1/similar/": Place(movies.list_similar, (PageQuery, FilterQuery)),
}
"""Film 1 stands for all."""


class LeftToDjango(Exception):
    """The lane does not answer this."""


class Frame(NamedTuple):
    """What the middleware puts around each answer to a kind of request."""

    headers: Mapping[str, str]
    origin: str
    """How the addresses of this instance begin."""


class Answer(NamedTuple):
    status_code: int
    headers: dict[str, str]
    body: bytes


class FastLane:
    def __init__(self, application: Wsgi) -> None:
        self.application = application
        self._frames = Remembered[Frame](FRAMES_REMEMBERED, weight=lambda _: 1)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        answer = self.answer(environ)
        if answer is None:
            return self.application(environ, start_response)
        start_response(REASONS[answer.status_code], [*answer.headers.items()])
        return [answer.body]

    def answer(self, environ: dict[str, Any]) -> Answer | None:
        """None where it is left to Django."""
        if environ["REQUEST_METHOD"] != "GET":
            return None
        place, ids = place_of(environ["PATH_INFO"])
        if place is None or any(environ.get(name) for name in LEFT_TO_DJANGO):
            return None
        request_started.send(FastLane, environ=environ)  # has connections looked at that are old or broken
        request = WSGIRequest(environ)
        request.resolver_match = _match(place)
        identity = identity_of(environ.get("HTTP_X_REQUEST_ID", ""))
        token = request_id.current.set(identity)
        network = client_network.address.set(client_address(environ))
        try:
            answer = measured(request, lambda request: self._answer(request, place, ids))
        except Exception:  # noqa: BLE001 - Django meets it again, answers and logs it
            return None
        finally:
            request_id.current.reset(token)
            client_network.address.reset(network)
        answer.headers["X-Request-ID"] = identity
        return answer

    def _answer(self, request: HttpRequest, place: str, ids: tuple[int, ...]) -> Answer:
        """Raises LeftToDjango, and what the endpoints raise."""
        meta = request.META
        frame = self._frame(meta)
        request.origin = frame.origin  # type: ignore[attr-defined] # as `answers` reads it
        response = _asked(request, place, ids)
        if response.status_code != 200 or response.headers != OF_JSON:
            raise LeftToDjango
        reader = reader_of(request)
        shown = represented(response.content, meta, reader=None if reader is None else reader.pk)
        headers = {**frame.headers, **told_of(request), "Cache-Control": shown.cache_control, "ETag": shown.etag}
        if is_known(shown.etag, meta):
            return Answer(304, headers, b"")
        headers |= OF_JSON
        if shown.coding is not None:
            headers["Content-Encoding"] = shown.coding
        headers["Content-Length"] = str(len(shown.content))
        return Answer(200, headers, shown.content)

    def _frame(self, environ: Mapping[str, Any]) -> Frame:
        """Raises LeftToDjango where the middleware answers by itself."""
        kind = tuple(environ.get(name) for name in FRAMED_BY)
        frame = self._frames.get(kind)
        if frame is None:
            if any(value and len(value) > LONGEST_FRAMED for value in kind):
                raise LeftToDjango
            looked_at = {name: environ[name] for name in FRAMED_BY if name in environ}
            request = WSGIRequest({"REQUEST_METHOD": "GET", "PATH_INFO": API, "wsgi.input": io.BytesIO(), **looked_at})
            response = self._framing(request)
            if response.status_code != 200:
                raise LeftToDjango
            headers = {name: value for name, value in response.items() if name not in OF_JSON}
            frame = Frame(headers, request.build_absolute_uri("/")[:-1])
            self._frames.keep(kind, frame)
        return frame

    @cached_property
    def _framing(self) -> Callable[[HttpRequest], HttpResponseBase]:
        """The middleware that says the same of every answer to a kind of request."""
        handler: Callable[[HttpRequest], HttpResponseBase] = _bare
        for path in reversed(settings.MIDDLEWARE):
            if path not in NEEDS_NO_LANE | DONE_HERE:
                handler = import_string(path)(handler)
        return handler


def _bare(_request: HttpRequest) -> HttpResponse:
    response = HttpResponse(headers=OF_JSON)
    patch_vary_headers(response, VARIES_BY)
    return response


def place_of(path: str) -> tuple[str | None, tuple[int, ...]]:
    """The one of PLACES, and the ids that its path has."""
    if path in PLACES:
        film = FILM.fullmatch(path)
        return path, () if film is None else (int(film[1]),)
    film = FILM.fullmatch(path)
    return (None, ()) if film is None else (f"{API}1/{film[2]}", (int(film[1]),))


@lru_cache(maxsize=len(PLACES))
def _match(place: str) -> ResolverMatch:
    """The route, of which only the name and the template are looked at."""
    return resolve(place)


def _asked(request: HttpRequest, place: str, ids: tuple[int, ...]) -> HttpResponse:
    call, _, who = PLACES[place]
    query = query_of(request)
    if len(query) > LONGEST_REMEMBERED:
        raise LeftToDjango
    request.auth = who(request)  # type: ignore[attr-defined] # as ninja does it
    if request.auth is None:  # type: ignore[attr-defined] # as ninja does it
        raise LeftToDjango
    wishes = _wishes(place, query)
    if not Limits().allow_request(request):
        raise LeftToDjango
    return call(request, *ids, *wishes)


@lru_cache(maxsize=1_024)
def _wishes(place: str, query: bytes) -> tuple[BaseModel, ...]:
    """A query as the endpoint is given it. Raises LeftToDjango where there is anything wrong with it."""
    given = QueryDict(query)
    if wrong_parameters(given, _match(place).route, "GET"):
        raise LeftToDjango
    return tuple(model.model_validate(given.dict()) for model in PLACES[place].reads)
