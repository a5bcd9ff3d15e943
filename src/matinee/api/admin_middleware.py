"""Django's middleware that the admin's pages need, and no other page: there it does nothing, and costs nothing.

The api knows people by their tokens alone, never by a cookie: there is no session to open, nobody to look up by it, and
no message to show on the next page.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.deprecation import MiddlewareMixin

from matinee.api import problems
from matinee.core.refusals import Refusal

View: TypeAlias = Callable[..., HttpResponseBase]

ADMIN = "/admin/"


class _AdminAlone(MiddlewareMixin):
    def __call__(self, request: HttpRequest) -> Any:
        return super().__call__(request) if request.path.startswith(ADMIN) else self.get_response(request)


class Sessions(_AdminAlone, SessionMiddleware):
    pass


class Csrf(_AdminAlone, CsrfViewMiddleware):
    """A form is forged in the name of whoever a cookie names: where none is looked at there is nobody to forge for."""

    def process_view(
        self, request: HttpRequest, callback: View, callback_args: tuple[Any, ...], callback_kwargs: dict[str, Any]
    ) -> HttpResponseForbidden | None:
        if not request.path.startswith(ADMIN):
            return None
        return super().process_view(request, callback, callback_args, callback_kwargs)


class Authentication(_AdminAlone, AuthenticationMiddleware):
    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """What the domain refuses there, such as one more password when too many are being checked."""
        if request.path.startswith(ADMIN) and isinstance(exception, Refusal):
            return problems.of_refusal(exception)
        return None


class Messages(_AdminAlone, MessageMiddleware):
    pass
