"""Mutation testing of the code that must not be wrong: how many small changes to it the tests notice.

`make mutants` runs every group, `make mutants ONLY="tokens erase"` these. What is left of a group lies in
.tools/mutants/<group>/, where mutmut goes on from what it has; `docs/mutants.md` tells the last figures, and why each
survivor may live.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import libcst as cst
from django.db.backends.base.creation import BaseDatabaseCreation
from mutmut import __main__ as mutmut
from mutmut import configuration
from mutmut.mutation import file_mutation
from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.runners.harness import PytestRunner
from mutmut.state import state
from mutmut.stats import status_by_exit_code
from mutmut.workers import isolation

ROOT = Path(__file__).parents[1]
WORK = ROOT / ".tools" / "mutants"
NOTICED = ("killed", "timeout")
IN_MEMORY = Path("/dev/shm")


class Runner(PytestRunner):
    """Each run begins with a copy of the empty database, which takes longer to be made than most runs do."""

    made: Path

    @classmethod
    def make_database(cls, data_dir: Path) -> None:
        """By the tests' own conftest, of the code as it is; the test that asks for it leaves nothing in it."""
        any_test = "tests/accounts/test_sessions.py::test_a_forged_token_costs_none"
        pytest = [sys.executable, "-m", "pytest", "-q", "--reuse-db", any_test]
        subprocess.run(pytest, cwd=ROOT, env={**os.environ, "PYTHONPATH": ""}, check=True, stdout=subprocess.DEVNULL)
        cls.made = data_dir / "made"
        cls.made.mkdir()
        for path in data_dir.glob("test.sqlite3*"):
            path.rename(cls.made / path.name)
        if not (cls.made / "test.sqlite3").exists():
            sys.exit(f"{any_test} has made no database, so that each mutant would make its own.")

    def run_tests(self, *, mutant_name: str | None, tests: Iterable[str]) -> int:
        """The quick ones first: most mutants end by one."""
        quick_first = sorted(tests, key=lambda test: state().duration_by_test.get(test, 0.0))
        return super().run_tests(mutant_name=mutant_name, tests=quick_first)

    def execute_pytest(self, params: list[str], **kwargs: Any) -> int:
        for path in self.made.parent.glob("test.sqlite3*"):
            path.unlink()
        for path in self.made.iterdir():
            shutil.copy(path, self.made.parent)
        BaseDatabaseCreation.create_test_db = _take_as_it_is
        return super().execute_pytest(["--reuse-db", "-p", "no:unraisableexception", *params], **kwargs)


def _take_as_it_is(creation: BaseDatabaseCreation, *_: Any, **__: Any) -> str:
    """In the place of Django's way, which goes through all migrations to find that there is none to be made."""
    name: str = creation._get_test_db_name()
    creation.connection.close()
    creation.connection.settings_dict["NAME"] = name
    return name


