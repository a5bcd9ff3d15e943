"""What one process ranks: the newest model over the newest catalogue columns, row for row of the columns."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from django.conf import settings

from matinee.catalog.columns import columns
from matinee.catalog.projection import CatalogColumns
from matinee.core.artifacts import Artifact, ArtifactStore
from matinee.core.in_service import Latest
from matinee.core.remembered import Remembered
from matinee.engine.arrays import Doubles, Flags, Floats, Rows
from matinee.engine.item_model import ItemModel, Reach
from matinee.engine.popularity import acclaim
from matinee.engine.rating_prediction import RatingConfig, promised_stars
from matinee.engine.signals import History
from matinee.recommendations.freshness import MODEL_KIND

if TYPE_CHECKING:
    from matinee.recommendations.rating_prediction import Critic
    from matinee.recommendations.serving import Ranking

SPREAD_FILMS = 5_000
"""So many films from the top of the base order are spread over genres and eras; those behind stay as they are."""
BEHIND = 10.0
"""How far a film that the model does not know stands behind those that it does."""
PLACES_A_REPEAT_COSTS = 20
"""Each film of the same genre and decade that stands before it sets a film back by so many places in the spread."""


FIRST_FILMS = 30_000
"""So many films with the highest base scores are looked at before all others."""
FILMS_REMEMBERED = 4_000
"""How many films the histories have together whose answers are remembered, and those of the opinions that are:
some 20 MB each at 400 links a film."""
PREDICTIONS_REMEMBERED = 20_000
"""At most, some 8 MB."""


Some: TypeAlias = Rows | slice
"""Rows of the columns, ascending, or a stretch of them, which takes no copy."""
EVERY = slice(None)


@dataclass(frozen=True)
class PublishedModel:
    """A model, and what its artifact says about it."""

    version: str
    model: ItemModel
    notes: Mapping[str, Any]
    trust: Doubles = field(repr=False)
    """(items of the model,) how far ratings speak for an item, 0 to 1, and not its content: n / (n + doubt) where there
    are n of them."""


@dataclass(frozen=True)
class Pool:
    """One model, or none, over one state of a catalogue of n films."""

    columns: CatalogColumns
    published: PublishedModel | None
    item_rows: Rows = field(repr=False)
    """(n,) where each film stands in the model, -1 where the model does not know it yet."""
    is_aligned: bool
    """Whether the model knows just the films of the catalogue, so that rows are the same in both."""
    base: Floats = field(repr=False)
    """(n,) the score of each film for someone of whom nothing is known."""
    lasting_base: Floats = field(repr=False)
    """(n,) what is left of it for someone of whom much is known."""
    expected_stars: Floats = field(repr=False)
    """(n + 1,) what someone of average generosity gives each film; what its votes promise until the model knows it.
    The last one is what they give a film that is not in the columns."""
    spread: Floats = field(repr=False)
    """(n,) whole numbers that fall along the order of the higher of both bases, its first films spread over genres and
    eras."""
    first: Rows = field(repr=False)
    """The films that stand first by either of the two bases, by row."""
    others_at_most: tuple[float, float] = field(repr=False)
    """What all other films have of `base`, and of `lasting_base`, at most."""
    item_films: Rows = field(repr=False)
    """(items of the model,) the row of each item's film, n where the catalogue has none."""

    def reach(self, history: History) -> Reach:
        """The model's links from the films of a history, each to the row of a film, or to one more that stands for all
        items without a film."""
        if self.published is None:
            return Reach.none(history, self.columns.size)
        reach = self.published.model.reach(history)
        return reach if self.is_aligned else reach.renumbered(self.item_films, self.columns.size + 1)

    def films_of(self, reach: Reach) -> Rows:
        """(h,) the row of each film of its history, -1 where the columns have none."""
        if len(reach.senders) < reach.history.size:
            return self.columns.rows_of(reach.history.item_ids)
        films = self.item_films[reach.senders]  # where the model has found them all they need not be sought again
        return np.where(films < self.columns.size, films, np.int32(-1))

    def start(self, reach: Reach, rows: Some = EVERY) -> Floats:
        """(k,) what each of these films scores before anything is added for a history."""
        return self._started(reach, self.base[rows], self.lasting_base[rows])

    def promising(self, reach: Reach) -> tuple[Flags, float]:
        """(n,) which films are linked to a history or stand first anyway, and what all others score at most."""
        is_promising = np.zeros(self.columns.size + 1, dtype=np.bool_)
        is_promising[reach.rows] = True
        is_promising[self.first] = True
        base, lasting_base = (np.array([most], dtype=np.float32) for most in self.others_at_most)
        [at_most] = self._started(reach, base, lasting_base)
        return is_promising[:-1], float(at_most)

    def _started(self, reach: Reach, base: Floats, lasting_base: Floats) -> Floats:
        return base if self.published is None else self.published.model.started(reach, base, lasting_base)

    def sums(self, reach: Reach, rows: Some = EVERY) -> Floats:
        """(k,) what a history adds to the score of each of these films."""
        return reach.single_sums()[: self.columns.size][rows]

    def is_judged(self, row: int) -> bool:
        """Whether anybody voted on the film at TMDb, or rated it before the model was trained."""
        item = int(self.item_rows[row])
        has_ratings = self.published is not None and item >= 0 and self.published.model.evidence[item] > 0
        return has_ratings or bool(self.columns.vote_count[row] > 0)


