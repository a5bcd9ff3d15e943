"""Who is of one franchise by title, and how a list is ranked that holds few of each."""

from __future__ import annotations

import numpy as np
from benchmarks.recommender.data import Dataset
from benchmarks.recommender.franchises import by_title, capped

from matinee.engine.evaluation.cases import Case, Split
from matinee.engine.interactions import Interactions

TITLES = {
    1: "Star Trek: Generations",
    2: "Star Trek VI: The Undiscovered Country",
    3: "Jaws",
    4: "Jaws 2",
    5: "Jawbreaker",
    6: "Star Trek - Nemesis",
}
IDS = np.array(list(TITLES))


def test_films_are_of_one_franchise_that_are_named_alike_but_for_number_and_subtitle() -> None:
    groups = by_title(Dataset("six", Interactions.empty(), None, titles=TITLES)).groups(IDS)

    trek, jaws, other = groups[0], groups[2], groups[4]
    assert groups.tolist() == [trek, trek, jaws, jaws, other, trek]
    assert len({trek, jaws, other, 0}) == 4


def test_what_a_person_has_rated_is_out_before_anything_is_held_back() -> None:
    seen = Case(np.array([1]), np.array([5.0], dtype=np.float32), relevant=np.array([2]))
    split = Split(Interactions.empty(), [seen], IDS)
    groups = np.array([1, 1, 2, 2, 3, 1])

    [ranked] = capped(lambda _, ids: -ids.astype(np.float64), split, groups, 1).lists

    assert ranked.tolist() == [2, 3, 5, 4, 6]
