"""Django's middleware that the admin's pages need, and no other page: there it does nothing, and costs nothing.

The api knows people by their tokens alone, never by a cookie: there is no session to open, nobody to look up by it, and
no message to show on the next page.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin

from matinee.api import problems
from matinee.core.refusals import Refusal

ADMIN = "/admin/"


class _AdminAlone(MiddlewareMixin):
    def __call__(self, request: HttpRequest) -> Any:
        return super().__call__(request) if request.path.startswith(ADMIN) else self.get_response(request)


class Sessions(_AdminAlone, SessionMiddleware):
    pass


class Authentication(_AdminAlone, AuthenticationMiddleware):
    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """What the domain refuses there, such as one more password when too many are being checked."""
        if request.path.startswith(ADMIN) and isinstance(exception, Refusal):
            return problems.of_refusal(exception)
        return None


class Messages(_AdminAlone, MessageMiddleware):
    pass