class Memory:
    """What was worked out from a pool for people, as one version of their state has it.

    The pool does not lead here, since all of this leads to it: so its last user lets go of it at once, with the files
    that it has mapped, and no collection has to find it.
    """

    def __init__(self) -> None:
        self.rankings: Remembered[Ranking] = Remembered(FILMS_REMEMBERED, weight=lambda ranking: ranking.weight)
        self.critics: Remembered[Critic] = Remembered(FILMS_REMEMBERED, weight=lambda critic: critic.weight)
        self.predictions: Remembered[tuple[float | None]] = Remembered(PREDICTIONS_REMEMBERED, weight=lambda _stars: 1)


def newest_model() -> PublishedModel | None:
    """The model in service as this process sees it, None while there is none."""
    return _latest(settings.ARTIFACTS_DIR).get()


def look_for_newer_model() -> None:
    """Have the next `newest_model` look at the disk: for the process that has just published one."""
    _latest(settings.ARTIFACTS_DIR).forget()


@lru_cache(maxsize=2)
def _latest(root: Path) -> Latest[PublishedModel]:
    return Latest(lambda: ArtifactStore(root, MODEL_KIND), _published)


def _published(artifact: Artifact) -> PublishedModel:
    plain = {name: np.asarray(array) for name, array in artifact.arrays.items()}  # slices cheaper than a memmap's
    model = ItemModel.from_arrays(plain)
    return PublishedModel(
        version=artifact.version,
        model=model,
        notes=artifact.notes,
        trust=model.evidence / (model.evidence + float(artifact.notes["config"]["content_doubt"])),
    )


_building = threading.Lock()
_newest: tuple[Pool, Memory] | None = None


def current_pool() -> Pool:
    """The pool of the newest model and columns; a request takes it once, so that a swap never mixes two versions."""
    return pool_and_memory()[0]


def pool_and_memory() -> tuple[Pool, Memory]:
    """The same, and what was worked out from it."""
    global _newest  # noqa: PLW0603 - one pool a process, replaced as a whole
    published, catalogue = newest_model(), columns()
    newest = _newest
    if newest is not None and newest[0].published is published and newest[0].columns is catalogue:
        return newest
    with _building:
        newest = _newest
        if newest is None or newest[0].published is not published or newest[0].columns is not catalogue:
            newest = _newest = build_pool(catalogue, published), Memory()
    return newest


def build_pool(catalogue: CatalogColumns, published: PublishedModel | None) -> Pool:
    """Lay `published` over `catalogue`: a film that the model does not know comes behind those that it does."""
    prior = acclaim(catalogue.vote_count, catalogue.vote_average)
    stars = promised_stars(catalogue.vote_count, catalogue.vote_average)
    item_rows = np.full(catalogue.size, -1, dtype=np.int32)
    rows = np.empty(0, dtype=np.int32)
    if published is None:
        base = lasting_base = prior
    else:
        rows = catalogue.rows_of(published.model.item_ids)
        items = np.flatnonzero(rows >= 0)
        item_rows[rows[items]] = items
        base, lasting_base = prior - BEHIND, prior - BEHIND
        base[rows[items]] = published.model.base[items]
        lasting_base[rows[items]] = published.model.lasting_base[items]
        stars[rows[items]] = published.model.expected_stars[items]
    others_at_most = _least_of_first(base), _least_of_first(lasting_base)
    at_best = np.maximum(base, lasting_base)  # someone unknown sees, too, what may be good and has few ratings yet
    return Pool(
        columns=catalogue,
        published=published,
        item_rows=item_rows,
        is_aligned=published is not None and np.array_equal(item_rows, np.arange(published.model.n_items)),
        base=base,
        lasting_base=lasting_base,
        expected_stars=np.append(stars, np.float32(RatingConfig().usual_stars)),
        spread=_spread(catalogue, at_best),
        first=np.flatnonzero((base > others_at_most[0]) | (lasting_base > others_at_most[1])).astype(np.int32),
        others_at_most=others_at_most,
        item_films=np.where(rows >= 0, rows, np.int32(catalogue.size)),
    )


def _least_of_first(base: Floats) -> float:
    """What no more than FIRST_FILMS exceed; -inf where there are no others."""
    others = len(base) - FIRST_FILMS
    return float(np.partition(base, others)[others]) if others > 0 else -np.inf


def _spread(catalogue: CatalogColumns, base: Floats) -> Floats:
    """Falls along the order of `base`, its first films set back by how many of their first genre and decade stand
    before them."""
    order = np.argsort(-base, kind="stable")
    first = order[:SPREAD_FILMS]
    decades = catalogue.release_ordinal[first] // 3_653
    before: Counter[tuple[int, int]] = Counter()
    places = np.empty(len(first), dtype=np.int64)
    for place, (row, decade) in enumerate(zip(first.tolist(), decades.tolist(), strict=True)):
        genre = next(iter(catalogue.genre_ids_of(row)), 0)
        places[place] = place + PLACES_A_REPEAT_COSTS * before[genre, decade]
        before[genre, decade] += 1
    order[:SPREAD_FILMS] = first[np.argsort(places, kind="stable")]
    spread = np.empty(len(order), dtype=np.float32)  # which tells apart whole numbers up to 16 million
    spread[order] = -np.arange(len(order))
    return spread
