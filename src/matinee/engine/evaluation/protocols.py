"""The five ways to ask. Each asks the same each time, and none lets a system see what it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from matinee.engine.arrays import Flags, Ids
from matinee.engine.evaluation.cases import LIKED_FROM, Case, Split
from matinee.engine.evaluation.rating_accuracy import RatingCase, RatingSplit
from matinee.engine.interactions import FEWEST_STARS, Interactions

SEED = 0
FOLDS = 4
FOLDED_IN = 0.8
"""The share of a held-out person's ratings that a system is shown."""

FIRST_FEW = 5
"""How many of their first ratings a system is shown of a person who came after the date of protocol 2."""


@dataclass(frozen=True)
class People:
    """Everybody of a data set, once: those to tune on, and the folds of those to report on."""

    tuning: NDArray[np.int64]
    folds: tuple[NDArray[np.int64], ...]

    @classmethod
    def of(cls, interactions: Interactions, *, tuning_share: float = 0.3) -> People:
        order = np.random.default_rng(SEED).permutation(interactions.n_users)
        n_tuning = round(len(order) * tuning_share)
        folds = np.array_split(order[n_tuning:], FOLDS)
        return cls(tuning=np.sort(order[:n_tuning]), folds=tuple(np.sort(fold) for fold in folds))


def strong_generalisation(interactions: Interactions, held_out: NDArray[np.int64], *, seed: int = SEED) -> Split:
    """Protocol 1 (Liang 2018, with every folded-in film excluded): people of whom training saw nothing.

    A random 80% of a person's ratings of any value is shown, relevant is what they rated 4 or more among the rest.
    """
    is_held_out = np.isin(interactions.user_rows, held_out)
    parted = _parted(interactions, is_held_out, seed)
    cases = [_case(interactions, shown, hidden) for shown, hidden in parted]
    return Split(interactions.of(~is_held_out), _answerable(cases), interactions.item_ids)


def rating_prediction(interactions: Interactions, held_out: NDArray[np.int64]) -> RatingSplit:
    """Protocol 1 with another question: the same people show the same, and are asked for all other ratings of theirs.

    Half a star counts as one, the fewest that can be given here.
    """
    is_held_out = np.isin(interactions.user_rows, held_out)
    ids = interactions.item_ids[interactions.item_rows]
    stars = np.maximum(interactions.ratings, FEWEST_STARS)
    cases = []
    for parts in _parted(interactions, is_held_out, SEED):
        shown, hidden = (part[np.argsort(ids[part])] for part in parts)
        cases.append(RatingCase(ids[shown], stars[shown], ids[hidden], stars[hidden]))
    return RatingSplit(interactions.of(~is_held_out), tuple(cases))


def in_time(
    interactions: Interactions, *, share_before: float = 0.8, exclude: NDArray[np.int64] | None = None
) -> Split:
    """Protocol 2: train on the ratings before a date, and ask what people liked after it.

    Shown is what a person had rated before the date or, of those who came later, their first five ratings. People of
    `exclude` (those to tune on) are not asked. Raises ValueError where there are no timestamps.
    """
    times = interactions.timestamps
    if times is None:
        raise ValueError("These ratings have no timestamps.")
    date = np.quantile(times, share_before)
    is_before: Flags = times < date
    is_asked = np.ones(interactions.size, dtype=np.bool_)
    if exclude is not None:
        is_asked = ~np.isin(interactions.user_rows, exclude)
    cases = []
    for places in _by_user(interactions, is_asked):
        ordered = places[np.lexsort((interactions.item_rows[places], times[places]))]
        n_shown = int(is_before[ordered].sum()) or FIRST_FEW
        cases.append(_case(interactions, ordered[:n_shown], ordered[n_shown:]))
    return Split(interactions.of(is_before), _answerable(cases), interactions.item_ids)


def few_signals(split: Split, n_shown: int, *, least: int = 40) -> Split:
    """Protocol 3: of the same cases, only `n_shown` random ratings are shown.

    Only people with at least `least` ratings to show are asked, so that every number of signals asks the same people.
    All of what they rated stays excluded, so that every number of signals ranks the same films.
    """
    random = np.random.default_rng(SEED)
    cases = []
    for case in split.cases:
        order = random.permutation(len(case.item_ids))
        if len(order) >= least:
            shown = np.sort(order[:n_shown])
            hidden = np.sort(order[n_shown:])
            cases.append(
                replace(
                    case, item_ids=case.item_ids[shown], ratings=case.ratings[shown], left_out=case.item_ids[hidden]
                )
            )
    return replace(split, cases=tuple(cases))


def new_items(interactions: Interactions, held_out: NDArray[np.int64], known: Ids, *, share: float = 0.2) -> Split:
    """Protocol 4: a random `share` of the `known` items (those with content) is never seen in training.

    People of whom training saw nothing show what they rated of the others; only the new items are ranked.
    """
    random = np.random.default_rng(SEED)
    ids = np.intersect1d(known, interactions.item_ids)
    new = np.sort(random.choice(ids, size=round(len(ids) * share), replace=False))
    is_new = np.isin(interactions.item_ids, new)[interactions.item_rows]
    is_held_out = np.isin(interactions.user_rows, held_out)
    cases = [
        _case(interactions, places[~is_new[places]], places[is_new[places]])
        for places in _by_user(interactions, is_held_out)
    ]
    return Split(interactions.of(~is_held_out & ~is_new), _answerable(cases), new)


def new_instance(interactions: Interactions, people: NDArray[np.int64], known: Ids) -> Split:
    """Protocol 5: nobody has rated anything, and the items are those with content. The cases are protocol 1's."""
    is_known = np.isin(interactions.item_ids, known)[interactions.item_rows]
    split = strong_generalisation(interactions.of(is_known), people)
    return replace(split, train=Interactions.empty(), candidates=np.unique(known))


def _by_user(interactions: Interactions, chosen: Flags) -> Iterator[NDArray[np.int64]]:
    """For each user with two ratings or more among the chosen, their places."""
    places = np.flatnonzero(chosen)
    places = places[np.argsort(interactions.user_rows[places], kind="stable")]
    starts = np.flatnonzero(np.diff(interactions.user_rows[places])) + 1
    return (each for each in np.split(places, starts) if len(each) > 1)


def _parted(
    interactions: Interactions, chosen: Flags, seed: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """For each user with two ratings or more among the chosen: the places of what is shown, and of the rest."""
    random = np.random.default_rng(seed)
    for places in _by_user(interactions, chosen):
        shuffled = random.permutation(places)
        n_shown = min(max(round(len(places) * FOLDED_IN), 1), len(places) - 1)
        yield shuffled[:n_shown], shuffled[n_shown:]


def _case(interactions: Interactions, shown: NDArray[np.int64], hidden: NDArray[np.int64]) -> Case:
    ids = interactions.item_ids[interactions.item_rows]
    shown = shown[np.argsort(ids[shown])]
    return Case(
        item_ids=ids[shown],
        ratings=interactions.ratings[shown],
        relevant=np.sort(ids[hidden[interactions.ratings[hidden] >= LIKED_FROM]]),
    )


def _answerable(cases: Sequence[Case]) -> tuple[Case, ...]:
    return tuple(case for case in cases if len(case.relevant) and len(case.item_ids))
