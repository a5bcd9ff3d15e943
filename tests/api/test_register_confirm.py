"""POST users/register/ and users/email/verify/ where MATINEE_REGISTRATION is `confirm`."""

from __future__ import annotations

import functools
import re
from collections import Counter

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from matinee.accounts.models import Letter, Session, User, UserProfile
from tests.api.conftest import NOW, PASSWORD, Api
from tests.at_once import at_once
from tests.mail_server import Mailbox, token_in

ALICE = {"email": "alice@example.org", "username": "alice", "password": PASSWORD, "first_name": "Alice"}
PATH, VERIFY = "users/register/", "users/email/verify/"


@pytest.fixture(autouse=True)
def _confirmed(settings: Settings) -> None:
    settings.REGISTRATION = "confirm"


def test_an_account_is_opened_once_its_mail_is_answered(api: Api, mailbox: Mailbox) -> None:
    response = api.post(PATH, ALICE)

    assert (response.status_code, response["Cache-Control"]) == (202, "no-store")
    assert not User.objects.exists()
    assert api.post("users/login/", {"username": "alice", "password": PASSWORD}).status_code == 401
    [mail] = mailbox.collect()
    assert (mail["To"], mail["Subject"]) == ("alice@example.org", "Matinee: confirm your new account")
    assert mail.get_content().startswith("Hello,\n")
    assert api.post(VERIFY, {"token": token_in(mail)}).status_code == 204
    user = api.post("users/login/", {"username": "alice", "password": PASSWORD}).json()["user"]
    assert (user["email"], user["username"], user["first_name"]) == ("alice@example.org", "alice", "Alice")
    assert user["email_verified_at"] == user["date_joined"]
    assert UserProfile.objects.filter(user_id=user["id"]).exists()
    assert not Letter.objects.exists()


def test_nobody_is_told_what_is_taken(api: Api, alice: User, mailbox: Mailbox) -> None:
    tries = [
        {"email": "new@example.org", "username": "new"},
        {"email": "ALICE@example.org", "username": "other"},
        {"email": "other@example.org", "username": "Alice"},
        {},
    ]

    answers = [api.post(PATH, {**ALICE, **changed}) for changed in tries]

    assert {response.status_code for response in answers} == {202}
    assert len({response.content for response in answers}) == 1
    mails = mailbox.collect()
    assert [(mail["To"], mail["Subject"]) for mail in mails] == [
        ("new@example.org", "Matinee: confirm your new account"),
        ("alice@example.org", "Matinee: you already have an account"),
        ("other@example.org", "Matinee: confirm your new account"),
        ("alice@example.org", "Matinee: you already have an account"),
    ]
    assert [*User.objects.all()] == [alice]


def test_who_writes_an_address_in_another_way_that_counts_as_the_same_reads_nothing_of_its_owner(
    api: Api, alice: User, mailbox: Mailbox
) -> None:
    User.objects.update(email="alice@strasse.example", email_key="alice@strasse.example", email_verified_at=NOW)

    api.post(PATH, {**ALICE, "email": "alice@stra\u00dfe.example"})

    [mail] = mailbox.collect()
    assert mail["To"] == "alice@strasse.example"
    assert mail.get_content().startswith("Hello alice,")


def test_a_username_that_is_taken_is_replaced_by_one_that_is_made_up(api: Api, alice: User, mailbox: Mailbox) -> None:
    api.post(PATH, {**ALICE, "email": "other@example.org"})

    assert api.post(VERIFY, {"token": mailbox.token()}).status_code == 204

    user = api.post("users/login/", {"email": "other@example.org", "password": PASSWORD}).json()["user"]
    assert re.fullmatch(r"viewer-[0-9a-f]{16}", user["username"])


def test_taken_or_not_it_takes_the_same_steps_and_one_hash(
    api: Api, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes: list[str] = []
    real = Argon2PasswordHasher.encode

    def counted(self: Argon2PasswordHasher, password: str, salt: str) -> str:
        hashes.append("encode")
        return real(self, password, salt)

    monkeypatch.setattr(Argon2PasswordHasher, "encode", counted)

    def steps(body: dict[str, str]) -> list[str]:
        with CaptureQueriesContext(connection) as queries:
            api.post(PATH, body)
        return [re.split(r"VALUES|WHERE|SAVEPOINT", query["sql"])[0] for query in queries]

    taken, free = steps(ALICE), steps({**ALICE, "email": "free@example.org", "username": "free"})

    assert taken == free
    assert len(hashes) == 2


@pytest.mark.parametrize(
    ("changed", "field"),
    [({"password": "short"}, "password"), ({"email": "alice"}, "email"), ({"username": "a b c"}, "username")],
)
@pytest.mark.usefixtures("alice")
def test_what_can_not_be_is_refused_by_name_whoever_is_there(api: Api, changed: dict[str, str], field: str) -> None:
    response = api.post(PATH, {**ALICE, **changed})

    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [field]
    assert not Letter.objects.exists()


def test_nobody_is_kept_out_by_somebody_elses_registration(api: Api, mailbox: Mailbox) -> None:
    api.post(PATH, {**ALICE, "password": "the password of somebody else"})
    api.post(PATH, ALICE)
    of_mallory, of_alice = (token_in(mail) for mail in mailbox.collect())

    assert api.post(VERIFY, {"token": of_alice}).status_code == 204

    late = api.post(VERIFY, {"token": of_mallory})
    assert (late.status_code, late.json()["code"]) == (409, "email_taken")
    assert api.post("users/login/", {"username": "alice", "password": PASSWORD}).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_of_four_who_answer_one_mail_at_once_one_opens_the_account(mailbox: Mailbox) -> None:
    Api().post(PATH, ALICE)
    token = mailbox.token()

    outcomes = at_once(*[functools.partial(Api().post, VERIFY, {"token": token})] * 4)

    assert Counter(getattr(outcome, "status_code", outcome) for outcome in outcomes) == {204: 1, 422: 3}
    assert User.objects.count() == UserProfile.objects.count() == 1
    assert not Session.objects.exists()
