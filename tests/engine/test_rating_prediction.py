from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.engine.features import ItemFeatures
from matinee.engine.fitting import fit
from matinee.engine.interactions import Interactions
from matinee.engine.rating_prediction import (
    Opinions,
    RatingConfig,
    expected_stars,
    predict,
    predicted_ratings,
    promised_stars,
)
from matinee.engine.statistics import OfInteractions
from tests.engine import worlds

CONFIG = RatingConfig()
FILMS = np.array(worlds.FILMS, dtype=np.int64)
PROMISED = promised_stars([500] * len(FILMS), np.linspace(4, 9, len(FILMS)))
TRAINED = fit(worlds.ratings(), worlds.films(), worlds.equal_prior(), promised=PROMISED)
UNTRAINED = fit(Interactions.empty(), worlds.films(), worlds.equal_prior(), promised=PROMISED)

stars_of_films = st.dictionaries(
    st.sampled_from([*worlds.FILMS, 999]), st.sampled_from([0.5, 1, 2, 2.5, 3, 4, 4.5, 5]), max_size=14
)


def _stars(opinions: Opinions, *films: int) -> tuple[float, ...]:
    return tuple(float(stars) for stars in predict(TRAINED, opinions, np.array(films)))


def test_who_loves_space_and_hates_romance_is_told_so() -> None:
    opinions = Opinions.of_actions(ratings=[(101, 5), (102, 5), (201, 1), (202, 1)])

    space, unseen_space, romance, unseen_romance = _stars(
        opinions, 103, worlds.UNSEEN_SPACE, 203, worlds.UNSEEN_ROMANCE
    )

    assert space > romance + 1
    assert unseen_space > unseen_romance + 0.5


def test_the_generous_and_the_strict_see_the_same_film_differently() -> None:
    generous, strict = (Opinions.of_actions(ratings=[(film, stars) for film in worlds.FILMS[:-2]]) for stars in (5, 1))

    assert all(predict(TRAINED, generous, FILMS) > 4.4)
    assert all(predict(TRAINED, strict, FILMS) < 2.1)


def test_someone_of_whom_nothing_is_known_gets_what_the_film_gets() -> None:
    stars = predict(TRAINED, Opinions.of_actions(), FILMS)

    np.testing.assert_allclose(stars, np.minimum(TRAINED.expected_stars, 4.5 + 0.7 * (TRAINED.expected_stars - 4.5)))


def test_a_favourite_without_a_rating_draws_to_its_kind_and_says_nothing_of_the_rest() -> None:
    nobody, fan = Opinions.of_actions(), Opinions.of_actions(favorites=[101])

    assert _stars(fan, 103)[0] > _stars(nobody, 103)[0]
    assert _stars(fan, 999) == _stars(nobody, 999)


def test_a_rating_speaks_before_the_favourite_that_it_is_of() -> None:
    assert Opinions.of_actions(ratings=[(101, 2)], favorites=[101]).stars.tolist() == [2.0]


def test_half_a_star_counts_as_one() -> None:
    assert Opinions.of_actions(ratings=[(101, 0.5)]).stars.tolist() == [1.0]


def test_a_film_is_predicted_without_what_was_said_of_it() -> None:
    opinions = Opinions.of_actions(ratings=[(101, 1), (102, 5), (104, 4)])

    others = opinions.without(101)

    assert others.item_ids.tolist() == [102, 104]
    assert _stars(others, 101)[0] > 3


def test_votes_promise_the_more_the_more_there_are() -> None:
    loved, loved_by_three, disliked, unknown, without_average = promised_stars(
        [20_000, 3, 20_000, np.nan, 0], [8.5, 8.5, 4.0, np.nan, np.nan]
    )

    assert loved > loved_by_three > unknown > disliked
    assert unknown == without_average == pytest.approx(CONFIG.usual_stars)


def test_votes_without_their_averages_are_refused() -> None:
    with pytest.raises(ValueError, match="more vote counts"):
        promised_stars([1, 2], [5])


def test_many_ratings_take_the_place_of_what_votes_promise() -> None:
    ids = np.array([1, 2, 3])
    promised = np.full(3, 4.0, np.float32)
    users = [*range(400), *range(400)]
    ratings = Interactions.from_arrays(users, [1] * 400 + [2] * 400, [2.0] * 400 + [5.0] * 400)

    expected = expected_stars(OfInteractions.of_all(ratings), ids, promised, CONFIG)

    assert expected[0] == pytest.approx(2, abs=0.1)
    assert expected[1] == pytest.approx(5, abs=0.1)
    assert expected[2] == pytest.approx(3.5, abs=0.1)  # the community gives half a star less than promised


