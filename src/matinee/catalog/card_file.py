"""Encoded films one after another, as plain arrays that a file holds and every worker maps."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matinee.catalog.encoding import EncodedFilm
from matinee.catalog.film_table import offsets_of
from matinee.core.array_files import array_files
from matinee.core.in_parts import parts


@dataclass(frozen=True)
class CardFile:
    """(n,) each, by ascending TMDb id. A film of no length is one that could not be encoded."""

    tmdb_ids: NDArray[np.int64]
    pks: NDArray[np.int64]
    starts: NDArray[np.int64]
    """(n + 1,) where in `json` each film's JSON starts, and where the last one ends."""
    name_ends: NDArray[np.int32]
    card_ends: NDArray[np.int32]
    json: NDArray[np.uint8]

    @classmethod
    def of(cls, films: Sequence[tuple[int, EncodedFilm]]) -> CardFile:
        """Films by ascending TMDb id, each beside its own."""
        return cls(
            tmdb_ids=np.array([tmdb_id for tmdb_id, _ in films], dtype=np.int64),
            pks=np.array([film.pk for _, film in films], dtype=np.int64),
            starts=offsets_of(np.array([len(film.detail) for _, film in films], dtype=np.int64)),
            name_ends=np.array([film.name_end for _, film in films], dtype=np.int32),
            card_ends=np.array([film.card_end for _, film in films], dtype=np.int32),
            json=np.frombuffer(b"".join(film.detail for _, film in films), dtype=np.uint8),
        )

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> CardFile:
        """Raises KeyError where one is missing."""
        return cls(**{name: arrays[name].view(np.ndarray) for name in cls.__annotations__})

    @property
    def size(self) -> int:
        return len(self.tmdb_ids)

    def arrays(self) -> dict[str, NDArray[Any]]:
        return dict(vars(self))

    def find(self, tmdb_ids: Sequence[int]) -> dict[int, EncodedFilm]:
        """The films with these ids, in their order; one that is not here is left out."""
        if self.size == 0:
            return {}
        wanted = np.array(tmdb_ids, dtype=np.int64)
        rows = np.minimum(np.searchsorted(self.tmdb_ids, wanted), self.size - 1)
        there = (self.tmdb_ids[rows] == wanted).tolist()
        pks, starts, stops = self.pks[rows].tolist(), self.starts[rows].tolist(), self.starts[rows + 1].tolist()
        name_ends, card_ends = self.name_ends[rows].tolist(), self.card_ends[rows].tolist()
        return {
            tmdb_id: EncodedFilm(pk, self.json[start:stop].tobytes(), name_end, card_end)
            for tmdb_id, is_here, pk, start, stop, name_end, card_end in zip(
                tmdb_ids, there, pks, starts, stops, name_ends, card_ends, strict=True
            )
            if is_here
        }

    def between(self, start: int, stop: int) -> CardFile:
        """The films of these rows."""
        starts = self.starts[start : stop + 1]
        return CardFile(
            tmdb_ids=self.tmdb_ids[start:stop],
            pks=self.pks[start:stop],
            starts=starts - starts[0],
            name_ends=self.name_ends[start:stop],
            card_ends=self.card_ends[start:stop],
            json=self.json[starts[0] : starts[-1]],
        )

    def patched(self, changes: Iterable[tuple[Sequence[int], CardFile]]) -> Iterator[CardFile]:
        """This file's films in order, part by part, but those of changed ids as they are in the file beside these, or
        gone where they are not there. The ids ascend, also from one to the next of the `changes`."""
        place = 0
        for tmdb_id, fresh in ((tmdb_id, fresh) for tmdb_ids, fresh in changes for tmdb_id in tmdb_ids):
            row = int(np.searchsorted(self.tmdb_ids, tmdb_id))
            yield from (self.between(part.start, part.stop) for part in parts(row, place))
            place = row + int(row < self.size and self.tmdb_ids[row] == tmdb_id)
            first = int(np.searchsorted(fresh.tmdb_ids, tmdb_id))
            yield fresh.between(first, first + int(first < fresh.size and fresh.tmdb_ids[first] == tmdb_id))
        yield from (self.between(part.start, part.stop) for part in parts(self.size, place))


def written(parts: Iterable[CardFile], folder: Path) -> CardFile:
    """All parts as one, which is mapped from nameless files below `folder`: it is never all in memory."""
    with array_files(folder) as files:
        for part in itertools.chain([CardFile.of([])], parts):
            arrays = part.arrays()
            files.append_offsets("starts", arrays.pop("starts"))
            files.append(arrays)
        return CardFile.from_arrays(files.mapped())
