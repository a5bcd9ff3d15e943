"""Documents that are made from the code, or that the code must be told in."""

from __future__ import annotations

import argparse
import ast
import importlib.util
import json
import re
import runpy
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from benchmarks.http import publishing as http
from benchmarks.marks import between_marks
from benchmarks.recommender.publishing import pictures, with_tables
from benchmarks.recommender.report import markdown
from benchmarks.scale import queueing
from benchmarks.tmdb import report as tmdb_report
from django.core.management import get_commands, load_command_class

from benchmarks.search import report as search_report
from benchmarks.search import speed as speed_report
from matinee.api.problems import FIELD_CODE
from matinee.audit.actions import Action
from matinee.core.jobs.schedule import registered
from matinee.core.refusals import Refusal
from tests.api.test_openapi import published
from tests.test_settings import PRODUCTION

ONLY_FROM_COMMANDS = (
    "matinee.recommendations.community",
    "matinee.transfer.",
    "matinee.recommendations.training",
    "matinee.tmdb.lease",
    "matinee.tmdb.sync",
    "tests.",
)
ROOT = Path(__file__).parent.parent
SOURCE = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
API_PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
PAGES = [
    path
    for path in (ROOT, ROOT / "docs", ROOT / "benchmarks")
    for path in sorted(path.glob("*.md"))
    if path.stem != "CHANGELOG"
]


def test_the_data_model_is_what_the_models_say() -> None:
    made = runpy.run_path(str(ROOT / "scripts" / "data_model.py"))["render"]()

    assert made == (ROOT / "docs" / "data-model.md").read_text(encoding="utf-8")


def test_every_package_has_its_place_in_the_architecture() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    told = re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", page, re.M)))

    assert sorted(told) == sorted({path.stem for path in (ROOT / "src" / "matinee").glob("[!_]*") if path.stem != "py"})


def test_every_code_of_a_problem_is_told_in_the_api_guide() -> None:
    from matinee.api import app, problems  # noqa: F401, PLC0415 - with the api every kind of refusal is loaded

    told = set(re.findall(r"^\| `(\w+)` \| \d{3} \|", API_PAGE, re.M))
    answered = {kind for kind in _kinds(Refusal) if not kind.__module__.startswith(ONLY_FROM_COMMANDS)}
    codes = {kind.code for kind in answered} - {Refusal.code} | set(problems.CODE_OF_STATUS.values())
    codes |= set(re.findall(r'(?:\d{3}, code=|"code": )"([a-z_]+)"', SOURCE))  # told without a refusal

    assert codes <= told, f"docs/api.md does not tell {sorted(codes - told)}"
    assert told <= codes, f"docs/api.md tells {sorted(told - codes)}, which is never answered"


def test_every_code_of_a_wrong_field_is_told_in_the_api_guide() -> None:
    codes = set(re.findall(r'FieldError\([^()]*"([a-z_]+)"\)', SOURCE)) | set(FIELD_CODE.values())

    told = set(re.findall(r"`(\w+)`", API_PAGE))

    assert {"unknown_parameter", "email_taken", "too_long"} <= codes
    assert codes <= told, f"docs/api.md does not tell {sorted(codes - told)}"


def test_the_paths_and_filters_that_the_api_guide_tells_are_those_of_the_api() -> None:
    paths = published()["paths"]
    told = {_shape(path) for path in re.findall(r"((?:users|movies)/[\w/{}-]*)(?![\w.])", API_PAGE)}
    filters = {entry["name"] for entry in paths["/api/v1/movies/"]["get"]["parameters"] if entry["in"] == "query"}

    assert told == {_shape(path.removeprefix("/api/v1/")) for path in paths}
    assert not {name for name in filters if f"`{name}`" not in API_PAGE and f"?{name}=" not in API_PAGE}


def test_every_default_of_a_setting_is_told() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| `(MATINEE_\w+)` \| (?:`([^`]*)`[^|]*)?\|", page, re.M))
    defaults = dict(_defaults_of_settings())

    assert len(defaults) > 20
    assert {name: told[name] for name in defaults} == defaults


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_a_document_names_is_there(page: Path) -> None:
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    for program, name, rest in re.findall(r"(?:^|[ /])(matinee|make) ([a-z][\w-]*)([^#\n]*)", _code_in(page), re.M):
        if program == "make":
            assert name in targets
        else:
            unknown = set(re.findall(r"--[a-z][\w-]*", rest)) - _options_of(name)
            assert not unknown, f"matinee {name} has no {unknown}"
    for module in re.findall(r"python -m ([\w.]+)", _code_in(page)):
        assert importlib.util.find_spec(module), module


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_exit_codes_that_a_document_tells_are_those_of_the_commands_help(page: Path) -> None:
    for head, rows in re.findall(
        r"^\| exit codes? of (.+) \| means \|\n\|[-|]+\n((?:\|.+\n)+)", page.read_text("utf-8"), re.M
    ):
        told = {code for codes in re.findall(r"^\| ([\d, ]+) \|", rows, re.M) for code in codes.split(", ")}
        helped = " ".join(_help_of(command) for command in re.findall(r"`matinee ([a-z -]+)`", head))

        assert told == set(re.findall(r"\b\d{1,3}\b", " ".join(re.findall(r"[Ee]xit codes?:? ([^.]+)\.", helped))))


def test_every_action_of_the_audit_trail_is_told() -> None:
    page = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|.*\|.*\|$", page, re.M)
    told = [word for row in rows for word in re.findall(r"`(\w+)`", row)]

    assert sorted(told) == sorted(Action)


def test_every_job_that_comes_back_is_told() -> None:
    rows = re.findall(r"^\| (`[a-z`, -]+`) \|", (ROOT / "docs" / "operations.md").read_text(encoding="utf-8"), re.M)

    of_the_mirror = set(re.findall(r'Periodic\("([a-z-]+)"', SOURCE))  # registered only where it is configured

    assert {periodic.name for periodic in registered()} | of_the_mirror <= set(re.findall(r"[a-z-]+", " ".join(rows)))


