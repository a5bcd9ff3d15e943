"""/.well-known/security.txt names whom to tell of a weakness."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from matinee.core import env


def test_it_names_the_contact_and_when_to_look_again(db: None, settings: Any) -> None:
    settings.SECURITY_CONTACT = "mailto:security@example.org"

    answer = Client().get("/.well-known/security.txt")

    assert (answer.status_code, answer["Content-Type"]) == (200, "text/plain; charset=utf-8")
    text = answer.content.decode()
    assert "Contact: mailto:security@example.org\n" in text
    expires = dt.datetime.fromisoformat(re.search(r"Expires: (\S+)", text)[1])  # type: ignore[index] # it is there
    assert timezone.now() < expires < timezone.now() + dt.timedelta(days=365)


def test_where_nobody_is_named_there_is_none(db: None) -> None:
    assert Client().get("/.well-known/security.txt").status_code == 404


@pytest.mark.parametrize("raw", ["security@example.org", "http://example.org", "mailto:a@b.org\nContact: x"])
def test_a_contact_that_is_no_link_stops_the_start(monkeypatch: pytest.MonkeyPatch, raw: str) -> None:
    assert env.contact("MATINEE_X") == ""
    monkeypatch.setenv("MATINEE_X", raw)

    with pytest.raises(env.ConfigurationError, match="MATINEE_X must"):
        env.contact("MATINEE_X")
