"""From scores to a list: the best first, ties always the same way, and not twenty of a kind."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matinee.engine.arrays import Doubles, Flags, Ids, Rows

BLOCKS = 3
"""Where the best of many are sought, so many times as many blocks are looked at first."""


def rank(scores: NDArray[np.floating], k: int) -> Rows:
    """The rows of the best k of `scores` (n,), best first; of equal scores the lower row is first, and -inf is never.

    Rows stand in the order of their ids, so that ties break by item id.
    """
    rows = np.flatnonzero(scores >= _bar(scores, k))
    best = scores[rows]
    if len(rows) > 2 * k > 0:
        is_best = best >= np.partition(best, len(rows) - k)[len(rows) - k]
        rows, best = rows[is_best], best[is_best]
    return rows[np.argsort(-best, kind="stable")[:k]].astype(np.int32)


def rank_few_of_each(scores: NDArray[np.floating], k: int, groups: NDArray[np.integer], most: int) -> tuple[Rows, int]:
    """The same where at most `most` (1 or more) of one group are among the best; `groups` (n,) names them, 0 is none.

    Further ones of a group stand behind all the rest, the best first: no row is lost where there are fewer than k. Told
    as well is how many stand before those.
    """
    depth = k + k // 8
    while True:
        rows = rank(scores, depth)
        is_held_back = _beyond(groups[rows], most)
        n_free = len(rows) - int(np.count_nonzero(is_held_back))
        if len(rows) < depth or n_free >= k:
            return np.concatenate([rows[~is_held_back], rows[is_held_back]])[:k], min(n_free, k)
        depth *= 2


def _beyond(groups: NDArray[np.integer], most: int) -> Flags:
    """(m,) whether `most` of the same group stand before it."""
    is_beyond = np.zeros(len(groups), dtype=np.bool_)
    grouped = np.flatnonzero(groups)
    if len(grouped) > most:
        order = grouped[np.argsort(groups[grouped], kind="stable")]
        is_beyond[order[most:]] = groups[order[most:]] == groups[order[:-most]]
    return is_beyond


def _bar(scores: NDArray[np.floating], k: int) -> float:
    """What k of `scores` (n,) reach at least, and where n is large few others do: all but -inf, or the k-th highest of
    the maxima of blocks, which are found without sorting."""
    lowest = float(np.finfo(scores.dtype).min)
    n_blocks = BLOCKS * k
    if not 0 < 2 * n_blocks <= len(scores):
        return lowest
    height = len(scores) // n_blocks
    maxima = scores[: height * n_blocks].reshape(height, n_blocks).max(axis=0)
    return max(lowest, float(np.partition(maxima, n_blocks - k)[n_blocks - k]))


def diversified(scores: NDArray[np.floating], similarity: Doubles, diversity: float, k: int) -> Ids:
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
