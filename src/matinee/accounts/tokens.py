"""Access tokens: short-lived JWTs, HS256 alone, after RFC 8725 and RFC 9068.

The signing keys are derived from SECRET_KEY, and those that still verify from SECRET_KEY_FALLBACKS, so that a rotation
signs nobody out. A token is accepted in exactly the form that we make and in no other.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jwt
from django.conf import settings

from matinee.core.refusals import Unauthenticated

ALGORITHM = "HS256"
TYPE = "at+jwt"
ISSUER = "matinee"
AUDIENCE = "matinee-api"
PURPOSE = b"matinee access token, HS256, 1"
CLAIMS = frozenset({"iss", "aud", "sub", "sid", "iat", "nbf", "exp", "jti"})
LONGEST = 2000
REMEMBERED = 4_096
"""So many tokens of late are not verified anew with each request: a signature says the same each time."""

NOT_VALID = "The access token is not valid, or no longer."

FORM = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}")


class InvalidToken(Unauthenticated):
    """The access token is forged, damaged, expired, or its session has ended."""

    code = "invalid_token"


@dataclass(frozen=True)
class AccessClaims:
    user_id: int
    session_id: int
    issued_at: dt.datetime
    """To the second."""


@dataclass(frozen=True)
class _Verified:
    """What a token whose signature was checked says. Times are seconds since 1970."""

    speaks_for: AccessClaims
    not_before: int
    expires: int


def new_access_token(*, user_id: int, session_id: int, now: dt.datetime) -> str:
    """A token that speaks for `user_id` until ACCESS_TOKEN_LIFETIME has passed or the session has ended."""
    key_id, key = next(iter(_keys().items()))
    issued_at = int(now.timestamp())
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(user_id),
        "sid": session_id,
        "iat": issued_at,
        "nbf": issued_at,
        "exp": issued_at + int(settings.ACCESS_TOKEN_LIFETIME.total_seconds()),
        "jti": secrets.token_urlsafe(12),
    }
    return jwt.encode(claims, key, algorithm=ALGORITHM, headers={"typ": TYPE, "kid": key_id})


def read_access_token(token: str, *, now: dt.datetime) -> AccessClaims:
    """Whom the token speaks for. Raises InvalidToken, which never tells what was wrong."""
    try:
        return _claims_of(token, now.timestamp())
    except (jwt.PyJWTError, ValueError, KeyError, TypeError, OverflowError):
        raise InvalidToken(NOT_VALID) from None


def _claims_of(token: str, now: float) -> AccessClaims:
    if len(token) > LONGEST:
        raise ValueError("not the form of our tokens")
    claims = _verified(token, (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))
    if not claims.not_before <= now < claims.expires or claims.speaks_for.issued_at.timestamp() > now:
        raise ValueError("not at this time")
    return claims.speaks_for


@lru_cache(maxsize=REMEMBERED)
def _verified(token: str, secrets_in_order: tuple[str, ...]) -> _Verified:
    """What a token of ours says, whatever the time. Remembered; what raises is not."""
    if not FORM.fullmatch(token):
        raise ValueError("not the form of our tokens")
    header = jwt.get_unverified_header(token)
    key = _derived(secrets_in_order)[header["kid"]]
    if header != {"alg": ALGORITHM, "typ": TYPE, "kid": header["kid"]}:
        raise ValueError("a header that we never write")
    claims: dict[str, Any] = jwt.decode(
        token,
        key,
        algorithms=[ALGORITHM],
        audience=AUDIENCE,
        issuer=ISSUER,
        options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
    )
    if claims.keys() != CLAIMS or claims["aud"] != AUDIENCE:
        raise ValueError("claims that we never write")
    issued_at = dt.datetime.fromtimestamp(_whole(claims["iat"]), dt.UTC)
    return _Verified(
        speaks_for=AccessClaims(user_id=int(claims["sub"]), session_id=_whole(claims["sid"]), issued_at=issued_at),
        not_before=_whole(claims["nbf"]),
        expires=_whole(claims["exp"]),
    )


def _whole(value: object) -> int:
    if type(value) is not int:
        raise TypeError("not a whole number")
    return value


def _keys() -> Mapping[str, bytes]:
    """Each key by its id, the one that signs first."""
    return _derived((settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


@lru_cache(maxsize=8)
def _derived(secrets_in_order: tuple[str, ...]) -> Mapping[str, bytes]:
    keys = (hmac.digest(secret.encode(), PURPOSE, "sha256") for secret in secrets_in_order)
    return {hashlib.sha256(key).hexdigest()[:16]: key for key in keys}
