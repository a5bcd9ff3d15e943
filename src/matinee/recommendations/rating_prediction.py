"""How many stars a person would give a film: from what they have rated and favourited at this moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from matinee.accounts.models import User
from matinee.engine.arrays import Rows, rows_of
from matinee.engine.item_model import Linked, Reach
from matinee.engine.rating_prediction import Opinions, RatingConfig, predicted_ratings
from matinee.engine.signals import History
from matinee.library.history import PersonalHistory, history_of
from matinee.recommendations.pool import Memory, Pool, pool_and_memory

CONFIG = RatingConfig()
DIGITS = 2


@dataclass(frozen=True)
class Critic:
    """Someone whose opinions of h films are laid over a pool, to say what they would think of another film."""

    opinions: Opinions
    _pool: Pool = field(repr=False)

    @property
    def weight(self) -> int:
        """In films."""
        return 1 + self.opinions.size

    @cached_property
    def _reach(self) -> Reach:
        return self._pool.reach(History.liking(self.opinions.item_ids))

    def stars(self, rows: Rows, at_hand: tuple[Reach, Linked] | None = None) -> list[float | None]:
        """(k,) the stars for each of `rows` (k,) of the catalogue, all different.

        `at_hand` is the pool's reach of another history of theirs, and its links to these rows. None where there is
        nothing to go on: a film without votes and ratings, for someone without opinions.
        """
        places = None if at_hand is None else _places(self.opinions, at_hand[0].history)
        if at_hand is None or places is None:
            at_hand, places = (self._reach, self._reach.towards(rows)), slice(None)
        reach, links = at_hand
        films = self._pool.films_of(reach)[places]
        expected_of_opinions, expected = (self._pool.expected_stars[of].astype(np.float64) for of in (films, rows))
        stars = predicted_ratings(self.opinions, expected_of_opinions, links.of_many[places], expected, CONFIG)
        rounded: list[float | None] = stars.round(DIGITS).tolist()
        if self.opinions.size:
            return rounded
        return [each if self._pool.is_judged(row) else None for each, row in zip(rounded, rows.tolist(), strict=True)]


def _places(opinions: Opinions, history: History) -> Rows | slice | None:
    """Where the films of the opinions stand in a history; None where one of them does not."""
    if np.array_equal(opinions.item_ids, history.item_ids):
        return slice(None)
    places = rows_of(history.item_ids, opinions.item_ids)
    return places if np.all(places >= 0) else None


def predict_rating(*, user: User, tmdb_id: int) -> float | None:
    """The stars that `user` would give a film, 1 to 5, had they not rated it; None where nothing tells.

    One query, or none where the person is remembered.
    """
    pool, memory = pool_and_memory()
    if user.state_version is None:
        return _predicted(user, tmdb_id, pool, memory)
    known = memory.predictions.get((user.pk, tmdb_id), user.state_version)
    if known is None:
        known = (_predicted(user, tmdb_id, pool, memory),)
        memory.predictions.keep((user.pk, tmdb_id), known, user.state_version)
    return known[0]


def _predicted(user: User, tmdb_id: int, pool: Pool, memory: Memory) -> float | None:
    rows = pool.columns.rows_of([tmdb_id])
    if rows[0] < 0:
        return None
    critic = critic_of(user, history_of(user), pool, memory)
    if np.any(critic.opinions.item_ids == tmdb_id):
        critic = Critic(critic.opinions.without(tmdb_id), pool)
    return critic.stars(rows)[0]


def critic_of(user: User, mine: PersonalHistory, pool: Pool, memory: Memory) -> Critic:
    """`user`, of whom `mine` is known, remembered under the version of their state."""
    critic = None if user.state_version is None else memory.critics.get(user.pk, user.state_version)
    if critic is None:
        critic = Critic(opinions_of(mine), pool)
        if user.state_version is not None:
            memory.critics.keep(user.pk, critic, user.state_version)
    return critic


def opinions_of(history: PersonalHistory) -> Opinions:
    """Watchlist entries and dismissals are no opinion of a film that was seen."""
    return Opinions.of_actions(ratings=history.ratings, favorites=history.favorites)
