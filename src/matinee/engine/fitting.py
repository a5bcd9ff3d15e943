"""From ratings and features to the model that is served."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from matinee.engine.arrays import Doubles, Floats, Ids, Rows, rows_of
from matinee.engine.content import likeness
from matinee.engine.ease import Ease, EaseConfig
from matinee.engine.features import FieldWeights, ItemFeatures
from matinee.engine.interactions import Interactions
from matinee.engine.item_model import ItemModel
from matinee.engine.links import Links, strongest
from matinee.engine.popularity import base_scores

Progress = Callable[[str], None]
"""Is told each stage as it begins."""


@dataclass(frozen=True)
class EngineConfig:
    """Every hyperparameter of the engine."""

    ease: EaseConfig = field(default_factory=EaseConfig)
    """Of the regression on ratings."""

    features: FieldWeights = field(default_factory=FieldWeights)
    """Of the likeness by content."""

    head: int = 20_000
    """How many items the regression takes at most, the most rated ones; its time grows with the third power."""

    least_ratings: int = 2
    """An item with fewer ratings than this is left to its content."""

    neighbours: int = 300
    """How many links an item keeps, the strongest."""

    content_weight: float = 0.1
    """What a like adds to a film of the same content, on the regression's scale."""

    content_doubt: float = 5.0
    """With so many ratings an item is half its content's and half its ratings'."""

    base_weight: float = 0.1
    """What the most popular film has ahead of an unknown one, on the regression's scale."""

    base_doubt: float = 20.0
    """How many ratings of an item weigh as much as its prior."""


def fit(
    interactions: Interactions,
    features: ItemFeatures,
    popularity_prior: Floats,
    config: EngineConfig | None = None,
    progress: Progress | None = None,
) -> ItemModel:
    """Train on all ratings; what can be recommended is what has features.

    `popularity_prior` is (features.n_items,), 0 to 1, as `popularity.acclaim` gives it. Items that have ratings and
    no features help the fit; those with an id above 0 can stand in a history, none is ever scored. Works without
    ratings (content and prior alone), without features, and without both. Raises ValueError.
    """
    if popularity_prior.shape != (features.n_items,):
        raise ValueError("The popularity prior is not one figure an item.")
    config = config or EngineConfig()
    tell = progress or (lambda _: None)
    rated_ids = interactions.item_ids
    item_ids = np.union1d(rated_ids[rated_ids > 0], features.item_ids)
    candidates = rows_of(item_ids, features.item_ids)
    values = _values(interactions, config.ease)
    rating_counts = _spread(np.bincount(interactions.item_rows, minlength=len(rated_ids)), rated_ids, item_ids)
    liking = _spread(np.asarray(values.sum(axis=0)).ravel(), rated_ids, item_ids)

    tell("Comparing films by their content")
    vectors = features.matrix(config.features)
    alike = _placed(likeness(vectors, config.neighbours), candidates, candidates, len(item_ids))
    trust = rating_counts / (rating_counts + config.content_doubt)
    content = config.content_weight * _damped(alike, trust)

    tell("Learning from ratings")
    taste = _taste(interactions, values, item_ids, candidates, config)

    tell("Putting both together")
    prior = np.zeros(len(item_ids), dtype=np.float32)
    prior[candidates] = popularity_prior
    base = config.base_weight * base_scores(liking, rating_counts, prior, config.base_doubt)
    return ItemModel(
        item_ids=item_ids,
        base=base.astype(np.float32),
        links=Links.from_matrix(sparse.csr_matrix(taste + content)),
        evidence=rating_counts.astype(np.int32),
        vectors=Links.from_matrix(_rows_placed(vectors, candidates, len(item_ids))),
    )


def _values(interactions: Interactions, config: EaseConfig) -> sparse.csr_matrix:
    """(users, items) of what each rating is worth."""
    worth = np.interp(interactions.ratings, (1, 2, 3, 4, 5), config.values_of_stars)
    shape = (interactions.n_users, interactions.n_items)
    return sparse.csr_matrix((worth, (interactions.user_rows, interactions.item_rows)), shape=shape)


def _taste(
    interactions: Interactions, values: sparse.csr_matrix, item_ids: Ids, candidates: Rows, config: EngineConfig
) -> sparse.csr_matrix:
    """The regression's (n, n) links, from any item with an id above 0 to the candidates."""
    counts = np.bincount(interactions.item_rows, minlength=interactions.n_items)
    order = np.argsort(-counts, kind="stable")[: config.head]
    head = np.sort(order[counts[order] >= config.least_ratings])
    ease = Ease.fit(values[:, head], config.ease)
    rows = rows_of(item_ids, interactions.item_ids[head])
    senders = np.flatnonzero(rows >= 0)
    receivers = senders[np.isin(rows[senders], candidates)]
    block = strongest(ease.weights[np.ix_(senders, receivers)], config.neighbours)
    return _placed(block, rows[senders], rows[receivers], len(item_ids))


def _damped(alike: sparse.csr_matrix, trust: Doubles) -> sparse.csr_matrix:
    """Less of the likeness the more both ends are trusted by their ratings."""
    links = alike.tocoo()
    factor = 1 - trust[links.row] * trust[links.col]
    return sparse.csr_matrix((links.data * factor, (links.row, links.col)), shape=alike.shape)


def _spread(values: NDArray[np.generic], ids: Ids, item_ids: Ids) -> Doubles:
    """`values` of `ids` in the places of `item_ids`, 0 where there is none."""
    rows = rows_of(item_ids, ids)
    spread = np.zeros(len(item_ids))
    spread[rows[rows >= 0]] = values[rows >= 0]
    return spread


def _placed(block: sparse.csr_matrix, rows: Rows, columns: Rows, n_items: int) -> sparse.csr_matrix:
    """A block of links in the places `rows` x `columns` of the whole (n, n)."""
    links = block.tocoo()
    return sparse.csr_matrix((links.data, (rows[links.row], columns[links.col])), shape=(n_items, n_items))


def _rows_placed(matrix: sparse.csr_matrix, rows: Rows, n_items: int) -> sparse.csr_matrix:
    entries = matrix.tocoo()
    return sparse.csr_matrix((entries.data, (rows[entries.row], entries.col)), shape=(n_items, matrix.shape[1]))
