"""Letters: real mail to a server on this machine, and tokens that work once and for a while."""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections import Counter
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings

from matinee.accounts import letters, recovery
from matinee.accounts.delivery import Undelivered
from matinee.accounts.letter_tasks import forget_expired_letters, send_letter
from matinee.accounts.letters import MailTokenRefused
from matinee.accounts.models import Letter, User, digest_of
from matinee.accounts.passwords import new_password
from matinee.core.jobs.models import Job
from matinee.core.jobs.schedule import registered
from matinee.core.jobs.worker import Worker
from tests.accounts.conftest import NOW
from tests.at_once import at_once
from tests.mail_server import Mailbox, token_in

Kind = Letter.Kind
MINUTE = dt.timedelta(minutes=1)


def post(kind: Letter.Kind, user: User | None, *, email: str = "alice@example.org") -> None:
    letters.post(kind, email=email, user=user, now=timezone.now())


def test_a_registration_is_about_nobodys_account(db: None) -> None:
    post(Kind.REGISTRATION, None)

    with pytest.raises(ValueError, match=r"^This letter is about no account\.$"):
        _ = Letter.objects.get().owner


def test_a_letter_is_plain_text_with_a_code_for_the_app(alice: User, mailbox: Mailbox) -> None:
    post(Kind.RESET, alice)

    [mail] = mailbox.collect()

    assert (mail["To"], mail["From"]) == ("alice@example.org", "Matinee <matinee@localhost>")
    assert mail["Subject"] == "Matinee: choose a new password"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content_type() == "text/plain"
    text = mail.get_content()
    assert text.startswith("Hello,\n\nSomebody, probably you,")
    assert f"give this code to the app that you use:\n\n    {token_in(mail)}\n\n" in text
    assert "{" not in text


@pytest.mark.parametrize(
    ("kind", "email", "greeting"),
    [
        (Kind.RESET, "alice@example.org", "Hello alice,\n"),
        (Kind.EMAIL_CHANGE, "new@example.org", "Hello,\n"),
        (Kind.EMAIL_CHANGED, "old@example.org", "Hello,\n"),
    ],
)
def test_somebody_is_greeted_by_name_at_the_address_that_they_have_shown_to_be_theirs_alone(
    alice: User, mailbox: Mailbox, kind: Letter.Kind, email: str, greeting: str
) -> None:
    """The name may have been chosen to be read by a stranger: as the address of a website, say."""
    User.objects.update(email_verified_at=NOW)
    post(kind, alice, email=email)

    [mail] = mailbox.collect()

    assert mail.get_content().startswith(greeting)


@pytest.mark.parametrize(
    ("kind", "link"),
    [
        (Kind.RESET, "https://films.example.org/reset-password#"),
        (Kind.VERIFICATION, "https://films.example.org/verify-email#"),
    ],
)
def test_a_letter_links_to_the_client_where_one_is_set(
    alice: User, mailbox: Mailbox, settings: Settings, kind: Letter.Kind, link: str
) -> None:
    settings.MAIL_LINK = "https://films.example.org/{action}#{token}"
    post(kind, alice)

    [mail] = mailbox.collect()

    _, _, token = mail.get_content().partition(f"open this link:\n\n    {link}")
    assert len(token.split()[0]) == 43


@pytest.mark.parametrize("kind", sorted(set(Kind) - {Kind.RELEASE}))  # which tests/library/test_releases.py has
def test_every_kind_says_something_and_keeps_only_a_digest(alice: User, mailbox: Mailbox, kind: Letter.Kind) -> None:
    user, email = (None, "new@example.org") if kind == Kind.REGISTRATION else (alice, "alice@example.org")
    post(kind, user, email=email)

    [mail] = mailbox.collect()

    assert mail["Subject"].startswith("Matinee: ")
    assert "Nobody reads answers to it." in mail.get_content()
    letter = Letter.objects.get()
    assert str(letter) == f"{kind} {letter.pk}"
    has_token = kind not in {Kind.PASSWORD_CHANGED, Kind.EMAIL_CHANGED, Kind.GUESSED}
    assert (letter.digest is not None) == has_token
    if has_token:
        assert bytes(letter.digest or b"") == digest_of(token_in(mail))


@pytest.mark.django_db(transaction=True)
def test_the_job_worker_sends_it(alice: User, mailbox: Mailbox) -> None:
    post(Kind.PASSWORD_CHANGED, alice)
    worker = Worker(queues=["default"])

    while worker.run_one(now=timezone.now()):
        pass

    assert [mail["Subject"] for mail in mailbox.collect()] == ["Matinee: your password was changed"]


def test_a_server_that_refuses_is_tried_again_with_a_token_of_its_own(alice: User, mailbox: Mailbox) -> None:
    post(Kind.RESET, alice)
    mailbox.is_full = True
    with pytest.raises(Undelivered):
        mailbox.collect()
    before = Letter.objects.get().digest

    mailbox.is_full = False
    token = mailbox.token()

    assert Letter.objects.get().digest != before
    recovery.reset_password(token=token, new="another battery staple horse", now=timezone.now())


