"""How near predicted ratings come to given ones, and whether four predicted stars are four stars given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from matinee.engine.arrays import Doubles, Floats, Ids
from matinee.engine.evaluation.metrics import RESAMPLES, Estimate, Lead
from matinee.engine.interactions import Interactions

EDGES = np.arange(1.0, 5.5, 0.5)
"""The calibration curve has a point for each half star of what is predicted."""


@dataclass(frozen=True)
class RatingCase:
    """One person: the ratings that a system sees, and those that it is asked for."""

    item_ids: Ids
    """(h,) sorted."""

    ratings: Floats
    """(h,) 1 to 5."""

    asked_ids: Ids
    """(a,) sorted, at least one."""

    given: Floats
    """(a,) 1 to 5."""


@dataclass(frozen=True)
class RatingSplit:
    """Ratings to train on, and cases to answer."""

    train: Interactions
    cases: Sequence[RatingCase]


class Predictor(Protocol):
    """A trained system."""

    def __call__(self, case: RatingCase, /) -> Doubles:
        """(a,) the stars that the person of the case will give to each film asked for, 1 to 5."""
        ...


@dataclass(frozen=True)
class CurvePoint:
    """The predictions of one half star."""

    low: float
    high: float
    ratings: int
    predicted: float
    """Their mean."""
    given: Estimate
    """The mean of what was given to the same films."""


@dataclass(frozen=True)
class RatingAccuracy:
    """Of all ratings asked for, with the intervals of people drawn anew."""

    ratings: int
    mae: Estimate
    """The mean error, in stars."""
    rmse: Estimate
    """The square root of the mean squared error: wrong by two stars counts four times wrong by one."""
    calibration_error: Estimate
    """How far predicted and given means of a half star are apart, in the mean over all ratings."""
    curve: tuple[CurvePoint, ...]
    """Half stars that something was predicted in."""


@dataclass(frozen=True)
class RatingErrors:
    """Sums over all people, then over each of RESAMPLES drawings of them; every figure is a ratio of two of these.

    The drawings are the same for all systems that were asked about the same people.
    """

    absolute: Doubles
    """(1 + RESAMPLES,) of errors."""
    squared: Doubles
    """(1 + RESAMPLES,) of squared errors."""
    counts: Doubles
    """(1 + RESAMPLES, points) of ratings, by the half star that was predicted."""
    predicted: Doubles
    """(1 + RESAMPLES, points) of predictions."""
    given: Doubles
    """(1 + RESAMPLES, points) of ratings given."""

    @classmethod
    def of(cls, predictor: Predictor, cases: Sequence[RatingCase]) -> RatingErrors:
        return cls.together([sums_of(predictor, cases)])

    @classmethod
    def together(cls, parts: Sequence[Doubles]) -> RatingErrors:
        """Of what `sums_of` gave for several trainings, each asked about people of its own; at least one in all."""
        sums = np.concatenate(parts)
        random = np.random.default_rng(0)
        draws = (random.integers(0, len(sums), len(sums)) for _ in range(RESAMPLES))
        resampled = [np.bincount(draw, minlength=len(sums)) @ sums for draw in draws]
        totals = np.stack([sums.sum(axis=0), *resampled])
        return cls(totals[:, 0], totals[:, 1], *np.split(totals[:, 2:], 3, axis=1))

    @property
    def ratings(self) -> Doubles:
        """(1 + RESAMPLES,) how many there are in all."""
        ratings: Doubles = self.counts.sum(axis=1)
        return ratings

    def accuracy(self) -> RatingAccuracy:
        return RatingAccuracy(
            ratings=int(self.ratings[0]),
            mae=_estimate(self.absolute / self.ratings),
            rmse=_estimate(np.sqrt(self.squared / self.ratings)),
            calibration_error=_estimate(np.abs(self.predicted - self.given).sum(axis=1) / self.ratings),
            curve=tuple(self._point(place) for place in np.flatnonzero(self.counts[0]).tolist()),
        )

    def lead(self, other: RatingErrors) -> dict[str, Lead]:
        """MAE and RMSE relative to those of the other system on the same people: -0.02 is 2% less."""
        relative = {"MAE": self.absolute / other.absolute, "RMSE": np.sqrt(self.squared / other.squared)}
        estimates = {name: _estimate(ratio - 1) for name, ratio in relative.items()}
        return {name: Lead(each.mean, each.low, each.high) for name, each in estimates.items()}

    def _point(self, place: int) -> CurvePoint:
        is_there = self.counts[:, place] > 0
        counts = self.counts[is_there, place]
        return CurvePoint(
            low=float(EDGES[place]),
            high=float(EDGES[place + 1]),
            ratings=int(counts[0]),
            predicted=float(self.predicted[0, place] / counts[0]),
            given=_estimate(self.given[is_there, place] / counts),
        )


def sums_of(predictor: Predictor, cases: Sequence[RatingCase]) -> Doubles:
    """(people, figures) all that figures are made of, so that the predictor need not be kept."""
    figures = 2 + 3 * (len(EDGES) - 1)
    return np.array([_sums(predictor(case), case.given) for case in cases]).reshape(len(cases), figures)


def _sums(predicted: Doubles, given: Floats) -> Doubles:
    """(figures,) of one person: errors, squared errors, and ratings, predicted and given stars by half star."""
    errors = predicted - given
    points = len(EDGES) - 1
    places = np.clip(np.searchsorted(EDGES, predicted, side="right") - 1, 0, points - 1)
    columns = (np.ones(len(given)), predicted, given)
    by_point = [np.bincount(places, weights=values, minlength=points) for values in columns]
    return np.concatenate([[np.abs(errors).sum(), (errors**2).sum()], *by_point])


def _estimate(values: Doubles) -> Estimate:
    """From the figure itself, which is the first, and what it is in each drawing."""
    low, high = np.quantile(values[1:], [0.025, 0.975])
    return Estimate(mean=float(values[0]), low=float(low), high=float(high))
