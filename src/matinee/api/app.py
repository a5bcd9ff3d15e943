"""The api: its routers under /api/v1/, its reference at /api/docs, its schema at /api/openapi.json."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.views.decorators.http import require_safe
from ninja import NinjaAPI
from ninja.openapi.docs import Swagger
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation

from matinee import __version__
from matinee.api import (
    activity,
    favorites,
    movies,
    privacy,
    problems,
    ratings,
    recommendations,
    recovery,
    reference,
    search,
    sessions,
    stats,
    users,
    watchlist,
)
from matinee.api.authentication import signed_in
from matinee.api.bodies import StrictParser
from matinee.api.idempotency import once
from matinee.api.limits import Throttle


class Api(NinjaAPI):
    def get_openapi_operation_id(self, operation: Operation) -> str:
        """What clients that are generated call their functions."""
        return operation.view_func.__name__

    def get_openapi_schema(self, *, path_prefix: str | None = None, path_params: Any = None) -> OpenAPISchema:
        """Made once for each place that the api stands at: it takes as long as 500 answers do."""
        return _described(self, path_prefix or self.get_root_path(path_params or {}))

    def described(self, path_prefix: str) -> OpenAPISchema:
        """Ninja's schema, which would tell that public routes need a token and that a problem is plain JSON."""
        schema = super().get_openapi_schema(path_prefix=path_prefix)
        reference.complete(schema)
        return schema


@cache
def _described(api: Api, path_prefix: str) -> OpenAPISchema:
    return api.described(path_prefix)


api = Api(
    title="Matinee",
    version=__version__,
    description=(
        "A self-hosted movie recommendation API. Sign in at `users/login/`, send `Authorization: Bearer <access>`. "
        "Every `movie_id` is TMDb's id. Every failure is an RFC 9457 problem with a stable `code`.\n\n"
        "This product uses the TMDB API but is not endorsed or certified by TMDB."
    ),
    urls_namespace="api",
    docs=Swagger(settings={"persistAuthorization": True}),
    docs_decorator=require_safe,
    parser=StrictParser(),
    auth=signed_in,
    throttle=[Throttle()],
)
problems.install(api)
api.add_decorator(once)

# What is asked for most comes first, since Django tries one route after the other. None hides another:
# `movies/favorites/` and its like are fixed words, `movies/{tmdb_id}/` takes numbers alone.
api.add_router("/v1/movies", movies.router, tags=["movies"])
api.add_router("/v1/movies", favorites.router, tags=["favorites"])
api.add_router("/v1/movies", watchlist.router, tags=["watchlist"])
api.add_router("/v1/movies", ratings.router, tags=["ratings"])
api.add_router("/v1/movies", recommendations.router, tags=["recommendations"])
api.add_router("/v1/movies", search.router, tags=["movies"])
api.add_router("/v1/users", users.router, tags=["users"])
api.add_router("/v1/users", recovery.router, tags=["users"])
api.add_router("/v1/users", sessions.router, tags=["users"])
api.add_router("/v1/users", stats.router, tags=["users"])
api.add_router("/v1/users", activity.router, tags=["users"])
api.add_router("/v1/users", privacy.router, tags=["users"])
