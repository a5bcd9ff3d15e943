"""What accounts itself holds about a person."""

from __future__ import annotations

from matinee.accounts.export_files import forget_orphans
from matinee.accounts.privacy import Section, erased_by, exported, left_out


def register() -> None:
    """Called when the apps are ready."""
    exported(Section("account", "accounts.User", "pk", ACCOUNT))
    exported(Section("profile", "accounts.UserProfile", "user", PROFILE))
    exported(Section("sessions", "accounts.Session", "user", SESSIONS))
    exported(Section("activity", "audit.Event", "subject", ACTIVITY, of="audit_key"))
    exported(Section("groups", "accounts.User_groups", "user", {"group": "group__name"}))
    erased_by("exports", lambda _person: forget_orphans())
    secret, ours = "It proves who somebody is, and is stored as a digest alone.", "Of no meaning outside the database."
    left_out("accounts.User", secret, "password")
    left_out("accounts.User", "The same as the e-mail and the username, in one case.", "email_key", "username_key")
    left_out("accounts.UserProfile", "Empty, and kept for the program before alone.", "plain_bio", "plain_birth_date")
    left_out("accounts.UserProfile", ours, "id", "user")
    left_out("accounts.Session", ours, "user")
    left_out("accounts.RefreshToken", secret)
    left_out("accounts.DataKey", "A key to what is given in plain.")
    left_out("accounts.Export", "It holds nothing but that an export was asked for, which activity says.")
    exported(Section("letters", "accounts.Letter", "user", LETTERS))
    left_out("accounts.Letter", secret, "digest")
    left_out("accounts.Letter", "Titles of films, which `watchlist` says; of nobody's account the rest.", "facts")
    left_out("accounts.Letter", ours, "id", "user", "email_key")
    exported(Section("wrong_passwords", "accounts.Guesses", "user", GUESSES))
    left_out("accounts.Guesses", ours, "subject", "user", "of_password")
    left_out("accounts.PersonState", "A number that moves with what is given here.")
    left_out("accounts.Erasure", "Of who is here no more; it names nobody.")
    left_out("accounts.User_groups", ours, "id", "user", "group")
    left_out("accounts.User_user_permissions", "What staff may do; of the service, not of the person.")
    left_out("admin.LogEntry", "What staff did in the admin, which activity says of whoever it was done to.")
    left_out("audit.Event", "A pseudonym: the person's own is in `account`, another's is not theirs to have.", "actor")
    left_out("audit.Event", ours, "subject", "segment", "place", "digest")


ACCOUNT = {
    name: name
    for name in (
        "id", "email", "username", "first_name", "last_name", "date_joined", "is_active", "is_staff", "is_superuser",
        "audit_key", "email_verified_at",
    )
}  # fmt: skip
PROFILE = {
    name: name
    for name in (
        "bio", "birth_date", "favorite_genres", "notification_preferences", "maturity_ceiling",
        "created_at", "updated_at",
    )
}  # fmt: skip
SESSIONS = {
    name: name
    for name in ("id", "device", "address", "created_at", "last_used_at", "expires_at", "ended_at")
}  # fmt: skip
GUESSES = {name: name for name in ("tries", "networks", "newest_at", "told_at")}
LETTERS = {name: name for name in ("kind", "email", "created_at", "expires_at", "sent_at")}
ACTIVITY = {
    name: name for name in ("id", "at", "action", "target", "changes", "request_id", "network")
}  # fmt: skip
