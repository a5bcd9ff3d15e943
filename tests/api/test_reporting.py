"""Spans reach a collector and errors reach Sentry, with nothing of a person in them; both may be away."""

from __future__ import annotations

import ipaddress
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sentry_sdk
from django.db import connection
from django.test import Client
from django.utils import timezone
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import TracerProvider
from pytest_django.fixtures import Settings

from matinee.api.fast_lane import FastLane
from matinee.api.gateway import Gateway
from matinee.api.turns import Turns
from matinee.core import error_reports, tracing
from matinee.core.jobs.worker import Worker
from matinee.core.lending import lent
from matinee.core.logs import JsonLines
from matinee.core.request_id import WithRequestId
from tests.api.conftest import Api
from tests.api.lane import MOVIES, Counting, ask
from tests.api.test_canaries import ROUTES, Person, a_database_that_fails, bodies, person, send
from tests.core.jobs import tasks
from tests.exchanges import brought
from tests.receiver import Receiver, receiver

__all__ = ["person"]

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def elsewhere() -> Iterator[Receiver]:
    with receiver() as taken:
        yield taken


@pytest.fixture
def spans_go(elsewhere: Receiver) -> Iterator[TracerProvider]:
    provider = tracing.start(f"http://127.0.0.1:{elsewhere.port}")
    yield provider
    tracing.stop()
    provider.shutdown()


@pytest.fixture
def errors_go(elsewhere: Receiver) -> Iterator[None]:
    error_reports.start(f"http://key@127.0.0.1:{elsewhere.port}/1")
    yield
    sentry_sdk.get_client().close(timeout=5)
    sentry_sdk.get_global_scope().set_client(None)


def spans(elsewhere: Receiver, provider: TracerProvider) -> list[dict[str, Any]]:
    """What the collector was sent."""
    provider.force_flush()
    found = []
    for path, body in zip(elsewhere.paths, elsewhere.bodies, strict=True):
        assert path == "/v1/traces"
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    told = {each.key: each.value.string_value or each.value.int_value for each in span.attributes}
                    found.append(
                        {"name": span.name, "trace": span.trace_id.hex(), "failed": span.status.code == 2, **told}
                    )
    return found


def events(elsewhere: Receiver) -> list[dict[str, Any]]:
    """What Sentry was sent."""
    sentry_sdk.flush(timeout=5)
    lines = [line for body in elsewhere.bodies for line in body.splitlines()]
    return [found for line in lines if "exception" in (found := json.loads(line))]


@pytest.mark.django_db
def test_a_request_is_one_span_by_its_route_with_its_time_in_the_database(
    spans_go: TracerProvider, elsewhere: Receiver
) -> None:
    Api().get("movies/genres/?ordering=canary")

    [span] = spans(elsewhere, spans_go)
    assert span["name"] == "GET /api/v1/movies/genres/"
    assert (span["http.route"], span["http.response.status_code"]) == ("/api/v1/movies/genres/", 400)
    assert not span["failed"]


@pytest.mark.django_db
def test_both_lanes_leave_one_span_for_each_request(
    person: Person, spans_go: TracerProvider, elsewhere: Receiver
) -> None:
    django = Counting()
    lane = Gateway(FastLane(django))
    ask(lane, MOVIES, HTTP_AUTHORIZATION=f"Bearer {person.tokens.access}")
    ask(lane, f"{MOVIES}999/", HTTP_AUTHORIZATION=f"Bearer {person.tokens.access}")

    found = spans(elsewhere, spans_go)
    assert django.asked == 1
    assert [(span["name"], span["http.response.status_code"]) for span in found] == [
        ("GET /api/v1/movies/", 200),
        ("GET /api/v1/movies/{tmdb_id}/", 404),
    ]
    assert found[0]["matinee.db.statements"] >= 1


