"""The systems beside ours, each with what can be tuned about it."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from scipy import sparse

from benchmarks.recommender import jobs
from benchmarks.recommender.tuning import Choice, Parameters, Range, Space
from benchmarks.venvs import BENCHMARKS, python_of
from matinee.engine.arrays import Doubles, Ids, rows_of
from matinee.engine.evaluation.cases import Case, Ranker
from matinee.engine.evaluation.systems import NEVER, PlainEase, popularity
from matinee.engine.interactions import Interactions


class Peer(Protocol):
    """A system whose parameters are tuned on each data set."""

    @property
    def name(self) -> str: ...

    @property
    def space(self) -> Space:
        """What is tuned."""
        ...

    @property
    def defaults(self) -> Parameters:
        """Every parameter, as its authors have it where they say."""
        ...

    def rankers(self, train: Interactions, cases: Sequence[Case], trials: Sequence[Parameters]) -> Iterator[Ranker]:
        """One for each of the trials, which answers these very `cases`."""
        ...


@dataclass(frozen=True)
class Popularity:
    name: str = "popularity"
    space: Space = field(default_factory=dict)
    defaults: Parameters = field(default_factory=dict)

    def rankers(self, train: Interactions, _: Sequence[Case], trials: Sequence[Parameters]) -> Iterator[Ranker]:
        return (popularity(train) for _ in trials)


@dataclass(frozen=True)
class PeerEase:
    name: str = "EASE"
    space: Space = field(default_factory=lambda: {"l2": Range(20, 2_000), "graded": Choice((False, True))})
    defaults: Parameters = field(default_factory=lambda: {"l2": 500.0, "graded": False})

    def rankers(self, train: Interactions, _: Sequence[Case], trials: Sequence[Parameters]) -> Iterator[Ranker]:
        return (PlainEase(**trial)(train) for trial in trials)


@dataclass(frozen=True)
class Worker:
    """A peer in an environment of its own, `peers/VENV`, whose worker.py fits and scores."""

    name: str
    venv: str
    model: str
    space: Space
    defaults: Parameters

    def rankers(self, train: Interactions, cases: Sequence[Case], trials: Sequence[Parameters]) -> Iterator[Ranker]:
        """Raises CannotInstall, and CalledProcessError where the worker fails."""
        python = python_of(self.venv)
        rows = {id(case): row for row, case in enumerate(cases)}
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            jobs.write(folder, _stars(train), _shown(cases, train), trials)
            command = [str(python), "-m", f"benchmarks.peers.{self.venv}.worker", name, self.model]
            quiet = {**os.environ, "PYTHONWARNINGS": "ignore", "OPENBLAS_NUM_THREADS": "1"}  # as implicit asks for
            with subprocess.Popen(
                command, cwd=BENCHMARKS.parent, env=quiet, stdout=subprocess.PIPE, text=True
            ) as process:
                assert process.stdout is not None
                for line in process.stdout:
                    if line.startswith(jobs.DONE):
                        scores = jobs.read_scores(folder, int(line.split()[1]))
                        yield _ranker(scores, rows, train.item_ids)
            if process.returncode != 0:
                raise subprocess.CalledProcessError(process.returncode, command)


INPUT = Choice(("likes", "stars"))
"""Peers are tuned on what to read too: likes alone, or every rating, weighed by its stars."""

# Their authors take batches of 500 of many thousands of people; of hundreds that is one step an epoch.
HIDDEN, LATENT = Choice((100, 200, 400, 600)), Choice((25, 50, 100, 200))

PEERS: tuple[Peer, ...] = (
    Popularity(),
    PeerEase(),
    Worker(
        "implicit ALS",
        "implicit",
        "als",
        {
            "factors": Range(8, 200, is_whole=True),
            "regularization": Range(0.01, 20),
            "alpha": Range(1, 40),
            "input": INPUT,
        },
        {"factors": 100, "regularization": 0.01, "alpha": 1.0, "iterations": 15, "input": "likes"},
    ),
    Worker(
        "implicit cosine",
        "implicit",
        "cosine",
        {"K": Range(10, 500, is_whole=True), "input": INPUT},
        {"K": 20, "input": "likes"},
    ),
    Worker(
        "implicit BM25",
        "implicit",
        "bm25",
        {"K": Range(10, 500, is_whole=True), "K1": Range(0.3, 2.0), "B": Range(0.0, 1.0), "input": INPUT},
        {"K": 20, "K1": 1.2, "B": 0.75, "input": "likes"},
    ),
    Worker(
        "LensKit item-kNN",
        "lenskit",
        "item-knn",
        {"max_nbrs": Range(5, 200, is_whole=True), "input": Choice(("likes", "seen"))},
        {"max_nbrs": 20, "input": "likes"},
    ),
    Worker(
        "LensKit implicit ALS",
        "lenskit",
        "als",
        {
            "embedding_size": Range(8, 200, is_whole=True),
            "regularization": Range(0.01, 20),
            "weight": Range(1, 80),
            "input": INPUT,
        },
        {"embedding_size": 50, "regularization": 0.1, "weight": 40.0, "epochs": 15, "input": "likes"},
    ),
    Worker(
        "Mult-VAE",
        "vae",
        "mult-vae",
        {
            "hidden": HIDDEN,
            "latent": LATENT,
            "beta": Range(0.05, 1.0),
            "rate": Range(3e-4, 2e-3),
            "batch": Choice((25, 50, 100)),
            "input": INPUT,
        },
        {"hidden": 600, "latent": 200, "beta": 0.2, "rate": 1e-3, "batch": 50, "epochs": 100, "input": "likes"},
    ),
    Worker(
        "RecVAE",
        "vae",
        "rec-vae",
        {
            "hidden": HIDDEN,
            "latent": LATENT,
            "gamma": Range(0.001, 0.05),
            "rate": Range(3e-4, 2e-3),
            "batch": Choice((25, 50, 100)),
            "input": INPUT,
        },
        {"hidden": 600, "latent": 200, "gamma": 0.005, "rate": 5e-4, "batch": 50, "epochs": 50, "input": "likes"},
    ),
)


def _ranker(scores: np.ndarray, rows: dict[int, int], item_ids: Ids) -> Ranker:
    def rank(case: Case, candidates: Ids, /) -> Doubles:
        return np.append(scores[rows[id(case)]].astype(np.float64), NEVER)[rows_of(item_ids, candidates)]

    return rank


def _stars(train: Interactions) -> sparse.csr_matrix:
    cells = (train.user_rows, train.item_rows)
    return sparse.csr_matrix((train.ratings, cells), shape=(train.n_users, train.n_items))


def _shown(cases: Sequence[Case], train: Interactions) -> sparse.csr_matrix:
    rows = np.repeat(np.arange(len(cases)), [len(case.item_ids) for case in cases])
    items = rows_of(train.item_ids, np.concatenate([case.item_ids for case in cases]))
    stars = np.concatenate([case.ratings for case in cases])
    known = items >= 0
    return sparse.csr_matrix((stars[known], (rows[known], items[known])), shape=(len(cases), train.n_items))
