"""Accounts for staff. What people say about themselves and where they are signed in is looked at, never edited."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, BaseUserCreationForm, UserChangeForm
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils import timezone

from matinee.accounts import letters
from matinee.accounts.admin_site import key_of
from matinee.accounts.erasure import erase
from matinee.accounts.models import NEWS, Letter, Session, User, UserProfile
from matinee.accounts.recovery import end_old_password
from matinee.accounts.services import create_user
from matinee.accounts.sessions import sign_out_everywhere
from matinee.core.read_only import ReadOnly


class Unclaimed:
    """A name that somebody else has, in whatever case, is told in the form."""

    cleaned_data: dict[str, Any]
    instance: User

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        return self._unclaimed(email, User.objects.named(email=email))

    def clean_username(self) -> str:
        username: str = self.cleaned_data["username"]
        return self._unclaimed(username, User.objects.named(username=username))

    def _unclaimed(self, name: str, holder: User | None) -> str:
        if holder is not None and holder != self.instance:
            raise ValidationError("Somebody has this already.")
        return name


class ByNews(admin.SimpleListFilter):
    """Who wants news by mail at an address known to be theirs, so that whoever writes it writes to nobody else."""

    title = "news by mail"
    parameter_name = "news"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002 - Django's signature
        return [("wanted", "Wanted")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> QuerySet[User]:  # noqa: ARG002 - Django's signature
        wants = {f"profile__notification_preferences__{NEWS}": True}
        is_reached = {"is_active": True, "email_verified_at__isnull": False}
        return queryset.filter(**wants, **is_reached) if self.value() else queryset


class NewUserForm(Unclaimed, BaseUserCreationForm):  # type: ignore[type-arg] # generic in its stub alone
    class Meta:
        model = User
        fields = ("email", "username")


class UserForm(Unclaimed, UserChangeForm):  # type: ignore[type-arg] # generic in its stub alone
    class Meta:
        model = User
        fields = "__all__"


class NewPasswordForm(AdminPasswordChangeForm):  # type: ignore[type-arg] # generic in its stub alone
    def save(self, commit: bool = True) -> User:  # noqa: FBT001, FBT002 - Django's signature
        user: User = super().save(commit=commit)
        end_old_password(user=user, now=timezone.now())
        return user


class ProfileInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg] # generic in its stub alone
    extra = 0
    model = UserProfile
    fields = (
        "bio",
        "birth_date",
        "favorite_genres",
        "notification_preferences",
        "maturity_ceiling",
        "created_at",
        "updated_at",
    )


class SessionInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg] # generic in its stub alone
    """Where the person is signed in now."""

    extra = 0
    model = Session
    fields = ("device", "address", "created_at", "last_used_at", "expires_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Session]:  # noqa: ARG002 - Django's signature
        return Session.objects.live(now=timezone.now()).by_last_use()


@admin.register(User)
class AccountAdmin(UserAdmin):  # type: ignore[type-arg] # generic in its stub alone
    """Only superusers give rights, and only they touch the accounts of staff: nobody raises themselves."""

    form = UserForm
    add_form = NewUserForm
    change_password_form = NewPasswordForm
    inlines = (ProfileInline, SessionInline)
    list_display = ("username", "email", "is_active", "is_staff", "date_joined")
    list_filter = ("is_active", "is_staff", "is_superuser", ByNews, "date_joined")
    search_fields = ("username", "email", "first_name", "last_name")
    ordering = ("-date_joined", "-id")
    show_full_result_count = False
    readonly_fields = ("date_joined", "email_verified_at")
    fieldsets = (
        (None, {"fields": ("email", "email_verified_at", "username", "password", "date_joined")}),
        ("Name", {"fields": ("first_name", "last_name")}),
        ("Rights", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "username", "password1", "password2")}),)
    rights: ClassVar = ("is_staff", "is_superuser", "groups", "user_permissions")

    def save_model(self, request: HttpRequest, obj: User, form: ModelForm[User], change: bool) -> None:  # noqa: FBT001 - Django's signature
        """A new account is made as everybody's is, its profile with it."""
        if change:
            self._save_changed(request, obj, form)
            return
        password = form.cleaned_data["password1"]
        made = create_user(
            email=obj.email,
            username=obj.username,
            password=password,
            made_by=key_of(request),
            now=timezone.now(),
        )
        obj.pk = made.pk
        obj.refresh_from_db()

    def _save_changed(self, request: HttpRequest, obj: User, form: ModelForm[User]) -> None:
        """Nobody has answered a mail to a new address, whoever reads the old one learns of it, and who is switched off
        does not come back signed in."""
        now = timezone.now()
        if "email" in form.changed_data:
            obj.email_verified_at = None
            letters.withdraw(user=obj)
            letters.post(Letter.Kind.EMAIL_CHANGED, email=form.initial["email"], user=obj, now=now)
        if not obj.is_active:
            sign_out_everywhere(user=obj, now=now)
        super().save_model(request, obj, form, change=True)

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        """Erased as though the person themselves had asked for it."""
        erase(obj, by=key_of(request), now=timezone.now())

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for person in queryset:
            self.delete_model(request, person)

    def get_inlines(self, _request: HttpRequest, obj: User | None) -> Any:
        return () if obj is None else self.inlines

    def get_readonly_fields(self, request: HttpRequest, _obj: User | None = None) -> Any:
        return self.readonly_fields if _is_superuser(request) else (*self.readonly_fields, *self.rights)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and _may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_touch(request, obj)


def _may_touch(request: HttpRequest, account: User | None) -> bool:
    return account is None or not (account.is_staff or account.is_superuser) or _is_superuser(request)


def _is_superuser(request: HttpRequest) -> bool:
    return isinstance(request.user, User) and request.user.is_superuser
