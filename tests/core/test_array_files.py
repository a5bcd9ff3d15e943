"""Arrays that grow on disk."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest

from matinee.core.array_files import ZEROS, array_files, room_in
from tests.core.full_disk import full_after


def test_what_is_appended_is_one_mapped_array_also_after_its_file_is_closed(tmp_path: Path) -> None:
    with array_files(tmp_path) as files:
        files.append({"ids": np.arange(3), "codes": np.array([b"en", b"fr"], dtype="S8")})
        files.append({"ids": np.arange(3, 10)[::2]})
        arrays = files.mapped()

    assert isinstance(arrays["ids"], np.memmap)
    assert arrays["ids"].tolist() == [0, 1, 2, 3, 5, 7, 9]
    assert arrays["codes"].tolist() == [b"en", b"fr"]
    assert [*tmp_path.iterdir()] == []


def test_offsets_of_parts_go_on_where_the_part_before_ended(tmp_path: Path) -> None:
    with array_files(tmp_path) as files:
        for offsets in ([0], [0, 2, 5], [0, 0, 1]):
            files.append_offsets("offsets", np.array(offsets, dtype=np.int64))
        arrays = files.mapped()

    assert arrays["offsets"].tolist() == [0, 2, 5, 5, 6]


def test_an_array_of_nothing_keeps_its_type(tmp_path: Path) -> None:
    with array_files(tmp_path) as files:
        files.append({"ids": np.empty(0, dtype=np.int32)})

        assert files.mapped()["ids"].dtype == np.dtype(np.int32)
        assert files.mapped()["ids"].size == 0


def test_room_is_zeros_to_be_written_in_place(tmp_path: Path) -> None:
    room = room_in(tmp_path)
    many = len(ZEROS) + 1

    numbers, sets, nothing = room((many,), np.int32), room((2, 3), np.uint64), room((0,), np.int32)
    numbers[-1], sets[1, 2] = 7, 5

    assert numbers.dtype == nothing.dtype == np.dtype(np.int32)
    assert (numbers.shape, np.flatnonzero(numbers).tolist(), numbers[-1]) == ((many,), [many - 1], 7)
    assert sets.tolist() == [[0, 0, 0], [0, 0, 5]]
    assert nothing.shape == (0,)
    assert [*tmp_path.iterdir()] == []


def test_a_full_disk_says_so_before_room_is_mapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", full_after(0))

    with pytest.raises(OSError, match="No space left"):  # a page that is written later would end the process
        room_in(tmp_path)((10,), np.int32)
