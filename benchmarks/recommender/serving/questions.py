"""What every system is asked, in a folder of arrays; the peers read it too, so that it needs numpy and scipy alone."""

from __future__ import annotations

import gc
import itertools
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

FOLDER = "MATINEE_BENCH_QUESTIONS"
"""The environment variable that names it."""
ANYTHING, ONE_GENRE, ONE_DECADE = WHICH = "any film", "one genre", "one decade"
QUESTIONS = ((100, ANYTHING), (100, ONE_GENRE), (100, ONE_DECADE), (1_000, ANYTHING))
"""(length of the history, what may be recommended)"""
LENGTH = 20
"""How many films an answer has."""
ROUNDS, WARM_UP = 500, 20


@dataclass(frozen=True)
class History:
    films: NDArray[np.int32]
    """(h,) ascending columns of the training matrix; a film's id is its column plus 1."""
    stars: NDArray[np.float32]
    """(h,) 1 to 5."""

    def row(self, n_films: int) -> sparse.csr_matrix:
        """(1, films)"""
        return sparse.csr_matrix((self.stars, self.films, [0, len(self.films)]), shape=(1, n_films))


@dataclass(frozen=True)
class Questions:
    train: sparse.csr_matrix
    """(people, films) of stars."""
    histories: Mapping[int, Sequence[History]]
    """By their length."""
    allowed: Mapping[str, NDArray[np.bool_]]
    """(films,) by what may be recommended."""

    def write(self, folder: Path) -> None:
        sparse.save_npz(folder / "train.npz", self.train, compressed=False)
        np.save(folder / "allowed.npy", np.stack([self.allowed[which] for which in WHICH]))
        for length, histories in self.histories.items():
            films, stars = (np.stack([getattr(each, name) for each in histories]) for name in ("films", "stars"))
            np.savez(folder / f"histories-{length}.npz", films=films, stars=stars)

    @classmethod
    def read(cls) -> Questions:
        folder = Path(os.environ[FOLDER])
        histories = {}
        for length in {length for length, _ in QUESTIONS}:
            arrays = np.load(folder / f"histories-{length}.npz")
            histories[length] = [History(*each) for each in zip(arrays["films"], arrays["stars"], strict=True)]
        allowed = dict(zip(WHICH, np.load(folder / "allowed.npy"), strict=True))
        return cls(sparse.csr_matrix(sparse.load_npz(folder / "train.npz")), histories, allowed)


def measure(benchmark: Any, answer: Callable[[Any], Any], asked: Sequence[Any]) -> None:
    """Time `answer`, each time of the next of `asked`."""
    turn = itertools.cycle(asked)
    gc.collect()
    gc.freeze()  # as a server does that has read its program: a collection passes over it no more
    benchmark.pedantic(answer, setup=lambda: ((next(turn),), {}), rounds=ROUNDS, warmup_rounds=WARM_UP)
