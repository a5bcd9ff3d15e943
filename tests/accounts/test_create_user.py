"""Opening an account: what is made, what is refused, and who wins when two want the same name."""

from __future__ import annotations

import functools
import re
from collections import Counter

import pytest
from django.core.management import CommandError, call_command
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from matinee.accounts.models import User, UserProfile
from matinee.accounts.services import EmailTaken, RegistrationClosed, UsernameTaken, create_user, register
from matinee.core.refusals import Invalid
from tests.accounts.conftest import NOW, PASSWORD
from tests.at_once import at_once

create = functools.partial(create_user, password=PASSWORD, now=NOW)


@pytest.mark.django_db
def test_an_account_comes_with_its_profile() -> None:
    user = create(email="alice@example.org", username="alice", first_name="Alice", last_name="Liddell")

    stored = User.objects.get(pk=user.pk)
    assert (stored.email, stored.username, stored.get_username()) == ("alice@example.org", "alice", "alice@example.org")
    assert (stored.first_name, stored.last_name, stored.date_joined) == ("Alice", "Liddell", NOW)
    assert (stored.is_active, stored.is_staff, stored.is_superuser) == (True, False, False)
    assert stored.check_password(PASSWORD)
    assert stored.password.startswith("argon2$argon2id$")
    profile = UserProfile.objects.get(user=stored)
    assert (profile.bio, profile.birth_date, profile.favorite_genres) == ("", None, [])
    assert (profile.created_at, profile.updated_at) == (NOW, NOW)
    assert str(stored) == "alice"
    assert str(profile) == f"profile of {stored.pk}"


@pytest.mark.django_db
def test_no_account_stays_behind_where_its_profile_can_not_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**facts: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(UserProfile.objects, "create", refuse)

    with pytest.raises(OSError, match="disk full"):
        create(email="alice@example.org")

    assert not User.objects.exists()


@pytest.mark.django_db
def test_a_username_is_made_up_and_tells_nothing_of_the_address() -> None:
    first = create(email="alice@example.org")
    second = create(email="alice.liddell@example.org")

    assert first.username != second.username
    assert all(re.fullmatch(r"viewer-[0-9a-f]{16}", user.username) for user in (first, second))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("taken", "wanted"),
    [
        ("alice@example.org", "alice@example.org"),
        ("alice@example.org", "ALICE@Example.ORG"),
        ("alice@straße.example", "alice@STRASSE.example"),
        ("alice@café.example", "alice@cafe\u0301.example"),
    ],
)
def test_an_address_is_one_address_however_it_is_written(taken: str, wanted: str) -> None:
    create(email=taken)

    with pytest.raises(EmailTaken) as refusal:
        create(email=wanted)

    assert refusal.value.code == "email_taken"
    assert [field.field for field in refusal.value.fields] == ["email"]
    assert User.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("taken", "wanted"),
    [
        ("alice", "alice"),
        ("alice", "ALICE"),
        ("alice", "\uff41lice"),  # a fullwidth a
        ("straße", "STRASSE"),
        ("z\u00f6e", "zo\u0308e"),  # composed, decomposed
        ("\u03c3\u03bf\u03c6\u03cc\u03c2", "\u03a3\u039f\u03a6\u038c\u03a3"),  # two small sigmas, one capital
        ("file", "\ufb01le"),  # a ligature
    ],
)
def test_a_username_is_one_name_however_it_is_written(taken: str, wanted: str) -> None:
    create(email="alice@example.org", username=taken)

    with pytest.raises(UsernameTaken) as refusal:
        create(email="bob@example.org", username=wanted)

    assert refusal.value.code == "username_taken"
    assert [field.field for field in refusal.value.fields] == ["username"]


@pytest.mark.django_db
def test_where_both_are_taken_the_address_is_named(alice: User) -> None:
    with pytest.raises(EmailTaken):
        create(email=alice.email, username=alice.username)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "username",
    ["bob", "Zoë", "a_b", "a.b", "a-b", "123", "ali", "x" * 30, "Дарья", "花子さん", "İpek", "___", "Ⅷth", "①②③"],
)
def test_usernames_of_all_scripts_are_welcome_and_kept_as_typed(username: str) -> None:
    assert create(email="alice@example.org", username=username).username == username


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("username", "code"),
    [
        ("", "too_short"),
        ("al", "too_short"),
        ("x" * 31, "too_long"),
        ("x" * 10_000, "too_long"),
        ("alice@home", "invalid"),
        ("alice liddell", "invalid"),
        (" alice", "invalid"),
        ("alice\n", "invalid"),
        ("ali\u200bce", "invalid"),  # a zero-width space
        ("ali\u00adce", "invalid"),  # a soft hyphen
        ("alice\u202e", "invalid"),  # turns the line around
        ("alice\u3164", "invalid"),  # an invisible letter
        ("alice\u0301\u0301", "invalid"),  # marks that do not compose
        ("\u00bdpint", "invalid"),  # one half, compared as 1, a fraction slash and 2
        ("\ufdfa\ufdfa\ufdfa", "invalid"),  # a letter that is a sentence with spaces
        ("al/ice", "invalid"),
        ("<alice>", "invalid"),
        ("😀😀😀", "invalid"),
        ("ali\x00ce", "invalid"),
        ("ali\x1bce", "invalid"),
        ("ali\ud800ce", "invalid"),
    ],
)
def test_what_is_no_username_is_refused_by_name(username: str, code: str) -> None:
    with pytest.raises(Invalid) as refusal:
        create(email="alice@example.org", username=username)

    assert [(field.field, field.code) for field in refusal.value.fields] == [("username", code)]
    assert not User.objects.exists()


