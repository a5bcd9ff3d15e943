"""Community ratings on disk: what comes in is what training reads, in one order, and nothing is left behind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from matinee.catalog.matching import CatalogueTitle
from matinee.recommendations.community import (
    Community,
    Films,
    NoSuchSet,
    Ratings,
    RatingsIntake,
    community_datasets,
    remove_community,
    resolve,
    store_community,
)

MATRIX = CatalogueTitle(603, "The Matrix", None, 1999, 9_000)
Row = tuple[int, int, float, int]
"""Person, film, stars, time."""

RATINGS: list[Row] = [(7, 10, 4.5, 100), (7, 30, 0.5, 200), (9, 10, 5.0, 300)]


def films(*movielens_ids: int, tmdb_ids: tuple[int, ...] = (), titles: tuple[str, ...] = ()) -> Films:
    return Films(
        movielens_ids=np.array(movielens_ids, dtype=np.int32),
        tmdb_ids=np.array(tmdb_ids or [0] * len(movielens_ids), dtype=np.int64),
        titles=titles or tuple(f"Film {movielens_id}" for movielens_id in movielens_ids),
    )


def append(intake: RatingsIntake, rows: list[Row]) -> None:
    users, items, stars, times = zip(*rows, strict=True) if rows else ((), (), (), ())
    intake.append(np.array(users, "i8"), np.array(items, "i8"), np.array(stars, "f8"), np.array(times, "i8"))


def taken_in(folder: Path, *chunks: list[Row]) -> tuple[list[tuple[int, int, float, int]], list[int]]:
    """Rows as they come out, and the numbers of the films that are rated."""
    with RatingsIntake(folder) as intake:
        for chunk in chunks:
            append(intake, chunk)
        ratings = intake.ratings()
        columns = (ratings.user_rows, ratings.item_rows, ratings.ratings, ratings.timestamps)
        return list(zip(*(column.tolist() for column in columns), strict=True)), ratings.movielens_ids.tolist()


def store(folder: Path, rows: list[Row], of: Films, name: str = "small") -> tuple[Community, bool]:
    with RatingsIntake(folder) as intake:
        append(intake, rows)
        return store_community(name, numbering="movielens", ratings=intake.ratings(), films=of)


def test_ratings_come_out_by_person_and_film(tmp_path: Path) -> None:
    expected = ([(0, 0, 4.5, 100), (0, 1, 0.5, 200), (1, 0, 5.0, 300)], [10, 30])

    assert taken_in(tmp_path, RATINGS) == expected
    assert taken_in(tmp_path, RATINGS[:1], [], RATINGS[1:]) == expected
    assert taken_in(tmp_path, RATINGS[::-1]) == expected
    assert taken_in(tmp_path, RATINGS[2:], RATINGS[:2]) == expected


def test_of_two_opinions_on_a_film_the_later_counts(tmp_path: Path) -> None:
    assert taken_in(tmp_path, [(7, 10, 4.5, 200), (7, 10, 1.0, 100)]) == ([(0, 0, 4.5, 200)], [10])


@hypothesis_settings(max_examples=30)
@given(
    st.lists(
        st.tuples(st.integers(1, 5), st.integers(1, 2**31 - 1), st.sampled_from([0.5, 3.0]), st.integers(0, 9)),
        unique_by=lambda row: row[:2],
    ),
    st.integers(0, 10),
)
def test_any_set_keeps_every_rating(tmp_path_factory: pytest.TempPathFactory, rows: list[Row], cut: int) -> None:
    folder = tmp_path_factory.mktemp("intake")

    came_out, movielens_ids = taken_in(folder, rows[:cut], rows[cut:])

    people = sorted({row[0] for row in rows})
    assert [(people[user], movielens_ids[item], stars, at) for user, item, stars, at in came_out] == sorted(rows)
    assert not list(folder.iterdir()), "the temporary files have no names"


def test_a_stored_set_is_what_was_given(tmp_path: Path) -> None:
    stored, is_new = store(
        tmp_path, RATINGS, films(10, 20, 30, tmdb_ids=(603, 604, 0), titles=("Matrix", "Unrated", "Amélie"))
    )

    (found,) = community_datasets()
    assert is_new
    assert (found.name, found.version, found.numbering, found.n_people) == ("small", stored.version, "movielens", 2)
    assert found.user_rows.tolist() == [0, 0, 1]
    assert found.item_rows.tolist() == [0, 1, 0]
    assert found.ratings.tolist() == [4.5, 0.5, 5.0]
    assert found.timestamps.tolist() == [100, 200, 300]
    assert found.movielens_ids.tolist() == [10, 30]
    assert found.tmdb_ids.tolist() == [603, 0]
    assert found.titles == ("Matrix", "Amélie")
    assert found.ratings.dtype == np.float32


def test_the_same_content_is_not_published_again(tmp_path: Path) -> None:
    first, _ = store(tmp_path, RATINGS, films(10, 30))

    again, is_new = store(tmp_path, RATINGS[::-1], films(30, 10))

    assert not is_new
    assert again.version == first.version


def test_another_content_takes_the_place_of_the_set_of_its_name(tmp_path: Path) -> None:
    store(tmp_path, RATINGS, films(10, 30))

    _, is_new = store(tmp_path, RATINGS[:1], films(10, 30))
    store(tmp_path, RATINGS[:2], films(10, 30), name="100k")

    assert is_new
    assert [(found.name, len(found.ratings)) for found in community_datasets()] == [("100k", 2), ("small", 1)]


def test_without_any_set_there_is_none(tmp_path: Path) -> None:
    assert community_datasets() == []
    stored, _ = store(tmp_path, [], films(10))

    assert stored.n_people == 0
    assert community_datasets() == []


def test_a_set_that_was_removed_is_gone_with_its_older_versions_and_can_be_loaded_again(
    tmp_path: Path, settings: Settings
) -> None:
    store(tmp_path, RATINGS[:1], films(10, 30))
    store(tmp_path, RATINGS, films(10, 30))
    store(tmp_path, RATINGS, films(10, 30), name="100k")

    remove_community("small")
    remove_community("small")

    assert [found.name for found in community_datasets()] == ["100k"]
    left = Path(settings.ARTIFACTS_DIR).glob("community-small/*/*.npy")
    assert [path.name for path in left if len(np.load(path))] == []
    _, is_new = store(tmp_path, RATINGS, films(10, 30))
    assert is_new
    assert [found.name for found in community_datasets()] == ["100k", "small"]


@pytest.mark.parametrize("name", ["32m", "", "../model-5", "small/../small"])
def test_a_set_that_was_never_there_is_told_beside_those_that_are(tmp_path: Path, name: str) -> None:
    store(tmp_path, RATINGS, films(10, 30))

    with pytest.raises(NoSuchSet, match=r"There is no data set '.*'\. Stored here: small\."):
        remove_community(name)

    assert len(community_datasets()) == 1


def test_films_resolve_to_tmdb_ids_or_to_minus_their_own_number(tmp_path: Path) -> None:
    rated: list[Row] = [(1, 10, 4.0, 1), (1, 20, 4.0, 1), (1, 30, 4.0, 1)]
    titles = ("Linked (1950)", "Matrix, The (1999)", "Nowhere (2001)")
    community, _ = store(tmp_path, rated, films(10, 20, 30, tmdb_ids=(77, 0, 0), titles=titles))

    assert resolve(community, [MATRIX]).tolist() == [77, 603, -30]
    assert resolve(community, []).tolist() == [77, -20, -30]


def test_a_film_that_all_links_tell_needs_no_catalogue(tmp_path: Path) -> None:
    community, _ = store(tmp_path, RATINGS, films(10, 30, tmdb_ids=(603, 604)))

    assert resolve(community, iter(())).tolist() == [603, 604]


def test_the_numbers_of_the_100k_set_are_never_those_of_the_later_sets(tmp_path: Path) -> None:
    ratings = Ratings(
        user_rows=np.array([0], "i4"),
        item_rows=np.array([0], "i4"),
        ratings=np.array([4.0], "f4"),
        timestamps=np.array([1], "i8"),
        movielens_ids=np.array([10], "i4"),
    )
    community, _ = store_community("100k", numbering="movielens-100k", ratings=ratings, films=films(10))

    assert resolve(community, []).tolist() == [-(2**32 + 10)]
