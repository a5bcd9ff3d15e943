from __future__ import annotations

from matinee.core.remembered import Remembered


def test_what_was_kept_is_there_until_it_is_replaced() -> None:
    words = Remembered[str](at_most=10, weight=len)

    words.keep("a", "one")
    words.keep("a", "two")

    assert words.get("a") == "two"
    assert words.get("b") is None


def test_what_was_asked_for_longest_ago_makes_room_by_weight() -> None:
    words = Remembered[str](at_most=10, weight=len)
    words.keep("first", "12345")
    words.keep("second", "1234")
    words.get("first")

    words.keep("third", "123")

    assert words.get("second") is None
    assert (words.get("first"), words.get("third")) == ("12345", "123")


def test_what_is_too_heavy_alone_is_not_kept_and_drives_nothing_out() -> None:
    words = Remembered[str](at_most=10, weight=len)
    words.keep("small", "1")

    words.keep("huge", "1" * 11)

    assert words.get("huge") is None
    assert words.get("small") == "1"


def test_of_what_stands_under_a_version_the_last_one_alone_is_kept() -> None:
    words = Remembered[str](at_most=10, weight=len)
    words.keep("other", "1234")
    for version in range(100):
        words.keep("a", "12345", version)

    assert (words.get("a", 99), words.get("a", 98), words.get("a")) == ("12345", None, None)
    assert words.get("other") == "1234"
