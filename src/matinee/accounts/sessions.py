"""Signing in, staying signed in, signing out. A session is a family of refresh tokens, each good for one use
(RFC 9700, section 4.14.2): a spent one that comes back ends the family, because one of its two holders is a thief.
"""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from matinee.accounts import guard
from matinee.accounts.checks import FieldChecks
from matinee.accounts.models import RefreshToken, Session, User, digest_of
from matinee.accounts.names import EMAIL_AT_MOST
from matinee.accounts.origins import UNKNOWN, Origin
from matinee.accounts.passwords import PASSWORD_AT_MOST
from matinee.accounts.tokens import new_access_token
from matinee.audit.actions import Action
from matinee.audit.trail import record
from matinee.core.networks import NEIGHBOURHOOD, network_of
from matinee.core.refusals import NotFound, Unauthenticated

WRONG = (
    "No account has this name and password, or too many wrong ones were tried of late: wait half an hour, or ask for a "
    "new password."
)


class WrongCredentials(Unauthenticated):
    """No active account has this name and password, or `guard` looks at no more; which of them it is is not told."""

    code = "wrong_credentials"


class RefreshRefused(Unauthenticated):
    """The refresh token is unknown, expired or spent, or its session has ended."""

    code = "invalid_refresh_token"


class SessionNotFound(NotFound):
    """The session has ended, or was never this person's."""

    code = "session_not_found"


@dataclass(frozen=True)
class Tokens:
    access: str
    refresh: str
    expires_in: int  # seconds that the access token lives


def sign_in(
    *,
    password: str,
    now: dt.datetime,
    email: str | None = None,
    username: str | None = None,
    origin: Origin = UNKNOWN,
    last_refresh: str | None = None,
) -> tuple[User, Tokens]:
    """Open a session for the person of this e-mail or, in its place, this username.

    `last_refresh` is a refresh token of theirs that their device had before, by which it is known. Raises
    WrongCredentials; Invalid where not exactly one of the two names is given; TooManyHashes.
    """
    checks = FieldChecks()
    if (email is None) == (username is None):
        for name in ("email", "username"):
            checks.refuse(name, "Give email or username, one of the two.", "one_of")
    email = None if email is None else checks.text("email", email, at_most=EMAIL_AT_MOST)
    username = None if username is None else checks.text("username", username, at_most=EMAIL_AT_MOST)
    password = checks.text("password", password, at_most=PASSWORD_AT_MOST)
    checks.finish()
    named = User.objects.named(email=email, username=username)
    asker = guard.Asker(
        name=email or username or "",
        user=named,
        network=network_of(origin.address, NEIGHBOURHOOD),
        session_id=guard.session_known_by(token=last_refresh, user=named),
    )
    user = guard.verified(asker, password, now=now)
    with transaction.atomic(durable=True):
        tokens = _signed_in(user, now, origin) if user is not None else None
        if tokens is None:
            record(Action.SIGN_IN_FAILED, actor=None, subject=named.audit_key if named else None, now=now)
    if user is None or tokens is None:
        raise WrongCredentials(WRONG)
    return user, tokens


def _signed_in(user: User, now: dt.datetime, origin: Origin) -> Tokens | None:
    if not _still_so(user):
        return None
    record(Action.SIGNED_IN, actor=user.audit_key, subject=user.audit_key, now=now)
    return open_session(user=user, now=now, origin=origin)


def _still_so(user: User) -> bool:
    """Whether the account is as it was before its password was hashed, which takes a while; it stays so till commit."""
    found = User.objects.select_for_update(no_key=True).filter(pk=user.pk, is_active=True, password=user.password)
    return found.first() is not None


@transaction.atomic
def open_session(*, user: User, now: dt.datetime, origin: Origin = UNKNOWN) -> Tokens:
    session = Session(user=user, device=origin.device, address=origin.address, created_at=now, last_used_at=now)
    session.expires_at = _expiry(session, now)
    session.save(force_insert=True)
    return _issue(session, now)


