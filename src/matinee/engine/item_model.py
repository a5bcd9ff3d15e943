"""What is published and served: a base score for each item, and sparse links from the items of a history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from matinee.engine.arrays import Doubles, Floats, Ids, Rows, is_ascending, rows_of
from matinee.engine.links import Links
from matinee.engine.signals import History

Numbers = TypeVar("Numbers", np.float32, np.float64)

PATIENCES_OF_FEW = 5
"""From so many times the links' patience on, a history is long: nothing of the links of short ones is left, or read."""


class Linked(NamedTuple):
    """The links from each of the h items of a history to each of k items, 0 where there is none."""

    here: Doubles
    """(h, k) beside this history: times its signals they are what the ones add to the scores of the others."""

    of_many: Doubles
    """(h, k) beside a long history, the same whatever else this one holds."""


@dataclass(frozen=True)
class Reach:
    """Every link from the h items of a history to any of n items, read once; those of one item stand together."""

    history: History

    n_items: int

    places: Ids
    """(g,) where the items that the model knows stand in the history."""

    senders: Rows
    """(g,) their rows in the model."""

    ends: Rows
    """(g + 1,) the links of the i-th of them are those from ends[i] to ends[i + 1]."""

    rows: Rows
    """(z,) the item that a link leads to."""

    weights: Floats
    """(z,) beside this history."""

    of_many: Floats
    """(z,) beside a long one."""

    @classmethod
    def none(cls, history: History, n_items: int) -> Reach:
        """Of a history without a model."""
        rows, weights = np.zeros(0, np.int32), np.zeros(0, np.float32)
        return cls(history, n_items, rows.astype(np.int64), rows, np.zeros(1, np.int32), rows, weights, weights)

    def renumbered(self, numbers: Rows, n_items: int) -> Reach:
        """The same links where the items of the model go by `numbers` (n,), 0 to n_items - 1."""
        return replace(self, n_items=n_items, rows=numbers.take(self.rows))

    @property
    def is_linked(self) -> bool:
        """Whether anything in the history says anything."""
        return len(self.rows) > 0

    def sums(self) -> Doubles:
        """(n,) what the history adds to the score of each item."""
        return self._sums(self.weights.astype(np.float64))

    def single_sums(self) -> Floats:
        """(n,) the same in single precision: what ranks many items has half as many bytes to pass over."""
        return self._sums(self.weights)

    def _sums(self, weights: NDArray[Numbers]) -> NDArray[Numbers]:
        links = sparse.csc_array((weights, self.rows, self.ends), shape=(self.n_items, len(self.places)))
        sums: NDArray[Numbers] = links @ self.history.signals[self.places].astype(weights.dtype)
        return sums

    def towards(self, rows: NDArray[np.integer]) -> Linked:
        """The links to each of `rows` (k,), all different."""
        is_asked = np.zeros(self.n_items, dtype=np.bool_)
        is_asked[rows] = True
        links = np.flatnonzero(is_asked.take(self.rows))
        senders = self.places[np.searchsorted(self.ends[1:], links, side="right")]
        numbers = np.empty(self.n_items, dtype=np.int32)  # read where it was written alone
        numbers[rows] = np.arange(len(rows))
        targets = numbers[self.rows[links]]

        def laid_out(weights: Floats) -> Doubles:
            table = np.zeros((len(rows), self.history.size))  # what leads to one item is added up in the same order
            table[targets, senders] = weights[links]  # whatever the others are
            return table.T

        here = laid_out(self.weights)
        return Linked(here, here if self.of_many is self.weights else laid_out(self.of_many))