@pytest.mark.django_db
def test_a_username_whose_comparison_grows_past_its_column_is_refused() -> None:
    with pytest.raises(Invalid):
        create(email="alice@example.org", username="\u0390" * 30 + "x" * 10)

    assert create(email="alice@example.org", username="\ufb03" * 30).username_key == "ffi" * 30


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("email", "code"),
    [
        ("", "invalid"),
        ("alice", "invalid"),
        ("alice@", "invalid"),
        ("alice@home@example.org", "invalid"),
        (" alice@example.org", "invalid"),
        ("alice@example.org\n", "invalid"),
        ("alice@example.org\r\nBcc: all@example.org", "invalid"),
        ("\uff41lice@example.org", "invalid"),
        ("x" * 10_000 + "@example.org", "too_long"),
        ("ali\x00ce@example.org", "invalid"),
        ("alice@exa\u200bmple.org", "invalid"),  # looks like another's
        ("alice@ex\u202eelpma.org", "invalid"),
        ("ali\ud800ce@example.org", "invalid"),
        ("a@" + ".".join(["\ufdfa" * 20] * 5) + ".example", "too_long"),  # compared, each is 18 characters
    ],
)
def test_what_is_no_address_is_refused_by_name(email: str, code: str) -> None:
    with pytest.raises(Invalid) as refusal:
        create(email=email)

    assert [(field.field, field.code) for field in refusal.value.fields] == [("email", code)]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("", "password_too_short"),
        ("fourteen-chars", "password_too_short"),
        ("alice@example.org", "password_too_similar"),
        ("correct\x00horse battery staple", "invalid"),
        ("correct\ud800horse battery staple", "invalid"),
        ("x" * 1_001, "too_long"),
    ],
)
def test_a_bad_password_is_refused_by_name(password: str, code: str) -> None:
    with pytest.raises(Invalid) as refusal:
        create(email="alice@example.org", password=password)

    assert (refusal.value.fields[0].field, refusal.value.fields[0].code) == ("password", code)


@pytest.mark.django_db
def test_a_long_password_counts_to_its_last_character() -> None:
    password = "correct horse battery staple " * 34

    user = create(email="alice@example.org", password=password)

    assert user.check_password(password)
    assert not user.check_password(password[:-2])


@pytest.mark.django_db
def test_a_password_is_the_same_from_every_keyboard() -> None:
    user = create(email="alice@example.org", password="cafe\u0301 au lait sans sucre")

    assert user.check_password("caf\u00e9 au lait sans sucre")


@pytest.mark.django_db
def test_everything_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(Invalid) as refusal:
        create(email="nobody", username="x", first_name="\x00", last_name="x" * 151, password="short")

    names = [field.field for field in refusal.value.fields]
    assert names == ["email", "username", "first_name", "last_name", "password"]


@pytest.mark.django_db
def test_registering_takes_the_same_few_queries_whoever_is_there(
    alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(7):  # a savepoint, the four rows, the event, its release
        create(email="bob@example.org")


@pytest.mark.django_db
def test_nobody_registers_where_registration_is_closed(settings: Settings) -> None:
    settings.REGISTRATION = "closed"

    with pytest.raises(RegistrationClosed):
        register(email="alice@example.org", password=PASSWORD, username=None, first_name="", last_name="", now=NOW)

    assert not User.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("same", ["email", "username"])
def test_of_eight_who_want_one_name_at_once_one_gets_it(same: str) -> None:
    def names(place: int) -> dict[str, str]:
        return {"email": f"person{place}@example.org", "username": f"person{place}"} | {
            same: {"email": "ALICE@example.org", "username": "Alice"}[same]
        }

    outcomes = at_once(*(functools.partial(create, **names(place)) for place in range(8)))

    refusal = {"email": EmailTaken, "username": UsernameTaken}[same]
    assert Counter(type(outcome) for outcome in outcomes) == {User: 1, refusal: 7}
    assert User.objects.count() == UserProfile.objects.count() == 1


@pytest.mark.django_db
def test_the_command_makes_a_superuser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)

    call_command("createsuperuser", "--noinput", email="Root@Example.org", username="root", verbosity=0)

    root = User.objects.get_by_natural_key("root@example.org")
    assert (root.is_staff, root.is_superuser, root.profile.bio) == (True, True, "")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("password", "said"), [(None, "DJANGO_SUPERUSER_PASSWORD"), ("short", "too short"), (PASSWORD, "is taken")]
)
def test_the_command_says_why_it_makes_none(
    monkeypatch: pytest.MonkeyPatch, alice: User, password: str | None, said: str
) -> None:
    if password is not None:
        monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", password)

    with pytest.raises(CommandError, match=said):
        call_command("createsuperuser", "--noinput", email="root@example.org", username="Alice", verbosity=0)

    assert not User.objects.filter(is_superuser=True).exists()
