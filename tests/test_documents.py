"""Documents that are made from the code, or that the code must be told in."""

from __future__ import annotations

import json
import re
import runpy
from pathlib import Path

import pytest
from benchmarks.http import publishing as http
from benchmarks.marks import between_marks
from benchmarks.recommender.publishing import pictures, with_tables
from benchmarks.recommender.report import markdown
from benchmarks.scale import queueing
from benchmarks.tmdb import report as tmdb_report

from benchmarks.search import report as search_report
from benchmarks.search import speed as speed_report
from matinee.api.problems import FIELD_CODE
from matinee.audit.actions import Action
from matinee.core.jobs.schedule import registered
from matinee.core.refusals import Refusal

ONLY_FROM_COMMANDS = (
    "matinee.recommendations.community",
    "matinee.transfer.",
    "matinee.recommendations.training",
    "matinee.tmdb.lease",
    "matinee.tmdb.sync",
    "tests.",
)
ROOT = Path(__file__).parent.parent


def test_the_data_model_is_what_the_models_say() -> None:
    made = runpy.run_path(str(ROOT / "scripts" / "data_model.py"))["render"]()

    assert made == (ROOT / "docs" / "data-model.md").read_text(encoding="utf-8")


def test_every_code_of_a_problem_is_told_in_the_api_guide() -> None:
    from matinee.api import app, problems  # noqa: F401, PLC0415 - with the api every kind of refusal is loaded

    told = set(re.findall(r"^\| `(\w+)` \|", (ROOT / "docs" / "api.md").read_text(encoding="utf-8"), re.M))
    answered = {kind for kind in _kinds(Refusal) if not kind.__module__.startswith(ONLY_FROM_COMMANDS)}
    codes = {kind.code for kind in answered} - {Refusal.code} | set(problems.CODE_OF_STATUS.values())
    codes |= {"invalid_parameter", "unknown_host"}

    assert codes <= told, f"docs/api.md does not tell {sorted(codes - told)}"
    assert told <= codes, f"docs/api.md tells {sorted(told - codes)}, which is never answered"


def test_every_code_of_a_wrong_field_is_told_in_the_api_guide() -> None:
    written = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    codes = set(re.findall(r'FieldError\([^()]*"([a-z_]+)"\)', written)) | set(FIELD_CODE.values())

    told = set(re.findall(r"`(\w+)`", (ROOT / "docs" / "api.md").read_text(encoding="utf-8")))

    assert {"unknown_parameter", "email_taken", "too_long"} <= codes
    assert codes <= told, f"docs/api.md does not tell {sorted(codes - told)}"


def test_every_action_of_the_audit_trail_is_told() -> None:
    page = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|.*\|.*\|$", page, re.M)
    told = [word for row in rows for word in re.findall(r"`(\w+)`", row)]

    assert sorted(told) == sorted(Action)


def test_every_job_that_comes_back_is_told() -> None:
    rows = re.findall(r"^\| (`[a-z`, -]+`) \|", (ROOT / "docs" / "operations.md").read_text(encoding="utf-8"), re.M)

    assert {periodic.name for periodic in registered()} <= set(re.findall(r"[a-z-]+", " ".join(rows)))


def test_the_recommender_is_told_as_it_was_measured() -> None:
    results = ROOT / "benchmarks" / "results" / "recommender.json"
    if not results.exists():
        pytest.skip(f"{results.name} is not there yet: `make bench-recommender` makes it.")
    record = json.loads(results.read_text(encoding="utf-8"))
    page = (ROOT / "docs" / "recommender.md").read_text(encoding="utf-8")

    assert with_tables(page, record) == page
    assert results.with_suffix(".md").read_text(encoding="utf-8") == markdown(record)
    for name, picture in pictures(record).items():
        assert (ROOT / "docs" / name).read_text(encoding="utf-8") == picture


def test_search_is_told_as_it_was_measured() -> None:
    results = ROOT / "benchmarks" / "results" / "search.json"
    record = json.loads(results.read_text(encoding="utf-8"))
    page = (ROOT / "docs" / "search.md").read_text(encoding="utf-8")

    assert between_marks(page, search_report.tables(record)) == page
    assert results.with_suffix(".md").read_text(encoding="utf-8") == search_report.markdown(record)
    speed = results.with_name("search-speed.json")
    assert speed_report.table(json.loads(speed.read_text(encoding="utf-8"))) in page


@pytest.mark.parametrize("name", http.TOLD)
def test_performance_is_told_as_it_was_measured(name: str) -> None:
    results = ROOT / "benchmarks" / "results" / f"{name}.json"
    if not results.exists():
        pytest.skip(f"{results.name} is not there yet: `python -m benchmarks.{name.replace('-', '.')}` makes it.")
    record = json.loads(results.read_text(encoding="utf-8"))
    page = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")

    assert between_marks(page, http.TOLD[name](record), name=name) == page
    if name in http.PICTURES:
        assert (ROOT / "docs" / f"{name}.svg").read_text(encoding="utf-8") == http.PICTURES[name](record)


def test_larger_services_are_told_as_they_follow_from_what_was_measured() -> None:
    record = json.loads((ROOT / "benchmarks" / "results" / "http.json").read_text(encoding="utf-8"))
    page = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")

    assert between_marks(page, queueing.told(record), name="simulated") == page


def test_mirroring_tmdb_is_told_as_it_was_measured() -> None:
    results = ROOT / "benchmarks" / "results" / "tmdb.json"
    record = json.loads(results.read_text(encoding="utf-8"))

    assert tmdb_report.table(record) in (ROOT / "docs" / "tmdb.md").read_text(encoding="utf-8")
    assert results.with_suffix(".md").read_text(encoding="utf-8") == tmdb_report.markdown(record)


def _kinds(kind: type[Refusal]) -> set[type[Refusal]]:
    return {kind}.union(*(_kinds(sub) for sub in kind.__subclasses__()))
