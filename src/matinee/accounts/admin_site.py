"""The admin's site, on which whatever staff change is told by the audit trail, in the transaction of the change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import admin
from django.contrib.admin.forms import AdminPasswordChangeForm
from django.contrib.auth.views import PasswordChangeView
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import QuerySet
from django.forms import BooleanField
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from matinee.accounts import guard
from matinee.accounts.models import User
from matinee.accounts.recovery import end_old_password
from matinee.audit.actions import Action
from matinee.audit.trail import Deed, record, record_all
from matinee.core import client_network
from matinee.core.networks import NEIGHBOURHOOD, network_of

TOLD_ROW_BY_ROW = "delete_selected"
EVERY_PAGE = BooleanField(required=False)
"""How Django reads whether an action is for all that was found, beyond the page that names its rows."""


class Audited(admin.ModelAdmin[Any]):
    """Laid over every model's admin: of each row that is added, changed or deleted, and of each action, one event."""

    def log_addition(self, request: HttpRequest, obj: models.Model, message: Any) -> Any:
        if not _is_account(obj):  # which tells of itself when it is made, and when it is erased
            record_all([_deed(Action.STAFF_ADDED, request, obj)], now=timezone.now())
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: models.Model, message: Any) -> Any:
        fields = sorted(
            {name for part in message if "changed" in part for name in part["changed"].get("fields", [])}
            if isinstance(message, list)
            else ()
        )
        record_all([_deed(Action.STAFF_CHANGED, request, obj, fields=fields)], now=timezone.now())
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[models.Model]) -> Any:
        told = [_deed(Action.STAFF_DELETED, request, obj) for obj in queryset if not _is_account(obj)]
        record_all(told, now=timezone.now())
        return super().log_deletions(request, queryset)

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[models.Model], *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        name = request.POST.get("action", "")
        found = queryset.count() if EVERY_PAGE.to_python(request.POST.get("select_across")) else None
        response = super().response_action(request, queryset, *args, **kwargs)
        if name in self.get_actions(request) and name != TOLD_ROW_BY_ROW:
            rows = [int(pk) if pk.isdecimal() else pk for pk in request.POST.getlist("_selected_action")]
            chosen = {"rows": rows} if found is None else {"all_found": found}
            record(
                Action.STAFF_ACTED,
                actor=key_of(request),
                subject=None,
                target=queryset.model._meta.label_lower,  # noqa: SLF001 - Django's name for a model's facts
                changes={"action": name, **chosen},
                now=timezone.now(),
            )
        return response


class OwnPasswordForm(AdminPasswordChangeForm):
    error_messages = {  # noqa: RUF012 - Django's, which the stubs hold for an instance's
        **AdminPasswordChangeForm.error_messages,
        "password_incorrect": "This is not your password, or too many wrong ones were tried here: wait half an hour.",
    }

    def clean_old_password(self) -> str:
        """Looked at by the guard: who finds a signed-in browser has no more tries than anybody."""
        old: str = self.cleaned_data["old_password"]
        asker = guard.Asker(name="", user=self.user, network=network_of(client_network.address.get(), NEIGHBOURHOOD))
        if guard.verified(asker, old, now=timezone.now()) is None:
            raise ValidationError(self.error_messages["password_incorrect"], code="password_incorrect")
        return old

    def save(self, commit: bool = True) -> User:  # noqa: FBT001, FBT002 - Django's signature
        user: User = super().save(commit=commit)
        end_old_password(user=user, now=timezone.now())
        return user


class AuditedSite(admin.AdminSite):
    def register(
        self, model_or_iterable: Any, admin_class: type[admin.ModelAdmin[Any]] | None = None, **options: Any
    ) -> None:
        below = admin_class or admin.ModelAdmin
        super().register(model_or_iterable, type(below.__name__, (Audited, below), {}), **options)

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Any:  # noqa: FBT001, FBT002 - Django's signature
        """What is posted is done whole, with its events, or not at all."""

        def whole(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if request.method != "POST":
                return view(request, *args, **kwargs)
            with transaction.atomic():
                return view(request, *args, **kwargs)

        return super().admin_view(whole, cacheable)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response = super().login(request, extra_context)
        if request.method == "POST" and response.status_code == 302:
            self._tell(Action.SIGNED_IN, key_of(request), key_of(request))
        elif request.method == "POST":
            self._tell(Action.SIGN_IN_FAILED, None, _named(request))
        return response

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        key = key_of(request)
        if request.method == "POST":
            self._tell(Action.SIGNED_OUT, key, key)
        return super().logout(request, extra_context)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        request.current_app = self.name
        context = {**self.each_context(request), **(extra_context or {})}
        done = reverse("admin:password_change_done", current_app=self.name)
        view = PasswordChangeView.as_view(form_class=OwnPasswordForm, success_url=done, extra_context=context)
        response = view(request)
        if request.method == "POST" and response.status_code == 302:
            self._tell(Action.PASSWORD_CHANGED, key_of(request), key_of(request))
        return response

    @transaction.atomic
    def _tell(self, action: Action, actor: str | None, subject: str | None) -> None:
        record(action, actor=actor, subject=subject, target="admin", now=timezone.now())


def key_of(request: HttpRequest) -> str | None:
    """Under which the trail knows who uses the admin."""
    key: str | None = getattr(request.user, "audit_key", None)
    return key


def _deed(action: Action, request: HttpRequest, row: models.Model, fields: Sequence[str] = ()) -> Deed:
    person = row if _is_account(row) else getattr(row, "user", None)
    subject = getattr(person, "audit_key", None)
    target = f"{row._meta.label_lower}:{row.pk}"  # noqa: SLF001 - Django's name for a model's facts
    return Deed(action, key_of(request), subject, target, {"fields": list(fields)} if fields else None)


def _is_account(row: models.Model) -> bool:
    return isinstance(row, User)


def _named(request: HttpRequest) -> str | None:
    """Whose name was typed, if anybody's."""
    found = User.objects.signing_in_as(request.POST.get("username", ""))
    return found.audit_key if found else None
