"""From ratings and features to the model that is served."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from matinee.engine.arrays import Doubles, Floats, Ids, Rows, rows_of
from matinee.engine.base import base_scores
from matinee.engine.config import EngineConfig
from matinee.engine.features import ItemFeatures
from matinee.engine.interactions import Interactions
from matinee.engine.item_model import ItemModel
from matinee.engine.linking import Items, item_links
from matinee.engine.links import Links
from matinee.engine.pairs import Evidence
from matinee.engine.rating_prediction import expected_stars
from matinee.engine.statistics import OfInteractions, RatingStatistics

Progress = Callable[[str], None]
"""Is told each stage as it begins."""


def fit(
    ratings: Interactions | RatingStatistics,
    features: ItemFeatures,
    popularity_prior: Floats,
    config: EngineConfig | None = None,
    progress: Progress | None = None,
    *,
    promised: Floats | None = None,
) -> ItemModel:
    """Train on all ratings, or on what is counted of them; what can be recommended is what has features.

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
    statistics = OfInteractions.of_all(ratings) if isinstance(ratings, Interactions) else ratings
    ids = np.union1d(statistics.item_ids, features.item_ids)
    known = rows_of(features.item_ids, ids)
    is_kept = (ids > 0) | (known >= 0)
    vectors = _with_rows(features.matrix(config.features), known)
    rating_counts = _spread(statistics.counts(), statistics.item_ids, ids)
    liking = _spread(statistics.recent_liking(config.ease, config.base_half_life), statistics.item_ids, ids)
    prior = _spread(popularity_prior, features.item_ids, ids)

    tell("Learning from ratings and content")
    everything, ridge_of_few = _evidence(statistics, ids, vectors, config)
    items = Items(everything, ridge_of_few, rating_counts, prior, is_sender=is_kept, is_scored=known >= 0)
    links = item_links(items, config)
    discounts = _discounts(rating_counts[is_kept], config.link_discount)
    of_many, of_few = (_discounted(each[is_kept][:, is_kept], discounts) for each in (links.of_many, links.of_few))

    tell("Finding what is popular")
    start = base_scores(
        liking[is_kept],
        rating_counts[is_kept],
        prior[is_kept],
        has_prior=known[is_kept] >= 0,
        n_users=statistics.n_users,
        doubt=config.base_doubt,
    )
    stars = _stars_before_any(promised, known, config.ratings.usual_stars)
    return ItemModel(
        item_ids=ids[is_kept],
        base=(config.base_weight * (start.earned + start.expected)).astype(np.float32),
        lasting_base=(config.lasting_weight * start.possible).astype(np.float32),
        base_patience=config.base_patience,
        base_beside_unknown=config.base_beside_unknown,
        links=of_many,
        weights_of_few=of_few.weights,
        links_patience=config.links_patience,
        evidence=rating_counts[is_kept].astype(np.int32),
        expected_stars=expected_stars(statistics, ids[is_kept], stars[is_kept], config.ratings),
        vectors=Links.from_matrix(sparse.csr_matrix(vectors[is_kept])),
    )


def _evidence(
    statistics: RatingStatistics, ids: Ids, vectors: sparse.csr_matrix, config: EngineConfig
) -> tuple[Evidence, Doubles]:
    """Ratings and features (n_items, n_features) of the items `ids`, and the ridge of short histories."""
    squares = _spread(statistics.squares(config.ease), statistics.item_ids, ids)
    ridge, ridge_of_few = (
        config.ease.ridge(statistics.n_users, squares, dropout)
        for dropout in (config.ease.dropout, config.ease.dropout_of_few)
    )
    everything = Evidence(
        pairs=statistics.pairs(ids, config.ease),
        places=np.arange(len(ids)),
        features=sparse.csr_matrix(np.sqrt(config.content_weight) * vectors),
        ridge=ridge,
    )
    return everything, ridge_of_few


def _stars_before_any(promised: Floats | None, known: Rows, usual: float) -> Floats:
    """(len(known),) what each item is promised before any rating counts; `known` is its row in `promised`, or -1."""
    stars = np.full(len(known), usual, dtype=np.float32)
    if promised is not None:
        stars[known >= 0] = promised[known[known >= 0]]
    return stars


def _discounts(rating_counts: Doubles, power: float) -> Doubles:
    """(n,) what is left of a link to each item."""
    rated = rating_counts[rating_counts > 0]
    usual = rated.mean() if len(rated) else 0.0
    discounts: Doubles = ((10 + rating_counts) / (10 + usual)) ** -power
    return discounts


def _discounted(links: sparse.csr_matrix, discounts: Doubles) -> Links:
    """Links to n items, each counting as `discounts` (n,) says."""
    links.data *= discounts.astype(np.float32)[links.indices]
    return Links.from_matrix(links)


def _spread(values: NDArray[np.generic], ids: Ids, item_ids: Ids) -> Doubles:
    """`values` of `ids` in the places of `item_ids`, 0 where there is none."""
    rows = rows_of(item_ids, ids)
    spread = np.zeros(len(item_ids))
    spread[rows[rows >= 0]] = values[rows >= 0]
    return spread


def _with_rows(matrix: sparse.csr_matrix, rows: Rows) -> sparse.csr_matrix:
    """Those rows of `matrix`, an empty one where it is -1."""
    empty = sparse.csr_matrix(np.zeros((1, matrix.shape[1]), dtype=matrix.dtype))
    padded = sparse.vstack([matrix, empty], format="csr")
    return sparse.csr_matrix(padded[rows])
