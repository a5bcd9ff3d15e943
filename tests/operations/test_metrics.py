"""/metrics tells what all processes counted and how things stand; alerts and dashboard ask for nothing else."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone
from django_tasks import TaskResultStatus
from django_tasks_db.models import DBTaskResult
from prometheus_client.parser import text_string_to_metric_families
from pytest_django.fixtures import Settings

from matinee.api.overload import REFUSALS
from matinee.catalog import outbox
from matinee.catalog.cards import KIND as CARDS
from matinee.catalog.columns import KIND as COLUMNS
from matinee.catalog.columns import refresh_columns
from matinee.catalog.models import Movie
from matinee.core.artifacts import ArtifactStore
from matinee.core.jobs.worker import ENDED
from matinee.core.processes import SHARED_FOLDER
from matinee.recommendations.freshness import MODEL_KIND
from matinee.recommendations.pool import newest_model
from matinee.recommendations.training import train
from matinee.tmdb.models import SyncStep
from tests.core.jobs import tasks
from tests.operations.instances import started
from tests.operations.processes import eventually, get

ROOT = Path(__file__).parents[2]
ALERTS = yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yml").read_text())["groups"][0]["rules"]
ALERTS_TEST = ROOT / "deploy" / "prometheus" / "alerts_test.yml"
ALERT_TESTS = yaml.safe_load(ALERTS_TEST.read_text())
PROMTOOL = shutil.which("promtool")
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "dashboard.json").read_text())
Labels = frozenset[tuple[str, str]]


def samples_of(text: str) -> dict[tuple[str, Labels], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(samples: dict[tuple[str, Labels], float], name: str, **labels: str) -> float | None:
    return samples.get((name, frozenset(labels.items())))


def scraped(client: Client) -> dict[tuple[str, Labels], float]:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    return samples_of(answer.content.decode())


def add_film(tmdb_id: int) -> None:
    now = timezone.now()
    Movie.objects.create(tmdb_id=tmdb_id, title=f"Film {tmdb_id}", created_at=now, updated_at=now)


@pytest.mark.django_db
def test_it_tells_how_things_stand(client: Client, settings: Settings) -> None:
    add_film(603)
    refresh_columns()
    train(now=timezone.now())
    outbox.pending_changes(COLUMNS)
    outbox.pending_changes("cards-0")
    add_film(604)
    outbox.forget_changes(outbox.pending_changes(CARDS))
    tasks.note.enqueue()
    tasks.act.enqueue()
    DBTaskResult.objects.filter(task_path__endswith="act").update(status=TaskResultStatus.FAILED)

    samples = scraped(client)

    assert value(samples, "matinee_films") == 1
    assert value(samples, "matinee_outbox_pending", consumer=COLUMNS) == 1
    assert value(samples, "matinee_outbox_pending", consumer=CARDS) == 0, "an alert reads how long it was not 0"
    assert value(samples, "matinee_outbox_pending", consumer="cards-0") is None, "another program's, which tells it"
    assert value(samples, "matinee_jobs", state="parked") == 1
    assert value(samples, "matinee_jobs", state="waiting") == 1
    assert value(samples, "matinee_database_up") == 1
    age = value(samples, "matinee_artifact_age_seconds", kind=MODEL_KIND)
    assert age is not None
    assert 0 <= age < 600
    assert (value(samples, "matinee_process_resident_bytes", pid=str(os.getpid())) or 0) > 10_000_000


@pytest.mark.django_db
def test_the_age_of_each_queue_is_that_of_its_oldest_job(monkeypatch: pytest.MonkeyPatch, client: Client) -> None:
    tasks.train.enqueue()
    queued_at = DBTaskResult.objects.get().enqueued_at
    monkeypatch.setattr("django.utils.timezone.now", lambda: queued_at + dt.timedelta(seconds=90))

    samples = scraped(client)

    assert value(samples, "matinee_queue_age_seconds", queue="training") == 90
    assert value(samples, "matinee_queue_age_seconds", queue="default") == 0


@pytest.mark.django_db
def test_a_model_tells_how_good_it_was_on_people_held_out(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    add_film(603)
    train(now=timezone.now())
    model = newest_model()
    assert model is not None
    model.notes["held_out"]["NDCG@100"] = 0.25

    samples = scraped(client)

    assert value(samples, "matinee_model_quality", metric="NDCG@100") == 0.25


@pytest.mark.django_db
def test_a_damaged_artifact_is_counted(client: Client, settings: Settings) -> None:
    add_film(603)
    refresh_columns()
    store = ArtifactStore(settings.ARTIFACTS_DIR, COLUMNS)
    before = value(scraped(client), "matinee_damaged_artifacts_total", kind=COLUMNS)
    assert before is not None, "Prometheus sees an increase only of what it has seen before"
    (store.directory / str(store.current_version()) / "manifest.json").write_text("{}")

    store.open_newest()

    assert value(scraped(client), "matinee_damaged_artifacts_total", kind=COLUMNS) == before + 1


@pytest.mark.django_db
def test_while_the_database_is_away_it_says_so_and_tells_the_rest(client: Client) -> None:
    def out_of_reach(execute: Any, *arguments: Any) -> Any:
        raise OperationalError("the database is away")

    with connection.execute_wrapper(out_of_reach):
        samples = scraped(client)

    assert value(samples, "matinee_database_up") == 0
    assert value(samples, "matinee_disk_free_bytes") is not None
    assert value(samples, "matinee_films") is None


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("asked_from", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("203.0.113.7", {}, 401),
        ("127.0.0.1", {"X-Forwarded-For": "203.0.113.7"}, 401),
        ("127.0.0.1", {"Forwarded": "for=203.0.113.7"}, 401),
        ("203.0.113.7", {"Authorization": "Bearer a long token of metrics"}, 200),
        ("203.0.113.7", {"Authorization": "Bearer another token"}, 401),
        ("203.0.113.7", {"Authorization": "Bearer \u00ff"}, 401),
    ],
    ids=[
        "this machine",
        "elsewhere",
        "a proxy on this machine",
        "another proxy here",
        "the token",
        "another token",
        "an odd token",
    ],
)
def test_in_production_it_is_for_this_machine_or_for_the_token(
    client: Client, settings: Settings, asked_from: str, headers: dict[str, str], status: int
) -> None:
    settings.MODE, settings.METRICS_TOKEN = "production", "a long token of metrics"

    answer = client.get("/metrics", headers=headers, REMOTE_ADDR=asked_from)

    assert answer.status_code == status
    if status == 401:
        assert answer["Content-Type"] == "application/problem+json"
        assert answer["WWW-Authenticate"] == "Bearer"


@pytest.mark.django_db
def test_without_a_token_set_none_opens_it(client: Client, settings: Settings) -> None:
    settings.MODE, settings.METRICS_TOKEN = "production", None

    answer = client.get("/metrics", headers={"Authorization": "Bearer None"}, REMOTE_ADDR="203.0.113.7")

    assert answer.status_code == 401


@pytest.mark.django_db
def test_it_comes_by_any_host_name_as_probes_do(client: Client) -> None:
    assert client.get("/metrics", headers={"Host": "10.0.0.7:8000"}).status_code == 200


@pytest.mark.django_db
def test_who_was_killed_before_it_counted_anything_leaves_a_file_that_hurts_nobody(
    tmp_path: Path, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in ("counter", "histogram", "gauge_liveall"):
        (tmp_path / f"{kind}_{os.getpid()}.db").touch()
    monkeypatch.setenv(SHARED_FOLDER, str(tmp_path))

    assert value(scraped(client), "matinee_database_up") == 1


def test_what_all_workers_counted_is_added_up_and_outlives_them(tmp_path: Path) -> None:
    def seen(port: int) -> dict[tuple[str, Labels], float]:
        return samples_of(get(port, "/metrics")[1].decode())

    def requests(port: int) -> float:
        return (
            value(seen(port), "matinee_requests_total", route="/api/v1/movies/genres/", method="GET", status="200") or 0
        )

    def pids(port: int) -> set[str]:
        return {dict(labels)["pid"] for name, labels in seen(port) if name == "matinee_process_resident_bytes"}

    def is_told(pid: int, port: int) -> bool:
        try:
            return str(pid) in pids(port)
        except OSError:
            return True  # it had taken this very question

    with started(tmp_path, "serve", "--workers", "2") as instance:
        for _ in range(20):
            assert get(instance.port, "/api/v1/movies/genres/")[0] == 200
        assert requests(instance.port) == 20
        assert eventually(lambda: len(pids(instance.port)) == 6, within=90), "supervisor, two web and three job workers"

        counting = {int(pid) for pid in pids(instance.port)}
        web = min(pid for pid in counting if psutil.Process(pid).name() == "web worker")
        os.kill(web, signal.SIGKILL)

        assert eventually(lambda: not is_told(web, instance.port), within=90)
        assert requests(instance.port) == 20


def expressions() -> Iterator[tuple[str, str, str]]:
    """Where one stands, itself, and what is written beside its values."""
    for rule in ALERTS:
        yield rule["alert"], rule["expr"], rule["annotations"]["summary"]
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"], target["legendFormat"]
    for variable in DASHBOARD["templating"]["list"]:
        yield variable["name"], variable["query"], ""


def told_by_the_code() -> dict[str, set[str]]:
    """The labels of each metric, without an ending, as it is declared."""
    everywhere = "".join(path.read_text() for path in (ROOT / "src").rglob("*.py"))
    counted = re.findall(r'\b(?:Counter|Gauge|Histogram)\(\s*"matinee_(\w+)",\s*"[^"]*",?\s*(\[[^]]*\])?', everywhere)
    looked_up = re.findall(r'\b_gauge\(\s*"(\w+)",\s*"[^"]*",\s*(\[[^]]*\])', everywhere)
    labels = {name: set(re.findall(r"\w+", listed)) for name, listed in [*counted, *looked_up]}
    return labels | {"process_started_seconds": {"pid"}, "info": {"version", "mode", "database"}}


@pytest.mark.django_db
@pytest.mark.parametrize(("place", "expression", "_"), [*expressions()], ids=[place for place, *_ in expressions()])
def test_alerts_and_dashboard_ask_for_what_is_told(
    client: Client, settings: Settings, place: str, expression: str, _: str
) -> None:
    settings.TMDB_TOKEN = "a.token.of.the.test"
    SyncStep.objects.create(name="run", done_at=timezone.now())
    told = dict(re.findall(r"^# TYPE (\w+) (\w+)", client.get("/metrics").content.decode(), re.M))
    names = {f"{name}{end}" for name, kind in told.items() for end in ENDINGS.get(kind, ("",))}

    elsewhere = [*ENDED.describe(), *REFUSALS.describe()]  # by job workers, and before Django
    names |= {f"{counter.name}_total" for counter in elsewhere}
    asked = set(re.findall(r"\bmatinee_\w+", expression))

    assert asked <= names, place
    assert asked or "up{" in expression or expression == "prometheus"
    for opening, closing in ("()", "[]", "{}"):
        assert expression.count(opening) == expression.count(closing)


ENDINGS = {"histogram": ("_bucket", "_sum", "_count")}
SCRAPED = {"instance", "job"}


@pytest.mark.parametrize(("expression", "said"), [(asked, said) for _, asked, said in expressions()])
def test_alerts_and_dashboard_ask_by_labels_that_are_told(expression: str, said: str) -> None:
    declared = told_by_the_code()
    asked = {re.sub(r"_(total|bucket|sum|count)$", "", name) for name in re.findall(r"\bmatinee_(\w+)", expression)}
    made = {"le"} if "_bucket" in expression else set(re.findall(r'label_replace\(.*?, "(\w+)"', expression))
    there = SCRAPED.union(made, *(declared[name] for name in asked))
    kept, joined = (
        [set(re.findall(r"\w+", listed)) for listed in re.findall(rf"\b{word} \(([^)]*)\)", expression)]
        for word in ("by", "on")
    )
    matched = {name for inside in re.findall(r"{([^}]*)}", expression) for name in re.findall(r"(\w+)=", inside)}
    read = set(re.findall(r"(?:\$labels\.|{{)(\w+)", said))

    assert matched.union(*kept, *joined) <= there
    assert read <= (set.intersection(*kept) if kept else there)


def test_every_alert_is_tried_where_it_must_be_heard_and_where_not() -> None:
    tried = [case for test in ALERT_TESTS["tests"] for case in test["alert_rule_test"]]
    heard = {case["alertname"] for case in tried if "exp_alerts" in case}
    quiet = {case["alertname"] for case in tried if "exp_alerts" not in case}

    assert heard == quiet == {rule["alert"] for rule in ALERTS}


@pytest.mark.skipif(PROMTOOL is None, reason="Prometheus, which brings promtool, is not installed.")
def test_alerts_are_heard_when_they_must_be_and_not_before() -> None:
    checked = subprocess.run([str(PROMTOOL), "test", "rules", ALERTS_TEST], capture_output=True, text=True, check=False)

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_alert_has_its_place_in_the_runbook_and_the_reverse() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()

    assert re.findall(r"^### (Matinee\w+)$", page, re.M) == [rule["alert"] for rule in ALERTS]


def test_every_metric_that_is_told_stands_in_the_runbook() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()

    told = {name.removesuffix("_total") for name in re.findall(r"^\| `matinee_(\w+)`", page, re.M)}

    assert told == told_by_the_code().keys()