class Group(NamedTuple):
    """Modules, and the fewest test files that hold them, so that a mutant takes a second or two."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]


GROUPS = {
    "tokens": Group(
        ("accounts/tokens", "accounts/sessions"),
        (
            "accounts/test_tokens.py",
            "accounts/test_sessions.py",
            "accounts/test_session_events.py",
            "accounts/test_sign_in.py",
            "accounts/test_guard.py::test_a_network_counts_as_one_and_another_one_for_itself",
            "accounts/test_guard.py::test_no_other_token_makes_a_device_known",
            "accounts/test_guard.py::test_the_owner_gets_in_on_a_device_that_is_known_beside_whoever_guesses",
            "accounts/test_guard.py::test_what_is_old_is_forgotten_and_it_goes_with_its_person",
        ),
    ),
    "live": Group(
        ("accounts/live_sessions", "api/read_ahead", "core/waiting"),
        ("accounts/test_sessions.py", "api/test_read_ahead.py"),
    ),
    "limits": Group(("core/limits", "core/counters", "api/limits"), ("core/test_limits.py", "api/test_limits.py")),
    "permissions": Group(
        ("api/authentication", "operations/access", "accounts/admin"),
        (
            "api/test_authentication.py",
            "operations/test_access.py",
            "accounts/test_admin.py",
            "accounts/test_erasure.py::test_staff_who_delete_an_account_erase_it",
        ),
    ),
    "crypto": Group(
        ("core/ciphers", "accounts/encrypted_fields", "accounts/keys", "accounts/master_keys"),
        ("core/test_ciphers.py", "accounts/test_encrypted_fields.py"),
    ),
    "erase": Group(
        ("accounts/erasure", "accounts/erasure_tasks"),
        (
            "accounts/test_erasure.py",
            "accounts/test_erased_rows.py",
            "accounts/test_guard.py::test_who_erases_their_account_is_guarded_as_the_session_that_they_ask_from",
        ),
    ),
    "export": Group(
        ("accounts/exports", "accounts/export_files", "accounts/export_tasks", "accounts/privacy"),
        ("accounts/test_exports.py", "accounts/test_privacy.py"),
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Mutation testing of the code that must not be wrong.")
    parser.add_argument("groups", nargs="*", default=list(GROUPS), help=f"Some of: {', '.join(GROUPS)}.")
    parser.add_argument("--told", action="store_true", help="Run nothing, and tell what the last run found.")
    given = parser.parse_args()
    if unknown := sorted(set(given.groups) - GROUPS.keys()):
        parser.error(f"There is no group {', '.join(unknown)}. Give some of: {', '.join(GROUPS)}.")
    for name in given.groups:
        if not given.told:
            _apart(name)
        _tell(name)


def _apart(name: str) -> None:
    """In a process of its own: what mutmut knows of a group is in its modules, and Django is set up once a process."""
    pid = os.fork()
    if not pid:
        _run(name, GROUPS[name])
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    if status:
        sys.exit(f"The mutants of {name} were not all tried.")


def _enter(name: str, group: Group) -> None:
    """The folder of a group, in which mutmut finds what it reads beside what it writes."""
    folder = WORK / name
    folder.mkdir(parents=True, exist_ok=True)
    for linked in ("src", "tests", "pyproject.toml"):
        if not (folder / linked).is_symlink():
            (folder / linked).symlink_to(ROOT / linked)
    os.chdir(folder)
    configuration._config = dataclasses.replace(
        configuration.config(),
        source_paths=[Path("src")],
        resolved_mutated_source_paths=[(folder / "mutants" / "src").resolve()],
        only_mutate=[f"src/matinee/{module}.py" for module in group.modules],
        pytest_add_cli_args_test_selection=[f"tests/{test}" for test in group.tests],
        process_isolation=configuration.ProcessIsolation.FORKSERVER,
        use_git_change_detection=False,
        track_dependencies=False,
        timeout_constant=4.0,
    )


def _run(name: str, group: Group) -> None:
    _mutate_decorated_functions()
    _enter(name, group)
    shutil.rmtree("mutants/tests", ignore_errors=True)
    for data in _results():  # what lived, or did not end in time, is tried again; what changed is tried anyway
        data.exit_code_by_key = {
            mutant: code if status_by_exit_code[code] == "killed" else None
            for mutant, code in data.exit_code_by_key.items()
        }
        if data.exit_code_by_key:
            data.save()
    data_dir = Path(tempfile.mkdtemp(prefix="matinee-mutants-", dir=IN_MEMORY if IN_MEMORY.is_dir() else None))
    # As if xdist's controller had set this up: of the many processes that run the tests none tidies up after itself.
    os.environ |= {
        "PYTEST_XDIST_WORKER": "mutmut",
        "MATINEE_DATA_DIR": str(data_dir),
        "PYTHONPATH": str(Path("mutants/src").absolute()),
    }
    isolation.PytestRunner = Runner
    try:
        Runner.make_database(data_dir)
        mutmut._run((), 1)
        _try_unchanged()
    finally:
        shutil.rmtree(data_dir, ignore_errors=True)


def _try_unchanged() -> None:
    """A mutant that is none has to live, or what killed the others was not what they changed."""
    runner = isolation.get_mutant_runner()
    runner.startup()
    runner.submit("unchanged", list(state().duration_by_test), 600, sum(state().duration_by_test.values()))
    found = runner.wait_for_result()
    runner.shutdown()
    if found.exit_code:
        sys.exit(f"Without a change to the code the tests end with {found.exit_code}, so that no figure says anything.")


def _mutate_decorated_functions() -> None:
    """mutmut passes over them, and `atomic` or `lru_cache` stands on some of what matters most. It keeps a decorator on
    each copy of a function; here it is on what chooses among the copies alone, so that it works once."""
    skips = file_mutation.MutationVisitor._skip_node_and_children
    arrange = file_mutation.function_trampoline_arrangement

    def skips_but_decorated(self, node):
        if isinstance(node, cst.FunctionDef) and node.decorators:
            return skips(self, node.with_changes(decorators=()))
        return skips(self, node)

    def arrange_bare(function, mutants, class_name):
        if any(
            isinstance(each.decorator, cst.Name) and each.decorator.value in {"staticmethod", "classmethod"}
            for each in function.decorators
        ):
            return arrange(function, mutants, class_name)
        declared, methods, assigned, names = arrange(function.with_changes(decorators=()), mutants, class_name)
        chooser = methods[0].with_changes(decorators=(*function.decorators, *methods[0].decorators))
        return declared, [chooser, *methods[1:]], assigned, names

    file_mutation.MutationVisitor._skip_node_and_children = skips_but_decorated
    file_mutation.function_trampoline_arrangement = arrange_bare


def _results() -> Iterator[SourceFileMutationData]:
    """What is known of the mutants of each module of the group that was entered."""
    for path in mutmut.walk_mutatable_files():
        data = SourceFileMutationData(path=path)
        data.load()
        yield data


def _tell(name: str) -> None:
    """Count what became of a group's mutants, and show those that nobody noticed."""
    home = Path.cwd()
    _enter(name, GROUPS[name])
    counts = {}
    try:
        for data in _results():
            for mutant, code in data.exit_code_by_key.items():
                status = status_by_exit_code[code]
                counts[status] = counts.get(status, 0) + 1
                if status not in NOTICED:
                    print(f"\n{mutant}: {status}\n{get_diff_for_mutant(mutant, path=data.path)}")
    finally:
        os.chdir(home)
    noticed, total = sum(counts.get(status, 0) for status in NOTICED), sum(counts.values())
    told = ", ".join(f"{number} {status}" for status, number in sorted(counts.items()))
    print(f"{name}: {noticed} of {total} noticed, {noticed / max(total, 1):.1%} ({told})")


if __name__ == "__main__":
    main()
