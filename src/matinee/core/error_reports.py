"""What is logged as an error, sent to Sentry where it is set: which line failed where, and nothing that was said.

An event is made anew of what is listed here, so that no integration, variable or message brings in more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matinee import __version__
from matinee.core.request_id import current, trace_id

KEPT = ("event_id", "timestamp", "level", "logger", "platform", "release", "environment")
OF_A_FRAME = ("filename", "module", "function", "lineno", "in_app")


def start(dsn: str) -> None:
    """From a thread of its own. A Sentry that is away costs reports alone."""
    import sentry_sdk  # noqa: PLC0415 - an extra
    from sentry_sdk.integrations.logging import LoggingIntegration  # noqa: PLC0415 - an extra

    sentry_sdk.init(
        dsn,
        release=f"matinee@{__version__}",
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[LoggingIntegration(level=None)],
        max_breadcrumbs=0,
        include_local_variables=False,
        include_source_context=False,
        auto_session_tracking=False,
        send_client_reports=False,
        before_send=lambda event, _hint: plain(event),
    )


def plain(event: Mapping[str, Any]) -> Any:
    """The event that is sent: the message before anything was put into it, and where it was raised."""
    told = {name: event[name] for name in KEPT if name in event}
    told["logentry"] = {"message": event.get("logentry", {}).get("message", "")}
    raised = event.get("exception", {}).get("values", [])
    told["exception"] = {"values": [_raised(one) for one in raised]}
    told["tags"] = {"request_id": current.get() or "-", "trace_id": trace_id.get() or "-"}
    return told


def _raised(one: Mapping[str, Any]) -> dict[str, Any]:
    """Its kind and place, without its words."""
    frames = (one.get("stacktrace") or {}).get("frames", [])
    kept = [{name: frame[name] for name in OF_A_FRAME if name in frame} for frame in frames]
    return {"type": one.get("type"), "module": one.get("module"), "stacktrace": {"frames": kept}}
