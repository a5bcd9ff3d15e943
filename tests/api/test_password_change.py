"""POST users/password/change/."""

from __future__ import annotations

import datetime as dt
import functools
from collections import Counter
from typing import Any

import pytest
from django.utils import timezone

from matinee.accounts import guard, letters
from matinee.accounts.models import Letter, User
from matinee.accounts.sessions import open_session
from tests.api.conftest import PASSWORD, Api, signed_in_as
from tests.at_once import at_once
from tests.mail_server import Mailbox

OTHER_PASSWORD = "staple battery horse correct"
CHANGE = {"current_password": PASSWORD, "new_password": OTHER_PASSWORD}
PATH = "users/password/change/"


def test_a_password_is_changed_and_every_other_session_ends(api: Api, alice: User, bob: User, mailbox: Mailbox) -> None:
    laptop, of_bob = signed_in_as(alice), signed_in_as(bob)
    phone = open_session(user=alice, now=timezone.now())

    response = laptop.post(PATH, CHANGE)

    assert (response.status_code, response.content) == (204, b"")
    assert Api(phone.access).get("users/profile/").status_code == 401
    assert api.post("users/token/refresh/", {"refresh": phone.refresh}).status_code == 401
    assert [client.get("users/profile/").status_code for client in (laptop, of_bob)] == [200, 200]
    assert api.post("users/login/", {"username": "alice", "password": PASSWORD}).status_code == 401
    assert api.post("users/login/", {"username": "alice", "password": OTHER_PASSWORD}).status_code == 200
    [mail] = mailbox.collect()
    assert (mail["To"], mail["Subject"]) == ("alice@example.org", "Matinee: your password was changed")


@pytest.mark.parametrize("current", ["not the one", "", PASSWORD + " ", PASSWORD.upper()])
def test_without_the_present_password_nothing_changes(as_alice: Api, alice: User, current: str) -> None:
    response = as_alice.post(PATH, {**CHANGE, "current_password": current})

    assert (response.status_code, response.json()["code"]) == (403, "wrong_password")
    assert [error["field"] for error in response.json()["errors"]] == ["current_password"]
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)
    assert as_alice.get("users/profile/").status_code == 200
    assert not Letter.objects.exists()


def test_guesses_count_under_an_idempotency_key_too(as_alice: Api, alice: User) -> None:
    for number in range(5):
        wrong = {**CHANGE, "current_password": f"wrong {number}"}
        assert as_alice.post(PATH, wrong, Idempotency_Key=f"guess-{number}").status_code == 403

    assert as_alice.post(PATH, CHANGE, Idempotency_Key="right").status_code == 403
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)


@pytest.mark.parametrize(
    ("changed", "field", "code"),
    [
        ({"new_password": "short"}, "new_password", "password_too_short"),
        ({"new_password": "1q2w3e4r5t6y7u8i9o0p"}, "new_password", "password_too_common"),
        ({"new_password": "alice@example.org"}, "new_password", "password_too_similar"),
        ({"new_password": "bell \u0007 and whistle"}, "new_password", "invalid"),
        ({"new_password": "x" * 1_001}, "new_password", "too_long"),
        ({"new_password": None}, "new_password", "wrong_type"),
        ({"current_password": 5}, "current_password", "wrong_type"),
        ({"user": 1}, "user", "unknown_field"),
    ],
)
def test_a_bad_one_is_refused_by_name(
    as_alice: Api, alice: User, changed: dict[str, Any], field: str, code: str
) -> None:
    response = as_alice.post(PATH, {**CHANGE, **changed})

    assert response.status_code == 422
    assert (response.json()["errors"][0]["field"], response.json()["errors"][0]["code"]) == (field, code)
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)


def test_what_was_mailed_before_works_no_longer(api: Api, as_alice: Api, alice: User, mailbox: Mailbox) -> None:
    letters.post(Letter.Kind.RESET, email=alice.email, user=alice, now=timezone.now())
    token = mailbox.token()

    as_alice.post(PATH, CHANGE)

    response = api.post("users/password/reset/confirm/", {"token": token, "password": PASSWORD})
    assert (response.status_code, response.json()["code"]) == (422, "invalid_mail_token")


def test_nobody_in_particular_has_no_password(api: Api) -> None:
    assert api.post(PATH, CHANGE).status_code == 401


@pytest.mark.parametrize("meanwhile", [{"is_active": False}, {"password": "another"}])
def test_an_account_that_changes_while_its_password_is_hashed_keeps_that(
    as_alice: Api, alice: User, monkeypatch: pytest.MonkeyPatch, meanwhile: dict[str, Any]
) -> None:
    slow = guard.verified

    def changed_meanwhile(asker: guard.Asker, password: str, *, now: dt.datetime) -> User | None:
        found = slow(asker, password, now=now)
        User.objects.filter(pk=alice.pk).update(**meanwhile)
        return found

    monkeypatch.setattr(guard, "verified", changed_meanwhile)

    response = as_alice.post(PATH, CHANGE)

    assert (response.status_code, response.json()["code"]) == (403, "wrong_password")
    alice.refresh_from_db()
    assert {name: getattr(alice, name) for name in meanwhile} == meanwhile
    assert not alice.check_password(OTHER_PASSWORD)
    assert not Letter.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_four_who_change_it_at_once_one_does(alice: User) -> None:
    clients = [signed_in_as(alice) for _ in range(4)]

    outcomes = at_once(
        *[
            functools.partial(client.post, PATH, {**CHANGE, "new_password": f"battery staple horse {number}"})
            for number, client in enumerate(clients)
        ]
    )

    statuses = Counter(getattr(outcome, "status_code", outcome) for outcome in outcomes)
    assert statuses[204] == 1
    assert statuses[403] + statuses[401] == 3, "the password is another by then, or the session has ended"
    [won] = [number for number, outcome in enumerate(outcomes) if getattr(outcome, "status_code", 0) == 204]
    alive = [client.get("users/profile/").status_code == 200 for client in clients]
    assert alive == [number == won for number in range(4)]
