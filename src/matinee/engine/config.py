"""Every hyperparameter of the engine, declared once."""

from __future__ import annotations

from dataclasses import dataclass, field

from matinee.engine.ease import EaseConfig
from matinee.engine.features import FieldWeights
from matinee.engine.rating_prediction import RatingConfig


@dataclass(frozen=True)
class EngineConfig:
    """Every hyperparameter of the engine."""

    ease: EaseConfig = field(default_factory=EaseConfig)
    """Of the regression."""

    features: FieldWeights = field(default_factory=FieldWeights)
    """What each kind of fact about a film says about taste."""

    content_weight: float = 15.0
    """What two films of the same content have in common, counted in people who like both."""

    content_doubt: float = 5.0
    """With so many ratings an item's links are told to come half from ratings and half from content; the fit itself
    does not read it, an answer's `source` does."""

    head_ratings: int = 10
    """An item with so many ratings belongs to the head, the others are bordered to it one by one."""

    at_once: int = 12_000
    """How many items one regression takes at most; its time grows with the third power, its memory with the second."""

    neighbours: int = 400
    """How many links an item keeps, the strongest."""

    base_weight: float = 0.08
    """What the most popular film has ahead of an unknown one, on the regression's scale."""

    base_doubt: float = 20.0
    """How many ratings of an item weigh as much as its prior."""

    ratings: RatingConfig = field(default_factory=RatingConfig)
    """Of predicted ratings; links and base scores do not read it."""
