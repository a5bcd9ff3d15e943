"""`python -m benchmarks.recommender.scale.fit_matinee FOLDER`: one fit of the engine as it ships, facts included."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from benchmarks.recommender.scale.outcome import leave, timed
from benchmarks.recommender.scale.sample import read
from matinee.engine.arrays import Doubles, Ids
from matinee.engine.evaluation.cases import DEPTH, Case, Rankings, Split
from matinee.engine.fitting import fit
from matinee.engine.item_model import ItemModel
from matinee.engine.signals import History


def main(folder: Path) -> None:
    split, known = read(folder)
    model, figures = timed(lambda: fit(split.train, known.features, known.popularity_prior))
    leave_lists(folder, model, split, figures)


def leave_lists(folder: Path, model: ItemModel, split: Split, figures: dict[str, float]) -> None:
    """What the model recommends to the people of `split`, and what it took."""

    def rank(case: Case, candidates: Ids) -> Doubles:
        rated = zip(case.item_ids.tolist(), case.ratings.tolist(), strict=True)
        return model.score_all(History.of_actions(ratings=rated))[model.rows_of(candidates)]

    lists = np.full((len(split.cases), DEPTH), -1)
    for row, ranked in enumerate(Rankings.of(rank, split).lists):
        lists[row, : len(ranked)] = ranked
    leave(folder, lists, {**figures, "artifact_bytes": sum(array.nbytes for array in model.arrays().values())})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
