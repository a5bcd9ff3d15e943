"""What this process tells of itself elsewhere, where that is set: errors to Sentry, spans to a collector."""

from __future__ import annotations

from django.conf import settings

from matinee.core import error_reports, tracing


def start_reporting() -> None:
    if settings.SENTRY_DSN:
        error_reports.start(settings.SENTRY_DSN)
    if settings.OTLP_ENDPOINT:
        tracing.start(settings.OTLP_ENDPOINT)
