"""What letters say. Plain text, in the order: what happened, what to do, what if it was not you."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings

VERIFY_EMAIL = "verify-email"
RESET_PASSWORD = "reset-password"  # noqa: S105 - what a link is for
BY_LINK = "open this link"
BY_CODE = "give this code to the app that you use"
OPTED_IN = "\nYou asked for this in your profile, where watchlist_release turns it off.\n"
CLOSING = "\nThis mail was written by Matinee, where somebody gave this address. Nobody reads answers to it.\n"


@dataclass(frozen=True)
class Text:
    subject: str
    body: str
    """{how} stands for a link or for a code, and the words around it."""
    action: str = ""
    """What its token is for; empty where it has none."""

    def written(self, *, name: str | None, token: str) -> str:
        """The whole text; nobody is greeted by name where there is none."""
        greeting = "Hello,\n\n" if name is None else f"Hello {name},\n\n"
        return greeting + self.body.replace("{how}", _how(self.action, token)) + CLOSING


def _how(action: str, token: str) -> str:
    if not settings.MAIL_LINK:
        return f"{BY_CODE}:\n\n    {token}"
    return f"{BY_LINK}:\n\n    {settings.MAIL_LINK.replace('{action}', action).replace('{token}', token)}"


REGISTRATION = Text(
    "Matinee: confirm your new account",
    """\
Somebody, probably you, wants to open an account with this address. To open it, {how}

It works once, within two days. Then sign in with this address and the password that you chose.

If it was not you, there is nothing to do: unless it is confirmed, no account is opened.
""",
    VERIFY_EMAIL,
)
ALREADY_REGISTERED = Text(
    "Matinee: you already have an account",
    """\
Somebody, perhaps you, gave this address for a new account or as the new address of another one. It is the address of
your account already, so nothing has changed.

If it was you, sign in with your username or this address. If you have forgotten your password, ask for a new one.
If it was not you, there is nothing to do: they were not told that you are here.
""",
)
VERIFICATION = Text(
    "Matinee: confirm your e-mail address",
    """\
You gave this address for your account. To confirm that it is yours, {how}

It works once, within two days.

If this is not your account, there is nothing to do.
""",
    VERIFY_EMAIL,
)
RESET = Text(
    "Matinee: choose a new password",
    """\
Somebody, probably you, has forgotten the password of your account. To choose a new one, {how}

It works once, within an hour. You will then be signed out everywhere.

If it was not you, there is nothing to do: your password stays as it is.
""",
    RESET_PASSWORD,
)
EMAIL_CHANGE = Text(
    "Matinee: confirm your new e-mail address",
    """\
You want this to be the new address of your account. To confirm that it is yours, {how}

It works once, within a day. Until then your account keeps its present address.

If this is not your account, there is nothing to do.
""",
    VERIFY_EMAIL,
)
PASSWORD_CHANGED = Text(
    "Matinee: your password was changed",
    """\
The password of your account was changed a moment ago, and every other device was signed out.

If it was you, there is nothing to do. If it was not you, ask for a new password at once: that signs out whoever did it.
""",
)
EMAIL_CHANGED = Text(
    "Matinee: your e-mail address was changed",
    """\
Your account has another e-mail address since a moment ago. What we write to you goes there from now on.

If it was you, or the people who run this service at your wish, there is nothing to do. If not, somebody knows your
password: tell those people at once. They can give your account back to you.
""",
)
GUESSED = Text(
    "Matinee: too many wrong passwords",
    """\
Somebody has given too many wrong passwords for your account. For a while no more are looked at from where that was,
not even the right one. Devices that are signed in stay so, and where you have signed in before you still can.

If it was you, wait half an hour, or ask for a new password.
If it was not you, there is nothing to do, as long as your password is used for nothing else.
""",
)


def release(titles: Sequence[str]) -> Text:
    """About films that have come out."""
    listed = "".join(f"    {title}\n" for title in titles)
    return Text("Matinee: out now, from your watchlist", f"Out now, from your watchlist:\n\n{listed}{OPTED_IN}")
