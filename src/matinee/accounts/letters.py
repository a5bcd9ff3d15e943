"""Letters: mails that are asked for here and sent by a job (`delivery`), and what becomes of the tokens in them.

Asking takes the same steps whether an account exists or not: one row and one job. What the row comes to is decided when
it is sent, while nobody waits for an answer.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping

from django.db import transaction
from django.db.models import Q

from matinee.accounts.letter_tasks import send_letter
from matinee.accounts.models import Letter, User, digest_of
from matinee.core.refusals import FieldError, Invalid
from matinee.core.text import comparison_key

VALID_FOR: Mapping[Letter.Kind, dt.timedelta] = {
    Letter.Kind.REGISTRATION: dt.timedelta(days=2),
    Letter.Kind.VERIFICATION: dt.timedelta(days=2),
    Letter.Kind.EMAIL_CHANGE: dt.timedelta(days=1),
    Letter.Kind.RESET: dt.timedelta(hours=1),
    Letter.Kind.PASSWORD_CHANGED: dt.timedelta(days=1),
    Letter.Kind.EMAIL_CHANGED: dt.timedelta(days=1),
    Letter.Kind.GUESSED: dt.timedelta(days=1),
    Letter.Kind.RELEASE: dt.timedelta(days=1),
}
"""How long a token works, and how long a letter is worth sending."""

WITH_TOKEN = (Letter.Kind.VERIFICATION, Letter.Kind.EMAIL_CHANGE, Letter.Kind.RESET)
"""The kinds that hold a token for somebody who has an account; a registration's token is for who has none yet."""


class MailTokenRefused(Invalid):
    """The token of a letter is unknown, used or too old, or is for something else."""

    code = "invalid_mail_token"


@transaction.atomic
def post(
    kind: Letter.Kind, *, email: str, user: User | None, now: dt.datetime, facts: Mapping[str, object] | None = None
) -> None:
    """Have a letter sent to `email` once this transaction is through."""
    letter = Letter.objects.create(
        kind=kind,
        user=user,
        email=email,
        email_key=comparison_key(email),
        facts=facts or {},
        created_at=now,
        expires_at=now + VALID_FOR[kind],
    )
    send_letter.enqueue(letter.pk)


def holding(token: str, *, kinds: Collection[Letter.Kind], now: dt.datetime) -> Letter:
    """The letter whose token this is. Raises MailTokenRefused."""
    letters = Letter.objects.select_related("user").filter(kind__in=kinds, expires_at__gt=now)
    letter = letters.filter(Q(user=None) | Q(user__is_active=True), digest=digest_of(token)).first()
    if letter is None:
        raise _refused()
    return letter


def use(letter: Letter) -> None:
    """Take it away in the caller's transaction; of several at once exactly one goes on. Raises MailTokenRefused."""
    used, _ = Letter.objects.filter(pk=letter.pk, digest=letter.digest).delete()
    if not used:
        raise _refused()


def withdraw(*, user: User) -> None:
    """No token that the person was sent works any longer."""
    Letter.objects.filter(user=user, kind__in=WITH_TOKEN).delete()


def _refused() -> MailTokenRefused:
    message = "This is not valid, or no longer. Ask for a new mail."
    return MailTokenRefused(message, fields=(FieldError("token", message, MailTokenRefused.code),))
