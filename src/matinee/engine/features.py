"""What is known of items without anybody's opinion: genres, keywords, people, places, time."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from matinee.engine.arrays import Ids, as_ids

Values = Sequence[Sequence[Hashable]]
"""For each item, its values of one field: genre ids, names of directors, …"""


@dataclass(frozen=True)
class FieldWeights:
    """How much agreement in each field says about taste. Each field's likeness runs from 0 to 1 (a cosine).

    All but collections are fitted: by random search for the best lists of new films, and of an instance without
    ratings, for the tuning people of MovieLens latest-small (2018), with TMDb's facts.
    """

    genres: float = 0.05
    """TMDb genres: most of what they say, keywords and people say better."""
    keywords: float = 0.33
    """TMDb keywords."""
    directors: float = 0.15
    """Who directed it."""
    cast: float = 0.35
    """The first of the cast."""
    languages: float = 0.01
    """The original language."""
    countries: float = 0.0
    """Where it was produced."""
    companies: float = 0.06
    """Who produced it."""
    collections: float = 0.1
    """The franchise it belongs to; a guess, no data set at hand has both franchises and ratings."""
    eras: float = 0.05
    """When it came out: bands of ten years that overlap by five."""


@dataclass(frozen=True)
class ItemFeatures:
    """The features of n items, one sparse matrix a field."""

    item_ids: Ids
    """(n,) sorted, each once."""

    fields: Mapping[str, sparse.csr_matrix] = field(repr=False)
    """Field name → (n, values of the field): IDF weights, each row of length 1 or empty."""

    @classmethod
    def empty(cls) -> ItemFeatures:
        return cls.from_lists([], {})

    @classmethod
    def from_lists(
        cls, item_ids: ArrayLike, values: Mapping[str, Values], years: Sequence[int | None] | None = None
    ) -> ItemFeatures:
        """From one list of values an item and field; `values` names its fields as FieldWeights does.

        `years` are release years, None where unknown. Items may come in any order, each once. Raises ValueError.
        """
        ids = as_ids(item_ids)
        known = {each.name for each in fields(FieldWeights)}
        every = dict(values)
        if years is not None:
            every["eras"] = [_eras(year) for year in years]
        for name, lists in every.items():
            if name not in known:
                raise ValueError(f"There is no field {name!r}; there are {', '.join(sorted(known))}.")
            if len(lists) != len(ids):
                raise ValueError(f"{name} has {len(lists)} lists for {len(ids)} items.")
        order = np.argsort(ids, kind="stable")
        if len(np.unique(ids)) != len(ids):
            raise ValueError("An item stands there twice.")
        return cls(
            item_ids=ids[order],
            fields={name: _idf([every[name][place] for place in order]) for name in sorted(every)},
        )

    @property
    def n_items(self) -> int:
        return len(self.item_ids)

    def matrix(self, weights: FieldWeights) -> sparse.csr_matrix:
        """(n, all values of fields that weigh anything): the product of two rows is the weighted sum of likenesses of
        all fields."""
        heavy = [(getattr(weights, name), matrix) for name, matrix in self.fields.items() if matrix.shape[1]]
        blocks = [matrix * np.sqrt(weight) for weight, matrix in heavy if weight]
        if not blocks:
            return sparse.csr_matrix(np.zeros((self.n_items, 0), dtype=np.float32))
        return sparse.csr_matrix(sparse.hstack(blocks, format="csr", dtype=np.float32))


def _eras(year: int | None) -> list[int]:
    """Two overlapping bands of ten years, so that 1989 and 1990 have one in common."""
    return [] if year is None else [year // 10 * 10, (year + 5) // 10 * 10 - 5]


def _idf(lists: Values) -> sparse.csr_matrix:
    """(n, distinct values) of log(1 + n / count of the value), each row scaled to length 1."""
    vocabulary: dict[Hashable, int] = {}
    columns = [sorted({vocabulary.setdefault(value, len(vocabulary)) for value in each}) for each in lists]
    ends = np.cumsum([0] + [len(each) for each in columns])
    flat: NDArray[np.int32] = np.array([column for each in columns for column in each], dtype=np.int32)
    counts = np.bincount(flat, minlength=len(vocabulary))
    weights = np.log1p(len(lists) / np.maximum(counts, 1))[flat].astype(np.float32)
    matrix = sparse.csr_matrix((weights, flat, ends), shape=(len(lists), len(vocabulary)))
    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    scale = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    return sparse.csr_matrix(sparse.diags_array(scale) @ matrix, dtype=np.float32)
