"""A lane before Django's handler for the lists and films that are read most, and for what people do with films.

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
from typing import Any, NamedTuple, TypeAlias

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
from matinee.api.bodies import MovieReference, StrictParser
from matinee.api.filters import CatalogueQuery, FilterQuery
from matinee.api.gateway import Wsgi
from matinee.api.limits import Throttle, told_of
from matinee.api.measuring import measured
from matinee.api.middleware import EMPTY, identity_of, wrong_parameters
from matinee.api.representations import VARIES_BY, is_known, represented
from matinee.core import client_network, request_id
from matinee.core.client_address import client_address
from matinee.core.remembered import Remembered

API = "/api/v1/movies/"
NUMBER = re.compile(r"(?<=/)[1-9][0-9]{0,17}(?=/)")
LEFT_TO_DJANGO = ("HTTP_IF_MATCH", "HTTP_IDEMPOTENCY_KEY")
"""What a request must not have, be it empty."""
NEEDS_NO_LANE = frozenset(
    {
        "whitenoise.middleware.WhiteNoiseMiddleware",
        "matinee.api.middleware.Problems",
        "matinee.api.middleware.OneSlash",
        "matinee.api.middleware.KnownParametersOnly",
        "matinee.api.admin_middleware.Sessions",
        "matinee.api.admin_middleware.Csrf",
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
REASONS = {200: "200 OK", 201: "201 Created", 204: "204 No Content", 304: "304 Not Modified"}
OF_JSON = {"Content-Type": "application/json"}


Template: TypeAlias = tuple[str, str]
"""A method and a path."""


class Route(NamedTuple):
    """What a method and a path lead to."""

    call: Callable[..., HttpResponse]
    reads: tuple[type[BaseModel], ...] = ()
    """Of the query, as `call` takes it."""
    who: SignedIn = maybe_signed_in
    body: type[BaseModel] | None = None


def _mine(call: Callable[..., HttpResponse], *reads: type[BaseModel], body: type[BaseModel] | None = None) -> Route:
    return Route(call, reads, signed_in, body)


ROUTES: Mapping[tuple[str, str], Route] = {
    ("GET", API): Route(movies.list_movies, (PageQuery, CatalogueQuery)),
    ("GET", f"{API}genres/"): Route(movies.list_genres),
    ("GET", f"{API}trending/"): Route(movies.list_trending, (PageQuery, movies.TrendingQuery)),
    ("GET", f"{API}search/"): Route(search.search_movies, (PageQuery, search.SearchQuery)),
    ("GET", f"{API}suggest/"): Route(search.suggest_movies, (search.SuggestQuery,)),
    ("GET", f"{API}1/"): Route(movies.get_movie),
    ("GET", f"{API}1/similar/"): Route(movies.list_similar, (PageQuery, FilterQuery)),
    ("GET", f"{API}recommendations/"): _mine(
        recommendations.list_recommendations, PageQuery, recommendations.RecommendationQuery
    ),
    ("GET", f"{API}favorites/"): _mine(favorites.list_favorites, PageQuery),
    ("POST", f"{API}favorites/"): _mine(favorites.add_favorite, body=MovieReference),
    ("DELETE", f"{API}favorites/1/"): _mine(favorites.remove_favorite),
    ("GET", f"{API}watchlist/"): _mine(watchlist.list_watchlist, PageQuery),
    ("POST", f"{API}watchlist/"): _mine(watchlist.add_to_watchlist, body=MovieReference),
    ("DELETE", f"{API}watchlist/1/"): _mine(watchlist.remove_from_watchlist),
    ("GET", f"{API}ratings/"): _mine(ratings.list_ratings, PageQuery),
    ("POST", f"{API}1/rate/"): _mine(ratings.rate_movie, body=ratings.RatingIn),
    ("PUT", f"{API}1/rate/"): _mine(ratings.change_rating, body=ratings.RatingChange),
    ("DELETE", f"{API}1/rate/"): _mine(ratings.withdraw_rating),
}
"""Number 1 stands for all."""


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
        template, ids = template_of(environ["REQUEST_METHOD"], environ["PATH_INFO"])
        if template is None or environ.get("SCRIPT_NAME") or any(name in environ for name in LEFT_TO_DJANGO):
            return None
        request_started.send(FastLane, environ=environ)  # has connections looked at that are old or broken
        request = WSGIRequest(environ)
        request.resolver_match = _match(template)
        identity = identity_of(environ.get("HTTP_X_REQUEST_ID", ""))
        token = request_id.current.set(identity)
        network = client_network.address.set(client_address(environ))
        try:
            answer = measured(request, lambda request: self._answer(request, template, ids))
        except Exception:  # noqa: BLE001 - Django meets it again, answers and logs it
            return None
        finally:
            request_id.current.reset(token)
            client_network.address.reset(network)
        answer.headers["X-Request-ID"] = identity
        return answer

    def _answer(self, request: HttpRequest, template: Template, ids: tuple[int, ...]) -> Answer:
        """Raises LeftToDjango, and what the endpoints raise."""
        meta = request.META
        frame = self._frame(meta)
        request.origin = frame.origin  # type: ignore[attr-defined] # as `answers` reads it
        response = _asked(request, template, ids)
        if request.method != "GET":
            return _of_write(response, {**frame.headers, **told_of(request)})
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


def _of_write(response: HttpResponse, headers: dict[str, str]) -> Answer:
    """What was done is told, and never left to Django, which would do it again."""
    headers |= dict(response.items())
    if response.status_code in EMPTY:
        del headers["Content-Type"]
    else:
        headers["Content-Length"] = str(len(response.content))
    return Answer(response.status_code, headers, response.content)


def template_of(method: str, path: str) -> tuple[Template | None, tuple[int, ...]]:
    """The one of ROUTES, and the numbers that its path has."""
    number, ids = NUMBER.search(path), tuple[int, ...]()
    if number is not None:
        path, ids = f"{path[: number.start()]}1{path[number.end() :]}", (int(number[0]),)
    template = method, path
    return (template, ids) if template in ROUTES else (None, ())


@lru_cache(maxsize=len(ROUTES))
def _match(template: Template) -> ResolverMatch:
    """The route, of which only the name and the template are looked at."""
    _, path = template
    return resolve(path)


def _asked(request: HttpRequest, template: Template, ids: tuple[int, ...]) -> HttpResponse:
    call, _, who, body = ROUTES[template]
    query = query_of(request)
    if len(query) > LONGEST_REMEMBERED:
        raise LeftToDjango
    request.auth = who(request)  # type: ignore[attr-defined] # as ninja does it
    if request.auth is None:  # type: ignore[attr-defined] # as ninja does it
        raise LeftToDjango
    wishes = _wishes(template, query)
    if not Throttle().allow_request(request):
        raise LeftToDjango
    return call(request, *ids, *wishes, *([] if body is None else [_body(request, body)]))


@lru_cache(maxsize=1_024)
def _wishes(template: Template, query: bytes) -> tuple[BaseModel, ...]:
    """A query as the endpoint is given it. Raises LeftToDjango where there is anything wrong with it."""
    given, (method, _) = QueryDict(query), template
    if wrong_parameters(given, _match(template).route, method):
        raise LeftToDjango
    return tuple(model.model_validate(given.dict()) for model in ROUTES[template].reads)


def _body(request: HttpRequest, model: type[BaseModel]) -> BaseModel:
    """A body as the endpoint is given it; Django finds it where it was, if the request is left to it."""
    request.META["wsgi.input"] = io.BytesIO(request.body)
    return model.model_validate(StrictParser().parse_body(request))
