"""How long a refused sign-in takes tells nothing of accounts (promise 8), with hashes as in service."""

from __future__ import annotations

import logging
import statistics
import time

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher

from matinee.accounts.models import Guesses, User
from matinee.accounts.services import create_user
from matinee.accounts.sessions import WrongCredentials, sign_in
from tests.accounts.conftest import NOW, PASSWORD
from tests.rounds import TIMES, rounds

pytestmark = pytest.mark.skipif(TIMES == 1, reason="Times are asserted by `make soak` alone.")

AT_MOST_APART = 0.05
LOCKED = ("dave", "nobody either")

logger = logging.getLogger(__name__)


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


def test_the_medians_of_200_interleaved_tries_are_within_a_twentieth(alice: User, bob: User) -> None:
    """Of an account, one that is switched off, one without a password, nobody's name, and two that are locked."""
    carol = create_user(email="carol@example.org", username="carol", password=PASSWORD, now=NOW)
    dave = create_user(email="dave@example.org", username="dave", password=PASSWORD, now=NOW)
    for user in (alice, bob, dave):
        user.set_password(PASSWORD)  # at the cost of service
    carol.set_unusable_password()
    bob.is_active = False
    for user in (alice, bob, carol, dave):
        user.save()
    times: dict[str, list[float]] = {name: [] for name in ("alice", "bob", "carol", "nobody", *LOCKED)}
    for name in LOCKED * 5:
        seconds(name)
    locked = list(Guesses.objects.values_list("subject", flat=True))

    for _ in range(rounds(20)):
        for name, measured in times.items():
            measured.append(seconds(name))
        Guesses.objects.exclude(subject__in=locked).update(tries=[])

    medians = {name: f"{1000 * statistics.median(measured):.1f} ms" for name, measured in times.items()}
    logger.info("%d tries each, medians %s: %.1f%% apart", len(times["alice"]), medians, 100 * apart(times))
    assert {len(tries) for tries in Guesses.objects.filter(subject__in=locked).values_list("tries", flat=True)} == {5}
    assert apart(times) < AT_MOST_APART, medians
