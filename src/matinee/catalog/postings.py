"""Which films have a person, a keyword, a certification or a provider: for each of these its films, sorted."""

from __future__ import annotations

import itertools
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, get_args

import numpy as np
from django.db import models
from numpy.typing import NDArray

from matinee.catalog import maturity
from matinee.catalog.film_lists import rows_of
from matinee.catalog.filters import Kind, provider_key
from matinee.catalog.models import CastMember, Certification, CrewMember, KeywordTag, WatchOffer

LAYOUT = 1
"""Changes with the arrays and keys below, so that no program reads what another wrote otherwise."""

KINDS: tuple[Kind, ...] = get_args(Kind)
TmdbIds: TypeAlias = NDArray[Any]
"""Of films: uint32 where all fit, else int64."""
Pairs: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64]]
"""(m,) keys, and (m,) the TMDb ids of films that have them."""

READ_AT_ONCE = 5_000
SMALL_IDS = 2**32


@dataclass(frozen=True)
class Posting:
    """All pairs of one kind. `keys` (k,) int64 ascending; the films of key i are films[starts[i]:starts[i + 1]]."""

    keys: NDArray[np.int64]
    starts: NDArray[np.int64]
    films: TmdbIds

    @classmethod
    def of(cls, keys: NDArray[np.int64], films: NDArray[np.int64]) -> Posting:
        """From pairs in any order; one that stands there twice counts once."""
        order = np.lexsort((films, keys))
        keys, films = keys[order], films[order]
        is_first = np.ones(len(keys), dtype=np.bool_)
        is_first[1:] = (keys[1:] != keys[:-1]) | (films[1:] != films[:-1])
        keys, films = keys[is_first], films[is_first]
        begins = np.flatnonzero(np.concatenate([np.ones(min(1, len(keys)), dtype=np.bool_), keys[1:] != keys[:-1]]))
        small = films.astype(np.uint32) if films.max(initial=0) < SMALL_IDS else films
        return cls(keys[begins], np.append(begins, len(keys)).astype(np.int64), small)

    def of_key(self, key: int) -> TmdbIds:
        place = int(np.searchsorted(self.keys, key))
        if place == len(self.keys) or self.keys[place] != key:
            return self.films[:0]
        return self.films[self.starts[place] : self.starts[place + 1]]

    def patched(self, changed: Sequence[int], fresh: Pairs) -> Posting:
        """With the pairs of the `changed` films taken out, and `fresh` ones put in."""
        films = self.films.astype(np.int64)
        stays = ~np.isin(films, np.array(changed, dtype=np.int64))
        keys = np.repeat(self.keys, np.diff(self.starts))
        return Posting.of(np.concatenate([keys[stays], fresh[0]]), np.concatenate([films[stays], fresh[1]]))


class Postings:
    """One version of them."""

    def __init__(self, version: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Raises KeyError where an array is missing."""
        self.version = version
        self.of = {
            kind: Posting(*(arrays[f"{kind}_{part}"].view(np.ndarray) for part in ("keys", "starts", "films")))
            for kind in KINDS
        }

    @property
    def pairs(self) -> int:
        return sum(len(posting.films) for posting in self.of.values())

    def films(self, kind: Kind, key: int) -> TmdbIds:
        """Ascending; empty where no film has it."""
        return self.of[kind].of_key(key)

    def have_any(self, kind: Kind, keys: Sequence[int], tmdb_ids: Sequence[int]) -> NDArray[np.bool_]:
        """(m,) for each of these films whether it has any of the keys."""
        wanted = np.array(tmdb_ids, dtype=np.int64)
        found = np.zeros(len(wanted), dtype=np.bool_)
        for films in (self.films(kind, key) for key in keys):
            if len(films):
                comparable = np.minimum(wanted, np.iinfo(films.dtype).max).astype(films.dtype)
                places = np.minimum(np.searchsorted(films, comparable), len(films) - 1)
                found |= films[places] == wanted
        return found

    def patched(self, changed: Sequence[int]) -> dict[str, NDArray[Any]]:
        """The arrays with these films as they stand in the database now."""
        return arrays_of({kind: self.of[kind].patched(changed, read_pairs(kind, changed)) for kind in KINDS})

    def arrays(self) -> dict[str, NDArray[Any]]:
        return arrays_of(self.of)


def no_postings() -> Postings:
    """Of films of which nothing of the kind is known."""
    nothing = np.empty(0, dtype=np.int64)
    return Postings("none", arrays_of(dict.fromkeys(KINDS, Posting.of(nothing, nothing))))


def read_postings() -> dict[str, NDArray[Any]]:
    """The arrays of what stands in the database; streamed, held as columns and never as rows."""
    return arrays_of({kind: Posting.of(*read_pairs(kind)) for kind in KINDS})


def arrays_of(postings: Mapping[Kind, Posting]) -> dict[str, NDArray[Any]]:
    return {f"{kind}_{part}": array_ for kind, posting in postings.items() for part, array_ in vars(posting).items()}


def read_pairs(kind: Kind, tmdb_ids: Sequence[int] | None = None) -> Pairs:
    """Of all films, or of these."""
    model, columns, key_of = _SOURCES[kind]
    rows = rows_of(model).order_by().values_list(*columns, "movie__tmdb_id")
    chunks = [rows] if tmdb_ids is None else [rows.filter(movie__tmdb_id__in=ids) for ids in _chunks(tmdb_ids)]
    keys, films = array("q"), array("q")
    for *values, film in itertools.chain.from_iterable(chunk.iterator(chunk_size=READ_AT_ONCE) for chunk in chunks):
        key = key_of(*values)
        if key is not None:
            keys.append(key)
            films.append(film)
    return np.frombuffer(keys, np.int64), np.frombuffer(films, np.int64)


def _chunks(tmdb_ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (tmdb_ids[start : start + READ_AT_ONCE] for start in range(0, len(tmdb_ids), READ_AT_ONCE))


def _itself(key: int) -> int:
    return key


_SOURCES: Mapping[Kind, tuple[type[models.Model], tuple[str, ...], Callable[..., int | None]]] = {
    "cast": (CastMember, ("person_id",), _itself),
    "crew": (CrewMember, ("person_id",), _itself),
    "keywords": (KeywordTag, ("keyword_id",), _itself),
    "certifications": (Certification, ("country", "certification"), maturity.key_of),
    "providers": (WatchOffer, ("region", "provider_id"), provider_key),
}
