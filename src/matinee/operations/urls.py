"""The paths for those who run the service, outside the API."""

from __future__ import annotations

from django.urls import path

from matinee.operations.health import livez, readyz
from matinee.operations.metrics import metrics
from matinee.operations.security_txt import security_txt

urlpatterns = [
    path("livez", livez),
    path("readyz", readyz),
    path("metrics", metrics),
    path(".well-known/security.txt", security_txt),
]
