"""A lane before Django's handler for what signed-in people read most: the list of films, one film, recommendations.

It answers what Django would answer, by the same endpoints and the same middleware, and leaves out what such a request
passes through in vain: the search for a route, the reading of a query that was read before, and the middleware that is
there for pages or for failures. Whatever is unusual is left to Django: a lane that meets a failure says nothing, and
Django meets it again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, lru_cache
from typing import Any, cast

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.core.signals import request_started
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.urls import ResolverMatch, resolve
from django.utils.module_loading import import_string
from pydantic import BaseModel

from matinee.api import movies, recommendations
from matinee.api.answers import PageQuery
from matinee.api.authentication import SignedInRequest, signed_in
from matinee.api.filters import CatalogueQuery
from matinee.api.gateway import Wsgi
from matinee.api.limits import Limits
from matinee.api.middleware import wrong_parameters
from matinee.api.recommendations import RecommendationQuery

LIST, RECOMMENDATIONS, ANY_FILM = "/api/v1/movies/", "/api/v1/movies/recommendations/", "/api/v1/movies/1/"
FILM = re.compile(r"/api/v1/movies/([1-9][0-9]{0,17})/")
LEFT_TO_DJANGO = ("SCRIPT_NAME", "HTTP_IF_MATCH")
"""What a request must not have."""
ANSWERED = frozenset({200, 304})
LEFT_OUT = frozenset(
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
LONGEST_QUERY = 500
"""Of those that are remembered, so that they take 2 MB at most."""
QUERIES: Mapping[str, tuple[type[BaseModel], ...]] = {
    LIST: (PageQuery, CatalogueQuery),
    RECOMMENDATIONS: (PageQuery, RecommendationQuery),
    ANY_FILM: (),
}
"""What each endpoint reads of its query."""


class LeftToDjango(Exception):
    """The lane does not answer this."""


class FastLane:
    def __init__(self, application: Wsgi) -> None:
        self.application = application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        response = self.answer(environ)
        if response is None:
            return self.application(environ, start_response)
        start_response(f"{response.status_code} {response.reason_phrase}", [*response.items()])
        return [response.content]

    def answer(self, environ: dict[str, Any]) -> HttpResponse | None:
        """None where it is left to Django."""
        if environ["REQUEST_METHOD"] != "GET" or "HTTP_AUTHORIZATION" not in environ:
            return None
        place = _place(environ["PATH_INFO"])
        if place is None or any(environ.get(name) for name in LEFT_TO_DJANGO):
            return None
        request_started.send(FastLane, environ=environ)  # has connections looked at that are old or broken
        request = WSGIRequest(environ)
        request.resolver_match = _match(place)
        try:
            response = self._chain(request)
        except Exception:  # noqa: BLE001 - Django meets it again, answers and logs it
            return None
        return response if isinstance(response, HttpResponse) and response.status_code in ANSWERED else None

    @cached_property
    def _chain(self) -> Callable[[HttpRequest], HttpResponseBase]:
        """The middleware that is not left out, around the endpoints."""
        handler: Callable[[HttpRequest], HttpResponseBase] = _answered
        for path in reversed(settings.MIDDLEWARE):
            if path not in LEFT_OUT:
                handler = import_string(path)(handler)
        return handler


def _place(path: str) -> str | None:
    if path in {LIST, RECOMMENDATIONS}:
        return path
    return ANY_FILM if FILM.fullmatch(path) else None


@lru_cache(maxsize=len(QUERIES))
def _match(place: str) -> ResolverMatch:
    """The route, of which only the name and the template are looked at."""
    return resolve(place)


def _answered(request: HttpRequest) -> HttpResponse:
    """Raises LeftToDjango, and what the endpoints raise."""
    place, query = _place(request.path_info), request.META.get("QUERY_STRING", "")
    if len(query) > LONGEST_QUERY:
        raise LeftToDjango
    request.auth = signed_in(request)  # type: ignore[attr-defined] # as ninja does it
    wishes: tuple[Any, ...] = _wishes(place or "", query)
    if not Limits().allow_request(request):
        raise LeftToDjango
    if place == LIST:
        return movies.list_movies(request, *wishes)
    if place == RECOMMENDATIONS:
        return recommendations.list_recommendations(cast("SignedInRequest", request), *wishes)
    return movies.get_movie(request, int(request.path_info.rsplit("/", 2)[1]))


@lru_cache(maxsize=4_096)
def _wishes(place: str, query: str) -> tuple[BaseModel, ...]:
    """A query as the endpoint is given it. Raises LeftToDjango where there is anything wrong with it."""
    given = QueryDict(query)
    if wrong_parameters(given, _match(place).route, "GET"):
        raise LeftToDjango
    return tuple(model.model_validate(given.dict()) for model in QUERIES[place])
