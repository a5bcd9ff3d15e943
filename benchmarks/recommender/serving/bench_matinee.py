"""Matinee: from a history in hand to 20 films with their scores and reasons, as an endpoint asks for them.

The one query for the history is measured apart: the peers are handed theirs.
"""

from __future__ import annotations

from typing import Any

import pytest

import benchmarks.django_ready  # noqa: F401 - models can be imported from here on
from benchmarks.recommender.serving.questions import LENGTH, QUESTIONS, History, Questions, measure
from benchmarks.recommender.serving.world import FILTERS, username
from matinee.accounts.models import User
from matinee.library.history import PersonalHistory, read_history
from matinee.recommendations.pool import current_pool
from matinee.recommendations.rating_prediction import Critic, opinions_of
from matinee.recommendations.serving import Pick, Wishes, recommend_from

ASKED = Questions.read()


def personal(history: History) -> PersonalHistory:
    return PersonalHistory(
        ratings=tuple(zip((history.films + 1).tolist(), history.stars.astype(int).tolist(), strict=True))
    )


@pytest.mark.parametrize(("length", "which"), QUESTIONS)
def test_matinee(benchmark: Any, length: int, which: str) -> None:
    def answer(mine: PersonalHistory) -> tuple[Pick, ...]:
        pool = current_pool()
        return recommend_from(mine, Wishes(FILTERS[which]), pool, Critic(opinions_of(mine), pool)).page(0, LENGTH)

    histories = [personal(history) for history in ASKED.histories[length]]
    page = answer(histories[0])
    assert len(page) == LENGTH
    assert any(pick.because for pick in page)

    measure(benchmark, answer, histories)


@pytest.mark.parametrize("length", [100, 1_000])
def test_the_query_for_the_history(benchmark: Any, length: int) -> None:
    people = [User.objects.get(username=username(length, n)) for n in range(len(ASKED.histories[length]))]
    assert read_history(people[0]) == personal(ASKED.histories[length][0])

    measure(benchmark, read_history, people)
