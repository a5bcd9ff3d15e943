"""Who rated what: the ratings that a model is trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from matinee.engine.arrays import Floats, Ids, Rows, as_ids, is_ascending

LOWEST_RATING, HIGHEST_RATING = 0.5, 5.0
FEWEST_STARS, MOST_STARS = 1.0, 5.0
"""What is predicted; MovieLens's half star counts as one."""


@dataclass(frozen=True)
class Interactions:
    """r ratings by anonymous users of n items, one for each user and item."""

    user_rows: Rows
    """(r,) from 0; a user is only a row, the engine never learns who it is."""

    item_ids: Ids
    """(n,) sorted, each once; every one has a rating."""

    item_rows: Rows
    """(r,) into `item_ids`."""

    ratings: Floats
    """(r,) from 0.5 to 5."""

    timestamps: Ids | None = None
    """(r,) seconds since 1970, or None where nobody kept them."""

    def __post_init__(self) -> None:
        shapes = {self.user_rows.shape, self.item_rows.shape, self.ratings.shape}
        if self.timestamps is not None:
            shapes.add(self.timestamps.shape)
        if len(shapes) != 1 or self.user_rows.ndim != 1:
            raise ValueError("The columns of the ratings differ in length.")
        if not is_ascending(self.item_ids):
            raise ValueError("The item ids are not sorted, or one stands there twice.")
        if self.size and (self.user_rows.min() < 0 or self.item_rows.min() < 0):
            raise ValueError("A row number is below 0.")
        if self.size and self.item_rows.max() >= self.n_items:
            raise ValueError("A rating names an item that is not there.")
        if not np.all((self.ratings >= LOWEST_RATING) & (self.ratings <= HIGHEST_RATING)):
            raise ValueError("A rating is outside 0.5 to 5.")

    @classmethod
    def empty(cls) -> Interactions:
        """Nobody has rated anything."""
        return cls.from_arrays([], [], [])

    @classmethod
    def from_arrays(
        cls, user_ids: ArrayLike, item_ids: ArrayLike, ratings: ArrayLike, timestamps: ArrayLike | None = None
    ) -> Interactions:
        """From columns with ids of any whole numbers; where a user rated an item twice, the later one counts.

        Later is by timestamp where there are any, else by position. Raises ValueError.
        """
        users, items, stars = as_ids(user_ids), as_ids(item_ids), np.asarray(ratings, dtype=np.float32)
        times = np.arange(len(users)) if timestamps is None else as_ids(timestamps)
        if not len(users) == len(items) == len(stars) == len(times):
            raise ValueError("The columns of the ratings differ in length.")
        order = np.lexsort((times, items, users))
        users, items = users[order], items[order]
        is_last = np.ones(len(order), dtype=np.bool_)
        is_last[:-1] = (users[1:] != users[:-1]) | (items[1:] != items[:-1])
        kept = order[is_last]
        unique_items, item_rows = np.unique(items[is_last], return_inverse=True)
        return cls(
            user_rows=np.unique(users[is_last], return_inverse=True)[1].astype(np.int32),
            item_ids=unique_items,
            item_rows=item_rows.astype(np.int32),
            ratings=stars[kept],
            timestamps=None if timestamps is None else times[kept],
        )

    @classmethod
    def together(cls, sources: Sequence[Interactions]) -> Interactions:
        """All ratings of several sources. Their users stay apart; their items meet by id.

        Timestamps are kept where every source has them.
        """
        sources = [source for source in sources if source.size]
        if not sources:
            return cls.empty()
        item_ids = np.unique(np.concatenate([source.item_ids for source in sources]))
        first_rows = np.cumsum([0] + [source.n_users for source in sources])
        times = [source.timestamps for source in sources if source.timestamps is not None]
        return cls(
            user_rows=np.concatenate(
                [source.user_rows + first for source, first in zip(sources, first_rows, strict=False)]
            ).astype(np.int32),
            item_ids=item_ids,
            item_rows=np.concatenate(
                [np.searchsorted(item_ids, source.item_ids)[source.item_rows] for source in sources]
            ).astype(np.int32),
            ratings=np.concatenate([source.ratings for source in sources]),
            timestamps=np.concatenate(times) if len(times) == len(sources) else None,
        )

    @property
    def size(self) -> int:
        return len(self.ratings)

    @property
    def n_users(self) -> int:
        return int(self.user_rows.max()) + 1 if self.size else 0

    @property
    def n_items(self) -> int:
        return len(self.item_ids)

    def of(self, chosen: NDArray[np.bool_]) -> Interactions:
        """The ratings that `chosen` (r,) flags; users keep their rows, items without a rating leave."""
        items, rows = np.unique(self.item_rows[chosen], return_inverse=True)
        return Interactions(
            user_rows=self.user_rows[chosen],
            item_ids=self.item_ids[items],
            item_rows=rows.astype(np.int32),
            ratings=self.ratings[chosen],
            timestamps=None if self.timestamps is None else self.timestamps[chosen],
        )
