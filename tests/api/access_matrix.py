"""Who gets what from each route: a new route needs its row here, or tests/api/test_openapi.py fails.

The status for each caller, in this order: nobody (no token), one whose account was switched off after signing in,
somebody else (bob), staff without more rights, and alice, whose things stand there: film 603 on her lists, her rating,
her second session, and an export that she asked for. What is asked for are her things, wherever a path can name them.
"""

from __future__ import annotations

from typing import NamedTuple

CALLERS = ("nobody", "disabled", "bob", "staff", "alice")

API_ROWS = """
GET    movies/                                       200 401 200 200 200
GET    movies/genres/                                200 401 200 200 200
GET    movies/trending/                              200 401 200 200 200
GET    movies/search/?q=film                         200 401 200 200 200
GET    movies/suggest/?q=film                        200 401 200 200 200
GET    movies/{tmdb_id}/                             200 401 200 200 200
GET    movies/{tmdb_id}/similar/                     200 401 200 200 200
GET    movies/{tmdb_id}/reviews/                     200 401 200 200 200
GET    movies/favorites/                             401 401 200 200 200
POST   movies/favorites/                             401 401 201 201 200
DELETE movies/favorites/{movie_id}/                  401 401 204 204 204
GET    movies/watchlist/                             401 401 200 200 200
POST   movies/watchlist/                             401 401 201 201 200
DELETE movies/watchlist/{movie_id}/                  401 401 204 204 204
GET    movies/ratings/                               401 401 200 200 200
GET    movies/{movie_id}/rate/                       401 401 200 200 200
POST   movies/{movie_id}/rate/                       401 401 201 201 200
PUT    movies/{movie_id}/rate/                       401 401 404 404 200
DELETE movies/{movie_id}/rate/                       401 401 204 204 204
GET    movies/recommendations/                       401 401 200 200 200
GET    movies/recommendations/dismissed/             401 401 200 200 200
PUT    movies/recommendations/{movie_id}/dismiss/    401 401 204 204 204
DELETE movies/recommendations/{movie_id}/dismiss/    401 401 204 204 204
POST   users/register/                               201 401 201 201 201
POST   users/login/                                  200 401 200 200 200
POST   users/token/refresh/                          401 401 401 401 401
POST   users/logout/                                 401 401 204 204 204
GET    users/profile/                                401 401 200 200 200
PUT    users/profile/                                401 401 200 200 200
PATCH  users/profile/                                401 401 200 200 200
GET    users/stats/                                  401 401 200 200 200
GET    users/activity/                               401 401 200 200 200
GET    users/export/                                 401 401 200 200 202
GET    users/export/{export_id}/                     401 401 404 404 202
DELETE users/account/                                401 401 204 204 204
POST   users/password/change/                        401 401 204 204 204
POST   users/password/reset/                         202 401 202 202 202
POST   users/password/reset/confirm/                 422 401 422 422 422
POST   users/email/change/                           401 401 202 202 202
POST   users/email/verify/                           422 401 422 422 422
GET    users/sessions/                               401 401 200 200 200
DELETE users/sessions/                               401 401 204 204 204
DELETE users/sessions/{session_id}/                  401 401 404 404 204
"""

OTHER_ROWS = """
GET    /                                             302 302 302 302 302
GET    /api/docs                                     200 200 200 200 200
GET    /api/openapi.json                             200 200 200 200 200
GET    /livez                                        200 200 200 200 200
GET    /readyz                                       200 200 200 200 200
GET    /metrics                                      200 200 200 200 200
GET    /.well-known/security.txt                     404 404 404 404 404
"""
"""What stands outside the api, the admin's pages left out: those know no tokens, and have a test of their own."""


class Row(NamedTuple):
    method: str
    path: str
    statuses: tuple[int, ...]

    @property
    def route(self) -> str:
        """As the resolver and the schema name it, without the query that a call needs."""
        return self.path.partition("?")[0]


def _read(table: str, prefix: str) -> list[Row]:
    rows = [line.split() for line in table.strip().splitlines()]
    return [Row(method, prefix + path, tuple(map(int, statuses))) for method, path, *statuses in rows]


API_MATRIX = _read(API_ROWS, "/api/v1/")
MATRIX = [*API_MATRIX, *_read(OTHER_ROWS, "")]