def test_that_only_strict_people_rated_a_film_is_not_held_against_it() -> None:
    everyone = [(user, film, 5.0 - 2 * (user % 2)) for user in range(40) for film in range(1, 21)]
    only_strict = [(user, 99, 3.0) for user in range(1, 40, 2)]
    users, films, stars = zip(*everyone, *only_strict, strict=True)
    ratings = Interactions.from_arrays(users, films, stars)

    expected = expected_stars(OfInteractions.of_all(ratings), np.array([1, 99]), np.full(2, 3.4, np.float32), CONFIG)

    assert expected[1] == pytest.approx(expected[0], abs=0.2)
    assert expected[1] > 3.7


def test_without_ratings_it_is_what_votes_promise() -> None:
    np.testing.assert_array_equal(UNTRAINED.expected_stars, PROMISED)


def test_without_votes_all_films_are_promised_the_usual_stars() -> None:
    model = fit(Interactions.empty(), worlds.films(), worlds.equal_prior())

    assert set(model.expected_stars.tolist()) == {np.float32(CONFIG.usual_stars).item()}


def test_nothing_at_all_can_be_asked_too() -> None:
    model = fit(Interactions.empty(), ItemFeatures.empty(), np.zeros(0, np.float32))

    assert predict(model, Opinions.of_actions(ratings=[(7, 5)]), np.array([603]))[0] > CONFIG.usual_stars


def test_promises_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="promised stars"):
        fit(worlds.ratings(), worlds.films(), worlds.equal_prior(), promised=np.zeros(1, np.float32))


@given(ratings=stars_of_films, favorites=st.sets(st.sampled_from(worlds.FILMS), max_size=3))
def test_a_prediction_is_always_1_to_5_stars(ratings: dict[int, float], favorites: set[int]) -> None:
    opinions = Opinions.of_actions(ratings=ratings.items(), favorites=favorites)

    for model in (TRAINED, UNTRAINED):
        stars = predict(model, opinions, np.array([*worlds.FILMS, 999]))
        assert np.all((stars >= 1) & (stars <= 5))


@given(ratings=stars_of_films, more=st.floats(0, 2))
def test_who_gives_more_to_every_film_is_never_predicted_to_give_less(ratings: dict[int, float], more: float) -> None:
    opinions = Opinions.of_actions(ratings=ratings.items())
    raised = Opinions(opinions.item_ids, opinions.stars + np.float32(more), opinions.is_rating)

    assert np.all(predict(TRAINED, raised, FILMS) >= predict(TRAINED, opinions, FILMS) - 1e-5)


@given(
    stars=st.lists(st.integers(1, 4), min_size=1, max_size=8),
    likeness=st.lists(st.floats(0, 1), min_size=8, max_size=8),
)
def test_more_stars_for_the_most_alike_film_never_predict_less(stars: list[int], likeness: list[float]) -> None:
    h = len(stars)
    given_stars = np.array(stars, np.float32)
    links = np.array(likeness[:h]).reshape(h, 1)
    raised = given_stars + (np.arange(h) == np.argmax(links[:, 0]))
    usual, ids, flags = np.full(h, 3.0), np.arange(h), np.ones(h, np.bool_)

    before, after = (
        predicted_ratings(Opinions(ids, each.astype(np.float32), flags), usual, links, np.array([3.0]), CONFIG)
        for each in (given_stars, raised)
    )

    assert after[0] >= before[0] - 1e-6


@given(ratings=stars_of_films, expected=st.lists(st.floats(0.5, 5.5), min_size=2, max_size=9))
def test_a_better_film_is_never_predicted_less_by_the_same_person(
    ratings: dict[int, float], expected: list[float]
) -> None:
    opinions = Opinions.of_actions(ratings=ratings.items())
    links = np.full((opinions.size, len(expected)), 0.1)

    stars = predicted_ratings(opinions, np.full(opinions.size, 3.0), links, np.sort(expected), CONFIG)

    assert np.all(np.diff(stars) >= -1e-9)
