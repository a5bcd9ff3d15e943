"""A log line is one line, whatever somebody sent; as JSON it is one object."""

from __future__ import annotations

import json
import logging
from typing import Never

from hypothesis import given
from hypothesis import strategies as st

from matinee.core import request_id
from matinee.core.logs import JsonLines, Lines, escaped


def record(message: str, *, error: BaseException | None = None) -> logging.LogRecord:
    exc_info = (type(error), error, error.__traceback__) if error is not None else None
    made = logging.LogRecord("matinee.tests", logging.WARNING, __file__, 1, "%s", (message,), exc_info)
    request_id.WithRequestId().filter(made)
    return made


def raised(message: str) -> ValueError:
    try:
        fail(message)
    except ValueError as error:
        return error


def fail(message: str) -> Never:
    raise ValueError(message)


@given(st.text())
def test_no_message_ends_its_line_or_steers_a_terminal(message: str) -> None:
    line = Lines().format(record(message))

    assert len(line.splitlines()) == 1
    assert "\x1b" not in line
    assert all(character.isprintable() or ord(character) > 0x9F for character in line)


def test_a_forged_line_is_told_as_what_it_is() -> None:
    line = Lines().format(record("lost\r\n2026-11-26 ERROR root [-] All is well\x1b[2J"))

    assert r"lost\r\n2026-11-26 ERROR root [-] All is well\x1b[2J" in line


def test_no_line_of_a_traceback_passes_for_a_record() -> None:
    text = Lines().format(record("failed", error=raised("bad\n2026-11-26 ERROR root [-] forged\x1b[2J")))

    _, *below = text.split("\n")
    assert any("forged" in line for line in below)
    assert all(line.startswith("    ") and "\x1b" not in line for line in below)


def test_as_json_it_is_one_object_on_one_line_with_the_id_of_its_request() -> None:
    token = request_id.current.set("req-1")
    try:
        line = JsonLines().format(record("two\nlines", error=raised("bad")))
    finally:
        request_id.current.reset(token)

    assert "\n" not in line
    told = json.loads(line)
    assert (told["message"], told["level"], told["logger"], told["request_id"]) == (
        "two\nlines",
        "WARNING",
        "matinee.tests",
        "req-1",
    )
    assert "ValueError: bad" in told["traceback"]
    assert told["time"].endswith("+00:00")


@given(st.text())
def test_json_lines_are_ascii_and_say_the_very_message(message: str) -> None:
    line = JsonLines().format(record(message))

    assert line.isascii()
    assert len(line.splitlines()) == 1
    assert json.loads(line)["message"] == message


def test_plain_text_stays_as_it_is() -> None:
    assert escaped("Amélie · 東京物語") == "Amélie · 東京物語"
