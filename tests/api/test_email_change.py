"""POST users/email/change/ and users/email/verify/."""

from __future__ import annotations

import functools
from collections import Counter
from typing import Any

import pytest
from django.utils import timezone

from matinee.accounts import letters
from matinee.accounts.models import Letter, User
from tests.api.conftest import PASSWORD, Answer, Api, signed_in_as
from tests.at_once import at_once
from tests.mail_server import Mailbox, token_in

ASK, VERIFY = "users/email/change/", "users/email/verify/"
NEW = {"email": "alice@example.com", "password": PASSWORD}


def verify(api: Api, token: str) -> Answer:
    return api.post(VERIFY, {"token": token})


def test_a_new_address_counts_once_its_mail_is_answered(api: Api, as_alice: Api, alice: User, mailbox: Mailbox) -> None:
    asked = as_alice.post(ASK, NEW)

    [mail] = mailbox.collect()
    assert (asked.status_code, mail["To"]) == (202, "alice@example.com")
    assert as_alice.get("users/profile/").json()["email"] == "alice@example.org"
    assert verify(api, token_in(mail)).status_code == 204
    profile = as_alice.get("users/profile/").json()
    assert profile["email"] == "alice@example.com"
    assert profile["email_verified_at"] is not None
    [notice] = mailbox.collect()
    assert (notice["To"], notice["Subject"]) == ("alice@example.org", "Matinee: your e-mail address was changed")
    assert api.post("users/login/", {"email": "Alice@example.com", "password": PASSWORD}).status_code == 200
    assert api.post("users/login/", {"email": "alice@example.org", "password": PASSWORD}).status_code == 401


def test_the_present_address_is_verified_in_the_same_way(api: Api, as_alice: Api, mailbox: Mailbox) -> None:
    before = as_alice.get("users/profile/")

    assert as_alice.post(ASK, {**NEW, "email": "alice@example.org"}).status_code == 202

    assert verify(api, mailbox.token()).status_code == 204
    after = as_alice.get("users/profile/")
    assert before.json()["email_verified_at"] is None
    assert after.json()["email_verified_at"] is not None
    assert before["ETag"] != after["ETag"]
    assert mailbox.collect() == []


def test_an_address_may_change_its_case(api: Api, as_alice: Api, mailbox: Mailbox) -> None:
    as_alice.post(ASK, {**NEW, "email": "Alice@Example.org"})

    assert verify(api, mailbox.token()).status_code == 204
    assert as_alice.get("users/profile/").json()["email"] == "Alice@Example.org"


def test_an_address_that_is_taken_gets_another_mail_and_nobody_is_told(
    as_alice: Api, bob: User, mailbox: Mailbox
) -> None:
    answers = [as_alice.post(ASK, {**NEW, "email": email}) for email in ("Bob@example.org", "free@example.org")]

    assert [response.status_code for response in answers] == [202, 202]
    assert answers[0].content == answers[1].content
    to_bob, to_free = mailbox.collect()
    assert (to_bob["To"], to_bob["Subject"]) == ("bob@example.org", "Matinee: you already have an account")
    assert "alice" not in to_bob.get_content()
    assert to_free["Subject"] == "Matinee: confirm your new e-mail address"


def test_an_address_that_was_taken_meanwhile_is_told_to_who_can_read_its_mail(
    api: Api, as_alice: Api, bob: User, mailbox: Mailbox
) -> None:
    as_alice.post(ASK, NEW)
    token = mailbox.token()
    User.objects.filter(pk=bob.pk).update(email="alice@example.com", email_key="alice@example.com")

    response = verify(api, token)

    assert (response.status_code, response.json()["code"]) == (409, "email_taken")
    assert as_alice.get("users/profile/").json()["email"] == "alice@example.org"


def test_without_the_password_no_mail_is_sent(as_alice: Api, mailbox: Mailbox) -> None:
    response = as_alice.post(ASK, {**NEW, "password": "not the one"})

    assert (response.status_code, response.json()["code"]) == (403, "wrong_password")
    assert [error["field"] for error in response.json()["errors"]] == ["password"]
    assert mailbox.collect() == []


def test_a_token_works_once_and_what_was_sent_to_the_old_address_no_longer(
    api: Api, as_alice: Api, alice: User, mailbox: Mailbox
) -> None:
    letters.post(Letter.Kind.RESET, email=alice.email, user=alice, now=timezone.now())
    reset = mailbox.token()
    as_alice.post(ASK, {**NEW, "email": "other@example.com"})
    other = mailbox.token()
    as_alice.post(ASK, NEW)
    token = mailbox.token()

    assert verify(api, token).status_code == 204

    for spent in (token, other):
        response = verify(api, spent)
        assert (response.status_code, response.json()["code"]) == (422, "invalid_mail_token")
    body = {"token": reset, "password": "staple battery horse correct"}
    assert api.post("users/password/reset/confirm/", body).status_code == 422


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (ASK, {"password": PASSWORD}, "email"),
        (ASK, {"email": "alice@example.com"}, "password"),
        (ASK, {**NEW, "email": "nobody"}, "email"),
        (ASK, {**NEW, "email": "a@example.com, b@example.com"}, "email"),
        (ASK, {**NEW, "email": "x" * 10_000}, "email"),
        (ASK, {**NEW, "username": "alice"}, "username"),
        (VERIFY, {}, "token"),
        (VERIFY, {"token": ["x"]}, "token"),
        (VERIFY, {"token": "x" * 43}, "token"),
    ],
)
def test_what_can_not_be_is_refused_by_name(as_alice: Api, path: str, body: dict[str, Any], field: str) -> None:
    response = as_alice.post(path, body)

    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [field]


def test_nobody_in_particular_has_no_address(api: Api) -> None:
    assert api.post(ASK, NEW).status_code == 401


@pytest.mark.django_db(transaction=True)
def test_of_two_who_take_one_address_at_once_one_gets_it(alice: User, bob: User, mailbox: Mailbox) -> None:
    for user in (alice, bob):
        signed_in_as(user).post(ASK, {**NEW, "email": "both@example.com"})
    tokens = [token_in(mail) for mail in mailbox.collect()]

    outcomes = at_once(*[functools.partial(verify, Api(), token) for token in tokens])

    assert Counter(getattr(outcome, "status_code", outcome) for outcome in outcomes) == {204: 1, 409: 1}
    assert User.objects.filter(email="both@example.com").count() == 1
