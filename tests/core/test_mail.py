"""How mail leaves, read from the environment."""

from __future__ import annotations

import pytest

from matinee.core import mail
from matinee.core.env import ConfigurationError
from matinee.core.mail import Smtp


def test_no_server_is_no_server() -> None:
    assert mail.smtp("MATINEE_NONE") is None


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://127.0.0.1:1025", Smtp("127.0.0.1", 1025, "", "", "none")),
        ("smtp://relay", Smtp("relay", 25, "", "", "none")),
        ("smtp://[::1]:25", Smtp("::1", 25, "", "", "none")),
        ("smtp://me:secret@localhost", Smtp("localhost", 25, "me", "secret", "none")),
        ("smtps://me:secret@mail.example.org", Smtp("mail.example.org", 465, "me", "secret", "tls")),
        (
            "smtp+starttls://me%40example.org:p%3A%2F%40ss@mail.example.org:2525",
            Smtp("mail.example.org", 2525, "me@example.org", "p:/@ss", "starttls"),
        ),
    ],
)
def test_a_url_names_a_server(monkeypatch: pytest.MonkeyPatch, url: str, server: Smtp) -> None:
    monkeypatch.setenv("MATINEE_ONE", url)

    assert mail.smtp("MATINEE_ONE") == server


@pytest.mark.parametrize(
    "url",
    [
        "mail.example.org", "https://mail.example.org", "smtp://", "smtp://host:port", "smtp://host:99999",
        "smtp://host/path", "smtp://host?tls=1", "smtp://host#x", "smtp://[::1", "starttls://host",
    ],
)  # fmt: skip
def test_what_is_no_such_url_stops_the_start(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("MATINEE_ONE", url)

    with pytest.raises(ConfigurationError, match=r"MATINEE_ONE must look like smtp\+starttls://"):
        mail.smtp("MATINEE_ONE")


def test_no_password_leaves_unencrypted_and_none_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATINEE_ONE", "smtp://me:hunter2@mail.example.org")

    with pytest.raises(ConfigurationError, match="unencrypted") as refusal:
        mail.smtp("MATINEE_ONE")

    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize("given", ["films@example.org", "Films <films@example.org>"])
def test_a_sender_is_an_address(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("MATINEE_ONE", given)

    assert mail.sender("MATINEE_ONE", "") == given


@pytest.mark.parametrize("given", ["films", "@", "Films", "Films <@>", "a@example.org\nBcc: b@example.org"])
def test_what_is_no_sender_stops_the_start(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("MATINEE_ONE", given)

    with pytest.raises(ConfigurationError, match="MATINEE_ONE must be an address"):
        mail.sender("MATINEE_ONE", "")


def test_a_link_has_a_place_for_what_to_do_and_for_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    assert mail.link("MATINEE_ONE") == ""
    monkeypatch.setenv("MATINEE_ONE", "https://films.example.org/{action}#{token}")
    assert mail.link("MATINEE_ONE") == "https://films.example.org/{action}#{token}"


@pytest.mark.parametrize(
    "given", ["films.example.org/{action}#{token}", "https://x/{token}", "javascript:{action}{token}"]
)
def test_what_is_no_such_link_stops_the_start(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("MATINEE_ONE", given)

    with pytest.raises(ConfigurationError, match="MATINEE_ONE must be a URL"):
        mail.link("MATINEE_ONE")
