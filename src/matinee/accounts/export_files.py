"""The zip of everything that is held about a person, as JSON and CSV, and where those lie that a job makes."""

from __future__ import annotations

import csv
import datetime as dt
import io
import os
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import orjson
from django.apps import apps
from django.conf import settings

from matinee.accounts.models import Export, User
from matinee.accounts.privacy import Section, reasons_to_leave_out, sections

TOLD_EVERY = 1_000
CHUNK = 500
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""With one of these a spreadsheet begins a formula, in some languages with the last four, which are wide; an apostrophe
before it makes it text."""


def make(*, export_id: int, now: dt.datetime) -> None:
    """Write the file of an export, once. Whoever is erased meanwhile leaves none."""
    export = Export.objects.select_related("user__data_key").filter(pk=export_id, ready_at=None).first()
    if export is None:
        return
    path = path_of(export)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    fresh = path.with_suffix(".new")
    mine = Export.objects.filter(pk=export_id)

    def tell(rows: int) -> None:
        mine.update(rows_done=rows)

    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        write(file, export.user, now=now, on_progress=tell)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    if not mine.update(ready_at=now, rows_done=export.rows):
        path.unlink(missing_ok=True)


def forget_expired(*, now: dt.datetime) -> int:
    """Delete the exports whose time is over, and their files; returns how many rows went."""
    deleted, _ = Export.objects.filter(expires_at__lte=now).delete()
    forget_orphans()
    return deleted


def forget_orphans() -> None:
    """Delete every file that belongs to no export any more."""
    kept = {path_of(export).stem for export in Export.objects.all()}
    for path in folder().glob("*"):
        if path.stem not in kept:
            path.unlink(missing_ok=True)


def path_of(export: Export) -> Path:
    return folder() / f"{export.pk}.zip"


def folder() -> Path:
    path: Path = settings.DATA_DIR / "exports"
    return path


def write(
    file: IO[bytes], person: User, *, now: dt.datetime, on_progress: Callable[[int], None] = lambda _rows: None
) -> None:
    """The zip. `on_progress` is told every TOLD_EVERY rows how many are done."""
    done = 0
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr(_entry("README.txt", now), _readme(now))
        for section in sections():
            with packed.open(_entry(f"json/{section.name}.json", now), "w") as entry:
                done = _write_json(entry, section, person, done, on_progress)
            with packed.open(_entry(f"csv/{section.name}.csv", now), "w") as entry:
                _write_csv(entry, section, person)


def _write_json(entry: IO[bytes], section: Section, person: User, done: int, on_progress: Callable[[int], None]) -> int:
    """One array, a row a line; returns how many rows are `done` with these."""
    separator = b"[\n"
    for told in _rows(section, person):
        entry.write(separator + orjson.dumps(told))
        separator = b",\n"
        done += 1
        if done % TOLD_EVERY == 0:
            on_progress(done)
    entry.write(b"\n]\n" if separator == b",\n" else b"[]\n")
    return done


def _write_csv(entry: IO[bytes], section: Section, person: User) -> None:
    text = io.TextIOWrapper(entry, encoding="utf-8", newline="")
    writer = csv.writer(text)
    writer.writerow(section.columns)
    writer.writerows([_cell(value) for value in told.values()] for told in _rows(section, person))
    text.flush()


def _entry(name: str, now: dt.datetime) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, now.timetuple()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _rows(section: Section, person: User) -> Iterator[dict[str, Any]]:
    for row in section.rows_of(person).iterator(chunk_size=CHUNK):
        if section.path == "user":
            row.user = person  # whose data key is read once for all rows
        yield section.told(row)


def _cell(value: Any) -> Any:
    """A cell that says the value and does nothing."""
    if isinstance(value, dict | list):
        return orjson.dumps(value).decode()
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return value


def _readme(now: dt.datetime) -> str:
    return (
        f"Everything that this service holds about you, as of {now.isoformat()}.\n\n"
        "json/ and csv/ say the same. In csv/ a text that a spreadsheet would take for a formula has an apostrophe "
        f"before it.\n\nNot in here, and why:\n{_left_out()}\n"
    )


def _left_out() -> str:
    """A reason a line: what the files beside this one lack, and what there is no file of."""
    files = {section.model: section.name for section in sections()}
    lacking: dict[str, dict[str, list[str]]] = {}
    for label, reason in sorted(reasons_to_leave_out().items()):
        app, name, *field = label.split(".")
        table = files.get(f"{app}.{name}") or str(apps.get_model(app, name)._meta.verbose_name_plural)  # noqa: SLF001 - Django's name for a model's facts
        lacking.setdefault(reason, {}).setdefault(table, []).extend(field)
    lines = []
    for reason, tables in lacking.items():
        what = [f"{table} ({', '.join(fields)})" if fields else table for table, fields in tables.items()]
        lines.append(f"- {', '.join(what)}: {reason}")
    return "\n".join(lines)
