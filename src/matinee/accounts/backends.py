"""Signing in to the admin: by e-mail or username, the same check as the API's."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest
from django.utils import timezone

from matinee.accounts import guard
from matinee.accounts.models import User
from matinee.core.client_address import client_address
from matinee.core.networks import NEIGHBOURHOOD, network_of


class EmailOrUsername(ModelBackend):
    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,  # noqa: ARG002 - Django's signature
    ) -> User | None:
        """The active user of this name and password or None."""
        name = username or ""
        asker = guard.Asker(
            name=name,
            user=User.objects.signing_in_as(name),
            network=network_of(client_address(request.META) if request else "", NEIGHBOURHOOD),
        )
        return guard.verified(asker, password or "", now=timezone.now())
