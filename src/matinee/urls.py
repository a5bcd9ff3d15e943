"""Which path goes where."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from django.views.decorators.http import require_safe
from django.views.generic import RedirectView

from matinee.api.app import api

urlpatterns = [
    path("", require_safe(RedirectView.as_view(url="/api/docs"))),
    path("api/", api.urls),
    path("admin/", admin.site.urls),
    path("", include("matinee.operations.urls")),
]
