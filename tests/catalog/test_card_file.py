"""Encoded films in one file: mapped, found by id, and mended part by part."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.catalog.card_file import CardFile, written
from matinee.catalog.encoding import EncodedFilm

IDS = st.sets(st.integers(1, 30))


def encoded(tmdb_id: int, text: str = "") -> EncodedFilm:
    detail = f"{tmdb_id}|{text}|{tmdb_id * 'x'}".encode()
    return EncodedFilm(pk=100 + tmdb_id, detail=detail, name_end=1, card_end=len(detail) // 2)


def file_of(films: dict[int, EncodedFilm]) -> CardFile:
    return CardFile.of(sorted(films.items()))


def same(one: CardFile, other: CardFile) -> bool:
    theirs = other.arrays()
    return all(array.tobytes() == theirs[name].tobytes() for name, array in one.arrays().items())


def test_a_film_is_found_by_its_id_and_another_is_not() -> None:
    films = {3: encoded(3), 5: encoded(5)}

    file = file_of(films)

    assert file.find([5, 4, 9, 3]) == {5: films[5], 3: films[3]}
    assert file_of({}).find([1]) == {}


@given(before=IDS, after=IDS, changed=IDS, at_once=st.integers(1, 5))
def test_mending_gives_what_writing_anew_would(
    before: set[int], after: set[int], changed: set[int], at_once: int
) -> None:
    old = {id_: encoded(id_) for id_ in before}
    new = {id_: encoded(id_, "new") for id_ in after & changed}
    now = {id_: film for id_, film in old.items() if id_ not in changed} | new

    ids = sorted(changed)
    changes = [ids[start : start + at_once] for start in range(0, len(ids), at_once)]

    parts = [*file_of(old).patched((some, file_of({id_: new[id_] for id_ in some if id_ in new})) for some in changes)]

    found = [id_ for part in parts for id_ in part.tmdb_ids.tolist()]
    assert found == sorted(now)
    assert {id_: film for part in parts for id_, film in part.find(part.tmdb_ids.tolist()).items()} == now


def test_parts_become_one_file_that_is_mapped(tmp_path: Path) -> None:
    films = {id_: encoded(id_) for id_ in range(1, 10)}
    parts = [file_of(films).between(0, 4), file_of({}), file_of(films).between(4, 9)]

    whole = written(parts, tmp_path)

    assert isinstance(whole.json.base, np.memmap)
    assert same(whole, file_of(films))
    assert same(CardFile.from_arrays(whole.arrays()), whole)


def test_no_parts_are_a_file_without_films(tmp_path: Path) -> None:
    assert written([], tmp_path).size == 0


def test_a_file_needs_all_its_arrays() -> None:
    with pytest.raises(KeyError):
        CardFile.from_arrays({})
