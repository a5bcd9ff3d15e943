"""People: who they are, what they tell about themselves, and where they are signed in."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.utils import timezone

from matinee.core.text import comparison_key


class UserManager(BaseUserManager["User"]):
    """What Django's own commands need; people register through `accounts.services.register`."""

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email_key=comparison_key(username or ""))

    def create_superuser(self, email: str, password: str, username: str) -> User:
        from matinee.accounts.services import create_user  # noqa: PLC0415 - services stand above models

        return create_user(
            email=email, password=password, username=username, now=timezone.now(), is_staff=True, is_superuser=True
        )


class User(AbstractBaseUser, PermissionsMixin):
    """An account. The two keys hold e-mail and username unique without regard to case."""

    email = models.EmailField(max_length=254, unique=True)
    email_key = models.CharField(max_length=300, unique=True, editable=False)
    username = models.CharField(max_length=30)
    username_key = models.CharField(max_length=100, unique=True, editable=False)
    first_name = models.CharField(max_length=150, blank=True)
    last_name = models.CharField(max_length=150, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    date_joined = models.DateTimeField()

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["username"]

    def __str__(self) -> str:
        return self.username

    def save(self, *args: Any, **kwargs: Any) -> None:
        """The keys follow the names, whoever saves (the admin too)."""
        self.email_key = comparison_key(self.email)
        self.username_key = comparison_key(self.username)
        super().save(*args, **kwargs)


class UserProfile(models.Model):
    """What a person tells about themselves; made in the same transaction as its User."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="profile")
    bio = models.TextField(blank=True)
    birth_date = models.DateField(null=True, blank=True)
    favorite_genres = models.JSONField(default=list, blank=True, help_text="TMDb genre ids.")
    notification_preferences = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"profile of {self.user_id}"


class Session(models.Model):
    """One sign-in: a family of refresh tokens, each spent for the next. Ended for good by `ended_at`."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sessions")
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"session {self.pk} of {self.user_id}"


class RefreshToken(models.Model):
    """A single-use token, stored as its SHA-256 alone."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="tokens")
    digest = models.BinaryField(max_length=32, unique=True)
    expires_at = models.DateTimeField()
    spent_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"refresh token {self.pk}"