def test_the_way_to_postgresql_gives_all_settings_that_production_needs() -> None:
    _, _, recipe = (
        (ROOT / "docs" / "operations.md").read_text(encoding="utf-8").partition("### From SQLite to PostgreSQL")
    )

    assert PRODUCTION.keys() - {"MATINEE_MODE"} <= set(re.findall(r"^export (MATINEE_\w+?)(?:_FILE)?=", recipe, re.M))


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


def test_what_larger_services_are_worked_out_from_is_told_as_it_was_measured() -> None:
    results = ROOT / "benchmarks" / "results"
    serving, scale, nodes = (
        json.loads((results / f"{name}.json").read_text()) for name in ("serving", "scale", "nodes")
    )
    answer = serving["figures"]["history of 100, any film"]["Matinee"]["mean_ms"]
    fits = {size["ratings"]: size["systems"]["Matinee"] for size in scale["sizes"]}
    sizes = {
        million: (fit["seconds"], fit["peak_bytes"] / 2**30) for million in (1, 25) for fit in [fits[million * 10**6]]
    }
    rows = [nodes["row_bytes"][table] for table in ("library_movierating", "library_favorite", "audit_event")]
    page = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")

    assert f"| {answer:.1f} ms at 60,000 films" in page
    for million, (seconds, gibibytes) in sizes.items():
        assert f"{seconds:.0f} s and {gibibytes:.1f} GiB at {million} million" in page
    assert f"| {', '.join(f'{size:.0f}' for size in rows)} bytes |" in page


def test_mirroring_tmdb_is_told_as_it_was_measured() -> None:
    results = ROOT / "benchmarks" / "results" / "tmdb.json"
    record = json.loads(results.read_text(encoding="utf-8"))

    assert tmdb_report.table(record) in (ROOT / "docs" / "tmdb.md").read_text(encoding="utf-8")
    assert results.with_suffix(".md").read_text(encoding="utf-8") == tmdb_report.markdown(record)


def _kinds(kind: type[Refusal]) -> set[type[Refusal]]:
    return {kind}.union(*(_kinds(sub) for sub in kind.__subclasses__()))


def _shape(path: str) -> str:
    return re.sub(r"{\w+}", "{}", path)


def _defaults_of_settings() -> Iterator[tuple[str, str]]:
    """Those that the settings give as they are, not by an expression."""
    for call in ast.walk(ast.parse((ROOT / "src" / "matinee" / "settings.py").read_text(encoding="utf-8"))):
        if isinstance(call, ast.Call) and len(call.args) + len(call.keywords) > 1:
            given = [*call.args, *(word.value for word in call.keywords if word.arg == "default")][:2]
            name, default = ([each.value if isinstance(each, ast.Constant) else None for each in given] + [None])[:2]
            if str(name).startswith("MATINEE_") and default is not None:
                yield str(name), str(default).lower() if isinstance(default, bool) else str(default)


def _code_in(page: Path) -> str:
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.M | re.S)
    return "\n".join([*blocks, *re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))])


def _options_of(command: str) -> set[str]:
    return {option for parser in _parsers_of(command) for action in parser._actions for option in action.option_strings}


def _help_of(command: str) -> str:
    """And of its subcommands; where it names one without a help of its own, of the whole command."""
    parsers = _parsers_of(command.partition(" ")[0])
    told = [parser for parser in parsers if parser.prog.startswith(f"matinee {command}")] or parsers
    return " ".join(" ".join(f"{parser.description} {parser.epilog}" for parser in told).split())


@cache
def _parsers_of(command: str) -> list[argparse.ArgumentParser]:
    """Its own, and those of its subcommands. A command that is not there raises KeyError."""
    parsers: list[argparse.ArgumentParser] = [
        load_command_class(get_commands()[command], command).create_parser("matinee", command)
    ]
    for parser in parsers:
        subcommands = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
        parsers.extend(sub for action in subcommands for sub in action.choices.values())
    return parsers
