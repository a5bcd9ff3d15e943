"""A small world whose right answers a reader can see: two circles of films, and people who keep to one of them."""

from __future__ import annotations

import numpy as np

from matinee.engine.features import ItemFeatures
from matinee.engine.interactions import Interactions

SPACE = [101, 102, 103, 104, 105, 106]
ROMANCE = [201, 202, 203, 204, 205, 206]
UNSEEN_SPACE, UNSEEN_ROMANCE = 107, 207
"""Films that nobody has rated yet."""

FILMS = [*SPACE, UNSEEN_SPACE, *ROMANCE, UNSEEN_ROMANCE]


def ratings(n_users: int = 40, seed: int = 1) -> Interactions:
    """Even users love space films and rate one romance 1 star; odd users the reverse. Each skips two of theirs."""
    random = np.random.default_rng(seed)
    users, items, stars = [], [], []
    for user in range(n_users):
        loved, hated = (SPACE, ROMANCE) if user % 2 == 0 else (ROMANCE, SPACE)
        liked = random.choice(loved, size=4, replace=False)
        users += [user] * 5
        items += [*liked.tolist(), int(random.choice(hated))]
        stars += [5.0, 4.0, 5.0, 4.0, 1.0]
    return Interactions.from_arrays(users, items, stars)


def films() -> ItemFeatures:
    """Genre and keywords tell the circles apart."""
    genres = [[878] if film < 200 else [10749] for film in FILMS]
    keywords = [["stars", "ship"] if film < 200 else ["love", "letter"] for film in FILMS]
    return ItemFeatures.from_lists(FILMS, {"genres": genres, "keywords": keywords}, years=[2000] * len(FILMS))


def equal_prior() -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return np.full(len(FILMS), 0.5, dtype=np.float32)
