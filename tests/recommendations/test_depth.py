"""No more films are ranked than the page that is asked for may take, and pages behind it go on where it ends."""

from __future__ import annotations

from typing import Any

import pytest

from matinee.accounts.models import User, new_state_version
from matinee.catalog.columns import refresh_columns
from matinee.catalog.filters import BY_POPULARITY, MovieFilter
from matinee.catalog.models import Collection, Movie
from matinee.recommendations import serving
from tests.recommendations.conftest import SPACE, SPACE_FILMS, favor, ids, rate, recommended


@pytest.fixture(autouse=True)
def _nearest(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "NEAREST", 5)


@pytest.mark.parametrize(
    "wishes", [{}, {"seeds": [101]}, {"movie_filter": MovieFilter(all_genres=(SPACE,))}], ids=["all", "seeds", "filter"]
)
@pytest.mark.parametrize("is_known", [True, False])
def test_the_first_films_are_those_of_the_whole_answer(alice: User, wishes: dict[str, Any], is_known: bool) -> None:
    saga = Collection.objects.create(id=1, name="Saga")
    Movie.objects.filter(tmdb_id__in=SPACE_FILMS[:12]).update(collection=saga)
    refresh_columns()
    if is_known:
        rate(alice, {130: 5, 113: 4, 202: 2})
        favor(alice, 301)

    first, whole = recommended(alice, upto=5, **wishes), recommended(alice, **wishes)

    assert ids(first) == ids(whole)[:5]
    assert first.page(0, 5) == whole.page(0, 5)
    assert (first.total, first.personalised) == (whole.total, whole.personalised)
    assert whole.total == len(ids(whole))


@pytest.mark.parametrize("wishes", [{"diversity": 0.3}, {"sort": BY_POPULARITY}], ids=["varied", "sorted"])
def test_what_is_rearranged_is_ranked_as_deep_as_ever(alice: User, wishes: dict[str, Any]) -> None:
    rate(alice, {130: 5})

    assert ids(recommended(alice, upto=5, **wishes)) == ids(recommended(alice, **wishes))


def test_where_fewer_films_match_than_a_page_takes_they_are_not_ranked_again(alice: User) -> None:
    alice.state_version = new_state_version()
    four = MovieFilter(tmdb_ids=SPACE_FILMS[:4])
    first = recommended(alice, movie_filter=four, upto=5)

    assert len(ids(first)) == first.total == 4
    assert recommended(alice, movie_filter=four, upto=100) is first


def test_a_deeper_page_has_them_ranked_once_more_and_all_pages_are_cut_out_of_that(alice: User) -> None:
    rate(alice, {130: 5})
    alice.state_version = new_state_version()
    first = recommended(alice, upto=5)

    deeper = recommended(alice, upto=10)

    assert len(ids(first)) == 5
    assert len(ids(deeper)) == deeper.total == first.total
    assert recommended(alice, upto=5) is recommended(alice, upto=600) is deeper
