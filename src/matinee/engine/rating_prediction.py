"""How many stars someone would give: what a film gets, how generous the person is, and their taste, in one sum."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from matinee.engine.arrays import Doubles, Flags, Floats, Ids, as_ids, last_of_each, rows_of
from matinee.engine.interactions import FEWEST_STARS, MOST_STARS
from matinee.engine.item_model import ItemModel
from matinee.engine.signals import History
from matinee.engine.statistics import RatingStatistics

ROUNDS = 3
"""How often the films' and the people's deviations are found in turn; more move no prediction by 0.01."""


@dataclass(frozen=True)
class RatingConfig:
    """What the sum is made of. Each figure is fitted on the tuning people of MovieLens 100K and latest-small.

    They ship as figures. Fitting them anew to an instance would need people whom its links have not learned from: on
    those whom they have, taste seems to tell half as much again as it does.
    """

    usual_vote: float = 6.5
    """Where a film without votes is taken to stand on TMDb, of 10."""

    usual_stars: float = 3.4
    """What such a film gets."""

    stars_of_a_vote: float = 0.55
    """How many stars a film gets more for each point more on TMDb."""

    vote_doubt: float = 20.0
    """With so many votes a film stands half at its own average and half at the usual one."""

    level_doubt: float = 20.0
    """With so many ratings a community's level is believed half."""

    film_doubt: float = 5.0
    """With so many ratings a film stands half at what they say and half at what its votes promise."""

    person_doubt: float = 5.0
    """With so many ratings a person's generosity is believed half."""

    taste_doubt: float = 0.1
    """With links of this sum to what a person rated, their taste is believed half."""

    taste_pull: float = 2.0
    """How far taste moves a prediction: further than the linked films alone say, as they only hint at what is loved."""

    taste_drift: float = 0.03
    """How much better than expected people find films that have links among each other; that is no taste of theirs."""

    ceiling: float = 4.5
    """From here on there is less room above than below, and a sum goes on more slowly."""

    ceiling_slope: float = 0.7
    """How much of what goes beyond the ceiling counts."""


@dataclass(frozen=True)
class Opinions:
    """What one person said of h films, in stars."""

    item_ids: Ids
    """(h,) sorted, each once."""

    stars: Floats
    """(h,) 1 to 5."""

    is_rating: Flags
    """(h,) False for a favourite without a rating: five stars to the person's taste, and nothing to their generosity,
    since nobody's favourites tell what they think of the rest."""

    @classmethod
    def of_actions(cls, *, ratings: Iterable[tuple[int, float]] = (), favorites: Iterable[int] = ()) -> Opinions:
        """From (item id, stars of 0.5 to 5), and favourites; a rating of a favourite speaks before it."""
        loved, rated = list(favorites), list(ratings)
        item_ids = as_ids([*loved, *(item for item, _ in rated)])
        stars = np.array([MOST_STARS] * len(loved) + [stars for _, stars in rated], dtype=np.float32)
        speaking = last_of_each(item_ids)
        return cls(
            item_ids=item_ids[speaking],
            stars=np.maximum(stars[speaking], np.float32(FEWEST_STARS)),
            is_rating=speaking >= len(loved),
        )

    @property
    def size(self) -> int:
        return len(self.item_ids)

    def without(self, item_id: int) -> Opinions:
        """All but what was said of this item, so that it can be predicted from the others."""
        kept = self.item_ids != item_id
        return Opinions(self.item_ids[kept], self.stars[kept], self.is_rating[kept])


def promised_stars(vote_counts: ArrayLike, vote_averages: ArrayLike, config: RatingConfig | None = None) -> Floats:
    """(n,) 1 to 5: what TMDb's votes (averages of 10) promise of each film; NaN stands for unknown."""
    config = config or RatingConfig()
    counts = np.nan_to_num(np.asarray(vote_counts, dtype=np.float64))
    averages = np.nan_to_num(np.asarray(vote_averages, dtype=np.float64), nan=config.usual_vote)
    if counts.shape != averages.shape:
        raise ValueError("There are more vote counts than averages, or fewer.")
    above = counts * (averages - config.usual_vote) / (counts + config.vote_doubt)
    stars = np.clip(config.usual_stars + config.stars_of_a_vote * above, FEWEST_STARS, MOST_STARS)
    return stars.astype(np.float32)


def expected_stars(statistics: RatingStatistics, item_ids: Ids, promised: Floats, config: RatingConfig) -> Floats:
    """(n,) what someone of average generosity gives each of `item_ids` (n,), of which `promised` (n,) is promised.

    The promise, plus how far the community is from it on all films, plus how far it is on this one; the last from
    ratings out of which each person's own generosity is taken.
    """
    rows = rows_of(item_ids, statistics.item_ids)
    promised_of_rated = np.append(promised.astype(np.float64), config.usual_stars)[rows]
    counts, stars = statistics.counts(), statistics.stars()
    level = (stars.sum() - counts @ promised_of_rated) / (statistics.size + config.level_doubt)
    usual = promised_of_rated + level
    deviations = np.zeros(len(usual))
    for _ in range(ROUNDS):
        generosity = statistics.generosity(usual + deviations, config.person_doubt)
        deviations = (stars - counts * usual - generosity) / (counts + config.film_doubt)
    expected = promised + level
    expected[rows[rows >= 0]] += deviations[rows >= 0]
    return np.asarray(expected, dtype=np.float32)


def predicted_ratings(
    opinions: Opinions, expected_of_opinions: Doubles, links: Doubles, expected: Doubles, config: RatingConfig
) -> Doubles:
    """(k,) 1 to 5: the stars that the person of these opinions would give to k films.

    `expected_of_opinions` (h,) and `expected` (k,) are what someone of average generosity gives to the films, `links`
    (h, k) those of the model from the ones to the others as they are beside a long history: a watchlist entry more is
    no reason to expect other stars. Links below 0 say that people rarely see both, which is no
    opinion of either: they count as none.
    """
    surprises = opinions.stars - expected_of_opinions
    rated = surprises[opinions.is_rating]
    generosity = rated.sum() / (len(rated) + config.person_doubt)
    likeness = np.maximum(links, 0.0)
    pull = (surprises - generosity - config.taste_drift) @ likeness
    taste = config.taste_pull * pull / (likeness.sum(axis=0) + config.taste_doubt)
    stars = expected + generosity + taste
    stars = np.minimum(stars, config.ceiling + config.ceiling_slope * (stars - config.ceiling))
    clipped: Doubles = np.maximum(np.minimum(stars, MOST_STARS), FEWEST_STARS)  # in half of clip's time
    return clipped


def predict(model: ItemModel, opinions: Opinions, item_ids: Ids, config: RatingConfig | None = None) -> Doubles:
    """(k,) 1 to 5: the stars that the person of these opinions would give to each of `item_ids` (k,), known or not."""
    config = config or RatingConfig()
    expected = np.append(model.expected_stars, np.float32(config.usual_stars)).astype(np.float64)
    rows = model.rows_of(item_ids)
    links = np.zeros((opinions.size, len(rows)))
    links[:, rows >= 0] = model.reach(History.liking(opinions.item_ids)).towards(rows[rows >= 0]).of_many
    return predicted_ratings(opinions, expected[model.rows_of(opinions.item_ids)], links, expected[rows], config)
