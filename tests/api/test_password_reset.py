"""POST users/password/reset/ and users/password/reset/confirm/."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from matinee.accounts.models import Letter, User
from matinee.accounts.sessions import open_session
from tests.api.conftest import PASSWORD, Answer, Api
from tests.mail_server import Mailbox

OTHER_PASSWORD = "staple battery horse correct"
ASK, CONFIRM = "users/password/reset/", "users/password/reset/confirm/"


def asked(api: Api, mailbox: Mailbox, email: str = "alice@example.org") -> str:
    assert api.post(ASK, {"email": email}).status_code == 202
    return mailbox.token()


def confirm(api: Api, token: str, password: str = OTHER_PASSWORD) -> Answer:
    return api.post(CONFIRM, {"token": token, "password": password})


def test_who_forgot_the_password_chooses_a_new_one_and_is_signed_out_everywhere(
    api: Api, alice: User, mailbox: Mailbox
) -> None:
    phone = open_session(user=alice, now=timezone.now())
    token = asked(api, mailbox, "ALICE@example.org")

    response = confirm(api, token)

    assert (response.status_code, response.content) == (204, b"")
    assert Api(phone.access).get("users/profile/").status_code == 401
    assert api.post("users/token/refresh/", {"refresh": phone.refresh}).status_code == 401
    assert api.post("users/login/", {"username": "alice", "password": PASSWORD}).status_code == 401
    signed_in = api.post("users/login/", {"username": "alice", "password": OTHER_PASSWORD})
    assert signed_in.json()["user"]["email_verified_at"] is not None, "the mail was read"
    [mail] = mailbox.collect()
    assert mail["Subject"] == "Matinee: your password was changed"


def test_who_asks_is_told_the_same_whether_the_account_exists(
    api: Api, alice: User, bob: User, mailbox: Mailbox
) -> None:
    bob.is_active = False
    bob.save()

    answers = [api.post(ASK, {"email": f"{name}@example.org"}) for name in ("alice", "bob", "nobody")]

    assert {response.status_code for response in answers} == {202}
    assert {response["Cache-Control"] for response in answers} == {"no-store"}
    assert len({response.content for response in answers}) == 1
    assert [mail["To"] for mail in mailbox.collect()] == ["alice@example.org"]
    assert not Letter.objects.exclude(user=alice).exists()


def test_a_token_works_once(api: Api, alice: User, mailbox: Mailbox) -> None:
    token = asked(api, mailbox)
    confirm(api, token)

    response = confirm(api, token, "yet another battery staple")

    assert (response.status_code, response.json()["code"]) == (422, "invalid_mail_token")
    alice.refresh_from_db()
    assert alice.check_password(OTHER_PASSWORD)


def test_a_reset_ends_the_other_tokens_too(api: Api, alice: User, mailbox: Mailbox) -> None:
    first, second = asked(api, mailbox), asked(api, mailbox)

    assert confirm(api, second).status_code == 204
    assert confirm(api, first).status_code == 422


def test_a_password_that_is_refused_leaves_the_token_as_it_was(api: Api, alice: User, mailbox: Mailbox) -> None:
    token = asked(api, mailbox)

    refused = confirm(api, token, "alice@example.org")

    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "password_too_similar")
    assert confirm(api, token).status_code == 204


def test_a_token_for_something_else_resets_nothing(api: Api, as_alice: Api, alice: User, mailbox: Mailbox) -> None:
    as_alice.post("users/email/change/", {"email": "new@example.org", "password": PASSWORD})

    response = confirm(api, mailbox.token())

    assert response.json()["code"] == "invalid_mail_token"
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)


def test_who_was_switched_off_meanwhile_comes_in_no_more(api: Api, alice: User, mailbox: Mailbox) -> None:
    token = asked(api, mailbox)
    alice.is_active = False
    alice.save()

    assert confirm(api, token).status_code == 422


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (ASK, {}, "email"),
        (ASK, {"email": None}, "email"),
        (ASK, {"email": "nobody"}, "email"),
        (ASK, {"email": "alice@example.org\r\nBcc: all@example.org"}, "email"),
        (ASK, {"email": "alice@example.org", "user": 1}, "user"),
        (CONFIRM, {"token": "x" * 43}, "password"),
        (CONFIRM, {"token": 5, "password": OTHER_PASSWORD}, "token"),
        (CONFIRM, {"token": "x" * 1_001, "password": OTHER_PASSWORD}, "token"),
        (CONFIRM, {"token": "", "password": OTHER_PASSWORD}, "token"),
        (CONFIRM, {"token": "\u0000", "password": OTHER_PASSWORD}, "token"),
    ],
)
def test_what_can_not_be_is_refused_by_name(api: Api, path: str, body: dict[str, Any], field: str) -> None:
    response = api.post(path, body)

    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [field]
    assert not Letter.objects.exists()
