"""Accounts: registering, signing in and out, and what one says about oneself."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Any, cast

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Field, Router, Schema
from pydantic import BeforeValidator, ConfigDict
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from matinee.accounts import services, sessions
from matinee.accounts.models import User, UserProfile
from matinee.accounts.names import EMAIL_AT_MOST, USERNAME_AT_LEAST, USERNAME_AT_MOST
from matinee.accounts.origins import DEVICE_AT_MOST
from matinee.accounts.passwords import PASSWORD_AT_MOST
from matinee.api.answers import answer
from matinee.api.authentication import SignedInRequest, maybe_signed_in, person
from matinee.api.bodies import Body, Text
from matinee.api.origins import address_of, origin_of
from matinee.api.preconditions import wanted_versions
from matinee.api.schemas import Problem

router = Router()

ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _day(value: Any) -> Any:
    """Strict schemas read a day from nothing but a date object; JSON has text."""
    if not isinstance(value, str):
        raise PydanticCustomError("date_type", "A day is text: YYYY-MM-DD.")
    try:
        return dt.date.fromisoformat(ISO_DATE.fullmatch(value)[0])  # type: ignore[index] # None is the TypeError below
    except (TypeError, ValueError):
        raise PydanticCustomError("date_invalid", "A day is written YYYY-MM-DD.") from None


def _of_patch(schema: dict[str, Any]) -> None:
    """What a PATCH leaves out stays as it is, so that no default is to be told."""
    for shape in schema["properties"].values():
        shape.pop("default", None)
    schema["examples"] = [{"bio": "Slow films, fast trains.", "notification_preferences": {"product_mail": True}}]


def _told(*, description: str | None = None, **limits: str | int) -> Any:
    """Limits of what a person writes about themselves: the schema tells them, and `accounts.services` checks them, so
    that one refusal names every field that is wrong."""
    return Field(description=description, json_schema_extra={**limits})


Day = Annotated[dt.date, BeforeValidator(_day)]
Email = Annotated[str, Field(max_length=EMAIL_AT_MOST, json_schema_extra={"format": "email"})]
Password = Annotated[str, Field(max_length=PASSWORD_AT_MOST, json_schema_extra={"format": "password"})]
Username = Annotated[
    str, _told(minLength=USERNAME_AT_LEAST, maxLength=USERNAME_AT_MOST, description="Letters, digits, _ . and -")
]
PersonsName = Annotated[str, _told(maxLength=services.NAME_AT_MOST)]
Bio = Annotated[str, _told(maxLength=services.BIO_AT_MOST)]
Device = Annotated[
    Text, Field(max_length=DEVICE_AT_MOST, description="What I call this device; its User-Agent when absent.")
]
Ceiling = Annotated[
    str,
    Field(
        max_length=50,
        description="A country and its certification, like US:PG-13: I am shown films up to that, and none not rated.",
    ),
]
GenreIds = Annotated[list[int], Field(max_length=100, description="TMDb genre ids.")]


def example(body: JsonDict) -> ConfigDict:
    return ConfigDict(strict=True, extra="forbid", json_schema_extra={"examples": [body]})


class Registration(Body):
    model_config = example(
        {"email": "alice@example.org", "password": "correct horse battery staple", "username": "alice"}
    )

    email: str = _told(format="email", maxLength=EMAIL_AT_MOST)
    password: str = _told(
        format="password",
        maxLength=PASSWORD_AT_MOST,
        description="At least 15 characters, and none of the common ones.",
    )
    username: Username | None = Field(None, description="Made up for you when absent.")
    first_name: PersonsName = ""
    last_name: PersonsName = ""
    device: Device | None = None


class Login(Body):
    """Either `email` or `username`."""

    model_config = example({"email": "alice@example.org", "password": "correct horse battery staple"})

    email: Email | None = None
    username: str | None = Field(None, max_length=EMAIL_AT_MOST)
    password: Password
    device: Device | None = None
    last_refresh: str | None = Field(
        None,
        max_length=1_000,
        description="A refresh token that this device had before, spent or not: so it is known, and I get in even "
        "while others guess at my password.",
    )


class RefreshBody(Body):
    model_config = example({"refresh": "Tn3EXhvHZuJuOKJYVAeFzQ1A1rnwxoCpvOr1hGdxPWs"})

    refresh: str = Field(max_length=1_000)


class NotificationPreferences(Body):
    """Security mail is always sent."""

    product_mail: bool = Field(default=False, description="News about this service, by whoever runs it.")
    watchlist_release: bool = Field(
        default=False, description="A mail on the day that a film of my watchlist comes out."
    )


class ProfileIn(Body):
    model_config = example(
        {
            "username": "alice",
            "first_name": "Alice",
            "last_name": "",
            "bio": "Slow films, fast trains.",
            "birth_date": "1990-05-17",
            "favorite_genres": [18, 878],
            "notification_preferences": {"product_mail": False, "watchlist_release": True},
        }
    )

    username: Username
    first_name: PersonsName
    last_name: PersonsName
    bio: Bio
    birth_date: Day | None
    favorite_genres: GenreIds
    notification_preferences: NotificationPreferences
    maturity_ceiling: Ceiling | None = Field(None, description="Absent: stays as it is.")

    def changes(self) -> services.ProfileChanges:
        """A client that knows of no ceiling takes none away."""
        untold = {"maturity_ceiling"} - self.model_fields_set
        return cast("services.ProfileChanges", self.model_dump(exclude=untold))


class ProfilePatch(Body):
    """Any of the fields of a PUT; of the preferences, too, only those to change."""

    model_config = ConfigDict(strict=True, extra="forbid", json_schema_extra=_of_patch)

    username: Username = ""
    first_name: PersonsName = ""
    last_name: PersonsName = ""
    bio: Bio = ""
    birth_date: Day | None = None
    favorite_genres: GenreIds = Field(default_factory=list)
    notification_preferences: NotificationPreferences = Field(default_factory=NotificationPreferences)
    maturity_ceiling: Ceiling | None = None


class UserOut(Schema):
    id: int
    email: str
    username: str
    first_name: str
    last_name: str
    date_joined: dt.datetime
    email_verified_at: dt.datetime | None = Field(description="When a mail to the address was answered.")


class ProfileOut(UserOut):
    bio: str
    birth_date: dt.date | None
    favorite_genres: list[int]
    notification_preferences: NotificationPreferences
    maturity_ceiling: str | None = Field(description="The most mature films that I am shown, by a country's scale.")
    created_at: dt.datetime
    updated_at: dt.datetime


class TokensOut(Schema):
    access: str = Field(description="A JWT for `Authorization: Bearer`.")
    refresh: str = Field(description="Good for one use at token/refresh/.")
    token_type: str = Field(description="Always Bearer.")
    expires_in: int = Field(description="Seconds that `access` lives.")


class Accepted(Schema):
    detail: str


class SignedInOut(TokensOut):
    user: UserOut


@router.post(
    "/register/",
    response={
        201: SignedInOut,
        202: Accepted,
        400: Problem,
        401: Problem,
        403: Problem,
        409: Problem,
        415: Problem,
        422: Problem,
    },
    auth=maybe_signed_in,
    url_name="register",
)
def register(request: HttpRequest, body: Registration) -> HttpResponse:
    """Open an account and sign in. A taken name is a 409: `email_taken` or `username_taken`.

    An instance that confirms addresses answers 202 whoever asks: the mail tells how it goes on.
    """
    registered = services.register(
        **body.model_dump(exclude={"device"}), now=timezone.now(), origin=origin_of(request, body.device)
    )
    if registered is None:
        return accepted()
    user, tokens = registered
    return _secret({"user": _user(user), **_tokens(tokens)}, status=201)


@router.post(
    "/login/",
    response={200: SignedInOut, 400: Problem, 401: Problem, 415: Problem, 422: Problem},
    auth=maybe_signed_in,
    url_name="login",
)
def login(request: HttpRequest, body: Login) -> HttpResponse:
    """Sign in by e-mail or username."""
    user, tokens = sessions.sign_in(
        **body.model_dump(exclude={"device"}), now=timezone.now(), origin=origin_of(request, body.device)
    )
    return _secret({"user": _user(user), **_tokens(tokens)})


@router.post(
    "/token/refresh/",
    response={200: TokensOut, 400: Problem, 401: Problem, 415: Problem, 422: Problem},
    auth=maybe_signed_in,
    url_name="token_refresh",
)
def refresh_tokens(request: HttpRequest, body: RefreshBody) -> HttpResponse:
    """The next pair of tokens. The old refresh token is spent; coming back, it ends the whole session."""
    tokens = sessions.refresh(token=body.refresh, now=timezone.now(), address=address_of(request))
    return _secret(_tokens(tokens))


@router.post(
    "/logout/", response={204: None, 400: Problem, 401: Problem, 415: Problem, 422: Problem}, url_name="logout"
)
def logout(request: SignedInRequest, body: RefreshBody) -> HttpResponse:
    """End this session: its access and refresh tokens stop working at once."""
    sessions.sign_out(user=request.auth, session_id=request.session_id, token=body.refresh, now=timezone.now())
    return HttpResponse(status=204)


@router.get("/profile/", response={200: ProfileOut, 401: Problem}, url_name="profile")
def get_profile(request: HttpRequest) -> HttpResponse:
    """What I say about myself."""
    return _profile(UserProfile.objects.readable().get(user=person(request)))


CHANGED_PROFILE = {200: ProfileOut, 400: Problem, 401: Problem, 409: Problem, 412: Problem, 415: Problem, 422: Problem}


@router.put("/profile/", response=CHANGED_PROFILE, url_name="profile")
def replace_profile(request: HttpRequest, body: ProfileIn) -> HttpResponse:
    """Say it all anew. With `If-Match`, only over the version with that ETag (412 otherwise)."""
    return _change_profile(request, body.changes())


@router.patch("/profile/", response=CHANGED_PROFILE, url_name="profile")
def change_profile(request: HttpRequest, body: ProfilePatch) -> HttpResponse:
    """Change some of it. With `If-Match`, only over the version with that ETag (412 otherwise)."""
    return _change_profile(request, cast("services.ProfileChanges", body.model_dump(exclude_unset=True)))


def _change_profile(request: HttpRequest, changes: services.ProfileChanges) -> HttpResponse:
    profile = services.update_profile(
        user=person(request), changes=changes, now=timezone.now(), if_version=wanted_versions(request)
    )
    return _profile(profile)


def _profile(profile: UserProfile) -> HttpResponse:
    response = _secret(
        {
            **_user(profile.user),
            "bio": profile.bio,
            "birth_date": profile.birth_date,
            "favorite_genres": profile.favorite_genres,
            "notification_preferences": profile.switches,
            "maturity_ceiling": profile.maturity_ceiling,
            "created_at": profile.created_at,
            "updated_at": profile.updated_at,
        }
    )
    response["ETag"] = f'"{profile.version}"'
    return response


def _user(user: User) -> dict[str, Any]:
    return {
        "id": user.pk,
        "email": user.email,
        "username": user.username,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "date_joined": user.date_joined,
        "email_verified_at": user.email_verified_at,
    }


def _tokens(tokens: sessions.Tokens) -> dict[str, Any]:
    return {
        "access": tokens.access,
        "refresh": tokens.refresh,
        "token_type": "Bearer",
        "expires_in": tokens.expires_in,
    }


def _secret(data: Any, *, status: int = 200) -> HttpResponse:
    """An answer that no cache may keep."""
    response = answer(data, status=status)
    response["Cache-Control"] = "no-store"
    return response


def accepted() -> HttpResponse:
    """What whoever asks for a mail is told."""
    return _secret({"detail": "If this can be done, a mail that tells how it goes on is on its way."}, status=202)
