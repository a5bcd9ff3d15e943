"""How long a refused sign-in takes tells nothing of accounts (promise 8), with hashes as in service."""

from __future__ import annotations

import statistics
import time

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher

from matinee.accounts.models import Guesses, User
from matinee.accounts.sessions import WrongCredentials, sign_in
from tests.accounts.conftest import NOW
from tests.rounds import TIMES, rounds

pytestmark = pytest.mark.skipif(TIMES == 1, reason="Times are asserted by `make soak` alone.")

AT_MOST_APART = 0.05


@pytest.fixture(autouse=True)
def _hashes_as_in_service(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, cost in (("time_cost", 2), ("memory_cost", 102_400), ("parallelism", 8)):
        monkeypatch.setattr(Argon2PasswordHasher, name, cost)


def seconds(name: str) -> float:
    began = time.perf_counter()
    with pytest.raises(WrongCredentials):
        sign_in(username=name, password="not the one that they chose", now=NOW)
    return time.perf_counter() - began


def apart(times: dict[str, list[float]]) -> float:
    """How far the slowest median is from the quickest, as a part of it."""
    medians = [statistics.median(measured) for measured in times.values()]
    return max(medians) / min(medians) - 1


@pytest.mark.parametrize("blocked", [False, True])
def test_the_medians_of_200_interleaved_tries_are_within_a_twentieth(alice: User, bob: User, blocked: bool) -> None:
    for user in (alice, bob):
        user.set_password("correct horse battery staple")  # at the cost of service
        user.is_active = user == alice
        user.save()
    times: dict[str, list[float]] = {"alice": [], "bob": [], "nobody": []}

    for _ in range(rounds(20)):
        for name, measured in times.items():
            measured.append(seconds(name))
        if not blocked:
            Guesses.objects.update(tries=[])

    assert apart(times) < AT_MOST_APART, {name: statistics.median(measured) for name, measured in times.items()}
