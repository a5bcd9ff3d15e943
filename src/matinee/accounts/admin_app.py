"""Django's admin, on our site."""

from __future__ import annotations

from django.contrib.admin.apps import AdminConfig


class AuditedAdminConfig(AdminConfig):
    default_site = "matinee.accounts.admin_site.AuditedSite"
