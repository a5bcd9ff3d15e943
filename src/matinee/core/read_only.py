"""Pages of the admin that are looked at: who may see them changes nothing there."""

from __future__ import annotations

from django.http import HttpRequest


class Unedited:
    """Neither added nor changed, perhaps deleted: it says what somebody else did."""

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002 - Django's signature
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002 - Django's signature
        return False


class ReadOnly(Unedited):
    """Nor deleted."""

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002 - Django's signature
        return False
