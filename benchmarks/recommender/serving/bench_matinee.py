"""Matinee: from a history in hand to 20 films with their scores and reasons, as an endpoint asks for them.

The one query for the history is measured apart: the peers are handed theirs.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import benchmarks.django_ready  # noqa: F401 - models can be imported from here on
from benchmarks.recommender.serving.questions import ANYTHING, LENGTH, QUESTIONS, History, Questions, measure
from benchmarks.recommender.serving.world import FILTERS, username
from matinee.accounts.models import User
from matinee.library.history import PersonalHistory, read_history
from matinee.recommendations.pool import Pool, current_pool
from matinee.recommendations.rating_prediction import Critic, opinions_of
from matinee.recommendations.serving import Pick, Wishes, recommend_from

ASKED = Questions.read()


def personal(history: History) -> PersonalHistory:
    return PersonalHistory(
        ratings=tuple(zip((history.films + 1).tolist(), history.stars.astype(int).tolist(), strict=True))
    )


def answer(mine: PersonalHistory, which: str, pool: Pool) -> tuple[Pick, ...]:
    critic = Critic(opinions_of(mine), pool)
    return recommend_from(mine, Wishes(FILTERS[which]), pool, critic, upto=LENGTH).page(0, LENGTH)


@pytest.mark.parametrize(("length", "which"), QUESTIONS)
def test_matinee(benchmark: Any, length: int, which: str) -> None:
    histories = [personal(history) for history in ASKED.histories[length]]
    page = answer(histories[0], which, current_pool())
    assert len(page) == LENGTH
    assert any(pick.because for pick in page)

    measure(benchmark, lambda mine: answer(mine, which, current_pool()), histories)


@pytest.mark.parametrize(("length", "which"), [(100, ANYTHING)])
def test_matinee_beside_newer_films(benchmark: Any, length: int, which: str) -> None:
    """Where the catalogue has films that the model does not know, rows of the model are not those of the catalogue."""
    pool = replace(current_pool(), is_aligned=False)

    measure(benchmark, lambda mine: answer(mine, which, pool), [personal(each) for each in ASKED.histories[length]])


@pytest.mark.parametrize("length", [100, 1_000])
def test_the_query_for_the_history(benchmark: Any, length: int) -> None:
    people = [User.objects.get(username=username(length, n)) for n in range(len(ASKED.histories[length]))]
    assert read_history(people[0]) == personal(ASKED.histories[length][0])

    measure(benchmark, read_history, people)
