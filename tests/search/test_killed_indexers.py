"""Indexers are killed at random, and still readers never fail and no change is lost."""

from __future__ import annotations

import random
import threading

import pytest

from matinee.catalog.filters import EVERYTHING
from matinee.catalog.models import Movie, MovieChange
from matinee.search.finding import search
from matinee.search.index import KIND as SEARCH
from matinee.search.index import follow_catalogue, refresh_index
from tests.killed import run_and_kill
from tests.rounds import rounds
from tests.search.films import titled

KILLS = rounds(12)
FILMS = 40


def work() -> None:
    while True:
        refresh_index()


def found(text: str) -> list[int]:
    return list(map(int, search(text=text, movie_filter=EVERYTHING, sort=None, first=5).tmdb_ids))


class Reader(threading.Thread):
    """Asks for the same film all the time."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[list[int]] = []
        self.done = threading.Event()

    def run(self) -> None:
        while not self.done.wait(0.01):
            self.answers.append(found("anchor"))


@pytest.mark.django_db(transaction=True)
def test_with_indexers_killed_at_random_readers_never_fail_and_every_change_is_found() -> None:
    chance = random.Random(5)
    Movie.objects.bulk_create([titled(1000, "Anchor"), *(titled(id_, f"Old {id_}x") for id_ in range(1, FILMS + 1))])
    refresh_index()
    reader = Reader()
    reader.start()

    for kill in range(KILLS):
        for tmdb_id in chance.sample(range(1, FILMS + 1), 5):
            Movie.objects.filter(tmdb_id=tmdb_id).update(title=f"Round {kill}x{tmdb_id}x")
        run_and_kill(work, after=chance.uniform(0.005, 0.12))
    reader.done.set()
    reader.join()
    follow_catalogue()

    assert reader.answers
    assert all(answer == [1000] for answer in reader.answers)
    for movie in Movie.objects.all():
        assert found(f'"{movie.title}"') == [movie.tmdb_id]
    assert not MovieChange.objects.filter(consumer=SEARCH).exists()
