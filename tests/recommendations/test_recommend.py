from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pytest_django import DjangoAssertNumQueries

from matinee.accounts.models import User, new_state_version
from matinee.catalog.columns import columns, refresh_columns
from matinee.catalog.filters import MovieFilter, Sort
from matinee.catalog.models import Movie
from matinee.core.refusals import BadRequest
from matinee.engine.item_model import PATIENCES_OF_FEW
from matinee.engine.signals import SignalWeights
from matinee.library.models import Dismissal, MovieRating
from matinee.recommendations import serving
from matinee.recommendations.freshness import model_store
from matinee.recommendations.pool import current_pool, pool_and_memory
from matinee.recommendations.serving import DEEPEST, UnknownSeed
from matinee.recommendations.training import train
from tests.recommendations.conftest import (
    ALL_FILMS,
    NOW,
    ROMANCE,
    ROMANCES,
    SPACE,
    SPACE_FILMS,
    WESTERN,
    WESTERNS,
    dismiss,
    favor,
    ids,
    make_movie,
    make_person,
    put_on_watchlist,
    rate,
    recommended,
)

JUST_WESTERNS = MovieFilter(all_genres=(WESTERN,))


def test_of_the_answers_to_somebody_who_goes_on_rating_the_last_one_alone_is_kept(alice: User, model: str) -> None:
    for tmdb_id in SPACE_FILMS[:5]:
        rate(alice, {tmdb_id: 5})
        alice.state_version = new_state_version()
        ranking = recommended(alice)

    _, memory = pool_and_memory()
    assert (len(memory.rankings._values), len(memory.critics._values)) == (1, 1)
    assert recommended(alice) is ranking


def test_who_loves_space_gets_space(alice: User, model: str) -> None:
    rate(alice, {101: 5, 104: 5, 202: 1})

    ranking = recommended(alice)

    assert ranking.personalised
    assert ranking.model_version == model
    assert set(ids(ranking)[:10]) <= set(SPACE_FILMS)


def test_the_very_next_answer_changes_after_each_of_five_ratings_and_holds_no_rated_film(
    alice: User, model: str
) -> None:
    rated: dict[int, int] = {}
    page = recommended(alice).page(0, 20)

    for tmdb_id, stars in [(101, 5), (202, 2), (116, 4), (210, 1), (107, 5)]:
        rate(alice, {tmdb_id: stars})
        rated[tmdb_id] = stars
        before, page = page, recommended(alice).page(0, 20)

        assert page != before
        assert not rated.keys() & {pick.tmdb_id for pick in page}


def test_a_rating_that_is_taken_back_leaves_no_trace(alice: User, model: str) -> None:
    before = recommended(alice).page(0, 20)
    rate(alice, {101: 5})

    MovieRating.objects.filter(user=alice).delete()

    assert recommended(alice).page(0, 20) == before


def contributions_by_hand(stars_of_films: dict[int, int], scored: int) -> dict[int, float]:
    """What each rated film adds to the score of `scored`, from the artifact's raw arrays, without the engine."""
    artifact = model_store().open_newest()
    assert artifact is not None
    arrays = {name: array.tolist() for name, array in artifact.arrays.items()}
    patience = arrays["links_patience"][0]
    least = 1 / (1 + PATIENCES_OF_FEW**2)
    few = np.float32((1 / (1 + (len(stars_of_films) / patience) ** 2) - least) / (1 - least))
    weights = artifact.arrays["links_weights"]
    weights = weights + few * (artifact.arrays["weights_of_few"] - weights)
    signals = np.array(SignalWeights().of_stars, dtype=np.float32).tolist()
    target = arrays["item_ids"].index(scored)
    added = {}
    for tmdb_id, stars in stars_of_films.items():
        row = arrays["item_ids"].index(tmdb_id)
        added[tmdb_id] = 0.0
        for place in range(arrays["links_ends"][row], arrays["links_ends"][row + 1]):
            if arrays["links_columns"][place] == target:
                added[tmdb_id] += signals[stars - 1] * float(weights[place])
    return added