@pytest.mark.django_db
@pytest.mark.parametrize(("proxies", "is_continued"), [(["127.0.0.1"], True), ([], False)])
def test_a_trace_goes_on_from_a_proxy_of_ours_alone(
    spans_go: TracerProvider, elsewhere: Receiver, settings: Settings, proxies: list[str], is_continued: bool
) -> None:
    settings.TRUSTED_PROXIES = tuple(ipaddress.ip_network(proxy) for proxy in proxies)

    Client().get("/livez", headers={"traceparent": CALLER})

    [span] = spans(elsewhere, spans_go)
    assert (span["trace"] == CALLER.split("-")[1]) is is_continued


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("at_once", [1, 2], ids=["its own comes back", "another's comes back"])
def test_each_span_counts_its_own_statements_while_connections_are_lent(
    spans_go: TracerProvider, elsewhere: Receiver, at_once: int
) -> None:
    def answer(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        with tracing.span(is_request=True) as span:
            ask_database()
            if environ["waits"]:
                with lent():
                    served(waits=False)
                    served(waits=False)
                ask_database()
                ask_database()
            span.end("waits" if environ["waits"] else "does not", {}, failed=False)
        connection.close()
        return []

    def served(*, waits: bool) -> None:
        thread = threading.Thread(target=brought, args=(turns,), kwargs={"waits": waits})
        thread.start()
        thread.join()

    turns = Turns(answer, at_once=at_once)
    served(waits=True)

    found = [(span["name"], span["matinee.db.statements"]) for span in spans(elsewhere, spans_go)]
    assert found == [("does not", 1), ("does not", 1), ("waits", 3)]


def ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


@pytest.mark.django_db(transaction=True)
def test_a_job_is_a_span_that_says_whether_it_failed(spans_go: TracerProvider, elsewhere: Receiver) -> None:
    tasks.note.enqueue()
    tasks.fail.enqueue()
    worker = Worker(queues=["default"])

    while worker.run_one(now=timezone.now()):
        pass

    found = {span["name"].rpartition(".")[2]: span["failed"] for span in spans(elsewhere, spans_go)}
    assert (found["note"], found["fail"]) == (False, True)


def test_a_line_of_json_holds_the_trace_that_it_belongs_to(spans_go: TracerProvider) -> None:
    record = logging.LogRecord("matinee", logging.INFO, "", 0, "Something", None, None)
    with tracing.span(is_request=True, traceparent=CALLER):
        WithRequestId().filter(record)

    assert json.loads(JsonLines().format(record))["trace_id"] == CALLER.split("-")[1]


@pytest.mark.django_db
def test_a_collector_that_fails_or_is_away_costs_nobody_an_answer(elsewhere: Receiver) -> None:
    elsewhere.status = 400
    for port in (elsewhere.port, 9):
        provider = tracing.start(f"http://127.0.0.1:{port}")
        try:
            assert Client().get("/livez").status_code == 200
        finally:
            tracing.stop()
            provider.shutdown()


def test_an_error_reaches_sentry_with_its_place_and_without_its_words(errors_go: None, elsewhere: Receiver) -> None:
    try:
        int("canary-words")
    except ValueError:
        logging.getLogger("matinee.somewhere").exception("Job %s failed", "canary-argument")

    [event] = events(elsewhere)
    [raised] = event["exception"]["values"]
    assert (raised["type"], event["logentry"]["message"]) == ("ValueError", "Job %s failed")
    assert raised["stacktrace"]["frames"][-1]["module"] == __name__
    assert b"canary" not in elsewhere.everything


def test_neither_spans_nor_reports_hold_a_secret_or_anything_that_a_person_said(
    person: Person, spans_go: TracerProvider, errors_go: None, elsewhere: Receiver
) -> None:
    for method, path in ROUTES:
        for body in bodies(method, path)[:2]:
            send(person.api, method, path, body)
        for statements in (0, 1):
            with a_database_that_fails(at=statements):
                send(person.api, method, path, bodies(method, path)[0])
            connection.set_rollback(False)  # so that the next route is asked, too
    spans_go.force_flush()
    sentry_sdk.flush(timeout=5)

    assert len([path for path in elsewhere.paths if "envelope" in path]) >= 50
    assert "/v1/traces" in elsewhere.paths
    assert [secret for secret in person.secrets() if secret.encode() in elsewhere.everything] == []


@pytest.mark.parametrize(
    ("name", "package", "extra"),
    [("MATINEE_OTLP_ENDPOINT", "opentelemetry", "otel"), ("MATINEE_SENTRY_DSN", "sentry_sdk", "sentry")],
)
def test_without_its_packages_it_does_not_start_and_says_what_to_install(
    tmp_path: Path, name: str, package: str, extra: str
) -> None:
    code = f"import sys; sys.modules[{package!r}] = None; import matinee.settings"
    environment = {"MATINEE_DATA_DIR": str(tmp_path), name: "http://key@127.0.0.1:9/1"}

    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)

    assert f"{name} needs packages that are missing: pip install 'matinee[{extra}]'." in ran.stderr
