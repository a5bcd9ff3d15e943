"""Signing in to the admin: by e-mail or username, the same check as the API's."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from matinee.accounts.models import User
from matinee.core.text import comparison_key


class EmailOrUsername(ModelBackend):
    def authenticate(
        self, _request: HttpRequest | None, username: str | None = None, password: str | None = None, **_: Any
    ) -> User | None:
        """The user of this name and password or None; one hash is computed either way, so that time tells nothing."""
        key = comparison_key(username or "")
        column = "email_key" if "@" in key else "username_key"
        user = User.objects.filter(**{column: key}).first()
        if user is None:
            User().set_password(password)
            return None
        return user if user.check_password(password or "") and self.user_can_authenticate(user) else None
