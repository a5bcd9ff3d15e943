"""Every read has a strong ETag of its reader's own; what has not changed is a 304 without a body."""

from __future__ import annotations

import pytest

from matinee.accounts.models import User
from matinee.api.app import api as matinee_api
from tests.api.conftest import Api, MakeMovie, signed_in_as

QUERIES = {"/api/v1/movies/search/": "?q=matrix", "/api/v1/movies/suggest/": "?q=matrix"}
MADE_ANEW = ("/api/v1/users/export/", "/api/v1/users/export/{export_id}/")
"""An export says when it was made: no two are alike."""
PATHS = matinee_api.get_openapi_schema()["paths"].items()
READS = [path for path, methods in PATHS if "get" in methods and path not in MADE_ANEW]
OTHERWISE_FOR_EACH_SESSION = {"/api/v1/users/sessions/"}
"""It says which session asks."""


@pytest.fixture(autouse=True)
def _a_film(make_movie: MakeMovie) -> None:
    make_movie(603, "The Matrix")


def address_of(path: str) -> str:
    return path.replace("{tmdb_id}", "603").replace("{movie_id}", "603") + QUERIES.get(path, "")


@pytest.mark.parametrize("path", READS)
def test_what_has_not_changed_is_a_304_without_a_body(as_alice: Api, path: str) -> None:
    first = as_alice.get(address_of(path))

    again = as_alice.get(address_of(path), If_None_Match=first["ETag"])

    assert first.status_code == 200
    assert first["ETag"].startswith('"')
    assert (again.status_code, again.content) == (304, b"")
    assert again["ETag"] == first["ETag"]
    assert {name.strip() for name in first["Vary"].split(",")} >= {"Authorization", "Accept-Encoding"}


@pytest.mark.parametrize("path", READS)
def test_an_etag_is_one_persons_whichever_token_they_ask_with(alice: User, bob: User, path: str) -> None:
    desk, phone, other = signed_in_as(alice), signed_in_as(alice), signed_in_as(bob)

    tags = [api.get(address_of(path))["ETag"] for api in (desk, phone, other)]

    assert (tags[0] == tags[1]) is (path not in OTHERWISE_FOR_EACH_SESSION)
    assert tags[0] != tags[2]
