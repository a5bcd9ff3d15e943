"""How long the export of somebody takes about whom a great deal is held (promise 30)."""

from __future__ import annotations

import logging
import time
import zipfile
from pathlib import Path

import orjson
import pytest
from pytest_django.fixtures import Settings

from matinee.accounts import export_files, exports
from matinee.accounts.models import Export, User
from matinee.audit.actions import Action
from matinee.audit.models import Event
from matinee.catalog.models import Movie
from matinee.library.models import Favorite, MovieRating, Watchlist
from tests.accounts.conftest import NOW
from tests.rounds import TIMES

pytestmark = [
    pytest.mark.skipif(TIMES == 1, reason="Times are asserted by `make soak` alone."),
    pytest.mark.django_db(transaction=True),
]

EACH = 12_500
AT_MOST_SECONDS = 60
REVIEW = 'Slow, and "long",\nbut worth it. ' * 8

logger = logging.getLogger(__name__)


@pytest.fixture
def busy(alice: User, settings: Settings, tmp_path: Path) -> User:
    """alice, with as many ratings, favourites, films to watch and events: 50,000 rows in all."""
    settings.DATA_DIR = tmp_path
    moments = {"created_at": NOW, "updated_at": NOW}
    films = Movie.objects.bulk_create(
        [Movie(tmdb_id=number + 1, title=f"Film {number}", **moments) for number in range(EACH)], batch_size=500
    )
    MovieRating.objects.bulk_create(
        [MovieRating(user=alice, movie=film, rating=3, review=REVIEW, **moments) for film in films], batch_size=500
    )
    liked = [Favorite(user=alice, movie=film, created_at=NOW) for film in films]
    Favorite.objects.bulk_create(liked, batch_size=500)
    to_watch = [Watchlist(user=alice, movie=film, created_at=NOW) for film in films]
    Watchlist.objects.bulk_create(to_watch, batch_size=500)
    events = [
        Event(at=NOW, actor=alice.audit_key, subject=alice.audit_key, action=Action.RATING_GIVEN, target=f"movie:{n}")
        for n in range(EACH)
    ]
    Event.objects.bulk_create(events, batch_size=500)
    return alice


def test_50000_rows_are_exported_within_a_minute(busy: User) -> None:
    made = exports.ask(user=busy, now=NOW)
    assert isinstance(made, Export)

    began, cpu_began = time.perf_counter(), time.process_time()
    export_files.make(export_id=made.pk, now=NOW)
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu_began

    logger.info("%d rows in %.1f s, %.1f s of them CPU of ours", made.rows, seconds, cpu_seconds)
    with zipfile.ZipFile(export_files.path_of(made)) as packed:
        ratings = orjson.loads(packed.read("json/ratings.json"))
    assert (len(ratings), ratings[-1]["review"]) == (EACH, REVIEW)
    assert made.rows >= 4 * EACH
    assert seconds < AT_MOST_SECONDS