def test_no_transaction_is_open_while_a_mail_is_sent(
    alice: User, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    post(Kind.RESET, alice)
    depths: list[int] = []
    real = EmailMessage.send

    def watched(mail: EmailMessage) -> int:
        depths.append(len(connection.savepoint_ids))
        return real(mail)

    monkeypatch.setattr(EmailMessage, "send", watched)
    mailbox.collect()

    assert depths == [0]


@pytest.mark.parametrize("kind", [Kind.RESET, Kind.VERIFICATION, Kind.EMAIL_CHANGE, Kind.PASSWORD_CHANGED])
def test_who_is_switched_off_meanwhile_gets_nothing(alice: User, mailbox: Mailbox, kind: Letter.Kind) -> None:
    post(kind, alice)
    User.objects.update(is_active=False)

    assert mailbox.collect() == []
    assert not Letter.objects.exists()


def test_what_is_too_old_or_gone_is_not_sent(alice: User, mailbox: Mailbox) -> None:
    letters.post(Kind.RESET, email=alice.email, user=alice, now=timezone.now() - dt.timedelta(hours=2))
    post(Kind.RESET, alice)
    Letter.objects.filter(created_at__gt=timezone.now() - MINUTE).delete()

    assert mailbox.collect() == []


def test_nobodys_mailbox_is_filled_but_changes_are_always_told(alice: User, mailbox: Mailbox) -> None:
    for email in ["alice@example.org", "ALICE@example.org", "Alice@Example.org"] * 3:
        post(Kind.REGISTRATION, None, email=email)
    for _ in range(6):
        post(Kind.PASSWORD_CHANGED, alice)
    post(Kind.RESET, alice)

    subjects = Counter(mail["Subject"] for mail in mailbox.collect())

    assert subjects == {
        "Matinee: you already have an account": 5,
        "Matinee: your password was changed": 6,
        "Matinee: choose a new password": 1,
    }
    Letter.objects.update(sent_at=timezone.now() - dt.timedelta(hours=1))
    post(Kind.REGISTRATION, None)
    assert len(mailbox.collect()) == 1


@pytest.mark.parametrize("token", ["", "x", "x" * 43, "\x00", "\ud800", "é", "x" * 100_000])
def test_an_unknown_token_is_refused(alice: User, token: str) -> None:
    post(Kind.RESET, alice)  # it has no token yet

    with pytest.raises(MailTokenRefused) as refusal:
        letters.holding(token, kinds=list(Kind), now=NOW)

    assert [field.field for field in refusal.value.fields] == ["token"]


@pytest.mark.parametrize(
    ("kind", "lives"),
    [
        (Kind.RESET, dt.timedelta(hours=1)),
        (Kind.VERIFICATION, dt.timedelta(days=2)),
        (Kind.EMAIL_CHANGE, dt.timedelta(days=1)),
    ],
)
def test_a_token_works_for_a_while_and_for_what_it_is_for(
    alice: User, mailbox: Mailbox, kind: Letter.Kind, lives: dt.timedelta
) -> None:
    asked = timezone.now()
    letters.post(kind, email="alice@example.org", user=alice, now=asked)
    token = mailbox.token()

    letter = letters.holding(token, kinds=[kind], now=asked + lives - MINUTE)

    assert letter.owner == alice
    with pytest.raises(MailTokenRefused):
        letters.holding(token, kinds=[kind], now=asked + lives)
    with pytest.raises(MailTokenRefused):
        letters.holding(token, kinds=set(Kind) - {kind}, now=asked)
    User.objects.update(is_active=False)
    with pytest.raises(MailTokenRefused):
        letters.holding(token, kinds=[kind], now=asked)


def test_a_token_that_was_used_since_it_was_looked_up_is_refused(
    alice: User, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    post(Kind.RESET, alice)
    reset = functools.partial(recovery.reset_password, token=mailbox.token(), now=timezone.now())
    checked = new_password

    def used_meanwhile(*args: Any, **kwargs: Any) -> str:
        monkeypatch.setattr(recovery, "new_password", checked)
        reset(new="battery staple horse first")
        return checked(*args, **kwargs)

    monkeypatch.setattr(recovery, "new_password", used_meanwhile)

    with pytest.raises(MailTokenRefused):
        reset(new="battery staple horse second")

    alice.refresh_from_db()
    assert alice.check_password("battery staple horse first")


@pytest.mark.django_db(transaction=True)
def test_of_eight_who_use_one_token_at_once_exactly_one_does(alice: User, mailbox: Mailbox) -> None:
    for _ in range(3):
        post(Kind.RESET, alice)
        token = mailbox.token()

        reset = functools.partial(recovery.reset_password, token=token, now=timezone.now())
        outcomes = at_once(*[functools.partial(reset, new=f"battery staple horse {n}") for n in range(8)])

        assert Counter(type(outcome) for outcome in outcomes) == {type(None): 1, MailTokenRefused: 7}
        [won] = [number for number, outcome in enumerate(outcomes) if outcome is None]
        alice.refresh_from_db()
        assert alice.check_password(f"battery staple horse {won}")
        mailbox.collect()


def test_what_is_too_old_is_forgotten_and_nothing_else(alice: User) -> None:
    letters.post(Kind.RESET, email=alice.email, user=alice, now=timezone.now() - dt.timedelta(hours=2))
    post(Kind.RESET, alice)
    periodic = next(periodic for periodic in registered() if periodic.task == forget_expired_letters)

    assert periodic.every == dt.timedelta(hours=1)
    assert periodic.task.call() == 1
    assert Letter.objects.count() == 1


def test_a_letter_goes_with_its_person(alice: User, mailbox: Mailbox) -> None:
    post(Kind.RESET, alice)

    alice.delete()

    assert not Letter.objects.exists()
    assert mailbox.collect() == []


def test_asking_takes_the_same_steps_whoever_is_asked_for(alice: User) -> None:
    def steps(email: str) -> list[str]:
        with CaptureQueriesContext(connection) as queries:
            recovery.ask_for_reset(email=email, now=NOW)
        return [re.split(r"VALUES|WHERE|SAVEPOINT", query["sql"])[0] for query in queries]

    assert steps("alice@example.org") == steps("nobody@example.org")
    jobs = Job.objects.filter(task_path=send_letter.module_path).values_list("args_kwargs", flat=True)
    assert "example.org" not in str([*jobs]), "what waits in the queue names nobody"
