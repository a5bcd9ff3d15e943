"""What can stand in the trail: a closed vocabulary, each word told in docs/audit.md."""

from __future__ import annotations

from enum import StrEnum


class Action(StrEnum):
    ACCOUNT_MADE = "account_made"
    ACCOUNT_ERASED = "account_erased"
    SIGNED_IN = "signed_in"
    SIGN_IN_FAILED = "sign_in_failed"
    SIGN_INS_BLOCKED = "sign_ins_blocked"
    TOKENS_REFRESHED = "tokens_refreshed"
    REFRESH_TOKEN_REUSED = "refresh_token_reused"  # noqa: S105 - a word of the vocabulary
    SIGNED_OUT = "signed_out"
    SESSION_ENDED = "session_ended"
    OTHER_SESSIONS_ENDED = "other_sessions_ended"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a word of the vocabulary
    PASSWORD_RESET_ASKED = "password_reset_asked"  # noqa: S105 - a word of the vocabulary
    PASSWORD_RESET = "password_reset"  # noqa: S105 - a word of the vocabulary
    EMAIL_CHANGE_ASKED = "email_change_asked"
    EMAIL_CHANGED = "email_changed"
    EMAIL_VERIFIED = "email_verified"
    PROFILE_CHANGED = "profile_changed"
    EXPORT_ASKED = "export_asked"
    FAVORITE_ADDED = "favorite_added"
    FAVORITE_REMOVED = "favorite_removed"
    WATCHLIST_ADDED = "watchlist_added"
    WATCHLIST_REMOVED = "watchlist_removed"
    MOVIE_DISMISSED = "movie_dismissed"
    DISMISSAL_UNDONE = "dismissal_undone"
    RATING_GIVEN = "rating_given"
    RATING_CHANGED = "rating_changed"
    RATING_WITHDRAWN = "rating_withdrawn"
    REVIEW_HIDDEN = "review_hidden"
    REVIEW_SHOWN = "review_shown"
    STAFF_ADDED = "staff_added"
    STAFF_CHANGED = "staff_changed"
    STAFF_DELETED = "staff_deleted"
    STAFF_ACTED = "staff_acted"
    KEYS_ROTATED = "keys_rotated"
    SEGMENTS_DROPPED = "segments_dropped"
    RESTORE_ACCEPTED = "restore_accepted"
