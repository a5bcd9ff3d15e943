"""Changing what one says about oneself."""

from __future__ import annotations

import datetime as dt
import functools
from collections import Counter
from typing import Any, cast

import pytest

from matinee.accounts.models import NOTIFICATION_SWITCHES, User, UserProfile
from matinee.accounts.services import ProfileChanged, ProfileChanges, UsernameTaken, update_profile
from matinee.catalog.models import Genre
from matinee.core.refusals import Invalid
from tests.accounts.conftest import NOW
from tests.at_once import at_once

LATER = NOW + dt.timedelta(hours=1)


@pytest.fixture(autouse=True)
def genres(db: None) -> None:
    for number, name in ((18, "Drama"), (878, "Science Fiction")):
        Genre.objects.get_or_create(id=number, defaults={"name": name})


def change(user: User, *, if_version: set[str] | None = None, now: dt.datetime = LATER, **changes: Any) -> UserProfile:
    return update_profile(user=user, changes=cast("ProfileChanges", changes), now=now, if_version=if_version)


def stored(user: User) -> UserProfile:
    return UserProfile.objects.select_related("user").get(user=user)


def test_everything_that_may_change_changes(alice: User) -> None:
    profile = change(
        alice,
        username="Liddell",
        first_name="Alice",
        last_name="Liddell",
        bio="Slow films.\n\tFast trains.",
        birth_date=dt.date(1990, 5, 17),
        favorite_genres=[878, 18],
        notification_preferences={"watchlist_release": True},
    )

    assert profile == stored(alice)
    after = stored(alice)
    assert (after.user.username, after.user.username_key) == ("Liddell", "liddell")
    assert (after.user.first_name, after.user.last_name) == ("Alice", "Liddell")
    assert (after.bio, after.birth_date) == ("Slow films.\n\tFast trains.", dt.date(1990, 5, 17))
    assert after.favorite_genres == [878, 18]
    assert after.switches == {"product_mail": False, "watchlist_release": True}
    assert (after.created_at, after.updated_at) == (NOW, LATER)


def test_what_is_not_named_stays(alice: User) -> None:
    change(alice, bio="Slow films.", birth_date=dt.date(1990, 5, 17), notification_preferences={"product_mail": True})

    change(alice, first_name="Alice", notification_preferences={"watchlist_release": True})

    after = stored(alice)
    assert (after.bio, after.birth_date, after.user.username) == ("Slow films.", dt.date(1990, 5, 17), "alice")
    assert after.switches == {"product_mail": True, "watchlist_release": True}


def test_every_switch_is_off_until_it_is_chosen(alice: User) -> None:
    assert stored(alice).switches == dict.fromkeys(NOTIFICATION_SWITCHES, False)


@pytest.mark.parametrize(
    "nothing_new",
    [
        {},
        {"username": "alice", "bio": ""},
        {"birth_date": None, "favorite_genres": []},
        {"notification_preferences": {}},
        {"notification_preferences": {"product_mail": False}},
    ],
)
def test_what_is_the_same_afterwards_is_no_update(alice: User, nothing_new: dict[str, Any]) -> None:
    before = stored(alice)

    change(alice, **nothing_new)

    assert stored(alice).updated_at == NOW
    assert stored(alice).version == before.version


@pytest.mark.parametrize(
    "something",
    [
        {"username": "Alice"},
        {"first_name": "A"},
        {"last_name": "L"},
        {"bio": "x"},
        {"birth_date": dt.date(1990, 5, 17)},
        {"favorite_genres": [18]},
        {"notification_preferences": {"product_mail": True}},
    ],
)
def test_every_change_moves_the_version(alice: User, something: dict[str, Any]) -> None:
    before = stored(alice)

    after = change(alice, now=NOW, **something)  # at the very same instant

    assert after.version != before.version
    assert after.version == stored(alice).version


def test_two_people_who_say_the_same_have_different_versions(alice: User, bob: User) -> None:
    assert stored(alice).version != stored(bob).version


