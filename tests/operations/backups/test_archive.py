"""An archive is taken as it was sealed or not at all, whatever somebody made of it."""

from __future__ import annotations

import datetime as dt
import json
import random
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from matinee.operations.backups.archive import Manifest, opened, write_archive
from matinee.operations.backups.refusals import BadArchive

CONTENT = b"rows " * 4_000
FACTS = {
    "matinee": "0.1.0",
    "made_at": dt.datetime(2026, 11, 26, tzinfo=dt.UTC).isoformat(),
    "engine": "sqlite",
    "migrations": [["catalog", "0001_initial"]],
    "rows": {"catalog_movie": 3},
    "community": {},
}
Members = dict[str, bytes]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    (tmp_path / "rows").write_bytes(CONTENT)
    write_archive(tmp_path / "archive", database=tmp_path / "rows", facts=FACTS, on_progress=lambda *_: None)
    return tmp_path / "archive"


def read(path: Path, *, unsealed: bool = False) -> bytes:
    """What comes out of an archive."""
    target = path.with_name("taken out")
    target.unlink(missing_ok=True)
    with opened(path, unsealed=unsealed) as archive:
        archive.extract(target, lambda *_: None)
    return target.read_bytes()


def members_of(path: Path) -> Members:
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


def write(path: Path, members: list[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> None:
    with zipfile.ZipFile(path, "w", method) as file:
        for name, content in members:
            file.writestr(name, content)


def with_manifest(members: Members, **changes: Any) -> Members:
    return members | {"manifest.json": json.dumps(json.loads(members["manifest.json"]) | changes).encode()}


def test_what_was_put_in_comes_out(archive: Path) -> None:
    assert read(archive) == CONTENT


def test_it_is_readable_by_its_user_alone(archive: Path) -> None:
    assert archive.stat().st_mode & 0o777 == 0o600


def test_the_secret_is_not_in_it(archive: Path, settings: Settings) -> None:
    everything = b"".join(members_of(archive).values()) + archive.read_bytes()

    assert settings.SECRET_KEY.encode() not in everything


TAMPERING: dict[str, Callable[[Members], list[tuple[str, bytes]]]] = {
    "one byte of the database": lambda m: [*(m | {"database": m["database"][:-1] + b"!"}).items()],
    "a longer database": lambda m: [*(m | {"database": m["database"] + b"!"}).items()],
    "a shorter database": lambda m: [*(m | {"database": m["database"][:-1]}).items()],
    "a bomb": lambda m: [*(m | {"database": b"\0" * 20_000_000}).items()],
    "a database and a manifest that tells of it": lambda m: [*with_manifest(m, size=5, sha256="0" * 64).items()],
    "another number of rows": lambda m: [*with_manifest(m, rows={"catalog_movie": 4}).items()],
    "no seal": lambda m: [(name, content) for name, content in m.items() if name != "manifest.seal"],
    "an empty seal": lambda m: [*(m | {"manifest.seal": b""}).items()],
    "a seal of another text": lambda m: [*(m | {"manifest.seal": m["manifest.seal"][:16] + b"0" * 64}).items()],
    "a way out of the folder": lambda m: [*m.items(), ("../../evil", b"")],
    "a member twice": lambda m: [*m.items(), ("database", b"other")],
    "a manifest without end": lambda m: [*(m | {"manifest.json": b" " * 2_000_000}).items()],
    "a seal without end": lambda m: [*(m | {"manifest.seal": b"0" * 2_000_000}).items()],
}


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
@pytest.mark.parametrize("change", TAMPERING.values(), ids=TAMPERING.keys())
def test_what_was_changed_is_refused(archive: Path, change: Callable[[Members], list[tuple[str, bytes]]]) -> None:
    write(archive, change(members_of(archive)))

    with pytest.raises(BadArchive):
        read(archive)


@pytest.mark.parametrize("left", [0, 1, 100, -1_000, -1])
def test_what_was_cut_off_is_refused(archive: Path, left: int) -> None:
    whole = archive.read_bytes()
    archive.write_bytes(whole[:left])

    with pytest.raises(BadArchive):
        read(archive)


def test_no_flipped_bit_anywhere_changes_what_comes_out(archive: Path) -> None:
    whole, lots = archive.read_bytes(), random.Random(26)
    refused = 0
    for _ in range(150):
        place = lots.randrange(len(whole))
        archive.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << lots.randrange(8)]) + whole[place + 1 :])
        try:
            assert read(archive) == CONTENT  # a bit of the zip's own that says nothing, as a date
        except BadArchive:
            refused += 1

    assert refused > 100


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_whatever_method_packs_it_no_more_is_read_than_the_manifest_says(archive: Path, method: int) -> None:
    members = members_of(archive)
    write(archive, [*(members | {"database": CONTENT + b"\0" * 5_000_000}).items()], method)

    with pytest.raises(BadArchive, match="longer"):
        read(archive)


def test_a_file_of_another_kind_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("Dear diary")

    with pytest.raises(BadArchive, match="letter is damaged, or no backup"):
        read(tmp_path / "letter")


def test_with_another_secret_it_is_refused_and_says_what_to_give(archive: Path, settings: Settings) -> None:
    settings.SECRET_KEY = "another secret, of thirty-two characters or more"

    with pytest.raises(BadArchive, match="MATINEE_SECRET_KEY_FALLBACKS"):
        read(archive)


def test_a_secret_that_was_rotated_still_opens_it(archive: Path, settings: Settings) -> None:
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another secret, of thirty-two characters or more"

    assert read(archive) == CONTENT


def test_where_the_secret_is_lost_it_is_taken_unsealed_but_never_damaged(archive: Path, settings: Settings) -> None:
    settings.SECRET_KEY = "another secret, of thirty-two characters or more"

    assert read(archive, unsealed=True) == CONTENT
    write(archive, TAMPERING["one byte of the database"](members_of(archive)))
    with pytest.raises(BadArchive, match="damaged or tampered"):
        read(archive, unsealed=True)


@pytest.mark.parametrize("manifest", [b"", b"[]", b"{}", b'{"format": "x"}', b'{"format": 1}', b"\xff"])
def test_a_manifest_that_makes_no_sense_is_refused(archive: Path, manifest: bytes) -> None:
    write(archive, [*(members_of(archive) | {"manifest.json": manifest}).items()])

    with pytest.raises(BadArchive):
        read(archive, unsealed=True)


def test_a_newer_format_is_refused_with_what_to_install(archive: Path) -> None:
    write(archive, [*with_manifest(members_of(archive), format=2, matinee="9.9", novelty=1).items()])

    with pytest.raises(BadArchive, match=r"Matinee 9\.9 made this backup in a format"):
        read(archive, unsealed=True)


def test_what_has_no_room_is_refused_before_it_is_written(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(archive.parent)._replace(free=len(CONTENT) - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: usage)  # nobody can fill a disk for a test

    with pytest.raises(BadArchive, match="19,999 are free"):
        read(archive)

    assert not archive.with_name("taken out").exists()


def test_the_manifest_tells_what_is_in_it(archive: Path) -> None:
    with opened(archive) as taken:
        manifest = taken.manifest

    assert manifest == Manifest(format=1, size=len(CONTENT), sha256=manifest.sha256, **FACTS)  # type: ignore[arg-type] # of mixed types
