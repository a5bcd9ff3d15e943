"""Making a backup that has been restored once before it counts, and putting one back in one step."""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from django.conf import settings
from django.contrib.sessions.models import Session as AdminSession
from django.db import Error as AnyDatabaseError
from django.db import connection, connections
from django.db.migrations.loader import MigrationLoader
from django.db.models import Model

from matinee import __version__
from matinee.accounts import export_files
from matinee.accounts.erasure import erase_again, list_with
from matinee.accounts.models import Export, Letter, Session, User
from matinee.audit.anchor import accept_restore
from matinee.catalog import outbox
from matinee.catalog.models import Movie
from matinee.core.durability import sync
from matinee.core.progress import Progress
from matinee.library.models import ToldReleases
from matinee.library.releases import keep_what_was_told
from matinee.operations.backups.archive import Manifest, opened, read_sealed, write_archive, write_sealed
from matinee.operations.backups.engines import DatabaseEngine, Restorer, known_to_django, migrate
from matinee.operations.backups.moving import FromSqlite
from matinee.operations.backups.postgresql import Postgresql
from matinee.operations.backups.refusals import (
    BadArchive,
    MayNotCreateDatabases,
    NothingToSave,
    UnderWay,
    WouldOverwrite,
)
from matinee.operations.backups.sqlite import Sqlite
from matinee.recommendations.community import community_datasets

STAGING = ".matinee-staging-"
LOCK = ".matinee-backup.lock"
ERASED = "matinee.erased"
"""The list of who was erased, beside the archives: it outlives the disk, and each archive's own is of its day."""


@dataclass(frozen=True)
class Backup:
    """One that was made."""

    path: Path
    manifest: Manifest
    was_restored: bool
    """Whether a database was made of it and looked at; else it was read to its end, and its checksum compared."""


def backup(*, folder: Path, now: dt.datetime, on_progress: Progress = lambda *_: None) -> Backup:
    """Write an archive of the database as it is at one moment after `now`, while others go on writing.

    It gets its name once it has been verified; whatever ends this before leaves no archive. Raises NotDone, OSError.
    """
    if not connection.introspection.table_names():
        raise NothingToSave(
            f"There is nothing to save: {connection.settings_dict['NAME']} holds no tables. Do MATINEE_DATA_DIR and "
            "MATINEE_DATABASE_URL name the instance that is meant?"
        )
    path = folder / f"matinee-{now:%Y%m%dT%H%M%SZ}.backup"
    if path.exists():
        raise WouldOverwrite(f"{path} is there already.")
    engine = _engine()
    with _made(folder), _workshop(folder) as workshop:
        listed = read_sealed(folder / ERASED)
        database, archive = workshop / "database", workshop / "archive"
        content = engine.copy(database, on_progress)
        facts = {
            "matinee": __version__,
            "made_at": now.isoformat(),
            "engine": connection.vendor,
            "migrations": content.migrations,
            "rows": content.rows,
            "community": {dataset.name: dataset.version.partition("-")[2] for dataset in community_datasets()},
        }
        manifest = write_archive(archive, database=database, facts=facts, on_progress=on_progress)
        database.unlink()
        was_restored = _is_sound(engine, archive, database, on_progress)
        write_sealed(workshop / ERASED, list_with(listed))
        (workshop / ERASED).rename(folder / ERASED)
        archive.rename(path)
        sync(folder)
    return Backup(path, manifest, was_restored)


def restore(
    *,
    file: Path,
    now: dt.datetime,
    replace: bool = False,
    unsealed: bool = False,
    on_progress: Progress = lambda *_: None,
) -> Manifest:
    """Put the database of an archive in the place of ours, in one step after all else has been done.

    Before, it is verified, brought to this program's migrations and made ready beside the live one. Raises NotDone,
    OSError.
    """
    with opened(file, unsealed=unsealed) as archive, _workshop(settings.DATA_DIR) as workshop:
        engine = _restorer(archive.manifest.engine)
        _refuse_unknown_migrations(archive.manifest)
        if not replace and _has_data():
            raise WouldOverwrite(
                "There are accounts or films in this instance. --replace puts the backup in their place."
            )
        listed = read_sealed(file.parent / ERASED, unsealed=unsealed)
        database = workshop / "database"
        archive.extract(database, on_progress)
        with engine.staged(database, on_progress) as staged:
            with known_to_django(staged) as alias:
                on_progress("Verifying", 0, None)
                _refuse_faults(engine, alias, archive.manifest)
                _make_ready(alias, listed, now=now)
            staged.put_in_place()
        erase_again()  # whoever was erased while it was made ready
        export_files.forget_orphans()
        accept_restore(now=now)
        return archive.manifest


