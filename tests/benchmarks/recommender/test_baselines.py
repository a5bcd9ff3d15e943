from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from benchmarks.recommender.baselines import by_field, by_year
from benchmarks.recommender.cine import WEIGHTS, by_likeness, pairs

from matinee.engine.arrays import Ids
from matinee.engine.evaluation.cases import Case
from matinee.engine.interactions import Interactions


def film(film_id: int, date: str, **facts: Any) -> dict[str, Any]:
    nothing: dict[str, Any] = {
        "overview": None,
        "genres": [],
        "keywords": {"keywords": []},
        "credits": {"cast": [], "crew": []},
        "production_companies": [],
        "original_language": "en",
        "vote_count": 3_000,
        "vote_average": 6.0,
        "popularity": float(film_id),
    }
    return {"id": film_id, "release_date": date, **nothing, **facts}


FILMS = [film(1, "1999-03-30"), film(2, "1999-05-01"), film(3, "2005-01-01"), film(4, "1999-12-31"), film(5, "")]
NOBODY = Case(np.array([1]), np.array([5.0], dtype=np.float32), np.array([4]))
ALL: Ids = np.arange(1, 6)


def test_a_new_film_is_as_popular_as_the_known_films_of_its_year_held_towards_all_years() -> None:
    train = Interactions.from_arrays([1, 2, 3, 1, 1, 2], [1, 1, 1, 2, 3, 3], [5, 4, 4, 4.5, 2, 3])

    scores = by_year(FILMS, train)(NOBODY, ALL)

    everywhere = (3 + 1 + 0) / 3
    of_1999, of_2005 = (3 + 1 + 5 * everywhere) / 7, (0 + 5 * everywhere) / 6
    assert scores == pytest.approx([of_1999, of_1999, of_2005, of_1999, everywhere])


def test_without_ratings_all_years_are_alike() -> None:
    assert by_year(FILMS, Interactions.empty())(NOBODY, ALL).tolist() == [0.0] * 5


def test_a_figure_of_tmdb_ranks_and_an_unknown_film_comes_last() -> None:
    scores = by_field(FILMS, "popularity")(NOBODY, np.array([2, 5, 9]))

    assert np.argsort(-scores).tolist() == [1, 0, 2]


def test_cine_counts_what_two_films_share_by_its_published_weights() -> None:
    lana = {"id": 9, "job": "Director"}
    words = [{"id": word} for word in (1, 2, 3)]
    films = [
        film(1, "1999-03-30", keywords={"keywords": words}, credits={"cast": [{"id": 7}], "crew": [lana]}),
        film(2, "2003-05-01", keywords={"keywords": words[:1]}, credits={"cast": [{"id": 7}], "crew": [lana]}),
        film(3, "2008-01-01", vote_average=7.0),
    ]

    likeness = pairs(films)

    shared = WEIGHTS["keyword_sim"] / 3 + WEIGHTS["cast_sim"] + WEIGHTS["director_match"] + WEIGHTS["year_le5"]
    assert likeness[0, 1] == pytest.approx(shared, abs=1e-5)
    assert likeness[0, 2] == pytest.approx(WEIGHTS["year_le10"] + WEIGHTS["rating_bonus"] / 2, abs=1e-5)


def test_cine_ranks_by_likeness_to_what_was_liked_alone() -> None:
    words = {"keywords": [{"id": 1}]}
    films = [film(number, "1999-01-01", keywords=words if number != 3 else {"keywords": []}) for number in range(1, 5)]
    case = Case(np.array([1, 3]), np.array([5.0, 1.0], dtype=np.float32), np.array([2]))

    scores = by_likeness(films)(case, np.array([2, 3, 4]))

    assert scores[0] == scores[2] == pytest.approx(WEIGHTS["keyword_sim"] + WEIGHTS["year_le5"], abs=1e-5)
    assert scores[1] == pytest.approx(WEIGHTS["year_le5"], abs=1e-5)
