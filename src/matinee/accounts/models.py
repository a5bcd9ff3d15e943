"""People: who they are, what they tell about themselves, and where they are signed in."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import secrets
import unicodedata
from collections.abc import Mapping
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.sql.compiler import SQLCompiler
from django.utils import timezone

from matinee.accounts import master_keys
from matinee.accounts.encrypted_fields import EncryptedDateField, EncryptedTextField
from matinee.accounts.names import (
    EMAIL_AT_MOST,
    EMAIL_KEY_LENGTH,
    USERNAME_AT_MOST,
    USERNAME_KEY_LENGTH,
    validate_email,
    validate_username,
)
from matinee.accounts.origins import ADDRESS_AT_MOST, DEVICE_AT_MOST
from matinee.audit.models import KEY_LENGTH
from matinee.audit.trail import new_key
from matinee.core import ciphers
from matinee.core.ciphers import Unreadable
from matinee.core.refusals import Refusal
from matinee.core.text import comparison_key

NEWS, RELEASES = "product_mail", "watchlist_release"
NOTIFICATION_SWITCHES: Mapping[str, bool] = {NEWS: False, RELEASES: False}
"""What a person can be written to about, and whether that is on before they chose. Security mail is always sent."""

STATE_VERSION_BITS = 53


class RandomKey(models.Func):
    """An audit key made by the database, for whoever adds a person without one: a program before the upgrade."""

    output_field = models.CharField(max_length=KEY_LENGTH)
    template = "lower(hex(randomblob(16)))"

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Any:
        return self.as_sql(compiler, connection, template="replace(gen_random_uuid()::text, '-', '')")


BEFORE = "As it stood before it was encrypted; empty, and kept for the program before alone."


class UserManager(BaseUserManager["User"]):
    """Finding people by name, and what Django's own commands need; people register through `accounts.services`."""

    def named(self, *, email: str | None = None, username: str | None = None) -> User | None:
        """Whose e-mail this is, or else whose username, without regard to case."""
        if email is not None:
            return self.filter(email_key=comparison_key(email)).first()
        return self.filter(username_key=comparison_key(username or "")).first()

    def signing_in_as(self, name: str) -> User | None:
        """Whose e-mail or username this is. No username holds an @, and every address does."""
        return self.named(email=name) if "@" in name else self.named(username=name)

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email_key=comparison_key(username or ""))

    def create_superuser(self, email: str, username: str, password: str | None = None) -> User:
        """Raises ValidationError, which the command turns into a sentence."""
        from matinee.accounts.services import create_user  # noqa: PLC0415 - services stand above models

        if password is None:
            raise ValidationError("A password is needed: set DJANGO_SUPERUSER_PASSWORD.")
        try:
            return create_user(
                email=email, password=password, username=username, now=timezone.now(), is_staff=True, is_superuser=True
            )
        except Refusal as refusal:
            raise ValidationError([refusal.detail, *(field.message for field in refusal.fields)]) from None


class User(AbstractBaseUser, PermissionsMixin):
    """An account. The two keys hold e-mail and username unique without regard to case."""

    last_login = None  # sessions tell when somebody signed in
    email = models.EmailField(max_length=EMAIL_AT_MOST, unique=True, validators=[validate_email])
    email_key = models.CharField(max_length=EMAIL_KEY_LENGTH, editable=False)
    username = models.CharField(
        max_length=USERNAME_AT_MOST,
        validators=[validate_username],
        help_text="3 to 30 letters, digits, or any of _ . -",
    )
    username_key = models.CharField(max_length=USERNAME_KEY_LENGTH, editable=False)
    first_name = models.CharField(max_length=150, blank=True)
    last_name = models.CharField(max_length=150, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    date_joined = models.DateTimeField()
    audit_key = models.CharField(
        max_length=KEY_LENGTH,
        default=new_key,
        db_default=RandomKey(),
        editable=False,
        help_text="Under which the audit trail knows this person; it goes with the account.",
    )
    email_verified_at = models.DateTimeField(
        null=True, blank=True, help_text="When a mail to the address was answered."
    )

    objects: ClassVar[UserManager] = UserManager()

    state_version: int | None = None
    """The version of their state as a request that reads began; None where nothing remembered may be believed."""

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["username"]

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["email_key"], name="one_account_per_email"),
            models.UniqueConstraint(fields=["username_key"], name="one_account_per_username"),
            models.UniqueConstraint(fields=["audit_key"], name="one_account_per_audit_key"),
        )

    def __str__(self) -> str:
        return self.username

    def save(self, *args: Any, **kwargs: Any) -> None:
        """The keys follow the names, whoever saves (the admin too)."""
        self.email_key = comparison_key(self.email)
        self.username_key = comparison_key(self.username)
        super().save(*args, **kwargs)

    def opening_key(self) -> bytes:
        """The key that opens what is encrypted of this person. Raises Unreadable."""
        try:
            return self.data_key.opened()
        except DataKey.DoesNotExist:
            raise Unreadable(f"The data key of user {self.pk} is not there.") from None

    def sealing_key(self) -> bytes:
        """The key to encrypt with, made where this person has none: the program before made people without."""
        if not hasattr(self, "data_key"):
            made = DataKey.made_for(self)
            DataKey.objects.bulk_create([made], ignore_conflicts=True)
            self.data_key = DataKey.objects.get(user=self)
        return self.data_key.opened()

    def set_password(self, raw_password: str | None) -> None:
        super().set_password(_as_typed_anywhere(raw_password))

    def check_password(self, raw_password: str | None) -> bool:
        return super().check_password(_as_typed_anywhere(raw_password))


