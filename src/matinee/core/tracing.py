"""Spans of requests and jobs, each with its time in the database, sent by OpenTelemetry where an endpoint is set.

Nothing of a person is in them: no path, query, address or statement, but the template of a route, a status and times.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from matinee import __version__
from matinee.core.request_id import trace_id

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span, Tracer

PARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
"""W3C Trace Context's `traceparent`."""
SEND_EVERY_MS = 1_000
SEND_WITHIN_SECONDS = 5
_tracer: Tracer | None = None
_current: ContextVar[Tracing | None] = ContextVar("span", default=None)


def start(endpoint: str) -> TracerProvider:
    """Send the spans of this process to a collector, from a thread of its own; one that is away costs spans alone."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - an extra
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - an extra
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - an extra
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - an extra

    global _tracer  # noqa: PLW0603 - one for the process
    provider = TracerProvider(resource=Resource.create({"service.name": "matinee", "service.version": __version__}))
    exporter = OTLPSpanExporter(endpoint.rstrip("/") + "/v1/traces", timeout=SEND_WITHIN_SECONDS)
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=SEND_EVERY_MS))
    _tracer = provider.get_tracer("matinee", __version__)
    for connection in connections.all(initialized_only=True):
        _watch(connection)
    connection_created.connect(_watch)
    return provider


def stop() -> None:
    global _tracer  # noqa: PLW0603 - one for the process
    _tracer = None


def is_on() -> bool:
    return _tracer is not None


class Tracing:
    """A span that is under way. One that is not ended is never sent."""

    def __init__(self, span: Span) -> None:
        self._span = span
        self._statements = 0
        self._nanoseconds = 0

    def count(self, execute: Callable[..., Any], *arguments: Any) -> Any:
        """Around each statement."""
        began_at = time.perf_counter_ns()
        try:
            return execute(*arguments)
        finally:
            self._statements += 1
            self._nanoseconds += time.perf_counter_ns() - began_at

    def end(self, name: str, attributes: Mapping[str, str | int], *, failed: bool) -> None:
        from opentelemetry.trace import StatusCode  # noqa: PLC0415 - an extra

        self._span.update_name(name)
        self._span.set_attributes({**attributes, "matinee.db.statements": self._statements})
        self._span.set_attribute("matinee.db.seconds", self._nanoseconds / 1e9)
        if failed:
            self._span.set_status(StatusCode.ERROR)
        self._span.end()


@contextmanager
def span(*, is_request: bool, traceparent: str = "") -> Iterator[Tracing]:
    """What happens within is a part of it, log lines included. Only while tracing is on."""
    from opentelemetry.trace import SpanKind  # noqa: PLC0415 - an extra

    if _tracer is None:
        raise RuntimeError("Tracing has not been started.")
    kind = SpanKind.SERVER if is_request else SpanKind.CONSUMER
    begun = _tracer.start_span("unnamed", context=_context(traceparent), kind=kind)
    tracing = Tracing(begun)
    token = trace_id.set(f"{begun.get_span_context().trace_id:032x}")
    outer = _current.set(tracing)
    try:
        yield tracing
    finally:
        _current.reset(outer)
        trace_id.reset(token)


def _watch(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Have each statement of a connection counted, once for its whole life. It is counted for the span of whichever
    thread uses the connection then, since threads lend connections to each other."""
    if _counted not in connection.execute_wrappers:
        connection.execute_wrappers.insert(0, _counted)  # the last one is of who wraps for a while, and takes it away


def _counted(execute: Callable[..., Any], *arguments: Any) -> Any:
    """A statement, for the span that it is a part of."""
    tracing = _current.get()
    return execute(*arguments) if tracing is None else tracing.count(execute, *arguments)


def _context(traceparent: str) -> Any:
    """Of the caller whose span ours is a part of; a new one where none is given, or none that can be read."""
    from opentelemetry.context import Context  # noqa: PLC0415 - an extra
    from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context  # noqa: PLC0415 - an extra

    found = PARENT.fullmatch(traceparent)
    if found is None:
        return Context()
    trace, parent, flags = (int(part, 16) for part in found.groups())
    caller = SpanContext(trace, parent, is_remote=True, trace_flags=TraceFlags(flags))
    return set_span_in_context(NonRecordingSpan(caller), Context())
