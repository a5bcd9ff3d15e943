"""From scores to a list: the best first, ties always the same way, and not twenty of a kind."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matinee.engine.arrays import Doubles, Flags, Rows


def rank(scores: Doubles, rows: Rows, allowed: Flags, k: int) -> NDArray[np.int64]:
    """The places in `rows` of the best k that are allowed, best first; of equal scores the lower row is first.

    All three are (m,). Rows stand in the order of their ids, so that ties break by item id.
    """
    places = np.flatnonzero(allowed)
    if k <= 0 or len(places) == 0:
        return places[:0]
    chosen = scores[places]
    if len(places) > k:
        bar = np.partition(chosen, len(places) - k)[len(places) - k]
        places = places[chosen >= bar]
    order = np.lexsort((rows[places], -scores[places]))
    return places[order[:k]]


def diversified(scores: Doubles, similarity: Doubles, diversity: float, k: int) -> NDArray[np.int64]:
    """The places of k of m candidates by maximal marginal relevance (Carbonell and Goldstein 1998).

    `scores` (m,) are best first; `similarity` (m, m) is 0 to 1; `diversity` 0 keeps the order, 1 minds variety
    alone. Each step takes the highest (1 - diversity) score - diversity (likeness to what is already taken), with
    scores brought to 0 to 1.
    """
    span = float(scores.max() - scores.min()) if len(scores) else 0.0
    relevance = (scores - scores.min()) / span if span else np.ones(len(scores))
    likeness = np.zeros(len(scores))
    is_left = np.ones(len(scores), dtype=np.bool_)
    taken: list[int] = []
    for _ in range(min(k, len(scores))):
        value = np.where(is_left, (1 - diversity) * relevance - diversity * likeness, -np.inf)
        best = int(np.argmax(value))
        taken.append(best)
        is_left[best] = False
        likeness = np.maximum(likeness, similarity[best])
    return np.array(taken, dtype=np.int64)
