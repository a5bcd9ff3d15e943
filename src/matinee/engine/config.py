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

    tail_content_weight: float = 4.0
    """The same among items of the tail, where no community corrects it; on a new instance these are all."""

    content_doubt: float = 5.0
    """With so many ratings an item's links are told to come half from ratings and half from content; the fit itself
    does not read it, an answer's `source` does."""

    head_ratings: int = 10
    """An item with so many ratings belongs to the head, the others are bordered to it one by one."""

    at_once: int = 12_000
    """How many items one regression takes at most; its time grows with the third power, its memory with the second."""

    neighbours: int = 400
    """How many links an item keeps, the strongest."""

    links_patience: float = 16.0
    """Beside a history of so many items the links of both fits count nearly alike, beside one of n those for short
    histories nearly patience^2 / (patience^2 + n^2), down to nothing from 5 patiences on."""

    link_discount: float = 0.15
    """A link to an item counts as (10 + ratings of the item) to the power of minus this: what many have rated is linked
    to everything. In parts of what an item with the mean number of ratings gets."""

    base_weight: float = 0.06
    """What the most popular film has ahead of an unknown one, on the regression's scale, while a history is empty."""

    base_patience: float = 16.0
    """A history of so many items leaves half of the base, one of n patience / (patience + n): what is known of a person
    takes the place of what is known of everybody."""

    base_beside_unknown: float = 0.3
    """What part of the base counts beside a history of items that nobody has rated, whose links are weaker; beside one
    of which some are rated, in proportion."""

    lasting_weight: float = 0.07
    """The same of what lasts however long the history: what an item promises that too few have rated to tell."""

    base_half_life: float = 0.4
    """For the base a rating counts half with each such part of all ratings that came after it: tastes move on."""

    base_doubt: float = 20.0
    """How many ratings of an item weigh as much as its prior."""

    ratings: RatingConfig = field(default_factory=RatingConfig)
    """Of predicted ratings; links and base scores do not read it."""
