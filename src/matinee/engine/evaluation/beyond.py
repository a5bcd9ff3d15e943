"""What accuracy does not say: how much of the catalogue is shown, how varied a list is, whether it is all head."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from matinee.engine.arrays import Doubles, Ids, rows_of
from matinee.engine.evaluation.cases import Case, Knowledge, Rankings, Split
from matinee.engine.features import FieldWeights

LENGTH = 20
"""How many of each list are looked at: one page."""

HEAD_SHARE = 0.2
"""The most rated items that got this share of all ratings are the head."""


def beyond_accuracy(rankings: Rankings, split: Split, knowledge: Knowledge | None) -> dict[str, float]:
    """Measure → figure over all lists. Those that need content are there only where there is `knowledge`."""
    pages = [ranked[:LENGTH] for ranked in rankings.lists]
    figures = {
        "Coverage@20": len(np.unique(np.concatenate(pages))) / len(split.candidates),
        "Novelty@20": _novelty(pages, split),
        "Head@20": _head(pages, split),
    }
    if knowledge is not None:
        figures["Diversity@20"] = _diversity(pages, knowledge)
        if "genres" in knowledge.features.fields:
            figures["Miscalibration@20"] = _miscalibration(pages, split.cases, knowledge)
    return figures


def _counts(split: Split, ids: Ids) -> Doubles:
    """(k,) how many ratings in training each of `ids` has."""
    counts = np.append(np.bincount(split.train.item_rows, minlength=split.train.n_items), 0).astype(np.float64)
    return counts[rows_of(split.train.item_ids, ids)]


def _novelty(pages: Sequence[Ids], split: Split) -> float:
    """The mean of -log2 of the share of people who rated an item, in bits: 10 says one in a thousand did."""
    shown = np.concatenate(pages)
    return float(-np.log2((_counts(split, shown) + 1) / (split.train.n_users + 1)).mean())


def _head(pages: Sequence[Ids], split: Split) -> float:
    """The share of what is shown that belongs to the head."""
    if split.train.size == 0:
        return float("nan")
    counts = np.sort(np.bincount(split.train.item_rows))[::-1]
    bar = counts[np.searchsorted(np.cumsum(counts), HEAD_SHARE * counts.sum())]
    return float((_counts(split, np.concatenate(pages)) >= bar).mean())


def _diversity(pages: Sequence[Ids], knowledge: Knowledge) -> float:
    """The mean of 1 - cosine of content over all pairs of a page; items without content are left out."""
    vectors = knowledge.features.matrix(FieldWeights())
    lengths = np.sqrt(np.asarray(vectors.multiply(vectors).sum(axis=1)).ravel())
    figures = []
    for page in pages:
        rows = rows_of(knowledge.features.item_ids, page)
        rows = rows[(rows >= 0) & (lengths[rows] > 0)]
        if len(rows) > 1:
            alike = (vectors[rows] @ vectors[rows].T).toarray() / np.outer(lengths[rows], lengths[rows])
            figures.append(1 - (alike.sum() - len(rows)) / (len(rows) * (len(rows) - 1)))
    return float(np.mean(figures)) if figures else float("nan")


def _miscalibration(pages: Sequence[Ids], cases: Sequence[Case], knowledge: Knowledge) -> float:
    """The mean Kullback-Leibler divergence of a page's genres from those of what was liked (Steck 2018); 0 is best."""
    genres = knowledge.features.fields["genres"]
    figures = []
    for page, case in zip(pages, cases, strict=True):
        rows = [rows_of(knowledge.features.item_ids, ids) for ids in (case.item_ids[case.ratings >= 4], page)]
        liked, shown = (
            np.asarray((genres[each[each >= 0]] > 0).sum(axis=0), dtype=np.float64).ravel() for each in rows
        )
        if liked.sum() and shown.sum():
            p, q = liked / liked.sum(), shown / shown.sum()
            q = 0.99 * q + 0.01 * p
            figures.append(float((p[p > 0] * np.log(p[p > 0] / q[p > 0])).sum()))
    return float(np.mean(figures)) if figures else float("nan")
