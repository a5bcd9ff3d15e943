"""Which passwords are taken: long ones that nobody would expect, of whatever characters."""

from __future__ import annotations

import pytest
from django.contrib.auth.password_validation import password_validators_help_texts, validate_password
from django.core.exceptions import ValidationError

from matinee.accounts.models import User
from matinee.accounts.passwords import LOOKED_AT


def refusals(password: str, user: User | None = None) -> list[str]:
    try:
        validate_password(password, user)
    except ValidationError as error:
        return [part.code or "" for part in error.error_list]
    return []


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "alllowercasewithoutspaces",
        "\u0434\u043e\u0436\u0434\u044c \u0438\u0434\u0451\u0442 \u043f\u043e \u0441\u0440\u0435\u0434\u0430\u043c",
        "\u96e8\u306f\u6c34\u66dc\u65e5\u306b\u3060\u3051\u964d\u308b\u3089\u3057\u3044\u3088\u306d",
        "9f2c61d8e07b4a35",
        "tab\tand  spaces \U0001f3ac count",
        "x" * 10 + "kV7#pq2Lw9" + "x" * 980,
    ],
)
def test_whatever_is_long_and_unexpected_is_taken(password: str) -> None:
    assert refusals(password) == []


@pytest.mark.parametrize(
    "password",
    [
        "passwordpassword",
        "Password12345678",
        "P@ssw0rdP@ssw0rd",
        "123456789012345",
        "qwertyuiopasdfgh",
        "abcdefghijklmnop",
        "aaaaaaaaaaaaaaaa",
        "letmeinletmein1!",
        "Summer2026Summer2026",
        "iloveyouiloveyou",
        "thisisapassword",
        "matineematinee123",
        "matinee-is-great",
        "1q2w3e4r5t6y7u8i9o0p",
        "friend of gerly",  # from a list of what leaked
        "x" * 1_000,
        "x" * LOOKED_AT + "kV7#pq2Lw9",
    ],
)
def test_what_is_common_or_made_of_it_is_not(password: str) -> None:
    assert refusals(password) == ["password_too_common"]


@pytest.mark.parametrize(
    "password",
    ["xqzvbnrtxqzvbnrt", "xqzvbnrt-yvkwpmlj", "Yvkwpmljxqzvbnrt1", "tgbvfrejxqzvbnrt1", "wjhkfdsxwjhkfdsx.org"],
)
def test_what_is_to_be_expected_of_somebody_is_not_theirs(password: str) -> None:
    user = User(email="wjhkfdsx@tgbvfrej.org", username="xqzvbnrt", first_name="Yvkwpmlj", last_name="")

    assert refusals(password, user)
    if password != "xqzvbnrtxqzvbnrt":
        assert refusals(password) == []


def test_one_thing_is_told_at_a_time() -> None:
    user = User(email="alice@example.org", username="alice")

    assert refusals("alice") == ["password_too_short"]
    assert refusals("alice@example.org", user) == ["password_too_similar"]


def test_forms_tell_what_is_asked_for() -> None:
    assert "At least 15 characters that nobody would expect" in " ".join(password_validators_help_texts())
