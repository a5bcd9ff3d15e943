"""The engine as a system to be measured, and the simplest peers, which need nothing but numpy."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

from matinee.engine.arrays import Doubles, Ids, rows_of
from matinee.engine.ease import Ease, EaseConfig
from matinee.engine.evaluation.cases import LIKED_FROM, Case, Knowledge, Ranker
from matinee.engine.evaluation.rating_accuracy import Predictor, RatingCase
from matinee.engine.features import ItemFeatures
from matinee.engine.fitting import EngineConfig, fit
from matinee.engine.interactions import Interactions
from matinee.engine.item_model import ItemModel
from matinee.engine.rating_prediction import FEWEST_STARS, MOST_STARS, Opinions, RatingConfig, expected_stars, predict
from matinee.engine.signals import History, SignalWeights

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
    """EASE as published (Steck 2019): on likes alone, every item, every weight."""

    l2: float

    def __call__(self, train: Interactions) -> Ranker:
        is_like = train.ratings >= LIKED_FROM
        cells = (train.user_rows[is_like], train.item_rows[is_like])
        likes = sparse.csr_matrix((np.ones(len(cells[0])), cells), shape=(train.n_users, train.n_items))
        nothing = sparse.csr_matrix(np.zeros((train.n_items, 0)))
        weights = Ease.fit(likes, nothing, EaseConfig(l2=self.l2, l2_growth=0.0, dropout=0.0)).weights

        def rank(case: Case, candidates: Ids) -> Doubles:
            rows = rows_of(train.item_ids, case.item_ids[case.ratings >= LIKED_FROM])
            scores = np.append(weights[rows[rows >= 0]].sum(axis=0).astype(np.float64), NEVER)
            return scores[rows_of(train.item_ids, candidates)]

        return rank


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
        films = np.append(expected_stars(train, train.item_ids, of_films, plain), mean).astype(np.float64)

        def stars(case: RatingCase) -> Doubles:
            surprises = case.ratings - films[rows_of(train.item_ids, case.item_ids)]
            generosity = surprises.sum() / (len(surprises) + self.person_doubt) if self.knows_person else 0.0
            of_asked = films[rows_of(train.item_ids, case.asked_ids)]
            return np.clip(of_asked + generosity, FEWEST_STARS, MOST_STARS)

        return stars
