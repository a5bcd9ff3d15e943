"""Registering, and changing what one says about oneself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import TypedDict

from django.conf import settings
from django.db import IntegrityError, models, transaction

from matinee.accounts import letters
from matinee.accounts.checks import FieldChecks
from matinee.accounts.models import NOTIFICATION_SWITCHES, DataKey, Letter, PersonState, User, UserProfile
from matinee.accounts.names import (
    EMAIL_AT_MOST,
    USERNAME_AT_MOST,
    new_username,
    refuse_reserved,
    validate_email,
    validate_username,
)
from matinee.accounts.origins import UNKNOWN, Origin
from matinee.accounts.passwords import new_password
from matinee.accounts.sessions import Tokens, open_session
from matinee.audit.actions import Action
from matinee.audit.trail import record
from matinee.catalog import maturity
from matinee.catalog.models import Genre
from matinee.core.refusals import Conflict, FieldError, Forbidden, PreconditionFailed

NAME_AT_MOST = 150
BIO_AT_MOST = 5_000
EARLIEST_BIRTH_DATE = dt.date(1900, 1, 1)


class EmailTaken(Conflict):
    code = "email_taken"


class UsernameTaken(Conflict):
    code = "username_taken"


class RegistrationClosed(Forbidden):
    code = "registration_closed"


class ProfileChanged(PreconditionFailed):
    """The profile is no longer the one that the client read."""


class ProfileChanges(TypedDict, total=False):
    """What a person may change about themselves; what is absent stays."""

    username: str
    first_name: str
    last_name: str
    bio: str
    birth_date: dt.date | None
    favorite_genres: list[int]  # TMDb ids
    notification_preferences: Mapping[str, bool]  # only the switches to turn
    maturity_ceiling: str | None


def register(
    *,
    email: str,
    password: str,
    username: str | None,
    first_name: str,
    last_name: str,
    now: dt.datetime,
    origin: Origin = UNKNOWN,
) -> tuple[User, Tokens] | None:
    """Open an account and sign in; None where a mail must be answered first. Raises RegistrationClosed and what
    `create_user` raises, where a mail must be answered Invalid alone: whether a name is taken is not told then.
    """
    if settings.REGISTRATION == "closed":
        raise RegistrationClosed("Nobody can register here at present.")
    user = _drafted(
        email=email, password=password, username=username, first_name=first_name, last_name=last_name, now=now
    )
    _must_be_free_to_take(user.username)
    if settings.REGISTRATION == "confirm":
        facts = {name: getattr(user, name) for name in CONFIRMED_FACTS}
        letters.post(Letter.Kind.REGISTRATION, email=user.email, user=None, facts=facts, now=now)
        return None
    with _inserted(user, now=now):
        if settings.MAIL_IS_DELIVERED:
            letters.post(Letter.Kind.VERIFICATION, email=user.email, user=user, now=now)
        return user, open_session(user=user, now=now, origin=origin)


CONFIRMED_FACTS = ("username", "first_name", "last_name", "password")


def open_confirmed(*, letter: Letter, now: dt.datetime) -> User:
    """The account that was asked for, now that its mail was answered. Raises EmailTaken.

    Where somebody has the username by now it gets one of those that are made up: nobody was told that it was taken.
    """
    user = User(email=letter.email, date_joined=now, email_verified_at=now, **letter.facts)
    try:
        with _inserted(user, now=now):
            pass
    except UsernameTaken:
        user.username = new_username()
        with _inserted(user, now=now):
            pass
    return user


def create_user(
    *,
    email: str,
    password: str,
    username: str | None = None,
    first_name: str = "",
    last_name: str = "",
    now: dt.datetime,
    is_staff: bool = False,
    is_superuser: bool = False,
    made_by: str | None = None,
) -> User:
    """A new account with its profile. Raises Invalid, EmailTaken or UsernameTaken.

    `made_by` is the audit key of who makes it for somebody else.
    """
    user = _drafted(
        email=email, password=password, username=username, first_name=first_name, last_name=last_name, now=now
    )
    user.is_staff, user.is_superuser = is_staff, is_superuser
    with _inserted(user, now=now, made_by=made_by):
        return user


def _drafted(
    *, email: str, password: str, username: str | None, first_name: str, last_name: str, now: dt.datetime
) -> User:
    """The account as it will be stored. Raises Invalid.

    The password is hashed here, before any transaction, which would hold up every other writer meanwhile.
    """
    checks = FieldChecks()
    user = User(date_joined=now)
    user.email = checks.text("email", email, at_most=EMAIL_AT_MOST)
    checks.passes("email", validate_email, user.email)
    user.username = new_username() if username is None else _username(checks, username)
    user.first_name = checks.text("first_name", first_name, at_most=NAME_AT_MOST)
    user.last_name = checks.text("last_name", last_name, at_most=NAME_AT_MOST)
    likeness = None if checks.failed else user  # comparing with a megabyte of refused text would take a while
    password = new_password(checks, "password", password, of=likeness)
    checks.finish()
    user.set_password(password)
    return user


@contextmanager
def _inserted(user: User, *, now: dt.datetime, made_by: str | None = None) -> Iterator[None]:
    """The account and its profile, in one transaction with what is done inside. Raises EmailTaken or UsernameTaken.

    Whether a name is taken, the constraints decide: asking before would let two at once both pass.
    """
    try:
        with transaction.atomic():
            user.save(force_insert=True)
            DataKey.made_for(user).save(force_insert=True)
            UserProfile.objects.create(user=user, bio="", created_at=now, updated_at=now)
            PersonState.objects.create(user=user)
            record(Action.ACCOUNT_MADE, actor=made_by or user.audit_key, subject=user.audit_key, now=now)
            yield
    except IntegrityError:
        if User.objects.named(email=user.email) is None:
            raise _username_taken() from None
        raise email_taken() from None


def update_profile(
    *, user: User, changes: ProfileChanges, now: dt.datetime, if_version: Collection[str] | None = None
) -> UserProfile:
    """Change what `changes` names; `updated_at` moves only if something is different afterwards.

    `if_version`: the versions that the client would write over, None for whichever it is. Raises Invalid,
    ProfileChanged or UsernameTaken; then nothing has changed.
    """
    values = _checked(changes, now.date())
    with transaction.atomic():
        profile = UserProfile.objects.locked().get(user=user)
        if if_version is not None and profile.version not in if_version:
            raise ProfileChanged("The profile has changed since you read it.")
        switches = {**profile.switches, **changes.get("notification_preferences", {})}
        if switches != profile.switches:
            values["notification_preferences"] = switches
        of_user = _differing(profile.user, {name: values[name] for name in USER_FIELDS & values.keys()})
        of_profile = _differing(profile, {name: values[name] for name in PROFILE_FIELDS & values.keys()})
        if "username" in of_user:
            _must_be_free_to_take(profile.user.username)
        if of_user:
            _save_user(profile.user, of_user)
        if of_user or of_profile:
            profile.updated_at = now
            profile.save(update_fields=[*of_profile, "updated_at"])
            key = profile.user.audit_key
            record(Action.PROFILE_CHANGED, actor=key, subject=key, changes={"fields": [*of_user, *of_profile]}, now=now)
    return profile


USER_FIELDS = frozenset({"username", "first_name", "last_name"})
PROFILE_FIELDS = frozenset({"bio", "birth_date", "favorite_genres", "notification_preferences", "maturity_ceiling"})


def _checked(changes: ProfileChanges, today: dt.date) -> dict[str, object]:
    """The values as they are stored, but for the switches, which are turned one by one. Raises Invalid."""
    checks = FieldChecks()
    values: dict[str, object] = {}
    if "username" in changes:
        values["username"] = _username(checks, changes["username"])
    if "first_name" in changes:
        values["first_name"] = checks.text("first_name", changes["first_name"], at_most=NAME_AT_MOST)
    if "last_name" in changes:
        values["last_name"] = checks.text("last_name", changes["last_name"], at_most=NAME_AT_MOST)
    if "bio" in changes:
        values["bio"] = checks.text("bio", changes["bio"], at_most=BIO_AT_MOST)
    if "birth_date" in changes:
        born = values["birth_date"] = changes["birth_date"]
        if born is not None and not EARLIEST_BIRTH_DATE <= born <= today:
            checks.refuse("birth_date", f"A day from {EARLIEST_BIRTH_DATE} to today.", "out_of_range")
    if "favorite_genres" in changes:
        values["favorite_genres"] = _genres(checks, changes["favorite_genres"])
    if "maturity_ceiling" in changes:
        values["maturity_ceiling"] = _ceiling(checks, changes["maturity_ceiling"])
    for name in changes.get("notification_preferences", {}).keys() - NOTIFICATION_SWITCHES.keys():
        checks.refuse(f"notification_preferences.{name}", "There is no such switch.", "unknown_field")
    checks.finish()
    return values


def _username(checks: FieldChecks, username: str) -> str:
    stored = checks.text("username", username, at_most=USERNAME_AT_MOST)
    checks.passes("username", validate_username, stored)
    return stored


def _must_be_free_to_take(username: str) -> None:
    """Where somebody takes a name for themselves. Raises Invalid."""
    checks = FieldChecks()
    checks.passes("username", refuse_reserved, username)
    checks.finish()


def _ceiling(checks: FieldChecks, setting: str | None) -> str | None:
    """As it was given, where it is one."""
    if setting is not None:
        try:
            maturity.ceiling_keys(setting)
        except ValueError as error:
            checks.refuse("maturity_ceiling", str(error), "invalid")
    return setting


def _genres(checks: FieldChecks, ids: list[int]) -> list[int]:
    """The ids in their order, each once."""
    known = set(Genre.objects.values_list("id", flat=True))
    for place, number in enumerate(ids):
        if number not in known:
            checks.refuse(f"favorite_genres.{place}", "There is no genre with this id.", "unknown_genre")
    return list(dict.fromkeys(ids))


def _differing(row: models.Model, values: Mapping[str, object]) -> list[str]:
    """Put `values` on `row`; which of them were not there before."""
    names = [name for name, value in values.items() if getattr(row, name) != value]
    for name in names:
        setattr(row, name, values[name])
    return names


def _save_user(user: User, changed: list[str]) -> None:
    try:
        with transaction.atomic():
            user.save(update_fields=[*changed, "username_key"])
    except IntegrityError:
        raise _username_taken() from None


def email_taken() -> EmailTaken:
    fields = (FieldError("email", "Taken.", "email_taken"),)
    return EmailTaken("An account with this e-mail address exists.", fields=fields)


def _username_taken() -> UsernameTaken:
    return UsernameTaken("This username is taken.", fields=(FieldError("username", "Taken.", "username_taken"),))
