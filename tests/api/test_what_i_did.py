"""What a person did with a film, by any order of requests and by sixteen of theirs at once: one row, and the last word
counts."""

from __future__ import annotations

import random
from functools import partial
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from matinee.accounts.models import User
from matinee.accounts.services import create_user
from tests.api.conftest import NOW, PASSWORD, Api, MakeMovie, signed_in_as
from tests.at_once import at_once
from tests.rounds import rounds

LISTS = {"is_favorite": "movies/favorites/", "in_watchlist": "movies/watchlist/"}
FILMS = (603, 949)
HANDS = 16

films, lists, stars = st.sampled_from(FILMS), st.sampled_from([*LISTS]), st.integers(1, 5)


class Person(RuleBasedStateMachine):
    """Somebody new, who does things one after the other; what should be so is kept beside it."""

    people = 0

    def __init__(self) -> None:
        super().__init__()
        Person.people += 1
        name = f"person{Person.people}"
        user = create_user(email=f"{name}@example.org", username=name, password=PASSWORD, now=NOW)
        self.api = signed_in_as(user)
        self.on_list: set[tuple[str, int]] = set()
        self.rated: dict[int, tuple[int, str]] = {}
        self.writes = 0
        self.version: dict[int, int] = {}
        """Of each rating that there is: the number of the write that made it."""
        self.seen: dict[int, tuple[str, int | None]] = {}
        """An ETag of each film that was read at some time, and the version that it had."""

    @rule(name=lists, film=films)
    def put_on(self, name: str, film: int) -> None:
        answer = self.api.post(LISTS[name], {"movie_id": film})
        assert answer.status_code == (200 if (name, film) in self.on_list else 201)
        self.on_list.add((name, film))

    @rule(name=lists, film=films)
    def take_off(self, name: str, film: int) -> None:
        assert self.api.delete(f"{LISTS[name]}{film}/").status_code == 204
        self.on_list.discard((name, film))

    @rule(film=films, stars=stars, review=st.sampled_from([None, "", "Slow.", "Loud."]))
    def rate(self, film: int, stars: int, review: str | None) -> None:
        answer = self.api.post(f"movies/{film}/rate/", {"rating": stars, "review": review})
        assert answer.status_code == (200 if film in self.rated else 201)
        self._is_rated(film, stars, review)

    @rule(film=films, stars=stars)
    def change(self, film: int, stars: int) -> None:
        answer = self.api.put(f"movies/{film}/rate/", {"rating": stars})
        assert answer.status_code == (200 if film in self.rated else 404)
        if film in self.rated:
            is_same = self.rated[film][0] == stars
            self._is_rated(film, stars, None, moved=not is_same)

    @rule(film=films)
    def withdraw(self, film: int) -> None:
        assert self.api.delete(f"movies/{film}/rate/").status_code == 204
        self._is_withdrawn(film)

    @rule(film=films)
    def read(self, film: int) -> None:
        self.seen[film] = self.api.get(f"movies/{film}/rate/")["ETag"], self.version.get(film)

    @rule(film=films, stars=stars, method=st.sampled_from(["POST", "DELETE"]))
    def write_over_what_was_read(self, film: int, stars: int, method: str) -> None:
        if film not in self.seen:
            return
        body = {"rating": stars} if method == "POST" else None
        answer = self.api.request(method, f"movies/{film}/rate/", body, If_Match=self.seen[film][0])
        if self.seen[film][1] != self.version.get(film):
            assert answer.status_code == 412
        elif method == "POST":
            assert answer.status_code == (200 if film in self.rated else 201)
            self._is_rated(film, stars, None)
        else:
            assert answer.status_code == 204
            self._is_withdrawn(film)

    @invariant()
    def it_is_as_it_should_be(self) -> None:
        for film in FILMS:
            detail = self.api.get(f"movies/{film}/").json()
            mine = self.api.get(f"movies/{film}/rate/").json()
            assert {name for name in LISTS if detail[name]} == {name for name, on in self.on_list if on == film}
            assert (mine["rating"], mine["review"]) == self.rated.get(film, (None, None))

    def _is_rated(self, film: int, stars: int, review: str | None, *, moved: bool = True) -> None:
        _, before = self.rated.get(film, (0, ""))
        self.rated[film] = stars, before if review is None else review
        self.writes += moved
        if moved:
            self.version[film] = self.writes

    def _is_withdrawn(self, film: int) -> None:
        self.rated.pop(film, None)
        self.version.pop(film, None)


def test_by_any_order_of_requests_it_is_what_was_said_last(make_movie: MakeMovie) -> None:
    for film in FILMS:
        make_movie(film)

    run_state_machine_as_test(
        Person, settings=settings(max_examples=rounds(4), stateful_step_count=12, deadline=None, print_blob=True)
    )


def one_hand(token: str, seed: int) -> list[tuple[int, Any]]:
    """What one of several devices does to the same film: each status, with the stars that were acknowledged."""
    api, lots, told = Api(token), random.Random(seed), []
    for _ in range(6):
        kind = lots.choice(["list", "rate", "change", "withdraw", "guarded"])
        tag = {"If_Match": api.get("movies/603/rate/")["ETag"]} if kind == "guarded" else {}
        match kind:
            case "list":
                path = lots.choice([*LISTS.values()])
                method, path, body = lots.choice([("POST", path, {"movie_id": 603}), ("DELETE", f"{path}603/", None)])
            case "withdraw":
                method, path, body = "DELETE", "movies/603/rate/", None
            case _:
                method = "PUT" if kind == "change" else "POST"
                path, body = "movies/603/rate/", {"rating": lots.randint(1, 5)}
        answer = api.request(method, path, body, **tag)
        told.append((answer.status_code, answer.json().get("rating") if answer.content else None))
    return told


@pytest.mark.django_db(transaction=True)
def test_sixteen_hands_on_one_film_leave_one_row_of_each_kind_and_none_is_refused_by_the_database(
    alice: User, as_alice: Api, make_movie: MakeMovie
) -> None:
    make_movie(603)
    for turn in range(rounds(1)):
        hands = [partial(one_hand, as_alice.token or "", HANDS * turn + number) for number in range(HANDS)]
        told = at_once(*hands)

        failures = [hand for hand in told if isinstance(hand, Exception)]
        statuses = {status for hand in told if not isinstance(hand, Exception) for status, _ in hand}
        assert not failures
        assert statuses <= {200, 201, 204, 404, 412}
        assert alice.favorites.count() <= 1
        assert alice.watchlist.count() <= 1
        assert alice.ratings.count() <= 1


@pytest.mark.django_db(transaction=True)
def test_of_sixteen_that_rate_at_once_each_is_acknowledged_and_one_of_them_has_the_last_word(
    alice: User, as_alice: Api, make_movie: MakeMovie
) -> None:
    make_movie(603)

    def rate(number: int) -> tuple[int, str]:
        answer = Api(as_alice.token).post("movies/603/rate/", {"rating": 1 + number % 5, "review": f"Number {number}."})
        return answer.status_code, str(answer.json()["review"])

    told = at_once(*[partial(rate, number) for number in range(HANDS)])

    assert sorted(status for status, _ in told) == [200] * (HANDS - 1) + [201]  # type: ignore[misc] # none has failed
    [mine] = alice.ratings.all()
    assert mine.review == f"Number {mine.review.partition(' ')[2].rstrip('.')}."
    assert mine.rating == 1 + int(mine.review.partition(" ")[2].rstrip(".")) % 5, "its stars and review came together"