class DataKey(models.Model):
    """The key of one person's encrypted fields, itself sealed by a master key. Where it is gone, nobody reads them."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, primary_key=True, related_name="data_key")
    sealed = models.BinaryField(max_length=61)
    master_key_id = models.CharField(max_length=master_keys.ID_LENGTH, db_index=True)

    def __str__(self) -> str:
        return f"data key of user {self.user_id}"

    @classmethod
    def made_for(cls, user: User) -> DataKey:
        """A new one, not saved."""
        key = cls(user=user)
        key.seal(ciphers.new_key())
        return key

    def seal(self, key: bytes) -> None:
        """Put `key` in here, under the newest master key."""
        self.master_key_id, master_key = master_keys.newest()
        self.sealed = ciphers.sealed(key, key=master_key, place=str(self))

    def opened(self) -> bytes:
        """Raises Unreadable."""
        master_key = master_keys.named(self.master_key_id)
        return ciphers.opened(bytes(self.sealed), key=master_key, place=str(self))


class ProfileQuerySet(models.QuerySet["UserProfile"]):
    def readable(self) -> ProfileQuerySet:
        """With whose they are and what opens them, in one query."""
        return self.select_related("user__data_key")

    def locked(self) -> ProfileQuerySet:
        """As `readable`, with profile and user held till commit."""
        return self.readable().select_for_update(no_key=True, of=("self", "user"))


class UserProfile(models.Model):
    """What a person tells about themselves; made in the same transaction as its User."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="profile")
    bio = EncryptedTextField(blank=True, db_column="sealed_bio")
    birth_date = EncryptedDateField(blank=True, db_column="sealed_birth_date")
    plain_bio = models.TextField(default="", db_default="", editable=False, db_column="bio", help_text=BEFORE)
    plain_birth_date = models.DateField(null=True, editable=False, db_column="birth_date", help_text=BEFORE)
    favorite_genres = models.JSONField(default=list, blank=True, help_text="TMDb genre ids.")
    notification_preferences = models.JSONField(default=dict, blank=True)
    maturity_ceiling = models.CharField(
        max_length=50, null=True, blank=True, help_text="A country and its certification, like US:PG-13."
    )
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    objects = ProfileQuerySet.as_manager()

    def __str__(self) -> str:
        return f"profile of {self.user_id}"

    @property
    def switches(self) -> dict[str, bool]:
        """Every notification switch: as the person set it, or else as it comes."""
        return {name: self.notification_preferences.get(name, on) for name, on in NOTIFICATION_SWITCHES.items()}

    @property
    def version(self) -> str:
        """A digest of all that the person and the profile say, so that it changes whoever writes."""
        user = self.user
        facts = (
            (user.pk, user.email, user.username, user.first_name, user.last_name, user.date_joined.isoformat()),
            str(user.email_verified_at),
            (self.bio, str(self.birth_date), self.favorite_genres, self.switches, self.maturity_ceiling),
            (self.created_at.isoformat(), self.updated_at.isoformat()),
        )
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]


def new_state_version() -> int:
    return secrets.randbits(STATE_VERSION_BITS)