@dataclass(frozen=True)
class ItemModel:
    """score(j) = start[j] + sum over the history's items i of signal[i] links[i, j].

    The links go from `weights_of_few` to those of `links` the more is known of a person: what says much of someone who
    has just begun is old news of someone whom a hundred films describe.
    The start goes from base[j] to lasting_base[j] the more is known of a person: what everybody likes counts less.

    Exactly a sum, so that each item's share of a score is a fact and not a story.
    """

    item_ids: Ids
    """(n,) sorted, each once."""

    base: Floats
    """(n,) the score of each item for someone of whom nothing is known."""

    lasting_base: Floats
    """(n,) what is left of it for someone of whom much is known."""

    base_patience: float
    """So many items of a history go half the way between the two; above 0."""

    base_beside_unknown: float
    """What part of the base counts beside a history of items that nobody has rated, 0 to 1."""

    links: Links
    """(n rows, n columns): from an item of the history to the scored one, as they are beside a long history."""

    weights_of_few: Floats
    """(z,) what the same links weigh beside a history of a few items."""

    links_patience: float
    """So many items of a history go half the way from the ones to the others; above 0."""

    evidence: Rows
    """(n,) how many ratings stand behind an item: 0 says that only its content speaks."""

    expected_stars: Floats
    """(n,) what someone of average generosity gives it, 1 to 5 and a little beyond; for predicted ratings."""

    vectors: Links
    """(n rows, values) content vectors, whose product says how alike two items are; for diversity."""

    def __post_init__(self) -> None:
        n_items = len(self.item_ids)
        if not is_ascending(self.item_ids):
            raise ValueError("The item ids are not sorted, or one stands there twice.")
        if not self.base.shape == self.lasting_base.shape == self.evidence.shape == (n_items,):
            raise ValueError("The base scores or the evidence are not one an item.")
        if not self.links.n_rows == self.vectors.n_rows == n_items:
            raise ValueError("The links or the vectors are not one row an item.")
        if len(self.links.columns) and self.links.columns.max() >= n_items:
            raise ValueError("A link leads to an item that is not there.")
        if self.weights_of_few.shape != self.links.weights.shape:
            raise ValueError("The links' weights beside short histories are not one a link.")
        if not (np.all(np.isfinite(self.base)) and np.all(np.isfinite(self.lasting_base))):
            raise ValueError("A base score is not a number.")
        if not all(np.isfinite(patience) and patience > 0 for patience in (self.links_patience, self.base_patience)):
            raise ValueError("The patience of the links or of the base is not above 0.")
        if not 0 <= self.base_beside_unknown <= 1:
            raise ValueError("The part of the base beside unknown items is not from 0 to 1.")
        if self.expected_stars.shape != (n_items,) or not np.all(np.isfinite(self.expected_stars)):
            raise ValueError("The expected stars are not one number an item.")

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> ItemModel:
        """What `arrays` gave, mapped or in memory. Raises ValueError where it is not a model."""
        try:
            links, vectors = (
                Links(arrays[f"{name}_ends"], arrays[f"{name}_columns"], arrays[f"{name}_weights"])
                for name in ("links", "vectors")
            )
            return cls(
                item_ids=arrays["item_ids"],
                base=arrays["base"],
                lasting_base=arrays["lasting_base"],
                base_patience=float(arrays["base_patience"][0]),
                base_beside_unknown=float(arrays["base_beside_unknown"][0]),
                weights_of_few=arrays["weights_of_few"],
                links_patience=float(arrays["links_patience"][0]),
                evidence=arrays["evidence"],
                expected_stars=arrays["expected_stars"],
                links=links,
                vectors=vectors,
            )
        except KeyError as missing:
            raise ValueError(f"The model lacks {missing}.") from missing

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything, as plain arrays to publish."""
        return {
            "item_ids": self.item_ids,
            "base": self.base,
            "lasting_base": self.lasting_base,
            "base_patience": np.array([self.base_patience]),
            "base_beside_unknown": np.array([self.base_beside_unknown]),
            "weights_of_few": self.weights_of_few,
            "links_patience": np.array([self.links_patience]),
            "evidence": self.evidence,
            "expected_stars": self.expected_stars,
            **self.links.arrays("links"),
            **self.vectors.arrays("vectors"),
        }

    @property
    def n_items(self) -> int:
        return len(self.item_ids)

    def rows_of(self, item_ids: Ids) -> Rows:
        """(k,) where each item stands, -1 for one that the model does not know."""
        return rows_of(self.item_ids, item_ids)

    def reach(self, history: History) -> Reach:
        """What the history is linked to: the start plus `sums` are the scores, and `sums` is the sum of what `towards`
        says, times the signals."""
        rows = self.rows_of(history.item_ids)
        places = np.flatnonzero(rows >= 0)
        senders = rows[places]
        few = self._part_of_few(len(senders))
        counts, (columns, of_many) = self.links.gathered(senders, self.links.columns, self.links.weights)
        weights = of_many
        if few:
            _, (weights,) = self.links.gathered(senders, self.weights_of_few)  # a copy, as all that is gathered is
            weights -= of_many
            weights *= np.float32(few)
            weights += of_many
        ends = np.zeros(len(senders) + 1, dtype=np.int32)
        np.cumsum(counts, out=ends[1:])
        return Reach(history, self.n_items, places, senders, ends, columns, weights, of_many)

    def _part_of_few(self, n_known: int) -> float:
        """How much the links of short histories count beside so many films, 1 to 0."""
        least = 1 / (1 + PATIENCES_OF_FEW**2)
        return max(0.0, (1 / (1 + (n_known / self.links_patience) ** 2) - least) / (1 - least))

    def start(self, reach: Reach) -> Doubles:
        """(n,) what each item scores before anything is added for a history: the less the more is known of it."""
        return self.started(reach, self.base.astype(np.float64), self.lasting_base.astype(np.float64))

    def started(self, reach: Reach, base: NDArray[Numbers], lasting_base: NDArray[Numbers]) -> NDArray[Numbers]:
        """The same of `base` and `lasting_base` (m,) that lie ready in another order, or for more items."""
        n_known = len(reach.senders)
        left = self.base_patience / (self.base_patience + n_known)
        n_rated = int(np.count_nonzero(self.evidence[reach.senders]))  # numpy's own integers make all of it doubles
        rated = n_rated / n_known if n_known else 1.0
        start = left * (rated + (1 - rated) * self.base_beside_unknown) * base
        start += (1 - left) * lasting_base
        return start

    def score(self, history: History) -> tuple[Rows, Doubles]:
        """(rows, scores) of the items that the history touches, by row; all others score their start."""
        reach = self.reach(history)
        sums = reach.sums()
        rows: Rows = np.flatnonzero(sums).astype(np.int32)
        scores: Doubles = self.start(reach)[rows] + sums[rows]
        return rows, scores

    def score_all(self, history: History) -> Doubles:
        """(n,) the score of every item; for evaluation."""
        reach = self.reach(history)
        scores: Doubles = self.start(reach) + reach.sums()
        return scores

    def contributions(self, history: History, rows: Rows) -> Doubles:
        """(h, k): what each item of the history adds to the score of each of `rows` (k,), all different.

        start[rows] plus the sum over the first axis is the score.
        """
        return self.reach(history).towards(rows).here * history.signals[:, np.newaxis].astype(np.float64)

    def similarity(self, rows: NDArray[np.integer]) -> Doubles:
        """(k, k): how alike each two of `rows` are by their content, 0 to 1 (1 for an item and itself)."""
        counts, columns, weights = self.vectors.gather(rows)
        values, places = np.unique(columns, return_inverse=True)
        dense = np.zeros((len(rows), len(values)))
        dense[np.repeat(np.arange(len(rows)), counts), places] = weights
        lengths = np.sqrt((dense**2).sum(axis=1, keepdims=True))
        dense /= np.where(lengths > 0, lengths, 1)
        alike: Doubles = dense @ dense.T
        return alike
