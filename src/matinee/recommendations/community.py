"""Community ratings: what strangers thought of films, kept on disk as training data and never as accounts.

Each data set is an artifact of its own kind, `community-<name>`: the ratings as columns, by person and film, and the
films under MovieLens' numbers with the TMDb ids that are known of them. Other films are matched by title and year each
time that a model is trained, so that they join when the catalogue gains them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal, Self, TypeAlias

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from matinee.catalog.matching import CatalogueTitle, match, parse_title
from matinee.core.artifacts import STANDS_ALONE, Artifact, ArtifactStore, stored_kinds
from matinee.core.depot import depot
from matinee.core.refusals import NotFound

KIND_PREFIX = "community-"
CHUNK = 1_000_000
Numbering: TypeAlias = Literal["movielens", "movielens-100k"]
NUMBERING_STARTS: dict[Numbering, int] = {"movielens": 0, "movielens-100k": 2**32}
"""MovieLens-100K numbers its films otherwise than all later sets; the shift keeps one number from meaning two films."""


class NoSuchSet(NotFound):
    """No data set of that name was ever stored."""

    code = "no_such_set"


@dataclass(frozen=True)
class Films:
    """The films of a data set: `movielens_ids` (m,) int32, `tmdb_ids` (m,) int64 with 0 for unknown, and m titles."""

    movielens_ids: NDArray[np.int32]
    tmdb_ids: NDArray[np.int64]
    titles: Sequence[str]


@dataclass(frozen=True)
class Ratings:
    """r ratings by people 0 to p-1 of films 0 to m-1, ordered by person and film, one for each pair."""

    user_rows: NDArray[np.int32]
    item_rows: NDArray[np.int32]
    ratings: NDArray[np.float32]
    """(r,) 0.5 to 5 in halves."""
    timestamps: NDArray[np.int64]
    """(r,) seconds since 1970."""
    movielens_ids: NDArray[np.int32]
    """(m,) ascending; every one of them is rated."""


@dataclass(frozen=True)
class Community:
    """One stored data set, its columns mapped from disk."""

    name: str
    version: str
    numbering: Numbering
    user_rows: NDArray[np.int32]
    item_rows: NDArray[np.int32]
    ratings: NDArray[np.float32]
    timestamps: NDArray[np.int64]
    movielens_ids: NDArray[np.int32]
    tmdb_ids: NDArray[np.int64]
    titles: Sequence[str]

    @property
    def n_people(self) -> int:
        return int(self.user_rows[-1]) + 1 if len(self.user_rows) else 0


class RatingsIntake:
    """Ratings on their way in, waiting in unnamed temporary files: memory holds a chunk and not the whole set, and
    whatever ends the process, nothing is left on disk."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._files: list[IO[bytes]] = []
        self._incoming = [self._file() for _ in range(4)]
        self._user_ids = self._item_ids = np.empty(0, dtype=np.int32)
        self._last = (-1, -1)
        self._is_ordered = True
        self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files:
            file.close()

    def append(
        self,
        user_ids: NDArray[np.int64],
        movielens_ids: NDArray[np.int64],
        ratings: NDArray[np.float64],
        timestamps: NDArray[np.int64],
    ) -> None:
        """Take in the next chunk. Ids are from 1 to 2^31 - 1."""
        if not len(user_ids):
            return
        keys = user_ids.astype(np.int64) << 32 | movielens_ids
        first, last = (int(user_ids[0]), int(movielens_ids[0])), (int(user_ids[-1]), int(movielens_ids[-1]))
        self._is_ordered = self._is_ordered and self._last < first and bool(np.all(keys[:-1] < keys[1:]))
        self._last = last
        self._user_ids = np.union1d(self._user_ids, user_ids).astype(np.int32)
        self._item_ids = np.union1d(self._item_ids, movielens_ids).astype(np.int32)
        columns = (user_ids, movielens_ids, ratings, timestamps)
        for file, column, dtype in zip(self._incoming, columns, ("<i4", "<i4", "<f4", "<i8"), strict=True):
            file.write(np.ascontiguousarray(column, dtype=dtype).tobytes())
        self.size += len(user_ids)

    def ratings(self) -> Ratings:
        """All that came in; valid until the intake is left. Of two opinions of one person on a film the later counts.

        Sorting needs memory for the whole set; a set that comes in order, as MovieLens' large ones do, is not sorted.
        """
        users, items, stars, times = (
            self._mapped(file, dtype) for file, dtype in zip(self._incoming, ("<i4", "<i4", "<f4", "<i8"), strict=True)
        )
        user_rows, item_rows = self._rows(users, self._user_ids), self._rows(items, self._item_ids)
        if not self._is_ordered:
            order = np.lexsort((times, item_rows, user_rows))
            user_rows, item_rows, stars, times = (column[order] for column in (user_rows, item_rows, stars, times))
            is_last = np.ones(len(order), dtype=np.bool_)
            is_last[:-1] = (user_rows[1:] != user_rows[:-1]) | (item_rows[1:] != item_rows[:-1])
            user_rows, item_rows, stars, times = (column[is_last] for column in (user_rows, item_rows, stars, times))
        return Ratings(user_rows, item_rows, stars, times, movielens_ids=self._item_ids)

    def _rows(self, ids: NDArray[np.int32], known: NDArray[np.int32]) -> NDArray[np.int32]:
        file = self._file()
        for start in range(0, len(ids), CHUNK):
            file.write(np.searchsorted(known, ids[start : start + CHUNK]).astype("<i4").tobytes())
        return self._mapped(file, "<i4")

    def _file(self) -> IO[bytes]:
        file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - closed by __exit__
        self._files.append(file)
        return file

    def _mapped(self, file: IO[bytes], dtype: str) -> NDArray[Any]:
        file.flush()
        if not self.size:
            return np.empty(0, dtype=dtype)
        return np.memmap(file, dtype=dtype, mode="r")


