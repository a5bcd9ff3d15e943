"""Files in a folder or a zip are read in place, once and within limits."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import pytest

from matinee.transfer.sources import MOST_MEMBERS, BadDataSet, opened_source
from tests.transfer.movielens_sets import unpacked, zipped


def content_of(path: Path, name: str = "a.csv", *, most_bytes: int = 1_000) -> bytes:
    with opened_source(path) as source, source.opened(name, most_bytes=most_bytes) as stream:
        return stream.read()


def test_a_file_is_found_by_its_own_name_in_a_zip_and_in_a_folder(tmp_path: Path) -> None:
    files = {"deep/down/a.csv": "1,2", "deep/b.csv": "3"}

    assert content_of(zipped(tmp_path / "set.zip", files)) == b"1,2"
    assert content_of(unpacked(tmp_path / "set", files)) == b"1,2"


def test_a_zip_is_known_by_its_content_and_not_by_its_name(tmp_path: Path) -> None:
    assert content_of(zipped(tmp_path / "set-1.0.whl", {"a.csv": "1"})) == b"1"


def test_a_name_that_leads_out_of_the_zip_writes_nothing_anywhere(tmp_path: Path) -> None:
    path = zipped(tmp_path / "set.zip", {"../../../etc/a.csv": "1"})

    assert content_of(path) == b"1"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_mac_adds_is_no_file_of_the_set(tmp_path: Path) -> None:
    assert content_of(zipped(tmp_path / "set.zip", {"a.csv": "1", "__MACOSX/a.csv": "junk", "x/": ""})) == b"1"


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadDataSet, match=r"several files named a\.csv"):
        content_of(zipped(tmp_path / "set.zip", {"x/a.csv": "1", "y/a.csv": "2"}))


def test_a_large_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    bomb = zipped(tmp_path / "bomb.zip", {"a.csv": b"0" * 10_000_000})
    assert bomb.stat().st_size < 20_000

    with pytest.raises(BadDataSet, match=r"a\.csv has 10,000,000 bytes; more than 1,000 are not read"):
        content_of(bomb)
    with pytest.raises(BadDataSet, match="more than 1 are not read"):
        content_of(unpacked(tmp_path / "set", {"a.csv": "22"}), most_bytes=1)


def test_a_zip_that_understates_a_size_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "forged.zip", {"a.csv": b"0" * 100_000})
    forged = path.read_bytes().replace(struct.pack("<L", 100_000), struct.pack("<L", 500))
    path.write_bytes(forged)

    with pytest.raises(BadDataSet, match=r"a\.csv can't be read"):
        content_of(path)


def test_a_zip_with_very_many_files_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
        for number in range(MOST_MEMBERS + 1):
            archive.writestr(str(number), b"")

    with pytest.raises(BadDataSet, match="more than 10,000 are not looked through"):
        content_of(tmp_path / "many.zip")


def test_an_encrypted_file_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "secret.zip", {"a.csv": "1"})
    content = bytearray(path.read_bytes())
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + flags] |= 1
    path.write_bytes(content)

    with pytest.raises(BadDataSet, match="encrypted"):
        content_of(path)


def test_what_is_no_zip_or_is_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "set.csv").write_text("1,2")

    with pytest.raises(BadDataSet, match="neither a folder nor a zip"):
        content_of(tmp_path / "set.csv")
    with pytest.raises(BadDataSet, match="There is no file or folder"):
        content_of(tmp_path / "nowhere.zip")
