"""Signing in to the admin: by e-mail or username, the same check as the API's."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from matinee.accounts.models import User
from matinee.accounts.sessions import verified


class EmailOrUsername(ModelBackend):
    def authenticate(
        self,
        request: HttpRequest | None,  # noqa: ARG002 - Django's signature
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,  # noqa: ARG002 - Django's signature
    ) -> User | None:
        """The active user of this name and password or None."""
        return verified(User.objects.signing_in_as(username or ""), password or "")
