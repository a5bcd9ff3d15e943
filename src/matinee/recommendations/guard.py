"""Whether a new model is worse than the one in service: both are asked about people whom neither has learned from.

Training leaves a few people out, always the same ones: each person draws a lot that never changes, and those with the
lowest are held out. So the model in service has not learned from them either, and one fit is enough.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matinee.engine.arrays import Doubles, Flags, Ids
from matinee.engine.evaluation.cases import Case, Ranker, Rankings, Split
from matinee.engine.evaluation.metrics import Lead, accuracy
from matinee.engine.evaluation.protocols import strong_generalisation
from matinee.engine.interactions import Interactions
from matinee.engine.item_model import ItemModel
from matinee.engine.signals import History
from matinee.recommendations.pool import PublishedModel

OWN = "own"
"""What this instance's own people are called among the sources; those of a data set go by `community-` and its name."""
SHARE = 0.05
"""How many of all people are held out. With a few hundred people a model would feel the loss: then nobody is."""
FEWEST, MOST = 50, 500
"""A figure from fewer people says nothing, and more people make it no surer that matters."""
METRICS = ("NDCG@100", "Recall@20")
"""Recorded; the first decides."""
DIGITS = 6


@dataclass(frozen=True)
class RatingSource:
    """Ratings, and what tells the people who gave them from one training to the next."""

    name: str
    version: str
    """While it stays, a number in `people` means the same person."""
    interactions: Interactions
    people: Ids = field(repr=False)
    """(users,) one number for each user row of `interactions`."""


@dataclass(frozen=True)
class Question:
    """What is asked about one held-out person."""

    source: str
    lot: int
    case: Case


@dataclass(frozen=True)
class HeldOut:
    """Whom a training leaves out, and what is asked about them; nobody and nothing where people are too few."""

    is_left_out: Flags = field(repr=False)
    """(users of all sources,) numbered as `Interactions.together` does."""
    highest_lot: int
    """Whoever drew this or less is left out; -1 leaves out nobody."""
    versions: Mapping[str, str]
    """By the name of the source, its version."""
    candidates: Ids = field(repr=False)
    """(n,) sorted: the films that are ranked."""
    questions: tuple[Question, ...] = field(repr=False)

    def unknown_to(self, notes: Mapping[str, Any]) -> HeldOut:
        """Itself with the people alone from whom the model of these notes has not learned either."""
        theirs = notes.get("held_out", {"sources": self.versions, "highest_lot": -1})
        learned_from, left_out_up_to = theirs["sources"], theirs["highest_lot"]
        is_new = {name: name not in learned_from for name in self.versions}
        is_same = {name: learned_from.get(name) == version for name, version in self.versions.items()}
        questions = (
            question
            for question in self.questions
            if is_new[question.source] or (is_same[question.source] and question.lot <= left_out_up_to)
        )
        return replace(self, questions=tuple(questions))


@dataclass(frozen=True)
class Verdict:
    """Whether a model is worse than the one in service beyond noise, and what was found, in a sentence."""

    is_worse: bool
    reason: str


def hold_out(sources: Sequence[RatingSource], candidates: Ids) -> HeldOut:
    """Choose whom to leave out, and split their ratings of `candidates` as protocol 1 of the evaluation does.

    What is asked about a person depends on nobody else.
    """
    lots = [_lots(source) for source in sources]
    everybody = np.concatenate([np.zeros(0, dtype=np.int64), *lots])
    versions = {source.name: source.version for source in sources}
    nobody = HeldOut(np.zeros(len(everybody), dtype=np.bool_), -1, versions, candidates, ())
    count = min(MOST, int(SHARE * len(everybody)))
    if count < FEWEST:
        return nobody
    highest = int(np.partition(everybody, count - 1)[count - 1])
    questions = tuple(
        question
        for source, drawn in zip(sources, lots, strict=True)
        for question in _questions(source, drawn, highest, candidates)
    )
    if len(questions) < FEWEST:
        return nobody
    return HeldOut(everybody <= highest, highest, versions, candidates, questions)


def measure(model: ItemModel, held_out: HeldOut) -> dict[str, Doubles]:
    """Metric → (questions,) one figure a person."""
    cases = [question.case for question in held_out.questions]
    rankings = Rankings.of(_ranker(model), Split(Interactions.empty(), cases, held_out.candidates))
    figures = accuracy(rankings, cases)
    return {metric: figures[metric] for metric in METRICS}


def notes_of(model: ItemModel, held_out: HeldOut) -> dict[str, Any]:
    """What an artifact keeps: the figures, from how many people, and whom the model has not learned from."""
    kept = {"people": len(held_out.questions), "highest_lot": held_out.highest_lot, "sources": dict(held_out.versions)}
    if not held_out.questions:
        return {**kept, "why_no_figure": f"It takes {FEWEST} held-out people, one in {1 / SHARE:.0f}."}
    figures = measure(model, held_out)
    return {**kept, **{metric: round(float(values.mean()), DIGITS) for metric, values in figures.items()}}


def judge(model: ItemModel, served: PublishedModel | None, held_out: HeldOut) -> Verdict:
    """Compare `model` with the one in service on the same people: worse if 95 of 100 bootstrap means say so."""
    if served is None:
        return Verdict(is_worse=False, reason="There is no model in service to compare it with.")
    common = held_out.unknown_to(served.notes)
    if len(common.questions) < FEWEST:
        reason = f"It was not compared with the model in service: that takes {FEWEST} people whom both have not met."
        return Verdict(is_worse=False, reason=reason)
    metric = METRICS[0]
    ours, theirs = (measure(each, common)[metric] for each in (model, served.model))
    lead = Lead.of(ours, theirs)
    reason = (
        f"{metric} of {len(ours):,} held-out people is {ours.mean():.4f}, by model {served.version} in service "
        f"{theirs.mean():.4f}: {lead.relative:+.1%} ({lead.low:+.1%} to {lead.high:+.1%})."
    )
    return Verdict(is_worse=lead.high < 0, reason=reason)


def _lots(source: RatingSource) -> NDArray[np.int64]:
    """(users,) one number from 0 a person, without order and always the same."""
    drawn = (
        hashlib.blake2b(f"{source.name}:{person}".encode(), digest_size=7).digest() for person in source.people.tolist()
    )
    return np.array([int.from_bytes(lot, "big") for lot in drawn], dtype=np.int64)


def _questions(source: RatingSource, lots: NDArray[np.int64], highest: int, candidates: Ids) -> Iterator[Question]:
    ratings = source.interactions
    is_asked = (lots <= highest)[ratings.user_rows] & np.isin(ratings.item_ids, candidates)[ratings.item_rows]
    held_out = ratings.of(is_asked)
    for row in np.unique(held_out.user_rows).tolist():
        lot = int(lots[row])
        theirs = held_out.of(held_out.user_rows == row)
        for case in strong_generalisation(theirs, np.array([row]), seed=lot).cases:
            yield Question(source.name, lot, case)


def _ranker(model: ItemModel) -> Ranker:
    def rank(case: Case, candidates: Ids) -> Doubles:
        rated = zip(case.item_ids.tolist(), case.ratings.tolist(), strict=True)
        scores = model.score_all(History.of_actions(ratings=rated))
        behind = scores.min(initial=0.0) - 1  # what a model does not know stands behind what it does, as in serving
        return np.append(scores, behind)[model.rows_of(candidates)]

    return rank