def refresh(*, token: str, now: dt.datetime, address: str = "") -> Tokens:
    """Spend `token` for the next pair; of several at once exactly one succeeds. Raises RefreshRefused.

    The transaction is the outermost, because a family that ends here must stay ended when the refusal is raised.
    """
    with transaction.atomic(durable=True):
        tokens = _spend(token, now, address)
    if tokens is None:
        raise RefreshRefused("The refresh token is not valid, or no longer. Sign in again.")
    return tokens


def _spend(token: str, now: dt.datetime, address: str) -> Tokens | None:
    held = RefreshToken.objects.select_related("session__user").filter(digest=digest_of(token)).first()
    if held is None or held.session.ended_at is not None or held.session.expires_at <= now:
        return None
    spent_here = RefreshToken.objects.filter(pk=held.pk, spent_at=None).update(spent_at=now)
    family = Session.objects.filter(pk=held.session_id, ended_at=None)
    key, target = held.session.user.audit_key, f"session:{held.session_id}"
    if not spent_here or not held.session.user.is_active:
        family.update(ended_at=now)
        action = Action.SESSION_ENDED if spent_here else Action.REFRESH_TOKEN_REUSED
        record(action, actor=None, subject=key, target=target, now=now)
        return None
    family.update(last_used_at=now, expires_at=_expiry(held.session, now), address=address)
    record(Action.TOKENS_REFRESHED, actor=key, subject=key, target=target, now=now)
    return _issue(held.session, now)


@transaction.atomic
def sign_out(*, user: User, session_id: int, token: str, now: dt.datetime) -> None:
    """End the session that asks, and that of the refresh token where it is another one of the same person."""
    theirs = Session.objects.filter(user=user, ended_at=None)
    theirs.filter(Q(pk=session_id) | Q(tokens__digest=digest_of(token))).update(ended_at=now)
    key = user.audit_key
    record(Action.SIGNED_OUT, actor=key, subject=key, target=f"session:{session_id}", now=now)


@transaction.atomic
def end_session(*, user: User, session_id: int, now: dt.datetime) -> None:
    """Sign one of the person's devices out. Raises SessionNotFound."""
    if not Session.objects.filter(pk=session_id, user=user).live(now=now).update(ended_at=now):
        raise SessionNotFound("You are not signed in under this id.")
    key = user.audit_key
    record(Action.SESSION_ENDED, actor=key, subject=key, target=f"session:{session_id}", now=now)


@transaction.atomic
def sign_out_elsewhere(*, user: User, session_id: int, now: dt.datetime) -> None:
    """End all of the person's sessions but this one."""
    others = Session.objects.filter(user=user, ended_at=None).exclude(pk=session_id)
    if not others.update(ended_at=now):
        return
    key = user.audit_key
    record(Action.OTHER_SESSIONS_ENDED, actor=key, subject=key, target=f"session:{session_id}", now=now)


def sign_out_everywhere(*, user: User, now: dt.datetime) -> None:
    Session.objects.filter(user=user, ended_at=None).update(ended_at=now)


def forget_expired(*, now: dt.datetime) -> int:
    """Delete the sessions that can't come back, and spent tokens so old that they would be refused unspent, too.

    Until then a spent token is kept to be known when it comes back. Returns how many rows went.
    """
    tokens, _ = RefreshToken.objects.filter(
        Q(session__expires_at__lt=now) | Q(spent_at__lt=now - settings.REFRESH_TOKEN_LIFETIME)
    ).delete()
    sessions, _ = Session.objects.filter(expires_at__lt=now).delete()
    return tokens + sessions


def _issue(session: Session, now: dt.datetime) -> Tokens:
    token = secrets.token_urlsafe(32)
    RefreshToken.objects.create(session=session, digest=digest_of(token))
    return Tokens(
        access=new_access_token(user_id=session.user_id, session_id=session.pk, now=now),
        refresh=token,
        expires_in=int(settings.ACCESS_TOKEN_LIFETIME.total_seconds()),
    )


def _expiry(session: Session, now: dt.datetime) -> dt.datetime:
    """When the session is over unless it is used again, and at the latest however much it is used."""
    idle: dt.datetime = now + settings.REFRESH_TOKEN_LIFETIME
    return min(idle, session.created_at + settings.SESSION_LIFETIME)