def start_by_hand(arrays: Mapping[str, NDArray[Any]], history: Collection[int]) -> dict[int, float]:
    """Film → its score before the films of a history add anything."""
    patience, unknown = (float(arrays[f"base_{name}"][0]) for name in ("patience", "beside_unknown"))
    left = patience / (patience + len(history))
    counts = dict(zip(arrays["item_ids"].tolist(), arrays["evidence"].tolist(), strict=True))
    counted = left * np.mean([1 if counts[tmdb_id] else unknown for tmdb_id in history] or [1])
    rows = zip(*(arrays[name].tolist() for name in ("item_ids", "base", "lasting_base")), strict=True)
    return {tmdb_id: counted * base + (1 - left) * lasting for tmdb_id, base, lasting in rows}


def test_every_share_and_score_is_reproduced_from_the_artifacts_raw_arrays(alice: User, model: str) -> None:
    mine = {101: 5, 104: 4, 113: 5, 116: 3, 202: 1, 205: 2, 207: 4, 301: 5}
    rate(alice, mine)
    artifact = model_store().open(model)
    start = start_by_hand(artifact.arrays, mine)

    picks = recommended(alice).page(0, 100)

    assert len(picks) == len(ALL_FILMS) - len(mine)
    assert {pick.source for pick in picks} == {"taste", "similar"}
    for pick in picks:
        added = contributions_by_hand(mine, pick.tmdb_id)
        positive = {tmdb_id: value for tmdb_id, value in added.items() if value > 0}
        expected = sorted(positive.values(), reverse=True)[:5]
        assert pick.score == pytest.approx(start[pick.tmdb_id] + sum(added.values()), rel=1e-6)  # single precision
        assert [reason.share * sum(positive.values()) for reason in pick.because] == pytest.approx(expected, abs=1e-9)
        for reason in pick.because:
            assert reason.share == pytest.approx(positive[reason.tmdb_id] / sum(positive.values()))
        assert (pick.source == "popular") == (not pick.because)


def test_the_source_says_whether_ratings_or_content_carried_it(alice: User, model: str) -> None:
    rate(alice, {101: 5})
    by_taste = {pick.tmdb_id: pick.source for pick in recommended(alice).page(0, 100)}
    by_content = {pick.tmdb_id: pick.source for pick in recommended(alice, seeds=[301]).page(0, 100)}

    assert by_taste[104] == "taste"
    assert by_taste[WESTERNS[0]] == "similar"  # of the same decade
    assert {by_content[tmdb_id] for tmdb_id in WESTERNS[1:]} == {"similar"}
    assert by_content[ROMANCES[-1]] == "popular"  # nothing in common with a western of another decade


def test_at_most_five_reasons_strongest_first(alice: User, model: str) -> None:
    rate(alice, dict.fromkeys(SPACE_FILMS[:12], 5))

    picks = recommended(alice).page(0, 10)

    assert {len(pick.because) for pick in picks} == {5}
    for pick in picks:
        shares = [reason.share for reason in pick.because]
        assert shares == sorted(shares, reverse=True)
        assert 0 < sum(shares) < 1


