"""Password and e-mail address: changing them, and getting back in without the password."""

from __future__ import annotations

import datetime as dt

from django.db import IntegrityError, transaction

from matinee.accounts import guard, letters
from matinee.accounts.checks import FieldChecks
from matinee.accounts.models import Letter, Session, User
from matinee.accounts.names import EMAIL_AT_MOST, validate_email
from matinee.accounts.passwords import new_password
from matinee.accounts.services import email_taken, open_confirmed
from matinee.accounts.sessions import sign_out_everywhere
from matinee.audit.actions import Action
from matinee.audit.trail import record
from matinee.core.refusals import FieldError, Forbidden

PROOFS_OF_ADDRESS = (Letter.Kind.REGISTRATION, Letter.Kind.VERIFICATION, Letter.Kind.EMAIL_CHANGE)


class WrongPassword(Forbidden):
    """Who is signed in has given a password that is not theirs."""

    code = "wrong_password"


def confirmed(user: User, session_id: int, password: str, field: str, now: dt.datetime) -> User:
    """The person as they are stored, where this is their password. Raises WrongPassword."""
    stored = User.objects.filter(pk=user.pk).first()
    asker = guard.Asker(name="", user=stored, network="", session_id=session_id)
    person = guard.verified(asker, password, now=now)
    if person is None:
        raise _wrong_password(field)
    return person


def change_password(*, user: User, session_id: int, current: str, new: str, now: dt.datetime) -> None:
    """Set another password and sign out every session but this one. Raises Invalid or WrongPassword.

    The new one is hashed first: who has asked the guard may be in a transaction that others wait for.
    """
    checks = FieldChecks()
    changed = User.objects.get(pk=user.pk)
    new = new_password(checks, "new_password", new, of=changed)
    checks.finish()
    changed.set_password(new)
    person = confirmed(user, session_id, current, "current_password", now)
    with transaction.atomic():
        as_it_was = User.objects.filter(pk=person.pk, is_active=True, password=person.password)
        if not as_it_was.update(password=changed.password):
            raise _wrong_password("current_password")
        Session.objects.filter(user=person, ended_at=None).exclude(pk=session_id).update(ended_at=now)
        letters.withdraw(user=person)
        letters.post(Letter.Kind.PASSWORD_CHANGED, email=person.email, user=person, now=now)
        record(Action.PASSWORD_CHANGED, actor=person.audit_key, subject=person.audit_key, now=now)


def ask_for_reset(*, email: str, now: dt.datetime) -> None:
    """Have a token for a new password sent to whoever has this address. Raises Invalid."""
    email = _address(email)
    user = User.objects.named(email=email)
    with transaction.atomic():
        letters.post(Letter.Kind.RESET, email=email if user is None else user.email, user=user, now=now)
        record(Action.PASSWORD_RESET_ASKED, actor=None, subject=user.audit_key if user else None, now=now)


def reset_password(*, token: str, new: str, now: dt.datetime) -> None:
    """Set the password that who holds the token chooses, and sign out everywhere. Raises Invalid, MailTokenRefused."""
    letter = letters.holding(token, kinds=[Letter.Kind.RESET], now=now)
    checks = FieldChecks()
    new = new_password(checks, "password", new, of=letter.user)
    checks.finish()
    person = letter.owner
    person.set_password(new)
    person.email_verified_at = person.email_verified_at or now
    with transaction.atomic():
        letters.use(letter)
        person.save(update_fields=["password", "email_verified_at"])
        end_old_password(user=person, now=now)
        record(Action.PASSWORD_RESET, actor=person.audit_key, subject=person.audit_key, now=now)


@transaction.atomic
def end_old_password(*, user: User, now: dt.datetime) -> None:
    """Whoever is signed in with it is so no longer, nothing that was sent works, and the owner is told."""
    sign_out_everywhere(user=user, now=now)
    letters.withdraw(user=user)
    letters.post(Letter.Kind.PASSWORD_CHANGED, email=user.email, user=user, now=now)


def ask_for_email_change(*, user: User, session_id: int, email: str, password: str, now: dt.datetime) -> None:
    """Have a token sent to the new address, or to the present one to verify it. Raises Invalid or WrongPassword."""
    email = _address(email)
    person = confirmed(user, session_id, password, "password", now)
    kind = Letter.Kind.VERIFICATION if email == person.email else Letter.Kind.EMAIL_CHANGE
    with transaction.atomic():
        letters.post(kind, email=email, user=person, now=now)
        record(Action.EMAIL_CHANGE_ASKED, actor=person.audit_key, subject=person.audit_key, now=now)


@transaction.atomic
def verify_email(*, token: str, now: dt.datetime) -> None:
    """Do what waited for somebody to read the mail at an address. Raises MailTokenRefused or EmailTaken."""
    letter = letters.holding(token, kinds=PROOFS_OF_ADDRESS, now=now)
    letters.use(letter)
    match letter.kind:
        case Letter.Kind.REGISTRATION:
            open_confirmed(letter=letter, now=now)
        case Letter.Kind.VERIFICATION:
            User.objects.filter(pk=letter.owner.pk, email=letter.email).update(email_verified_at=now)
            record(Action.EMAIL_VERIFIED, actor=letter.owner.audit_key, subject=letter.owner.audit_key, now=now)
        case _:
            _move(letter.owner, letter.email, now=now)


def _move(person: User, email: str, *, now: dt.datetime) -> None:
    """Whoever reads the old address learns of it, and what was sent there works no longer."""
    before, person.email, person.email_verified_at = person.email, email, now
    try:
        with transaction.atomic():
            person.save(update_fields=["email", "email_key", "email_verified_at"])
    except IntegrityError:
        raise email_taken() from None
    letters.withdraw(user=person)
    letters.post(Letter.Kind.EMAIL_CHANGED, email=before, user=person, now=now)
    record(Action.EMAIL_CHANGED, actor=person.audit_key, subject=person.audit_key, now=now)


def _address(email: str) -> str:
    checks = FieldChecks()
    stored = checks.text("email", email, at_most=EMAIL_AT_MOST)
    checks.passes("email", validate_email, stored)
    checks.finish()
    return stored


def _wrong_password(field: str) -> WrongPassword:
    message = "This is not the password of your account, or too many wrong ones were tried here: wait half an hour."
    return WrongPassword(message, fields=(FieldError(field, message, WrongPassword.code),))
