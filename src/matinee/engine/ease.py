"""Item-to-item regression with a closed-form fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.linalg import lapack

from matinee.engine.arrays import Doubles


@dataclass(frozen=True)
class EaseConfig:
    """The hyperparameters of Ease."""

    l2: float = 50.0
    """The ridge on every weight."""

    dropout: float = 0.2
    """p of EDLAE: the ridge grows by p / (1 - p) times how often an item was liked or seen."""

    activity_power: float = 0.25
    """A user with k films counts as k to the power of minus twice this, so that the tireless do not outvote all."""

    seen_weight: float = 0.7
    """How much a film rated under 4 weighs as a feature beside one rated 4 or more."""


@dataclass(frozen=True)
class Ease:
    """EASE (Steck 2019, arXiv:1905.03375) with the ridge of EDLAE (Steck 2020) and a second block of features.

    With Y (users x n) the likes, Z = [Y, s S] (users x 2n) likes and films seen without liking them, and R the
    users' weights, B minimises ||R (Y - Z B)||^2 + ||sqrt(D) B||^2, D = l2 + p / (1 - p) diag(Z' R^2 Z), subject to
    B[j, j] = 0. With P = (Z' R^2 Z + D)^-1 that is B[:, j] = -P[:, j] / P[j, j] off the diagonal.
    """

    liked: Doubles
    """(n, n): from a liked item to the scored one."""

    seen: Doubles
    """(n, n): from an item seen without liking it to the scored one."""

    @classmethod
    def fit(cls, likes: sparse.csr_matrix, seen: sparse.csr_matrix, config: EaseConfig) -> Ease:
        """From two (users, n) matrices of zeros and ones."""
        n_items = likes.shape[1]
        activity = np.asarray(likes.sum(axis=1)).ravel() + np.asarray(seen.sum(axis=1)).ravel()
        row_weights = np.maximum(activity, 1.0) ** -config.activity_power
        both = sparse.hstack([likes, config.seen_weight * seen], format="csr", dtype=np.float64)
        both = sparse.csr_matrix(sparse.diags_array(row_weights) @ both)
        gram: Doubles = (both.T @ both).toarray()
        diagonal = np.diagonal(gram) * (1 + config.dropout / (1 - config.dropout)) + config.l2
        np.fill_diagonal(gram, diagonal)
        inverse = inverse_of_symmetric(gram)[:, :n_items]
        weights: Doubles = -inverse / np.diagonal(inverse[:n_items])
        np.fill_diagonal(weights[:n_items], 0.0)
        np.fill_diagonal(weights[n_items:], 0.0)
        return cls(liked=weights[:n_items], seen=config.seen_weight * weights[n_items:])


def inverse_of_symmetric(matrix: Doubles) -> Doubles:
    """The inverse of a positive definite matrix, by Cholesky. Raises ValueError where it is not one."""
    if len(matrix) == 0:
        return matrix
    factor, failed = lapack.dpotrf(matrix, lower=1)
    if failed:
        raise ValueError("The matrix is not positive definite.")
    inverse, _ = lapack.dpotri(factor, lower=1)
    lower = np.tril(inverse)
    result: Doubles = lower + np.tril(inverse, -1).T
    return result
