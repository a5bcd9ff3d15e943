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
from matinee.engine.rating_prediction import RatingConfig, expected_stars

Progress = Callable[[str], None]
"""Is told each stage as it begins."""


@dataclass(frozen=True)
class EngineConfig:
    """Every hyperparameter of the engine."""

    ease: EaseConfig = field(default_factory=EaseConfig)
    """Of the regression."""

    features: FieldWeights = field(default_factory=FieldWeights)
    """What each kind of fact about a film says about taste."""

    content_weight: float = 15.0
    """What two films of the same content have in common, counted in people who like both."""

    content_doubt: float = 5.0
    """With so many ratings an item's links are told to come half from ratings and half from content; the fit itself
    does not read it, an answer's `source` does."""

    head: int = 20_000
    """How many items the regression takes at most, the most rated ones; its time grows with the third power."""

    least_ratings: int = 3
    """An item without features and with fewer ratings than this is left out."""

    neighbours: int = 400
    """How many links an item keeps, the strongest."""

    base_weight: float = 0.06
    """What the most popular film has ahead of an unknown one, on the regression's scale."""

    base_doubt: float = 20.0
    """How many ratings of an item weigh as much as its prior."""

    ratings: RatingConfig = field(default_factory=RatingConfig)
    """Of predicted ratings; links and base scores do not read it."""


def fit(
    interactions: Interactions,
    features: ItemFeatures,
    popularity_prior: Floats,
    config: EngineConfig | None = None,
    progress: Progress | None = None,
    *,
    promised: Floats | None = None,
) -> ItemModel:
    """Train on all ratings; what can be recommended is what has features.

    `popularity_prior` is (features.n_items,), 0 to 1, as `popularity.acclaim` gives it. Items that have ratings and
    no features help the fit; those with an id above 0 can stand in a history, none is ever scored. `promised`
    (features.n_items,) is what `rating_prediction.promised_stars` gives; where it is None, all films are promised the
    usual stars. Works without ratings (content and prior alone), without features, and without both. Raises ValueError.
    """
    if popularity_prior.shape != (features.n_items,):
        raise ValueError("The popularity prior is not one figure an item.")
    if promised is not None and promised.shape != (features.n_items,):
        raise ValueError("The promised stars are not one figure an item.")
    config = config or EngineConfig()
    tell = progress or (lambda _: None)
    rated_ids = interactions.item_ids
    item_ids = np.union1d(rated_ids[rated_ids > 0], features.item_ids)
    values = _values(interactions, config.ease)
    rating_counts = _spread(np.bincount(interactions.item_rows, minlength=len(rated_ids)), rated_ids, item_ids)
    liking = _spread(np.asarray(values.sum(axis=0)).ravel(), rated_ids, item_ids)
    prior = _spread(popularity_prior, features.item_ids, item_ids)
    where = rows_of(features.item_ids, item_ids)

    tell("Learning from ratings and content")
    links = _links(interactions, values, features, popularity_prior, item_ids, config)

    tell("Finding what is popular")
    base = config.base_weight * base_scores(
        liking, rating_counts, prior, has_prior=where >= 0, n_users=interactions.n_users, doubt=config.base_doubt
    )
    stars = np.full(len(item_ids), config.ratings.usual_stars, dtype=np.float32)
    if promised is not None:
        stars[where >= 0] = promised[where[where >= 0]]
    return ItemModel(
        item_ids=item_ids,
        base=base.astype(np.float32),
        links=Links.from_matrix(links),
        evidence=rating_counts.astype(np.int32),
        expected_stars=expected_stars(interactions, item_ids, stars, config.ratings),
        vectors=Links.from_matrix(_with_rows(features.matrix(config.features), where)),
    )


def _values(interactions: Interactions, config: EaseConfig) -> sparse.csr_matrix:
    """(users, items) of what each rating is worth."""
    worth = np.interp(interactions.ratings, (1, 2, 3, 4, 5), config.values_of_stars)
    shape = (interactions.n_users, interactions.n_items)
    return sparse.csr_matrix((worth, (interactions.user_rows, interactions.item_rows)), shape=shape)


def _links(
    interactions: Interactions,
    values: sparse.csr_matrix,
    features: ItemFeatures,
    prior: Floats,
    item_ids: Ids,
    config: EngineConfig,
) -> sparse.csr_matrix:
    """(n, n): the regression's links from what can stand in a history to what can be recommended, and the tail's."""
    head = _head(interactions, features, prior, config)
    known = rows_of(features.item_ids, head)
    vectors = features.matrix(config.features)
    by_item = _with_rows(sparse.csr_matrix(values.T), rows_of(interactions.item_ids, head))
    weighted = np.sqrt(config.content_weight) * _with_rows(vectors, known)
    ease = Ease.fit(sparse.csr_matrix(by_item.T), sparse.csr_matrix(weighted), config.ease)

    rows = rows_of(item_ids, head)
    senders, receivers = np.flatnonzero(rows >= 0), np.flatnonzero(known >= 0)
    block = strongest(ease.weights[np.ix_(senders, receivers)], config.neighbours)
    links = _placed(block, rows[senders], rows[receivers], len(item_ids))
    if len(receivers) < features.n_items:
        links = links + _tail_links(vectors, features, head, item_ids, config)
    return sparse.csr_matrix(links)


def _tail_links(
    vectors: sparse.csr_matrix, features: ItemFeatures, head: Ids, item_ids: Ids, config: EngineConfig
) -> sparse.csr_matrix:
    """(n, n): likeness of content wherever one end is outside the head.

    Its weight is what the regression gives to two items that nobody rated, alone in the world.
    """
    alike = likeness(vectors, config.neighbours).tocoo()
    is_tail = ~np.isin(features.item_ids, head)
    kept = is_tail[alike.row] | is_tail[alike.col]
    weight = config.content_weight / (config.content_weight + config.ease.l2)
    candidates = rows_of(item_ids, features.item_ids)
    cells = (candidates[alike.row[kept]], candidates[alike.col[kept]])
    return sparse.csr_matrix((weight * alike.data[kept], cells), shape=(len(item_ids), len(item_ids)))


def _head(interactions: Interactions, features: ItemFeatures, prior: Floats, config: EngineConfig) -> Ids:
    """The sorted ids of what the regression takes: the most rated items, then the most acclaimed."""
    ids = np.union1d(interactions.item_ids, features.item_ids)
    counts = _spread(np.bincount(interactions.item_rows, minlength=interactions.n_items), interactions.item_ids, ids)
    is_known = np.isin(ids, features.item_ids)
    order = np.lexsort((ids, -_spread(prior, features.item_ids, ids), -counts))
    order = order[(is_known | (counts >= config.least_ratings))[order]]
    head: Ids = np.sort(ids[order[: config.head]])
    return head


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


def _with_rows(matrix: sparse.csr_matrix, rows: Rows) -> sparse.csr_matrix:
    """Those rows of `matrix`, an empty one where it is -1."""
    empty = sparse.csr_matrix(np.zeros((1, matrix.shape[1]), dtype=matrix.dtype))
    padded = sparse.vstack([matrix, empty], format="csr")
    return sparse.csr_matrix(padded[rows])
