"""What is served without a model, with one that has not met a film, and while one takes over from another."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from matinee.accounts.models import User
from matinee.catalog.filters import MovieFilter
from matinee.catalog.models import Movie
from matinee.engine.signals import History
from matinee.library.models import MovieRating
from matinee.recommendations.freshness import model_store
from matinee.recommendations.pool import look_for_newer_model, newest_model
from matinee.recommendations.training import train
from tests.recommendations.conftest import (
    ALL_FILMS,
    NOW,
    WESTERN,
    ids,
    make_movie,
    rate,
    recommended,
)

JUST_WESTERNS = MovieFilter(all_genres=(WESTERN,))
STATUS = Path("/proc/self/status")
MIB = 2**20


def test_without_a_model_it_is_the_acclaimed_ones(alice: User, cinema: None) -> None:
    rate(alice, {101: 5})

    ranking = recommended(alice)

    assert not ranking.personalised
    assert ranking.model_version is None
    assert sorted(ids(ranking)) == sorted(set(ALL_FILMS) - {101})
    assert {(pick.source, pick.because) for pick in ranking.page(0, 100)} == {("popular", ())}
    assert ranking.scores[0] == ranking.scores.max()


def test_an_empty_catalogue_has_nothing_to_recommend(alice: User) -> None:
    rankings = [recommended(alice)]
    train(now=NOW)
    rankings.append(recommended(alice, diversity=0.5))

    assert [ranking.total for ranking in rankings] == [0, 0]


def test_a_film_that_the_model_does_not_know_yet_comes_last_and_not_never(alice: User, model: str) -> None:
    make_movie(999, genre_ids=[WESTERN], vote_count=20_000, vote_average=9.0)
    rate(alice, {301: 5})

    everything, westerns = recommended(alice), recommended(alice, movie_filter=JUST_WESTERNS, diversity=0.2)

    assert ids(everything)[-1] == 999
    assert everything.page(0, 100)[-1].source == "popular"
    assert 999 in ids(westerns)
    assert westerns.total == 10


def test_a_film_that_is_deleted_is_gone_from_the_answer_and_from_the_reasons(alice: User, model: str) -> None:
    rate(alice, {101: 5, 104: 5})

    Movie.objects.filter(tmdb_id__in=[104, 107]).delete()

    picks = recommended(alice).page(0, 100)
    assert not {101, 104, 107} & {pick.tmdb_id for pick in picks}
    assert len(picks) == len(ALL_FILMS) - 3
    assert {reason.tmdb_id for pick in picks for reason in pick.because} == {101}


def test_a_new_model_takes_over_and_a_ranking_in_hand_keeps_its_own(alice: User, model: str) -> None:
    rate(alice, {101: 5, 104: 5})
    in_hand = recommended(alice)
    page = in_hand.page(0, 20)

    MovieRating.objects.exclude(user=alice).delete()
    newer = train(now=NOW).version

    assert recommended(alice).model_version == newer != model
    assert (in_hand.model_version, in_hand.page(0, 20)) == (model, page)


def test_a_damaged_model_leaves_the_one_before_it_in_service(alice: User, model: str) -> None:
    rate(alice, {101: 5})
    before = recommended(alice).page(0, 20)
    damaged = train(now=NOW).version
    array = model_store().directory / damaged / "links_weights.npy"
    content = bytearray(array.read_bytes())
    content[-1] ^= 1
    array.write_bytes(content)
    look_for_newer_model()

    ranking = recommended(alice)

    assert ranking.model_version == model
    assert ranking.page(0, 20) == before


def test_an_artifact_that_is_no_model_leaves_the_one_before_it_in_service(alice: User, model: str) -> None:
    recommended(alice)
    model_store().publish({"item_ids": np.arange(3)}, {"config": {}})
    look_for_newer_model()

    assert recommended(alice).model_version == model


def own_memory() -> int:
    """Bytes of this process that no file backs."""
    kilobytes = re.search(r"^RssAnon:\s+(\d+) kB", STATUS.read_text(), re.M)
    assert kilobytes is not None
    return int(kilobytes[1]) * 1024


@pytest.mark.skipif(not STATUS.exists(), reason="Only Linux tells what memory is backed by a file.")
def test_a_model_is_read_where_it_lies_on_disk_and_takes_no_memory_of_a_workers_own(model: str) -> None:
    store = model_store()
    artifact = store.open(model)
    films, links = len(artifact.arrays["item_ids"]), 100_000
    large: dict[str, NDArray[Any]] = {
        "links_ends": np.arange(films + 1) * links,
        "links_columns": np.resize(np.arange(films, dtype=np.int32), films * links),
        "links_weights": np.ones(films * links, np.float32),
        "weights_of_few": np.ones(films * links, np.float32),
    }
    store.publish({**artifact.arrays, **large}, artifact.notes)
    look_for_newer_model()
    size = sum(array.nbytes for array in large.values())
    before = own_memory()

    published = newest_model()

    assert published is not None
    assert published.model.score_all(History.liking([101])).max() > links / films
    assert size > 64 * MIB
    assert own_memory() - before < 8 * MIB
