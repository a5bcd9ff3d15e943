"""What comes in from outside is stored as facts: a blank is unknown, and unknown is None."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from matinee.catalog.facts import UnusableFacts, blanks_filled, differences, known_facts, store_facts
from matinee.catalog.models import Movie

MONDAY = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
TUESDAY = MONDAY + dt.timedelta(days=1)


def facts(**values: Any) -> dict[str, Any]:
    return dict(known_facts({"tmdb_id": 603, "title": "The Matrix", **values}))


@pytest.mark.parametrize(
    ("name", "given", "stored"),
    [
        ("overview", "", None),
        ("overview", "  Wake up.\r\n", "Wake up."),
        ("overview", "nul\0", None),
        ("overview", 5, None),
        ("title", "x" * 600, "x" * 500),
        ("original_title", "Amélie", "Amélie"),
        ("release_date", "", None),
        ("release_date", "1999-03-31", dt.date(1999, 3, 31)),
        ("release_date", "1999-02-31", None),
        ("runtime", 0, None),
        ("runtime", 136, 136),
        ("runtime", 2**31, None),
        ("runtime", True, None),
        ("budget", 0, None),
        ("revenue", 2_787_965_087, 2_787_965_087),
        ("vote_count", 0, 0),
        ("vote_count", -1, None),
        ("popularity", 1, 1.0),
        ("popularity", float("nan"), None),
        ("popularity", "3", None),
        ("genre_ids", None, []),
        ("genre_ids", [28, 28, 12], [28, 12]),
        ("keywords", [" saviour ", "", "saviour", "dystopia"], ["saviour", "dystopia"]),
        ("spoken_languages", [{"iso_639_1": "bo", "name": ""}], [{"iso_639_1": "bo", "name": None}]),
    ],
)
def test_a_value_is_stored_as(name: str, given: object, stored: object) -> None:
    assert facts(**{name: given})[name] == stored


def test_an_average_without_votes_is_unknown() -> None:
    assert facts(vote_average=10.0, vote_count=0)["vote_average"] is None
    assert facts(vote_average=10.0)["vote_average"] is None
    assert facts(vote_average=7.9, vote_count=3)["vote_average"] == 7.9


@pytest.mark.parametrize("raw", [{"title": "No id"}, {"tmdb_id": 0, "title": "Zero"}, {"tmdb_id": 603, "title": " "}])
def test_a_film_without_id_or_title_is_refused(raw: dict[str, Any]) -> None:
    with pytest.raises(UnusableFacts):
        known_facts(raw)


def test_a_source_that_says_nothing_of_a_field_leaves_it_alone() -> None:
    assert set(facts(runtime=136)) == {"tmdb_id", "title", "runtime"}


def test_differences_are_what_a_newer_source_says_otherwise() -> None:
    movie = Movie(tmdb_id=603, title="The Matrix", runtime=130)

    assert differences(movie, facts(runtime=136)) == {"runtime": 136}


def test_an_average_is_not_filled_in_beside_another_count() -> None:
    unvoted = Movie(tmdb_id=603, title="The Matrix", vote_count=0)
    uncounted = Movie(tmdb_id=603, title="The Matrix")

    assert blanks_filled(unvoted, facts(vote_average=7.9, vote_count=9000)) == {}
    assert blanks_filled(uncounted, facts(vote_average=7.9, vote_count=9000)) == {
        "vote_average": 7.9,
        "vote_count": 9000,
    }


@pytest.mark.django_db
def test_a_newer_source_replaces_what_it_knows_better() -> None:
    store_facts([facts(runtime=130), facts(tmdb_id=604)], choose=differences, now=MONDAY)

    report = store_facts([facts(runtime=136), facts(tmdb_id=604)], choose=differences, now=TUESDAY)

    assert (report.added, report.changed, report.unchanged) == (0, 1, 1)
    changed, same = Movie.objects.order_by("tmdb_id")
    assert (changed.runtime, changed.updated_at) == (136, TUESDAY)
    assert same.updated_at == MONDAY
