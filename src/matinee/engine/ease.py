"""Item-to-item regression with a closed-form fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import lapack

from matinee.engine.arrays import Doubles, Floats
from matinee.engine.links import BLOCK, stacked, strongest
from matinee.engine.pairs import Evidence

CHUNK = 1_000
"""How many rows of the gram matrix are made at a time, so that it never stands in memory as a sparse one too."""

EXACT_UP_TO = 4_000
"""Up to so many items the fit counts in double precision; past that in single, for half the memory and time."""


@dataclass(frozen=True)
class EaseConfig:
    """The hyperparameters of Ease."""

    values_of_stars: tuple[float, float, float, float, float] = (0.2, 0.3, 0.5, 0.9, 1.0)
    """What a rating of 1, 2, 3, 4 and 5 stars is worth, half stars between their neighbours. A film that someone
    chose to watch and found poor still says more about them than one they never looked at."""

    l2: float = 100.0
    """The ridge on every weight, where there are few users."""

    l2_growth: float = 0.25
    """The ridge grows as (1 + users / 1000) to this power: 135 at 600 users, 195 at 6,000, 430 at 160,000."""

    dropout: float = 0.7
    """p of EDLAE: the ridge of an item grows by p / (1 - p) times the sum of its squared values, as if so much of each
    history had been left out while learning."""

    dropout_of_few: float = 0.97
    """The same of the links that count beside a history of a few items, of which most is still to come."""

    usual_stars: float = 3.5
    """What people give on average; a figure, and not the mean of those at hand, so that people can be counted apart."""

    generosity_doubt: float = 5.0
    """With so many ratings a person's generosity, how much more than the usual stars they give, is believed half; it is
    taken out of their ratings before anything is learnt from them."""

    opinion_weight: float = 0.1
    """What a star above or below the usual ones weighs beside what was seen; 0 leaves opinions out."""

    run_length: int = 10
    """So many ratings, given one after the other by one person, make a run."""

    run_weight: float = 1.0
    """What all runs weigh beside all people; 0 leaves them out."""

    def ridge(self, n_users: int, squares: Doubles, dropout: float) -> Doubles:
        """(n,) D, for items with these sums of squared values (n,)."""
        everywhere = self.l2 * (1 + n_users / 1000) ** self.l2_growth
        ridge: Doubles = everywhere + dropout / (1 - dropout) * squares
        return ridge


@dataclass(frozen=True)
class Ease:
    """EASE (Steck 2019, arXiv:1905.03375) on graded values, with EDLAE's ridge (Steck 2020) and what items are.

    X (rows x n) are the graded ratings, 0 where there is none: a row for each user, one for each run of theirs, and
    one of their opinions;
    F (n x values) says what the items are, each column of it like one more user, who likes what has that value.
    B minimises ||X - XB||^2 + ||F' - F'B||^2 + ||sqrt(D) B||^2 subject to diag(B) = 0, where D = l2 + p / (1 - p)
    diag(X'X) over the users alone. With P = (X'X + FF' + D)^-1 that is B[i, j] = -P[i, j] / P[j, j] off the diagonal.
    Without ratings it is a regression on content, without F it is EASE.
    """

    inverse: NDArray[np.floating]
    """(n, n): P."""

    @classmethod
    def fit(cls, evidence: Evidence) -> Ease:
        """From what there is about n items."""
        return cls.of(_gram(evidence), evidence.ridge)

    @classmethod
    def of(cls, gram: NDArray[np.floating], ridge: Doubles) -> Ease:
        """From X'X + FF' (n, n), which is overwritten, and D (n,)."""
        gram[np.diag_indices(len(gram))] += ridge
        return cls(inverse_of_symmetric(gram))

    def weights(self, senders: NDArray[np.integer]) -> Floats:
        """(k, n) B: from each of `senders` (k,), rows of items, to every item; none to itself."""
        weights: Floats = (-self.inverse[senders] / np.diagonal(self.inverse)).astype(np.float32, copy=False)
        weights[np.arange(len(senders)), senders] = 0.0
        return weights

    def between(self, senders: NDArray[np.integer], receivers: NDArray[np.integer]) -> Floats:
        """(k,) of B: from each of `senders` (k,) to the one of `receivers` (k,) in its place, which is another."""
        weights: Floats = -self.inverse[senders, receivers] / np.diagonal(self.inverse)[receivers]
        return weights.astype(np.float32, copy=False)


@dataclass(frozen=True)
class TwoFits:
    """Of the same evidence under two ridges: the heavier one for histories of which most is still to come."""

    of_many: Ease

    of_few: Ease

    scale: float
    """What makes all weights of the second as large in sum as those of the first."""

    @classmethod
    def fit(cls, evidence: Evidence, ridge_of_few: Doubles) -> TwoFits:
        """From what there is about n items; `ridge_of_few` (n,) is D of the second fit."""
        gram = _gram(evidence)
        of_few = Ease.of(gram.copy(), ridge_of_few)
        of_many = Ease.of(gram, evidence.ridge)
        size_of_few = _size(of_few)
        return cls(of_many, of_few, _size(of_many) / size_of_few if size_of_few else 1.0)

    def weights(self, senders: NDArray[np.integer]) -> Floats:
        """(k, n) the mean of both: from each of `senders` (k,), rows of items, to every item; none to itself."""
        mean: Floats = self.of_many.weights(senders) + np.float32(self.scale) * self.of_few.weights(senders)
        mean *= np.float32(0.5)
        return mean


def strongest_weights(
    fitted: Ease | TwoFits, senders: NDArray[np.integer], receivers: NDArray[np.integer], count: int
) -> sparse.csr_matrix:
    """(senders, receivers) of the weights with the `count` strongest of each row, a few rows in memory at a time."""
    blocks = [
        strongest(fitted.weights(senders[start : start + BLOCK])[:, receivers], count)
        for start in range(0, len(senders), BLOCK)
    ]
    return stacked(blocks, len(receivers))


def _gram(evidence: Evidence) -> NDArray[np.floating]:
    """(n, n) X'X + FF'."""
    n_items = len(evidence.places)
    gram = np.empty((n_items, n_items), dtype=np.float64 if n_items <= EXACT_UP_TO else np.float32)
    block = evidence.beside(evidence, gram.dtype)
    for start in range(0, n_items, CHUNK):
        rows = slice(start, start + CHUNK)
        gram[rows] = block(rows)
    return gram


def _size(fitted: Ease) -> float:
    """How large all weights are in sum, signs left out."""
    everything = np.arange(len(fitted.inverse))
    return sum(
        float(np.abs(fitted.weights(everything[start : start + BLOCK])).sum(dtype=np.float64))
        for start in range(0, len(everything), BLOCK)
    )


def inverse_of_symmetric(matrix: NDArray[np.floating]) -> NDArray[np.floating]:
    """The inverse of a positive definite matrix, by Cholesky, in its own memory. Raises ValueError where it is none."""
    if len(matrix) == 0:
        return matrix
    factorise, invert = (lapack.dpotrf, lapack.dpotri) if matrix.dtype == np.float64 else (lapack.spotrf, lapack.spotri)
    factor, failed = factorise(matrix.T, lower=1, overwrite_a=1)
    if failed:
        raise ValueError("The matrix is not positive definite.")
    inverse, _ = invert(factor, lower=1, overwrite_c=1)
    for start in range(0, len(inverse), CHUNK):
        stop = start + CHUNK
        corner = np.tril(inverse[start:stop, start:stop])
        inverse[start:stop, start:stop] = corner + np.tril(corner, -1).T
        inverse[start:stop, stop:] = inverse[stop:, start:stop].T
    result: NDArray[np.floating] = inverse
    return result
