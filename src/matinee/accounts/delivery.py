"""Sending the letters that were asked for: what each comes to by now, and then the mail itself."""

from __future__ import annotations

import datetime as dt
import secrets
from email.utils import make_msgid, parseaddr

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction

from matinee.accounts import wording
from matinee.accounts.models import RELEASES, Letter, User, digest_of
from matinee.accounts.wording import Text

MOST_OF_A_KIND = 5
WITHIN = dt.timedelta(hours=1)
"""So many letters of a kind go to one address within so long: nobody's mailbox is filled by asking for them here, and
nobody is kept from one letter by being sent others.
"""


class Undelivered(Exception):
    """A mail could not be sent, told without what the server said of it: that may quote the address."""


def deliver(*, letter_id: int, now: dt.datetime) -> bool:
    """Send a letter; False where there is nobody to send it to, or where too much was sent there already.

    A job that is tried again sends it anew, with another token: the one before works no longer. Raises Undelivered,
    which is all that is kept of a refusal: logs and parked jobs outlast an erased person.
    """
    mail = _prepared(letter_id, now)
    if mail is None:
        return False
    try:
        mail.send()
    except (OSError, ValueError) as refusal:  # SMTPException is an OSError; a header's refusal is the other
        raise Undelivered(f"The mail of letter {letter_id} was not taken: {_cause(refusal)}.") from None
    return True


def _cause(refusal: Exception) -> str:
    """Its kind and the server's code, read by smtplib's names for them: only few modules may import what connects."""
    codes = [code for code, _ in getattr(refusal, "recipients", {}).values()]
    codes += [refusal.smtp_code] if hasattr(refusal, "smtp_code") else []
    return " ".join([type(refusal).__name__, *map(str, codes)])


@transaction.atomic
def _prepared(letter_id: int, now: dt.datetime) -> EmailMessage | None:
    letter = Letter.objects.select_for_update(of=("self",)).select_related("user").filter(pk=letter_id).first()
    if letter is None:
        return None
    text, reader = _text(letter)
    if text is None or letter.expires_at <= now or _too_many(letter, now):
        letter.delete()
        return None
    token = secrets.token_urlsafe(32)
    letter.digest = digest_of(token) if text.action else None
    letter.sent_at = now
    letter.save(update_fields=["digest", "sent_at"])
    # who asks can spell an address in another way that is the same to us, and be the one who reads it there
    address = reader.email if reader and text is wording.ALREADY_REGISTERED else letter.email
    return _mail(address, text.subject, text.written(name=_name(reader, address), token=token))


def _name(reader: User | None, address: str) -> str | None:
    """What to call them, where this is the address that they have shown to be theirs: who has chosen a name that reads
    as a website's address must have nobody else greeted by it."""
    is_theirs = reader is not None and reader.email_verified_at is not None and reader.email == address
    return reader.username if reader is not None and is_theirs else None


def _text(letter: Letter) -> tuple[Text | None, User | None]:
    """What the letter says as things stand by now, and to whom; nothing where there is nobody to say it to."""
    kind, holder = Letter.Kind(letter.kind), User.objects.named(email=letter.email)
    if kind in FOR_FREE_ADDRESSES and holder not in {None, letter.user}:
        return wording.ALREADY_REGISTERED, holder
    if kind != Letter.Kind.REGISTRATION and (letter.user is None or not letter.user.is_active):
        return None, None
    if kind == Letter.Kind.RELEASE:
        return (wording.release(letter.facts["titles"]) if _wants_releases(letter) else None), letter.user
    return TEXTS[kind], letter.user


def _wants_releases(letter: Letter) -> bool:
    """Whether the person wants to know still, at the address that they have still."""
    person = letter.owner
    return person.profile.switches[RELEASES] and person.email_key == letter.email_key


def _too_many(letter: Letter, now: dt.datetime) -> bool:
    to_them = Letter.objects.filter(email_key=letter.email_key, kind=letter.kind, sent_at__gt=now - WITHIN)
    return letter.kind not in ALWAYS_SENT and to_them.exclude(pk=letter.pk).count() >= MOST_OF_A_KIND


def _mail(address: str, subject: str, text: str) -> EmailMessage:
    _, sender = parseaddr(settings.DEFAULT_FROM_EMAIL)
    headers = {"Auto-Submitted": "auto-generated", "Message-ID": make_msgid(domain=sender.rpartition("@")[2])}
    return EmailMessage(subject, text, to=[address], headers=headers)


def forget_expired(*, now: dt.datetime) -> int:
    """Returns how many rows went."""
    forgotten, _ = Letter.objects.filter(expires_at__lt=now).delete()
    return forgotten


FOR_FREE_ADDRESSES = frozenset({Letter.Kind.REGISTRATION, Letter.Kind.EMAIL_CHANGE})
ALWAYS_SENT = frozenset({Letter.Kind.PASSWORD_CHANGED, Letter.Kind.EMAIL_CHANGED})
TEXTS = {
    Letter.Kind.REGISTRATION: wording.REGISTRATION,
    Letter.Kind.VERIFICATION: wording.VERIFICATION,
    Letter.Kind.RESET: wording.RESET,
    Letter.Kind.EMAIL_CHANGE: wording.EMAIL_CHANGE,
    Letter.Kind.PASSWORD_CHANGED: wording.PASSWORD_CHANGED,
    Letter.Kind.EMAIL_CHANGED: wording.EMAIL_CHANGED,
    Letter.Kind.GUESSED: wording.GUESSED,
}
