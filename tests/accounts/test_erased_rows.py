"""Of the rows that no path leads to from an account, an erasure takes those of the person, and no other."""

from __future__ import annotations

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session as AdminSession

from matinee.accounts import letters
from matinee.accounts.erasure import erase
from matinee.accounts.models import Letter, User
from matinee.catalog.models import Movie
from tests.accounts.conftest import NOW


def signed_in_to_the_admin(user: User) -> str:
    cookie = SessionStore()
    cookie["_auth_user_id"] = str(user.pk)
    cookie.save()
    assert cookie.session_key is not None
    return cookie.session_key


def test_the_admins_sessions_of_staff_go_and_no_one_elses(alice: User, bob: User) -> None:
    alice.is_staff = True
    alice.save()
    signed_in_to_the_admin(alice)
    of_bob = signed_in_to_the_admin(bob)

    erase(alice, by=None, now=NOW)

    assert AdminSession.objects.get().session_key == of_bob


def test_the_admins_log_about_the_person_goes_and_of_nothing_else(alice: User, bob: User) -> None:
    film = Movie.objects.create(pk=alice.pk, tmdb_id=603, title="The Matrix", created_at=NOW, updated_at=NOW)
    for row in (alice, bob, film):
        kind = ContentType.objects.get_for_model(row)
        LogEntry.objects.create(user=bob, action_flag=2, content_type=kind, object_id=str(row.pk), object_repr=str(row))

    erase(alice, by=None, now=NOW)

    assert set(LogEntry.objects.values_list("object_repr", flat=True)) == {str(bob), str(film)}


def test_a_mail_to_the_persons_address_goes_though_it_is_of_no_account(alice: User, bob: User) -> None:
    for user in (alice, bob):
        letters.post(Letter.Kind.REGISTRATION, email=user.email, user=None, now=NOW)

    erase(alice, by=None, now=NOW)

    assert list(Letter.objects.values_list("email", flat=True)) == [bob.email]
