"""Who is asking: `Authorization: Bearer <access token>`, checked by one query a request.

A token that is given must be good, on public routes too.
"""

from __future__ import annotations

from typing import cast

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from ninja.security import HttpBearer

from matinee.accounts.models import User
from matinee.accounts.tokens import InvalidToken
from matinee.api.read_ahead import bearer_of, session_for, standing_told
from matinee.catalog.cards import Standing
from matinee.catalog.ceiling import own_ceiling
from matinee.catalog.filters import Term
from matinee.core.refusals import Unauthenticated


class NotSignedIn(Unauthenticated):
    """This is for people who are signed in."""


class SignedInRequest(HttpRequest):
    """What a request is once `signed_in` has let it through."""

    auth: User
    session_id: int
    maturity_ceiling: str | None
    cards: Standing


class SignedIn(HttpBearer):
    """The person's token, needed."""

    def __call__(self, request: HttpRequest) -> User | AnonymousUser | None:
        if "HTTP_AUTHORIZATION" not in request.META:
            return self.without_token()
        token = bearer_of(request.META)
        if token is None:
            raise InvalidToken("Authorization must be: Bearer, a space, and an access token.")
        return self.authenticate(request, token)

    def authenticate(self, request: HttpRequest, token: str) -> User:
        session = session_for(request.META, token)
        asking = cast("SignedInRequest", request)
        asking.session_id = session.pk
        if request.method == "GET":  # a write answers with what it has just changed
            session.user.state_version = session.state_version
            asking.cards = session.cards
        asking.maturity_ceiling = session.maturity_ceiling
        return session.user

    def without_token(self) -> AnonymousUser | None:
        return None  # ninja makes it a 401


class MaybeSignedIn(SignedIn):
    """The person's token where there is one; nobody in particular where there is none."""

    def without_token(self) -> AnonymousUser:
        return AnonymousUser()


signed_in = SignedIn()
maybe_signed_in = MaybeSignedIn()


def ceiling_of(request: HttpRequest) -> Term | None:
    """What a film must have to be shown to the person who asks, by their own wish."""
    return own_ceiling(getattr(request, "maturity_ceiling", None))


def cards_standing(request: HttpRequest) -> Standing | None:
    """How the cards stood when it was read who asks, or where nobody is signed in while the request waited. None where
    that was not read, and for a write."""
    cards: Standing | None = getattr(request, "cards", None)
    return cards or standing_told(request.META)


def reader_of(request: HttpRequest) -> User | None:
    """The person who asks, None where nobody is signed in; for routes behind `maybe_signed_in`."""
    auth = getattr(request, "auth", None)
    return auth if isinstance(auth, User) else None


def person(request: HttpRequest) -> User:
    """The person who asks; for routes behind `signed_in`. Raises NotSignedIn where a route forgot it."""
    reader = reader_of(request)
    if reader is None:
        raise NotSignedIn("This needs a valid access token.")
    return reader