class PersonState(models.Model):
    """The version of what a person has done with films and of their favourite genres, by which processes know whether
    what they remember of that person is still true.

    Every write to those gives it a new number, in its own transaction and by triggers (`library.triggers`). Numbers are
    random, so that no number that was used before can come back with a restored backup and stand for another state. Of
    a person without a row nothing is remembered.
    """

    user = models.OneToOneField(User, on_delete=models.CASCADE, primary_key=True, related_name="+")
    version = models.BigIntegerField(default=new_state_version)

    def __str__(self) -> str:
        return f"state of {self.user_id}"


class Export(models.Model):
    """What a person asked to be given of everything that is held about them, and how far it is."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="exports")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    rows = models.IntegerField(help_text="How many there were when it was asked for.")
    rows_done = models.IntegerField(default=0)
    ready_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"export {self.pk} of {self.user_id}"


class Erasure(models.Model):
    """Somebody who was erased, so that no restored backup brings them back. The key was theirs in the audit trail, and
    says whose it was to nobody."""

    audit_key = models.CharField(primary_key=True, max_length=KEY_LENGTH)
    erased_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.audit_key


class SessionQuerySet(models.QuerySet["Session"]):
    def live(self, *, now: dt.datetime) -> SessionQuerySet:
        """Those that can still be used."""
        return self.filter(ended_at=None, expires_at__gt=now)

    def by_last_use(self) -> SessionQuerySet:
        """The latest used first."""
        return self.order_by("-last_used_at", "-id")


class Session(models.Model):
    """One sign-in: a family of refresh tokens, each spent for the next. Ended for good by `ended_at`."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sessions")
    device = models.CharField(
        max_length=DEVICE_AT_MOST, blank=True, default="", db_default="", help_text="As its client calls itself."
    )
    address = models.CharField(
        max_length=ADDRESS_AT_MOST, blank=True, default="", db_default="", help_text="Where it was used last from."
    )
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField()
    expires_at = models.DateTimeField(help_text="When the newest refresh token stops working.")
    ended_at = models.DateTimeField(null=True)

    objects = SessionQuerySet.as_manager()

    def __str__(self) -> str:
        return f"session {self.pk} of {self.user_id}"


class RefreshToken(models.Model):
    """A single-use token, stored as its SHA-256 alone. The unspent one of a session is its newest."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="tokens")
    digest = models.BinaryField(max_length=32, unique=True)
    spent_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"refresh token {self.pk}"


class Letter(models.Model):
    """A mail that is to be sent or was; where it holds a token, the token works as long as the row stands.

    Before an account is opened `facts` holds what it will be made of, the password as its hash; of a release, titles.
    """

    class Kind(models.TextChoices):
        REGISTRATION = "registration"
        VERIFICATION = "verification"
        RESET = "reset"
        EMAIL_CHANGE = "email_change"
        PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a kind of letter
        EMAIL_CHANGED = "email_changed"
        GUESSED = "guessed"
        RELEASE = "release"

    kind = models.CharField(max_length=20, choices=Kind)
    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="letters")
    email = models.EmailField(max_length=EMAIL_AT_MOST)
    email_key = models.CharField(max_length=EMAIL_KEY_LENGTH)
    facts = models.JSONField(default=dict)
    digest = models.BinaryField(max_length=32, unique=True, null=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (models.Index(fields=["email_key", "sent_at"], name="letters_to_an_address"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    @property
    def owner(self) -> User:
        """Whose account it is about. Only a registration is about nobody's."""
        if self.user is None:
            raise ValueError("This letter is about no account.")
        return self.user


class Guesses(models.Model):
    """The passwords that were tried for one name of late and were wrong. `guard` reads and writes it under a lock."""

    subject = models.CharField(max_length=64, primary_key=True, help_text="The account, or a digest of a name of none.")
    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="guesses")
    of_password = models.CharField(max_length=16, blank=True, help_text="Which password they guess at.")
    tries = models.JSONField(default=list)
    networks = models.JSONField(default=dict, help_text="Where the person has signed in from, and when last.")
    newest_at = models.DateTimeField(db_index=True)
    told_at = models.DateTimeField(null=True, help_text="When its owner was told that there were too many.")

    def __str__(self) -> str:
        return f"guesses at {self.subject}"


def digest_of(token: str) -> bytes:
    """What is stored of a token that is made at random."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _as_typed_anywhere(password: str | None) -> str | None:
    """One form for what keyboards and systems send differently for the same typed characters."""
    return None if password is None else unicodedata.normalize("NFC", password)