def store_community(name: str, *, numbering: Numbering, ratings: Ratings, films: Films) -> tuple[Community, bool]:
    """Put a data set in the place of the one of that name; returns it, and whether it differs from what was there.

    Films that nobody rated are left out. The same content is not published again.
    """
    arrays = _arrays(ratings, films)
    notes = {"name": name, "numbering": numbering}
    store = _store(KIND_PREFIX + name)
    there = store.open_newest()
    if there is not None and dict(there.notes) == notes and _is_same(there, arrays):
        return _community(there), False
    return _community(store.open(store.publish(arrays, notes))), True


def remove_community(name: str) -> None:
    """Take a data set away, from every node that shares a depot with this one, and all older versions of it.

    An empty one takes its place, which the others follow as they do any version: where a kind is simply not there, a
    node brings it back. Raises NoSuchSet, and DepotAway, since a node must not do this for itself.
    """
    kind, shared = KIND_PREFIX + name, depot()
    known = {*stored_kinds(settings.ARTIFACTS_DIR), *(shared.versions() if shared is not None else ())}
    if kind not in known:
        stored = ", ".join(dataset.name for dataset in community_datasets()) or "none"
        raise NoSuchSet(f"There is no data set {name!r}. Stored here: {stored}.")
    nobody = Ratings(*(np.empty(0, dtype) for dtype in ("<i4", "<i4", "<f4", "<i8", "<i4")))
    nothing = Films(movielens_ids=np.empty(0, np.int32), tmdb_ids=np.empty(0, np.int64), titles=())
    notes = {"name": name, "numbering": "movielens", STANDS_ALONE: True}
    ArtifactStore(settings.ARTIFACTS_DIR, kind, serves_alone=False).publish(_arrays(nobody, nothing), notes)


def community_datasets() -> list[Community]:
    """Every data set that is stored, by name; one that was removed, or is damaged beyond its older versions, is not."""
    kinds = sorted(folder.name for folder in Path(settings.ARTIFACTS_DIR).glob(f"{KIND_PREFIX}*") if folder.is_dir())
    artifacts = (_store(kind).open_newest() for kind in kinds)
    datasets = (_community(artifact) for artifact in artifacts if artifact is not None)
    return [dataset for dataset in datasets if dataset.n_people]


def resolve(community: Community, titles: Iterable[CatalogueTitle]) -> NDArray[np.int64]:
    """(m,) the id of each film in training: its TMDb id where links or `titles` tell it, else minus its own number.

    Two films of the data set may get the same id. A TMDb id need not be in the catalogue yet.
    """
    ids = np.asarray(community.tmdb_ids).copy()
    unknown = np.flatnonzero(ids == 0).tolist()
    matched = match([parse_title(community.titles[row]) for row in unknown], titles) if unknown else []
    own = -(community.movielens_ids.astype(np.int64) + NUMBERING_STARTS[community.numbering])
    ids[unknown] = [own[row] if tmdb_id is None else tmdb_id for row, tmdb_id in zip(unknown, matched, strict=True)]
    return ids


def _arrays(ratings: Ratings, films: Films) -> dict[str, NDArray[Any]]:
    """What an artifact holds: of the films those alone that are rated."""
    rows = {movielens_id: row for row, movielens_id in enumerate(films.movielens_ids.tolist())}
    kept = [rows[movielens_id] for movielens_id in ratings.movielens_ids.tolist()]
    titles = [films.titles[row].encode() for row in kept]
    return {
        "user_rows": ratings.user_rows,
        "item_rows": ratings.item_rows,
        "ratings": ratings.ratings,
        "timestamps": ratings.timestamps,
        "movielens_ids": ratings.movielens_ids,
        "tmdb_ids": films.tmdb_ids[kept],
        "titles": np.frombuffer(b"".join(titles), dtype=np.uint8),
        "title_ends": np.cumsum([len(title) for title in titles], dtype=np.int64),
    }


def _store(kind: str) -> ArtifactStore:
    return ArtifactStore(Path(settings.ARTIFACTS_DIR), kind)


def _community(artifact: Artifact) -> Community:
    arrays = dict(artifact.arrays)
    text, ends = arrays.pop("titles").tobytes(), arrays.pop("title_ends").tolist()
    titles = tuple(text[start:end].decode() for start, end in zip([0, *ends], ends, strict=False))
    return Community(
        name=artifact.notes["name"],
        version=artifact.version,
        numbering=artifact.notes["numbering"],
        titles=titles,
        **arrays,
    )


def _is_same(artifact: Artifact, arrays: dict[str, NDArray[Any]]) -> bool:
    return set(artifact.arrays) == set(arrays) and all(
        np.array_equal(artifact.arrays[name], array) for name, array in arrays.items()
    )