def test_a_genre_is_kept_once_where_it_first_stood(alice: User) -> None:
    assert change(alice, favorite_genres=[878, 18, 878]).favorite_genres == [878, 18]


def test_text_is_stored_composed_and_otherwise_as_typed(alice: User) -> None:
    profile = change(alice, bio="<b>cafe\u0301</b> \U0001f600\r\n ", first_name="Zoe\u0308")

    assert profile.bio == "<b>caf\u00e9</b> \U0001f600\n "
    assert profile.user.first_name == "Zo\u00eb"


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"username": "al"}, "username", "too_short"),
        ({"username": "alice@home"}, "username", "invalid"),
        ({"first_name": "x" * 151}, "first_name", "too_long"),
        ({"last_name": "x\x00"}, "last_name", "invalid"),
        ({"bio": "x" * 10_000}, "bio", "too_long"),
        ({"bio": "x\x1b[31m"}, "bio", "invalid"),
        ({"bio": "x\ud800"}, "bio", "invalid"),
        ({"birth_date": dt.date(2026, 3, 2)}, "birth_date", "out_of_range"),
        ({"birth_date": dt.date(1899, 12, 31)}, "birth_date", "out_of_range"),
        ({"favorite_genres": [18, 404]}, "favorite_genres.1", "unknown_genre"),
        ({"favorite_genres": [-1]}, "favorite_genres.0", "unknown_genre"),
        ({"favorite_genres": [2**70]}, "favorite_genres.0", "unknown_genre"),
        ({"notification_preferences": {"weather": True}}, "notification_preferences.weather", "unknown_field"),
    ],
)
def test_what_can_not_be_is_refused_by_name_and_changes_nothing(
    alice: User, changes: dict[str, Any], field: str, code: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        change(alice, **{"last_name": "Liddell", **changes})

    assert [(error.field, error.code) for error in refusal.value.fields] == [(field, code)]
    assert (stored(alice).updated_at, stored(alice).user.last_name) == (NOW, "")


def test_a_birthday_may_be_today(alice: User) -> None:
    assert change(alice, birth_date=NOW.date()).birth_date == NOW.date()


@pytest.mark.parametrize("wanted", ["bob", "BOB", "\uff22ob"])
def test_a_name_that_bob_has_is_taken_and_nothing_else_changes(alice: User, bob: User, wanted: str) -> None:
    with pytest.raises(UsernameTaken):
        change(alice, username=wanted, bio="Slow films.")

    assert (stored(alice).user.username, stored(alice).bio) == ("alice", "")


def test_ones_own_name_can_change_its_case(alice: User) -> None:
    assert change(alice, username="ALICE").user.username == "ALICE"


def test_only_the_version_that_was_read_is_written_over(alice: User) -> None:
    read = stored(alice).version
    change(alice, bio="From the phone.", if_version={read, "another"})

    with pytest.raises(ProfileChanged):
        change(alice, bio="From the laptop.", if_version={read})

    assert stored(alice).bio == "From the phone."


def test_a_change_by_the_staff_is_noticed_as_well(alice: User) -> None:
    read = stored(alice).version
    User.objects.filter(pk=alice.pk).update(email="alice@example.net")

    with pytest.raises(ProfileChanged):
        change(alice, bio="From the laptop.", if_version={read})


@pytest.mark.django_db(transaction=True)
def test_of_eight_who_write_over_one_version_at_once_one_succeeds(alice: User) -> None:
    read = stored(alice).version
    writers = [functools.partial(change, alice, if_version={read}, bio=f"Writer {place}.") for place in range(8)]

    outcomes = at_once(*writers)

    assert Counter(type(outcome) for outcome in outcomes) == {UserProfile: 1, ProfileChanged: 7}


@pytest.mark.django_db(transaction=True)
def test_of_two_who_take_one_name_at_once_one_gets_it(alice: User, bob: User) -> None:
    outcomes = at_once(*(functools.partial(change, user, username="charlie") for user in (alice, bob)))

    assert Counter(type(outcome) for outcome in outcomes) == {UserProfile: 1, UsernameTaken: 1}
