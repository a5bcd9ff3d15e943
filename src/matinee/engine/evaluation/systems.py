"""The engine as a system to be measured, and the simplest peers, which need nothing but numpy."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

from matinee.engine.arrays import Doubles, Floats, Ids, rows_of
from matinee.engine.config import EngineConfig
from matinee.engine.ease import inverse_of_symmetric
from matinee.engine.evaluation.cases import LIKED_FROM, Case, Knowledge, Ranker
from matinee.engine.evaluation.rating_accuracy import Predictor, RatingCase
from matinee.engine.features import ItemFeatures
from matinee.engine.fitting import fit
from matinee.engine.interactions import FEWEST_STARS, MOST_STARS, Interactions
from matinee.engine.item_model import ItemModel
from matinee.engine.rating_prediction import Opinions, RatingConfig, expected_stars, predict
from matinee.engine.signals import History, SignalWeights
from matinee.engine.statistics import OfInteractions

NEVER = -1e9
"""The score of an item that a system can't rank; below all others, and still a number."""


@dataclass(frozen=True)
class Engine:
    """The engine as it is served: pruned links, fold-in by the signals of stars."""

    knowledge: Knowledge
    config: EngineConfig = field(default_factory=EngineConfig)
    signals: SignalWeights = field(default_factory=SignalWeights)

    def __call__(self, train: Interactions) -> Ranker:
        return self.ranker(self.fitted(train))

    def fitted(self, train: Interactions) -> ItemModel:
        known = self.knowledge
        return fit(train, known.features, known.popularity_prior, self.config, promised=known.promised)

    def ranker(self, model: ItemModel) -> Ranker:
        def rank(case: Case, candidates: Ids) -> Doubles:
            rated = zip(case.item_ids.tolist(), case.ratings.tolist(), strict=True)
            scores = np.append(model.score_all(History.of_actions(ratings=rated, weights=self.signals)), NEVER)
            return scores[model.rows_of(candidates)]

        return rank

    def predictor(self, model: ItemModel) -> Predictor:
        def stars(case: RatingCase) -> Doubles:
            rated = zip(case.item_ids.tolist(), case.ratings.tolist(), strict=True)
            return predict(model, Opinions.of_actions(ratings=rated), case.asked_ids, self.config.ratings)

        return stars


def popularity(train: Interactions) -> Ranker:
    """By how many people like an item."""
    likes = np.bincount(train.item_rows[train.ratings >= LIKED_FROM], minlength=train.n_items)
    scores = np.append(likes.astype(np.float64), NEVER)
    return lambda _, candidates: scores[rows_of(train.item_ids, candidates)]


@dataclass(frozen=True)
class PlainEase:
    """EASE as published (Steck 2019): every item, every weight.

    With P = (X'X + l2 I)^-1 the weights are -P[i, j] / P[j, j], so that a history h scores -(h P)[j] / P[j, j]. Where
    there are fewer people than items, P is (I - X'(XX' + l2 I)^-1 X) / l2 and is never made.
    """

    l2: float
    graded: bool = False
    """Whether X holds stars / 5 of every rating, in place of 1 for each like."""

    def __call__(self, train: Interactions) -> Ranker:
        cells = (train.user_rows, train.item_rows)
        x = sparse.csr_matrix((self._worth(train.ratings), cells), shape=(train.n_users, train.n_items))
        is_wide = train.n_users < train.n_items
        if is_wide:
            kernel = inverse_of_symmetric((x @ x.T).toarray() + self.l2 * np.eye(train.n_users))
            half = kernel @ x
            diagonal = (1 - np.asarray(x.multiply(half).sum(axis=0)).ravel()) / self.l2
        else:
            inverse = inverse_of_symmetric((x.T @ x).toarray() + self.l2 * np.eye(train.n_items))
            diagonal = np.diagonal(inverse)

        def rank(case: Case, candidates: Ids) -> Doubles:
            history = np.zeros(train.n_items)
            rows = rows_of(train.item_ids, case.item_ids)
            history[rows[rows >= 0]] = self._worth(case.ratings)[rows >= 0]
            product = (history - (x @ history) @ half) / self.l2 if is_wide else history @ inverse
            return np.append(-product / diagonal, NEVER)[rows_of(train.item_ids, candidates)]

        return rank

    def _worth(self, ratings: Floats) -> Doubles:
        return np.asarray(ratings / 5 if self.graded else ratings >= LIKED_FROM, dtype=np.float64)


def acclaimed(knowledge: Knowledge) -> Ranker:
    """By the popularity prior alone; what a new instance would show without an engine."""
    scores = np.append(knowledge.popularity_prior.astype(np.float64), NEVER)
    return lambda _, candidates: scores[rows_of(knowledge.features.item_ids, candidates)]


def without_facts(item_ids: Ids) -> Knowledge:
    """That the items exist, and nothing else."""
    return Knowledge(ItemFeatures.from_lists(item_ids, {}), np.zeros(len(item_ids), dtype=np.float32))


def community_mean(train: Interactions) -> Predictor:
    """The same for every film and person."""
    mean = float(np.maximum(train.ratings, FEWEST_STARS).mean()) if train.size else RatingConfig().usual_stars
    return lambda case: np.full(len(case.asked_ids), mean)


@dataclass(frozen=True)
class BiasedBaseline:
    """The community's mean, the film's and the person's deviations from it (Koren 2010), damped as LensKit's Bias."""

    film_doubt: float = 3.0
    person_doubt: float = 5.0
    knows_person: bool = True
    """False leaves the film's mean."""

    def __call__(self, train: Interactions) -> Predictor:
        mean = float(np.maximum(train.ratings, FEWEST_STARS).mean()) if train.size else RatingConfig().usual_stars
        plain = RatingConfig(usual_stars=mean, film_doubt=self.film_doubt, person_doubt=np.inf)
        of_films = np.full(train.n_items, mean, dtype=np.float32)
        films = np.append(expected_stars(OfInteractions.of_all(train), train.item_ids, of_films, plain), mean).astype(
            np.float64
        )

        def stars(case: RatingCase) -> Doubles:
            surprises = case.ratings - films[rows_of(train.item_ids, case.item_ids)]
            generosity = surprises.sum() / (len(surprises) + self.person_doubt) if self.knows_person else 0.0
            of_asked = films[rows_of(train.item_ids, case.asked_ids)]
            return np.clip(of_asked + generosity, FEWEST_STARS, MOST_STARS)

        return stars
