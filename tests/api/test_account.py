"""DELETE users/account/."""

from __future__ import annotations

import pytest

from matinee.accounts.models import User
from tests.api.conftest import PASSWORD, Api, MakeMovie

pytestmark = pytest.mark.usefixtures("_a_disk_of_its_own")


def test_who_gives_their_password_is_erased_and_signed_out(as_alice: Api, api: Api, make_movie: MakeMovie) -> None:
    make_movie(603)
    as_alice.post("movies/603/rate/", {"rating": 5, "review": "Still a marvel."})

    response = as_alice.request("DELETE", "users/account/", {"password": PASSWORD})

    assert (response.status_code, response.content) == (204, b"")
    assert as_alice.get("users/profile/").status_code == 401
    assert api.post("users/login/", {"username": "alice", "password": PASSWORD}).status_code == 401
    assert api.get("movies/603/reviews/").json()["results"] == []
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"password": "wrong horse battery staple"}, 403, "wrong_password"),
        ({}, 422, "invalid"),
        ({"password": None}, 422, "invalid"),
        ({"password": PASSWORD, "sure": True}, 422, "invalid"),
        (b"{", 400, "not_json"),
    ],
)
def test_nobody_is_erased_by_anything_else(as_alice: Api, body: object, status: int, code: str) -> None:
    response = as_alice.request("DELETE", "users/account/", body)

    assert (response.status_code, response.json()["code"]) == (status, code)
    assert as_alice.get("users/profile/").status_code == 200


def test_it_needs_a_token(api: Api, alice: User) -> None:
    assert api.request("DELETE", "users/account/", {"password": PASSWORD}).status_code == 401
    assert User.objects.filter(pk=alice.pk).exists()