def test_someone_unknown_gets_the_acclaimed_ones_spread_over_genres_and_eras(alice: User, model: str) -> None:
    ranking = recommended(alice)

    genres = [{1: SPACE, 2: ROMANCE, 3: WESTERN}[tmdb_id // 100] for tmdb_id in ids(ranking)[:10]]
    assert not ranking.personalised
    assert ranking.model_version == model
    assert {(pick.source, pick.because) for pick in ranking.page(0, 100)} == {("popular", ())}
    assert len(set(genres)) == 3
    assert len({tmdb_id % 100 // 10 for tmdb_id in ids(ranking)[:10]}) >= 3
    assert sorted(ids(ranking)) == sorted(ALL_FILMS)


def test_favourite_genres_count_at_once(model: str) -> None:
    carol = make_person("carol", favorite_genres=[WESTERN])

    ranking = recommended(carol)

    assert ranking.personalised
    assert set(ids(ranking)[:10]) == set(WESTERNS)
    assert {pick.source for pick in ranking.page(0, 10)} == {"popular"}


def test_what_a_person_does_outweighs_the_genres_that_they_once_typed(model: str) -> None:
    carol = make_person("carol", favorite_genres=[WESTERN])
    rate(carol, dict.fromkeys(SPACE_FILMS[::3], 5))

    assert set(ids(recommended(carol))[:5]) <= set(SPACE_FILMS)


def test_favourites_watchlist_and_dismissals_pull_and_push_too(alice: User, model: str) -> None:
    arrays = model_store().open(model).arrays

    gains = []
    done: list[int] = []
    for act, tmdb_id in ((favor, 301), (put_on_watchlist, 302), (dismiss, 303), (favor, 304)):
        ranking = recommended(alice)
        score = dict(zip(ids(ranking), ranking.scores.tolist(), strict=True))[310]
        gains.append(score - start_by_hand(arrays, done)[310])
        act(alice, tmdb_id)
        done.append(tmdb_id)

    before, with_favourite, with_watchlist, with_dismissal = gains
    assert before < with_favourite < with_watchlist
    assert with_dismissal < with_watchlist


def test_what_is_rated_favourited_dismissed_or_on_the_watchlist_is_left_out(alice: User, model: str) -> None:
    rate(alice, {101: 5, 202: 3})
    favor(alice, 102)
    put_on_watchlist(alice, 103)
    dismiss(alice, 104)

    assert sorted(ids(recommended(alice))) == sorted(set(ALL_FILMS) - {101, 202, 102, 103, 104})


def test_the_watchlist_comes_back_in_when_it_is_asked_for(alice: User, model: str) -> None:
    rate(alice, {101: 5})
    put_on_watchlist(alice, 103)
    put_on_watchlist(alice, 101)

    answered = ids(recommended(alice, include_watchlist=True))

    assert 103 in answered
    assert 101 not in answered


def test_a_dismissal_that_is_undone_lets_the_film_back_in(alice: User, model: str) -> None:
    dismiss(alice, 104)

    Dismissal.objects.all().delete()

    assert 104 in ids(recommended(alice))


def test_another_persons_history_changes_nothing_of_mine(alice: User, bob: User, model: str) -> None:
    rate(alice, {101: 5})
    before = recommended(alice).page(0, 20)

    rate(bob, {104: 5, 202: 1})

    assert recommended(alice).page(0, 20) == before


def test_a_filter_never_makes_a_short_page_while_matching_films_exist(alice: User, model: str) -> None:
    rate(alice, {101: 5, 104: 5, 301: 4})

    ranking = recommended(alice, movie_filter=JUST_WESTERNS)

    assert sorted(ids(ranking)) == list(WESTERNS[1:])
    assert ranking.total == 9


@pytest.mark.parametrize("is_newer", [False, True], ids=["as trained", "a film newer than the model"])
def test_the_few_films_of_a_filter_score_what_they_score_among_all(
    alice: User, model: str, monkeypatch: pytest.MonkeyPatch, is_newer: bool
) -> None:
    rate(alice, {101: 5, 104: 5, 301: 4, 302: 1})
    if is_newer:
        make_movie(999, genre_ids=[WESTERN])
    refresh_columns()
    pages = []

    for few in (0, 1_000):  # one film in so many or fewer: always, never
        monkeypatch.setattr(serving, "FEW", few)
        pages.append(recommended(alice, movie_filter=JUST_WESTERNS, diversity=0.3).page(0, 100))

    assert pages[0] == pages[1]
    assert {pick.tmdb_id for pick in pages[0]} == {*WESTERNS[2:], *([999] if is_newer else [])}
    assert current_pool().is_aligned is not is_newer


def test_a_filter_that_nothing_matches_gives_an_empty_ranking(alice: User, model: str) -> None:
    ranking = recommended(alice, movie_filter=MovieFilter(all_genres=(99,)))

    assert ranking.total == 0
    assert ranking.page(0, 20) == ()


def test_seeds_stand_in_for_the_whole_history(alice: User, model: str) -> None:
    rate(alice, {202: 5, 205: 5})

    ranking = recommended(alice, seeds=[101, 104])

    assert set(ids(ranking)[:10]) <= set(SPACE_FILMS)
    assert not {101, 104, 202, 205} & set(ids(ranking))
    assert {reason.tmdb_id for pick in ranking.page(0, 100) for reason in pick.because} == {101, 104}


def test_an_unknown_seed_is_refused_by_name(alice: User, model: str) -> None:
    with pytest.raises(UnknownSeed, match="999") as refusal:
        recommended(alice, seeds=[101, 999])

    assert isinstance(refusal.value, BadRequest)
    assert refusal.value.code == "unknown_seed"
    assert [error.field for error in refusal.value.fields] == ["seeds"]


def test_a_seed_that_the_columns_do_not_hold_yet_is_known_all_the_same(alice: User, model: str) -> None:
    refresh_columns()
    make_movie(999)

    assert not recommended(alice, seeds=[999]).personalised


def test_sort_reorders_the_films_picked(alice: User, model: str) -> None:
    rate(alice, {101: 5})
    by_score = recommended(alice)

    by_title = recommended(alice, sort=Sort("title", descending=False))

    scores = dict(zip(ids(by_score), by_score.scores.tolist(), strict=True))
    assert ids(by_title) == sorted(ids(by_score))
    assert by_title.scores.tolist() == [scores[tmdb_id] for tmdb_id in ids(by_title)]
    assert set(by_title.page(0, 100)) == set(by_score.page(0, 100))


def test_diversity_mixes_the_kinds_and_loses_no_film(alice: User, model: str) -> None:
    rate(alice, {101: 5, 104: 5})
    plain, varied = recommended(alice), recommended(alice, diversity=0.9)

    assert {tmdb_id // 100 for tmdb_id in ids(plain)[:5]} == {1}
    assert {tmdb_id // 100 for tmdb_id in ids(varied)[:5]} == {1, 2, 3}
    assert sorted(ids(varied)) == sorted(ids(plain))
    assert ids(varied)[0] == ids(plain)[0]


def test_diversity_without_a_model_keeps_the_order(alice: User, cinema: None) -> None:
    assert sorted(ids(recommended(alice, diversity=0.5))) == sorted(ALL_FILMS)


def test_the_same_history_gets_the_same_answer(alice: User, bob: User, model: str) -> None:
    for person in (alice, bob):
        rate(person, {101: 5, 204: 4, 301: 1})
        favor(person, 110)

    assert recommended(alice).page(0, 100) == recommended(bob).page(0, 100)


@pytest.mark.parametrize("films", [1, 40])
def test_an_answer_costs_one_query_however_long_the_history(
    alice: User, model: str, films: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    refresh_columns()
    rate(alice, dict.fromkeys(ALL_FILMS[:films], 4))
    recommended(alice)

    with django_assert_num_queries(1):
        recommended(alice, movie_filter=JUST_WESTERNS, diversity=0.5, seeds=[101]).page(0, 20)


def test_an_answer_is_at_most_500_films_deep(alice: User, cinema: None) -> None:
    Movie.objects.bulk_create(
        Movie(tmdb_id=tmdb_id, title="One of many", genre_ids=[SPACE], created_at=NOW, updated_at=NOW)
        for tmdb_id in range(1_000, 1_600)
    )
    train(now=NOW)
    lengths = [recommended(alice).total]
    rate(alice, {101: 5})
    lengths.append(recommended(alice).total)

    assert lengths == [DEEPEST, DEEPEST]


@pytest.mark.usefixtures("model")
@hypothesis_settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)  # the cinema stays, and each example takes its ratings back
@given(
    stars=st.dictionaries(st.sampled_from(ALL_FILMS), st.integers(1, 5), max_size=12),
    movie_filter=st.builds(
        MovieFilter,
        any_genres=st.sets(st.sampled_from((SPACE, ROMANCE, WESTERN, 99))).map(lambda chosen: tuple(sorted(chosen))),
        vote_count_from=st.none() | st.integers(1_600, 2_000),
    ),
    diversity=st.sampled_from((0.0, 0.3, 1.0)),
)
def test_every_matching_film_but_the_rated_ones_is_there_once_in_falling_order(
    alice: User, stars: dict[int, int], movie_filter: MovieFilter, diversity: float
) -> None:
    MovieRating.objects.filter(user=alice).delete()
    rate(alice, stars)
    catalogue = columns()
    matching = set(catalogue.tmdb_ids[catalogue.mask(movie_filter).rows()].tolist())

    ranking = recommended(alice, movie_filter=movie_filter, diversity=diversity)

    assert sorted(ids(ranking)) == sorted(matching - stars.keys())
    if ranking.personalised and not diversity:
        assert np.all(np.diff(ranking.scores) <= 0)
    pages = [pick for start in range(0, ranking.total, 20) for pick in ranking.page(start, start + 20)]
    assert pages == list(ranking.page(0, ranking.total))