def _make_ready(alias: str, listed: str, *, now: dt.datetime) -> None:
    """What the data of a backup go through before they are served: they are those of an earlier moment."""
    migrate(alias)
    Session.objects.using(alias).filter(ended_at=None).update(ended_at=now)  # or who signed out since would be back
    AdminSession.objects.using(alias).all().delete()
    Letter.objects.using(alias).exclude(digest=None).delete()  # their tokens may have been used since
    Export.objects.using(alias).all().delete()  # their files are of another day
    erase_again(using=alias, listed_elsewhere=listed)
    outbox.start_over(using=alias)
    if _is_there(ToldReleases):
        keep_what_was_told(using=alias)


def _is_sound(engine: DatabaseEngine, path: Path, database: Path, on_progress: Progress) -> bool:
    """Restore an archive that was just made, beside the live database. False: it may not be; the archive was read."""
    with opened(path) as archive:
        archive.extract(database, on_progress)
        try:
            with engine.staged(database, on_progress) as staged, known_to_django(staged) as alias:
                on_progress("Verifying", 0, None)
                _refuse_faults(engine, alias, archive.manifest)
        except MayNotCreateDatabases:
            return False
    return True


def _refuse_faults(engine: Restorer, alias: str, manifest: Manifest) -> None:
    try:
        faults = [*engine.faults(), *_missing_rows(alias, manifest)]
    except AnyDatabaseError as error:
        raise BadArchive(f"Its database can't be read: {error}.") from error
    if faults:
        raise BadArchive(f"Its database is not sound: {'; '.join(faults[:5])}.")


def _missing_rows(alias: str, manifest: Manifest) -> Iterator[str]:
    with connections[alias].cursor() as cursor:
        for table, expected in manifest.rows.items():
            cursor.execute(f"SELECT COUNT(*) FROM {connection.ops.quote_name(table)}")  # noqa: S608 - it is quoted
            (found,) = cursor.fetchone()
            if found != expected:
                yield f"{table} has {found:,} rows in place of {expected:,}"


def _refuse_unknown_migrations(manifest: Manifest) -> None:
    ours = MigrationLoader(None).disk_migrations.keys()
    unknown = [f"{app}.{name}" for app, name in manifest.migrations if (app, name) not in ours]
    if unknown:
        raise BadArchive(
            f"Matinee {manifest.matinee} made it, with migrations that this program ({__version__}) does not know, "
            f"{unknown[-1]} among them. Install that version or a later one."
        )


def _has_data() -> bool:
    return any(_is_there(model) and model._default_manager.exists() for model in (User, Movie))  # noqa: SLF001 - Django's public name for it


def _is_there(model: type[Model]) -> bool:
    """Its table, in the live database."""
    return model._meta.db_table in connection.introspection.table_names()  # noqa: SLF001 - Django's public name for it


def _engine() -> DatabaseEngine:
    return Sqlite() if connection.vendor == "sqlite" else Postgresql()


def _restorer(made_on: str) -> Restorer:
    """Of a backup that was made on an engine. Raises BadArchive where there is none."""
    if made_on == connection.vendor:
        return _engine()
    if (made_on, connection.vendor) == ("sqlite", "postgresql"):
        return FromSqlite()
    raise BadArchive(
        f"It is a backup of {made_on}, and this instance uses {connection.vendor}. A backup goes into the kind of "
        "database that it was made of, and one of sqlite into postgresql, too."
    )


@contextlib.contextmanager
def _made(folder: Path) -> Iterator[None]:
    """It is there meanwhile; where it was not before, nothing is left of it by what fails."""
    was_there = folder.exists()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        if not was_there:
            with contextlib.suppress(OSError):  # something of somebody else's is in it
                folder.rmdir()
        raise


@contextlib.contextmanager
def _workshop(folder: Path) -> Iterator[Path]:
    """A directory for this user alone, for one at a time; what a killed one left is removed."""
    with _locked(folder):
        for leftover in folder.glob(f"{STAGING}*"):
            shutil.rmtree(leftover, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=STAGING, dir=folder) as workshop:
            yield Path(workshop)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    path = folder / LOCK
    with path.open("w") as lock:
        if not _is_taken(lock, path):
            raise UnderWay(f"Another backup or restore works in {folder}.")
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def _is_taken(lock: TextIO, path: Path) -> bool:
    """By us: not where another holds it, nor where one that has ended right now took the file away."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(lock.fileno()), path.stat())
    except (BlockingIOError, FileNotFoundError):
        return False
