"""The rules of the house that no other tool holds."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "matinee"
MODULES = sorted(path for path in SOURCE.rglob("*.py") if "migrations" not in path.parts)
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def lines_of(paths: list[Path]) -> Iterator[tuple[str, str]]:
    for path in paths:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            yield f"{path.relative_to(ROOT)}:{number}", line


def test_no_module_is_over_400_lines() -> None:
    long = {
        str(path.relative_to(ROOT)): count
        for path in [*MODULES, *(ROOT / "tests").rglob("*.py")]
        if (count := len(path.read_text().splitlines())) > 400
    }

    assert not long


def test_no_package_is_a_drawer_for_everything() -> None:
    drawers = {"utils", "common", "helpers", "managers", "misc"}

    assert not [path for path in SOURCE.rglob("*") if path.stem in drawers]


def test_every_silenced_check_has_its_reason_on_its_line() -> None:
    everywhere = [*MODULES, *(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").glob("**/*.py")]
    ours = [path for path in everywhere if ".venvs" not in path.parts and path != Path(__file__)]
    silent = [
        place
        for place, line in lines_of(ours)
        if re.search(r"# (noqa|type: ignore|pragma: no cover)", line)
        and not re.search(
            r"# (noqa: [A-Z0-9, ]+|type: ignore\[[\w, -]+\]|pragma: no cover) ?(#|-|--) ?(?!as above|the same$)\w+",
            line,
        )
    ]

    assert not silent


def test_every_setting_is_documented_and_every_documented_one_is_read() -> None:
    read = set()
    for path in MODULES:
        read |= set(re.findall(r"\"(MATINEE_[A-Z0-9_]+)\"", path.read_text()))
    documented = set(re.findall(r"`(MATINEE_[A-Z0-9_]+)`", (ROOT / "docs" / "configuration.md").read_text()))

    assert read == {name for name in documented if not name.endswith("_FILE")}


def test_layers_are_held_without_an_exception() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]

    assert not [contract for contract in config["contracts"] if contract.get("ignore_imports")]
    assert any(contract.get("exhaustive") for contract in config["contracts"])


def test_nothing_is_unpickled_and_no_string_is_run() -> None:
    banned = {"pickle", "dill", "joblib", "shelve", "marshal"}
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                assert not {name.name for name in node.names} & banned, path
            if isinstance(node, ast.ImportFrom):
                assert node.module not in banned, path
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in {"eval", "exec"}, path


NETWORK = {
    "aiohttp",
    "fsspec",
    "ftplib",
    "http.client",
    "httpx",
    "requests",
    "smtplib",
    "socket",
    "urllib.request",
    "urllib3",
}
DOORS = {
    "api/reference.py": {"http.client"},  # the words for statuses
    "core/depot.py": {"fsspec"},  # the operator's own store
    "core/jobs/worker.py": {"socket"},  # this machine's name
    "core/resolver.py": {"socket"},  # looks up names of machines
    "operations/serving.py": {"http.client", "socket"},  # is our own port free, does our own server answer
    "tmdb/stand_in/faults.py": {"socket"},  # a server, for development
    "tmdb/transport.py": {"urllib.request", "urllib3"},  # TMDb's hosts alone; urllib.request tells of proxies
    "transfer/downloads.py": {"urllib.request", "urllib3"},  # addresses of this program's and of the operator's
}


def test_only_few_modules_open_connections_and_none_to_an_address_of_a_client() -> None:
    found: dict[str, set[str]] = {}
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            names = {name.name for name in node.names} if isinstance(node, ast.Import) else set()
            if isinstance(node, ast.ImportFrom):
                names = {node.module or "", *(f"{node.module}.{name.name}" for name in node.names)}
            if names & NETWORK:
                found.setdefault(str(path.relative_to(SOURCE)), set()).update(names & NETWORK)

    assert found == DOORS


def test_there_are_no_signals() -> None:
    assert not [place for place, line in lines_of(MODULES) if "django.db.models.signals" in line or "@receiver" in line]


def test_every_link_between_documents_leads_somewhere() -> None:
    broken = [
        f"{path.relative_to(ROOT)} -> {target}#{place}"
        for path in [*DOCUMENTS, ROOT / "benchmarks" / "README.md"]
        for target, place in re.findall(r"\]\((?!https?:|mailto:)([^)#]*)#?([^)]*)\)", path.read_text())
        if not (led := path.parent / target if target else path).exists()
        or (place and place not in _anchors_of(led.read_text()))
    ]

    assert not broken


def _anchors_of(text: str) -> set[str]:
    """As GitHub makes them of headings."""
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in re.findall(r"^#+ (.+)$", text, re.M)
    }


def test_every_file_that_a_document_names_is_there() -> None:
    missing = [
        f"{path.relative_to(ROOT)} -> {name}"
        for path in [*DOCUMENTS, ROOT / "benchmarks" / "README.md"]
        for name in re.findall(
            r"(?<![\w/])((?:tests|benchmarks|src|docs|deploy|scripts)/\w[\w/.-]+\w|[a-z_]+/[a-z_/]+\.py)\b",
            path.read_text(),
        )
        if not any((folder / name).exists() for folder in (ROOT, SOURCE, ROOT / "benchmarks"))
    ]

    assert not missing


def test_what_is_covered_whole_is_there() -> None:
    [patterns] = re.findall(r"^COVERED_WHOLE := (\S+)$", (ROOT / "Makefile").read_text(), re.M)

    assert not [pattern for pattern in patterns.split(",") if not any(ROOT.glob(pattern))]


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "decisions").glob("*.md")), ids=lambda path: path.stem)
def test_a_decision_has_five_headings_and_under_40_lines(path: Path) -> None:
    text = path.read_text()

    assert re.match(r"\d{4}-[a-z0-9-]+$", path.stem)
    assert re.findall(r"^## (.+)$", text, re.M) == ["Context", "Decision", "Alternatives", "Consequences", "Status"]
    assert len(text.splitlines()) < 40


def test_decisions_are_numbered_without_a_gap() -> None:
    numbers = sorted(int(path.name[:4]) for path in (ROOT / "docs" / "decisions").glob("*.md"))

    assert numbers == list(range(1, len(numbers) + 1))
