"""What a process tells of itself: when it began, and elsewhere, where that is set, errors to Sentry and spans to a
collector."""

from __future__ import annotations

from django.conf import settings

from matinee.core import error_reports, tracing
from matinee.operations.metrics import STARTED


def begin() -> None:
    """Called first thing by each process that works: what a copy has is its parent's."""
    STARTED.set_to_current_time()
    if settings.SENTRY_DSN:
        error_reports.start(settings.SENTRY_DSN)
    if settings.OTLP_ENDPOINT:
        tracing.start(settings.OTLP_ENDPOINT)
