"""Every process of a tree tells of itself, those that are copies of a copy and those that are started again, too."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
from pathlib import Path

import pytest
from django.conf import settings
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from matinee.recommendations.freshness import MODEL_KIND
from tests.operations.instances import started
from tests.operations.processes import eventually, get
from tests.operations.test_killed_processes import processes_of
from tests.receiver import Receiver, receiver


def names_of_spans(collector: Receiver) -> set[str]:
    requests = [ExportTraceServiceRequest.FromString(body) for body in [*collector.bodies]]
    scopes = [scope for sent in requests for resource in sent.resource_spans for scope in resource.scope_spans]
    return {span.name for scope in scopes for span in scope.spans}


def asked(port: int) -> str:
    """The name of its span; whoever is asked may be gone."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        get(port, "/api/v1/movies/genres/")
    return "GET /api/v1/movies/genres/"


@pytest.mark.skipif(not settings.EMBEDDED_DATABASE, reason="It does not depend on the database.")
def test_spans_and_errors_of_every_process_arrive_after_a_kill_too(tmp_path: Path) -> None:
    damaged = tmp_path / "depot" / MODEL_KIND / "000001-0123456789ab.tar"
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(b"damage, which the courier tells of")
    with receiver() as collector, receiver() as sentry:
        elsewhere = {
            "MATINEE_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.port}",
            "MATINEE_SENTRY_DSN": f"http://key@127.0.0.1:{sentry.port}/1",
            "MATINEE_DEPOT_URL": f"file://{tmp_path}/depot",
        }
        with started(tmp_path / "data", "serve", "--workers", "1", **elsewhere) as instance:
            assert eventually(lambda: asked(instance.port) in names_of_spans(collector), within=60)
            of_jobs = "matinee.accounts.tasks.forget_old_guesses"
            assert eventually(lambda: of_jobs in names_of_spans(collector), within=60), names_of_spans(collector)
            assert eventually(lambda: b"matinee.operations.courier" in sentry.everything, within=60)

            [web_worker] = processes_of(instance)["web worker"]
            os.kill(web_worker, signal.SIGKILL)
            collector.bodies.clear()

            assert eventually(lambda: asked(instance.port) in names_of_spans(collector), within=60)
