"""Whatever staff change in the admin is in the trail, and nothing of it without its event."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from matinee.accounts import guard, letters
from matinee.accounts.admin_site import Audited
from matinee.accounts.letters import MailTokenRefused
from matinee.accounts.models import Letter, User, UserProfile
from matinee.accounts.services import create_user
from matinee.accounts.sessions import open_session
from matinee.audit.models import Event
from matinee.catalog.models import Movie
from matinee.core.jobs.models import Schedule
from matinee.library.models import MovieRating
from tests.accounts.conftest import NOW, PASSWORD, is_good
from tests.audit.full_trail import no_room_for_events
from tests.mail_server import Mailbox

OTHER_PASSWORD = "another battery staple horse"


@pytest.fixture
def root(db: None) -> User:
    return create_user(
        email="root@example.org", username="root", password=PASSWORD, now=NOW, is_staff=True, is_superuser=True
    )


@pytest.fixture
def client(root: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(root)
    return client


@pytest.fixture
def hidden_review(alice: User) -> MovieRating:
    film = Movie.objects.create(tmdb_id=603, title="The Matrix", created_at=NOW, updated_at=NOW)
    return MovieRating.objects.create(
        user=alice, movie=film, rating=1, review="Rude.", created_at=NOW, updated_at=NOW, review_hidden=True
    )


def form_of(user: User, **changed: str) -> dict[str, str]:
    facts = {"email": user.email, "username": user.username, "is_active": "on"}
    for inline in ("profile", "sessions"):
        facts |= {f"{inline}-TOTAL_FORMS": "0", f"{inline}-INITIAL_FORMS": "0"}
    return {name: value for name, value in {**facts, **changed}.items() if value}


def told(since: int) -> list[tuple[str, str | None, str | None, str, dict[str, Any]]]:
    events = Event.objects.filter(id__gt=since).order_by("id")
    return [(event.action, event.actor, event.subject, event.target, event.changed) for event in events]


def newest() -> int:
    return Event.objects.latest("id").pk


def test_every_models_admin_tells() -> None:
    assert admin.site._registry
    assert all(isinstance(of_model, Audited) for of_model in admin.site._registry.values())


def test_a_changed_account_is_one_event_with_the_names_of_the_fields(client: Client, root: User, alice: User) -> None:
    since = newest()

    client.post(f"/admin/accounts/user/{alice.pk}/change/", form_of(alice, first_name="Alice", is_active=""))

    fields = {"fields": ["First name", "Is active"]}
    target = f"accounts.user:{alice.pk}"
    assert told(since) == [("staff_changed", root.audit_key, alice.audit_key, target, fields)]


def test_a_password_set_by_staff_is_one_event(client: Client, root: User, alice: User) -> None:
    since = newest()
    form = {"password1": OTHER_PASSWORD, "password2": OTHER_PASSWORD}

    response = client.post(f"/admin/accounts/user/{alice.pk}/password/", form)

    assert response.status_code == 302
    [(action, actor, subject, _, changes)] = told(since)
    assert (action, actor, subject) == ("staff_changed", root.audit_key, alice.audit_key)
    assert changes == {"fields": ["password"]}


def test_an_account_made_by_staff_is_one_event_that_says_by_whom(client: Client, root: User) -> None:
    since = newest()
    form = {"email": "carol@example.org", "username": "carol", "password1": PASSWORD, "password2": PASSWORD}

    client.post("/admin/accounts/user/add/", form)

    carol = User.objects.get(username="carol")
    assert told(since) == [("account_made", root.audit_key, carol.audit_key, "", {})]


def test_other_rows_are_told_too_djangos_own_among_them(client: Client, root: User) -> None:
    since = newest()
    schedule = Schedule.objects.create(name="nightly", next_run_at=NOW)

    client.post("/admin/auth/group/add/", {"name": "clerks"})
    client.post("/admin/jobs/schedule/nightly/change/", {"next_run_at_0": "2026-05-01", "next_run_at_1": "00:00:00"})

    group = Group.objects.get()
    key = root.audit_key
    schedule.refresh_from_db()
    assert schedule.next_run_at != NOW
    assert told(since) == [
        ("staff_added", key, None, f"auth.group:{group.pk}", {}),
        ("staff_changed", key, None, "jobs.schedule:nightly", {"fields": ["Next run at"]}),
    ]


def test_deleted_rows_are_told_one_by_one(client: Client, root: User, hidden_review: MovieRating, alice: User) -> None:
    since = newest()

    client.post(
        "/admin/library/movierating/",
        {"action": "delete_selected", "_selected_action": hidden_review.pk, "post": "yes"},
    )

    target = f"library.movierating:{hidden_review.pk}"
    assert told(since) == [("staff_deleted", root.audit_key, alice.audit_key, target, {})]


def test_an_action_is_told_and_each_review_that_it_shows_in_its_authors_trail(
    client: Client, root: User, hidden_review: MovieRating, alice: User
) -> None:
    since = newest()
    chosen = {"action": "show_reviews", "_selected_action": hidden_review.pk}

    client.post("/admin/library/movierating/", chosen)
    client.post("/admin/library/movierating/", chosen)

    acted = ("staff_acted", root.audit_key, None, "library.movierating")
    rows = {"action": "show_reviews", "rows": [hidden_review.pk]}
    assert told(since) == [
        ("review_shown", root.audit_key, alice.audit_key, f"rating:{hidden_review.pk}", {}),
        (*acted, rows),
        (*acted, rows),
    ]


def test_an_action_for_every_page_of_a_list_is_told_with_how_many_it_found(
    client: Client, root: User, hidden_review: MovieRating, bob: User
) -> None:
    MovieRating.objects.create(user=bob, movie=hidden_review.movie, rating=2, created_at=NOW, updated_at=NOW)
    since = newest()

    client.post(
        "/admin/library/movierating/",
        {"action": "show_reviews", "_selected_action": hidden_review.pk, "select_across": "true"},
    )

    changes = {"action": "show_reviews", "all_found": 2}
    assert told(since)[-1] == ("staff_acted", root.audit_key, None, "library.movierating", changes)


def test_a_sign_out_that_is_refused_is_not_told(client: Client) -> None:
    since = newest()

    answer = client.get("/admin/logout/")

    assert (answer.status_code, told(since)) == (405, [])


def test_signing_in_and_out_of_the_admin_is_told(root: User) -> None:
    since = newest()
    client = Client()

    client.post("/admin/login/", {"username": "root", "password": OTHER_PASSWORD})
    client.post("/admin/login/", {"username": "nobody", "password": OTHER_PASSWORD})
    client.post("/admin/login/?next=/admin/", {"username": "ROOT@example.org", "password": PASSWORD})
    client.post("/admin/logout/")

    key = root.audit_key
    assert told(since) == [
        ("sign_in_failed", None, key, "admin", {}),
        ("sign_in_failed", None, None, "admin", {}),
        ("signed_in", key, key, "admin", {}),
        ("signed_out", key, key, "admin", {}),
    ]


def test_a_new_password_of_ones_own_is_told(client: Client, root: User) -> None:
    since = newest()
    form = {"old_password": PASSWORD, "new_password1": OTHER_PASSWORD, "new_password2": OTHER_PASSWORD}

    client.post("/admin/password_change/", {**form, "old_password": "wrong horse battery staple"})
    client.post("/admin/password_change/", form)

    assert told(since) == [("password_changed", root.audit_key, root.audit_key, "admin", {})]


def test_a_new_password_of_ones_own_ends_every_session_and_tells_the_owner(
    client: Client, root: User, mailbox: Mailbox
) -> None:
    elsewhere, other_browser = open_session(user=root, now=timezone.now()), Client()
    other_browser.force_login(root)
    letters.post(Letter.Kind.RESET, email=root.email, user=root, now=timezone.now())
    reset = mailbox.token()

    client.post(
        "/admin/password_change/",
        {"old_password": PASSWORD, "new_password1": OTHER_PASSWORD, "new_password2": OTHER_PASSWORD},
    )

    assert client.get("/admin/").status_code == 200
    assert other_browser.get("/admin/").status_code == 302
    assert [mail["Subject"] for mail in mailbox.collect()] == ["Matinee: your password was changed"]
    assert not is_good(elsewhere.access, now=timezone.now())
    with pytest.raises(MailTokenRefused):
        letters.holding(reset, kinds=[Letter.Kind.RESET], now=timezone.now())


def test_who_finds_a_signed_in_browser_guesses_no_more_than_anybody(client: Client, root: User) -> None:
    form = {"new_password1": OTHER_PASSWORD, "new_password2": OTHER_PASSWORD}
    for number in range(guard.AT_MOST):
        client.post("/admin/password_change/", {**form, "old_password": f"wrong horse battery {number}"})

    answer = client.post("/admin/password_change/", {**form, "old_password": PASSWORD})

    assert b"or too many wrong ones were tried here" in answer.content
    root.refresh_from_db()
    assert root.check_password(PASSWORD)


@pytest.mark.django_db(transaction=True)
def test_without_its_event_there_is_no_change(client: Client, alice: User, hidden_review: MovieRating) -> None:
    profile = UserProfile.objects.get(user=alice)
    with no_room_for_events():
        answers = [
            client.post(f"/admin/accounts/user/{alice.pk}/change/", form_of(alice, first_name="Alice")),
            client.post(
                f"/admin/accounts/user/{alice.pk}/password/",
                {"password1": OTHER_PASSWORD, "password2": OTHER_PASSWORD},
            ),
            client.post(f"/admin/accounts/user/{alice.pk}/delete/", {"post": "yes"}),
            client.post(
                "/admin/library/movierating/", {"action": "show_reviews", "_selected_action": hidden_review.pk}
            ),
            client.post("/admin/auth/group/add/", {"name": "clerks"}),
        ]

    alice.refresh_from_db()
    hidden_review.refresh_from_db()
    assert [response.status_code for response in answers] == [500] * 5
    assert (alice.first_name, alice.check_password(PASSWORD), hidden_review.review_hidden) == ("", True, True)
    assert UserProfile.objects.filter(pk=profile.pk).exists()
    assert not Group.objects.exists()


def test_the_trail_is_looked_at_and_never_changed(client: Client) -> None:
    event = Event.objects.latest("id")

    pages = [client.get(f"/admin/audit/event/{page}").status_code for page in ("", f"{event.pk}/change/")]
    refused = [
        client.get("/admin/audit/event/add/"),
        client.post(f"/admin/audit/event/{event.pk}/change/", {"action": "other"}),
        client.post(f"/admin/audit/event/{event.pk}/delete/", {"post": "yes"}),
    ]

    assert pages == [200, 200]
    assert [response.status_code for response in refused] == [403, 403, 403]
    assert Event.objects.filter(pk=event.pk, action=event.action).exists()
