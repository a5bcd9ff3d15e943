"""A username that would pass for who runs the service is given by staff alone: it stands by public reviews."""

from __future__ import annotations

import pytest
from pytest_django.fixtures import Settings

from matinee.accounts.models import Letter, User
from matinee.accounts.names import RESERVED_USERNAMES, validate_username
from matinee.accounts.services import create_user, register, update_profile
from matinee.core.refusals import Invalid
from tests.accounts.conftest import NOW, PASSWORD

ADMINS = ("admin", "Admin", "\uff41\uff44\uff4d\uff49\uff4e")  # the last in full width


def ask_for(username: str) -> None:
    register(email="eve@example.org", password=PASSWORD, username=username, first_name="", last_name="", now=NOW)


def code_of(refused: pytest.ExceptionInfo[Invalid]) -> list[tuple[str, str]]:
    return [(error.field, error.code) for error in refused.value.fields]


@pytest.mark.django_db
@pytest.mark.parametrize("mode", ["open", "confirm"])
@pytest.mark.parametrize("username", ADMINS)
def test_nobody_registers_under_it(settings: Settings, mode: str, username: str) -> None:
    settings.REGISTRATION = mode

    with pytest.raises(Invalid) as refused:
        ask_for(username)

    assert code_of(refused) == [("username", "username_reserved")]
    assert not User.objects.exists()
    assert not Letter.objects.exists()


@pytest.mark.parametrize("username", ADMINS)
def test_nobody_changes_to_it(alice: User, username: str) -> None:
    with pytest.raises(Invalid) as refused:
        update_profile(user=alice, changes={"username": username, "bio": "Trust me."}, now=NOW)

    assert code_of(refused) == [("username", "username_reserved")]
    assert User.objects.get().username == "alice"


def test_who_was_given_it_keeps_it_and_may_leave_it(db: None) -> None:
    root = create_user(email="root@example.org", username="Root", password=PASSWORD, now=NOW, is_staff=True)

    update_profile(user=root, changes={"username": "Root", "bio": "I run this."}, now=NOW)
    assert User.objects.get().username == "Root"

    update_profile(user=root, changes={"username": "ruth"}, now=NOW)
    assert User.objects.get().username == "ruth"


def test_what_merely_holds_it_is_nobodys_business(alice: User) -> None:
    update_profile(user=alice, changes={"username": "admiral-root"}, now=NOW)

    assert User.objects.get().username == "admiral-root"


def test_each_is_a_username_that_somebody_could_have_asked_for() -> None:
    for username in RESERVED_USERNAMES:
        validate_username(username)
        assert username == username.casefold()
