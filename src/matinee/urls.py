"""Which path goes where."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path

from matinee.api.app import api

urlpatterns = [
    path("api/", api.urls),
    path("admin/", admin.site.urls),
]
