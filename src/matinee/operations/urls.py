"""The paths for those who run the service, outside the API."""

from __future__ import annotations

from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from matinee.operations.health import livez, readyz
from matinee.operations.metrics import metrics
from matinee.operations.security_txt import security_txt

urlpatterns = [
    path("livez", csrf_exempt(livez)),
    path("readyz", csrf_exempt(readyz)),
    path("metrics", csrf_exempt(metrics)),
    path(".well-known/security.txt", csrf_exempt(security_txt)),
]
"""They change nothing and look at no cookie: a POST is no method of theirs, and not forbidden."""
