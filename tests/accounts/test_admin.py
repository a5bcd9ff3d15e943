"""Accounts in the admin: found, made with their profile, switched off; nobody raises themselves."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from matinee.accounts import letters
from matinee.accounts.models import Letter, User, UserProfile
from matinee.accounts.services import create_user, update_profile
from matinee.accounts.sessions import open_session
from matinee.audit.models import Event
from tests.accounts.conftest import NOW, PASSWORD, is_good
from tests.mail_server import Mailbox

USERS = "/admin/accounts/user/"
OTHER_PASSWORD = "another battery staple horse"


@pytest.fixture
def root(db: None) -> Client:
    create_user(email="root@example.org", username="root", password=PASSWORD, now=NOW, is_staff=True, is_superuser=True)
    return signed_in("root")


@pytest.fixture
def clerk(db: None) -> Client:
    """Staff who look after accounts."""
    user = create_user(email="clerk@example.org", username="clerk", password=PASSWORD, now=NOW, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="accounts"))
    return signed_in("clerk@example.org")


def signed_in(name: str) -> Client:
    client = Client()
    response = client.post("/admin/login/?next=/admin/", {"username": name, "password": PASSWORD})
    assert response.status_code == 302
    return client


def page_of(user: User) -> str:
    return f"{USERS}{user.pk}/change/"


def form_of(user: User, **changed: str) -> dict[str, str]:
    facts = {"email": user.email, "username": user.username, "first_name": "", "last_name": "", "is_active": "on"}
    for inline in ("profile", "sessions"):
        facts |= {f"{inline}-TOTAL_FORMS": "0", f"{inline}-INITIAL_FORMS": "0"}
    return {name: value for name, value in {**facts, **changed}.items() if value}


def text(response: Any) -> str:
    assert isinstance(response, HttpResponse)
    return response.content.decode()


def test_staff_sign_in_by_either_name(alice: User, root: Client, clerk: Client) -> None:
    assert [client.get("/admin/").status_code for client in (root, clerk)] == [200, 200]
    refused = Client().post("/admin/login/", {"username": "alice", "password": PASSWORD})
    assert "Please enter the correct" in text(refused)


@pytest.mark.parametrize("words", ["alice", "alice@example", "LIDDELL"])
def test_people_are_found_by_any_of_their_names(root: Client, alice: User, bob: User, words: str) -> None:
    User.objects.filter(pk=alice.pk).update(last_name="Liddell")

    listed = text(root.get(USERS, {"q": words}))

    assert "alice@example.org" in listed
    assert "bob@example.org" not in listed


def test_who_wants_news_by_mail_can_be_listed(root: Client, alice: User, bob: User) -> None:
    update_profile(user=alice, changes={"notification_preferences": {"product_mail": True}}, now=NOW)
    update_profile(user=bob, changes={"notification_preferences": {"watchlist_release": True}}, now=NOW)
    User.objects.update(email_verified_at=NOW)

    shown = text(root.get(USERS, {"news": "wanted"}))

    assert "alice@example.org" in shown
    assert "bob@example.org" not in shown


def test_the_list_costs_the_same_queries_however_long(root: Client) -> None:
    with CaptureQueriesContext(connection) as short:
        root.get(USERS)
    for place in range(20):
        create_user(email=f"person{place}@example.org", password=PASSWORD, now=NOW)

    with CaptureQueriesContext(connection) as long:
        listed = text(root.get(USERS))

    assert len(set(re.findall(r"person\d+@example.org", listed))) == 20
    assert len(long) == len(short)


def test_a_persons_page_shows_profile_and_live_sessions_and_edits_neither(root: Client, alice: User) -> None:
    open_session(user=alice, now=NOW)
    update_profile(user=alice, changes={"bio": "Slow films."}, now=NOW)

    page = text(root.get(page_of(alice)))

    assert "Slow films." in page
    assert not re.search(r'name="(profile|sessions)-0-(bio|created_at|expires_at)"', page)
    assert not re.search(r'name="(date_joined|email_key|username_key)"', page)


def test_a_new_account_has_its_profile(root: Client) -> None:
    form = {"email": "alice@example.org", "username": "alice", "password1": PASSWORD, "password2": PASSWORD}

    response = root.post(f"{USERS}add/", form)

    assert response.status_code == 302
    alice = User.objects.get(username="alice")
    assert alice.check_password(PASSWORD)
    assert not alice.is_staff
    assert alice.profile.bio == ""
    made = Event.objects.get(action="account_made", subject=alice.audit_key)
    assert made.actor == User.objects.get(username="root").audit_key


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"email": "ALICE@example.org"}, "Somebody has this already."),
        ({"username": "Alice"}, "Somebody has this already."),
        ({"username": "al"}, "3 to 30 characters"),
        ({"email": "nobody"}, "Enter a valid email address"),
        ({"password1": "short", "password2": "short"}, "too short"),
        ({"password1": "bell \x07 and whistle", "password2": "bell \x07 and whistle"}, "U+0007 is not accepted"),
        ({"password1": "x" * 1_001, "password2": "x" * 1_001}, "At most 1,000 characters"),
        ({"password2": OTHER_PASSWORD}, "fields didn\u2019t match"),
    ],
)
def test_what_can_not_be_is_told_in_the_form(root: Client, alice: User, changed: dict[str, str], said: str) -> None:
    form = {"email": "bob@example.org", "username": "bob", "password1": PASSWORD, "password2": PASSWORD, **changed}

    response = root.post(f"{USERS}add/", form)

    assert said in text(response)
    assert not User.objects.filter(username="bob").exists()


def test_a_person_is_renamed_and_the_key_follows(root: Client, alice: User, bob: User) -> None:
    taken = root.post(page_of(alice), form_of(alice, username="BOB"))
    renamed = root.post(page_of(alice), form_of(alice, username="Liddell"))

    assert "Somebody has this already." in text(taken)
    assert renamed.status_code == 302
    alice.refresh_from_db()
    assert (alice.username, alice.username_key) == ("Liddell", "liddell")


def test_whose_page_is_changed_otherwise_stays_signed_in(root: Client, alice: User) -> None:
    tokens = open_session(user=alice, now=NOW)

    root.post(page_of(alice), form_of(alice, first_name="Alice"))

    alice.refresh_from_db()
    assert alice.first_name == "Alice"
    assert is_good(tokens.access, now=NOW)


def test_who_is_switched_off_is_out_at_once(root: Client, alice: User) -> None:
    tokens = open_session(user=alice, now=NOW)

    root.post(page_of(alice), form_of(alice, is_active=""))

    alice.refresh_from_db()
    assert not alice.is_active
    assert not is_good(tokens.access, now=NOW)


def test_a_new_password_signs_out_whoever_used_the_old_one_and_tells_the_owner(
    root: Client, alice: User, mailbox: Mailbox
) -> None:
    tokens = open_session(user=alice, now=NOW)

    response = root.post(f"{USERS}{alice.pk}/password/", {"password1": OTHER_PASSWORD, "password2": OTHER_PASSWORD})

    assert response.status_code == 302
    alice.refresh_from_db()
    assert alice.check_password(OTHER_PASSWORD)
    assert not is_good(tokens.access, now=NOW)
    assert [mail["To"] for mail in mailbox.collect()] == ["alice@example.org"]


def test_who_is_switched_off_and_on_again_does_not_come_back_signed_in(root: Client, alice: User) -> None:
    tokens = open_session(user=alice, now=NOW)

    root.post(page_of(alice), form_of(alice, is_active=""))
    root.post(page_of(alice), form_of(alice))

    alice.refresh_from_db()
    assert alice.is_active
    assert not is_good(tokens.access, now=NOW)


def test_an_address_that_staff_gives_is_not_verified_and_ends_what_was_mailed(
    root: Client, alice: User, mailbox: Mailbox
) -> None:
    User.objects.filter(pk=alice.pk).update(email_verified_at=NOW)
    letters.post(Letter.Kind.RESET, email=alice.email, user=alice, now=NOW)

    renamed = root.post(page_of(alice), form_of(alice, first_name="Alice"))
    alice.refresh_from_db()
    assert (renamed.status_code, alice.email_verified_at) == (302, NOW)
    moved = root.post(page_of(alice), form_of(alice, email="alice@example.com"))

    alice.refresh_from_db()
    assert (moved.status_code, alice.email, alice.email_verified_at) == (302, "alice@example.com", None)
    assert not Letter.objects.filter(kind=Letter.Kind.RESET).exists()
    told = [(mail["To"], mail["Subject"]) for mail in mailbox.collect()]
    assert told == [("alice@example.org", "Matinee: your e-mail address was changed")]


def test_a_person_can_be_deleted(clerk: Client, alice: User) -> None:
    response = clerk.post(f"{USERS}{alice.pk}/delete/", {"post": "yes"})

    assert response.status_code == 302
    assert not User.objects.filter(pk=alice.pk).exists()
    assert not UserProfile.objects.filter(user_id=alice.pk).exists()


def test_a_clerk_looks_after_people_and_gives_no_rights(clerk: Client, alice: User) -> None:
    rights = {"is_staff": "on", "is_superuser": "on"}

    response = clerk.post(page_of(alice), form_of(alice, first_name="Alice", **rights))

    assert response.status_code == 302
    alice.refresh_from_db()
    assert (alice.first_name, alice.is_staff, alice.is_superuser) == ("Alice", False, False)


@pytest.mark.parametrize("name", ["root", "clerk"])
def test_a_clerk_touches_no_account_of_staff_and_not_their_own(root: Client, clerk: Client, name: str) -> None:
    staff = User.objects.get(username=name)

    answers = [
        clerk.post(page_of(staff), form_of(staff, is_superuser="on", email="mallory@example.org")),
        clerk.post(f"{USERS}{staff.pk}/password/", {"password1": OTHER_PASSWORD, "password2": OTHER_PASSWORD}),
        clerk.post(f"{USERS}{staff.pk}/delete/", {"post": "yes"}),
    ]

    assert [response.status_code for response in answers] == [403, 403, 403]
    staff.refresh_from_db()
    assert (staff.email, staff.is_superuser) == (f"{name}@example.org", name == "root")
    assert staff.check_password(PASSWORD)


def test_a_superuser_gives_rights(root: Client, alice: User) -> None:
    root.post(page_of(alice), form_of(alice, is_staff="on"))

    alice.refresh_from_db()
    assert alice.is_staff
