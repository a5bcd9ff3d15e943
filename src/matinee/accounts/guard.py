"""The guard against guessing: how often a password may be wrong for one name, from where.

A try is put down before the password is looked at, in the one row of its name, so that of any number at once, on
whatever machines, no more are evaluated than may be wrong. A name that nobody has is guarded in the same way, and a try
too many is answered as a wrong password is: neither an answer nor its time tells of accounts.

Who signed in from a network of late, or shows by a refresh token to be on a device that did, has tries that strangers
can't use up.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from matinee.accounts import letters
from matinee.accounts.hashers import hashing
from matinee.accounts.models import Guesses, Letter, RefreshToken, User, digest_of
from matinee.audit.actions import Action
from matinee.audit.trail import record
from matinee.core.text import comparison_key

AT_MOST = 5
WITHIN = dt.timedelta(minutes=30)
"""So many wrong tries from one network, or on one known device, within so long."""

STRANGER, KNOWN_NETWORK, KNOWN_DEVICE = "stranger", "known network", "known device"
IN_ALL: Mapping[str, int] = {STRANGER: 60, KNOWN_NETWORK: 20, KNOWN_DEVICE: 20}
REMEMBERED = dt.timedelta(days=30)
"""So many wrong tries of each kind within so long: 100 together (NIST SP 800-63B-4, section 3.2.2)."""

OF_NOBODY_REMEMBERED = dt.timedelta(days=1)
"""Names that nobody has are kept to take the same steps; anybody can make them up."""

MOST_NETWORKS = 50
TOLD_ONCE_IN = dt.timedelta(days=1)


@dataclass(frozen=True)
class Asker:
    """Who gives a password: the name they say, whose it is, and where they are."""

    name: str
    user: User | None
    network: str
    session_id: int | None = None
    """A session of this account that their device has or had."""

    @property
    def subject(self) -> str:
        if self.user is not None:
            return f"account:{self.user.pk}"
        key = comparison_key(self.name).encode("utf-8", "surrogatepass")
        return f"name:{hmac.digest(settings.SECRET_KEY.encode(), key, 'sha256').hex()[:40]}"

    @property
    def place(self) -> str:
        """Where the next few wrong tries count together."""
        return self.network if self.session_id is None else f"session {self.session_id}"

    @property
    def of_password(self) -> str:
        """A mark of the password: guesses at one say nothing about the next."""
        return "" if self.user is None else hashlib.sha256(self.user.password.encode()).hexdigest()[:16]


def verified(asker: Asker, password: str, *, now: dt.datetime) -> User | None:
    """The account where it is active and the password its own. Raises TooManyHashes.

    One hash is computed whichever way it goes, so that time does not tell which accounts exist. A process checks one
    password after the other, so that a person's own sign-ins at the same moment don't take up the tries.
    """
    user = asker.user
    with hashing():
        if not _may_try(asker, now) or user is None:
            User().set_password(password)
            return None
        if not user.check_password(password) or not user.is_active:
            return None
        _was_right(asker, now)
    return user


def session_known_by(*, token: str | None, user: User | None) -> int | None:
    """The session of this person that a refresh token belongs to, spent or not, ended or not."""
    if token is None:
        return None
    held = RefreshToken.objects.filter(digest=digest_of(token), session__user=user)
    return held.values_list("session_id", flat=True).first()


def forget_old(*, now: dt.datetime) -> int:
    """Returns how many rows went."""
    of_nobody = Q(user=None, newest_at__lt=now - OF_NOBODY_REMEMBERED)
    forgotten, _ = Guesses.objects.filter(of_nobody | Q(newest_at__lt=now - REMEMBERED)).delete()
    return forgotten


@transaction.atomic
def _may_try(asker: Asker, now: dt.datetime) -> bool:
    """Put down one more try, which is a wrong one unless it turns out otherwise; False where all are used up."""
    fresh = Guesses(subject=asker.subject, user=asker.user, of_password=asker.of_password, newest_at=now)
    Guesses.objects.bulk_create([fresh], ignore_conflicts=True)
    guesses = Guesses.objects.select_for_update().get(pk=asker.subject)
    if guesses.of_password != asker.of_password:
        guesses.of_password, guesses.tries = asker.of_password, []
    since = (now - REMEMBERED).timestamp()
    guesses.networks = {network: at for network, at in guesses.networks.items() if at > since}
    kind = _kind(asker, guesses)
    tries = [past for past in guesses.tries if past["at"] > since]
    near = [past for past in tries if past["place"] == asker.place and past["at"] > (now - WITHIN).timestamp()]
    alike = [past for past in tries if past["kind"] == kind]
    may_try = len(near) < AT_MOST and len(alike) < IN_ALL[kind]
    if may_try:
        tries.append({"at": now.timestamp(), "place": asker.place, "kind": kind})
    else:
        _tell(asker, guesses, now)
    guesses.tries, guesses.newest_at = tries, now
    guesses.save()
    return may_try


def _kind(asker: Asker, guesses: Guesses) -> str:
    if asker.session_id is not None:
        return KNOWN_DEVICE
    return KNOWN_NETWORK if asker.network in guesses.networks else STRANGER


def _tell(asker: Asker, guesses: Guesses, now: dt.datetime) -> None:
    """The owner learns of it, once a day; where there is none, nobody does, by the same steps."""
    if guesses.told_at is not None and guesses.told_at > now - TOLD_ONCE_IN:
        return
    guesses.told_at = now
    user = asker.user
    letters.post(Letter.Kind.GUESSED, email=user.email if user else "", user=user, now=now)
    record(Action.SIGN_INS_BLOCKED, actor=None, subject=user.audit_key if user else None, now=now)


@transaction.atomic
def _was_right(asker: Asker, now: dt.datetime) -> None:
    """What was wrong before in the same place counts no longer, and the network is known."""
    guesses = Guesses.objects.select_for_update().filter(pk=asker.subject).first()
    if guesses is None:
        return
    guesses.tries = [past for past in guesses.tries if past["place"] != asker.place]
    if asker.network:
        latest = sorted({**guesses.networks, asker.network: now.timestamp()}.items(), key=lambda known: -known[1])
        guesses.networks = dict(latest[:MOST_NETWORKS])
    guesses.save()
