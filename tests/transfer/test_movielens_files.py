"""MovieLens' files in each of their layouts, and what a bad line gets."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matinee.transfer import movielens_files
from matinee.transfer.movielens_files import film_table, layout_of, rating_chunks
from matinee.transfer.sources import BadDataSet, opened_source
from tests.transfer.movielens_sets import (
    DAT_SET,
    GROUPLENS_100K,
    LATEST,
    LATEST_SET,
    LINKS_CSV,
    MOVIES_CSV,
    RATINGS,
    RATINGS_CSV,
    RECBOLE_100K,
    TITLES,
    U_DATA,
    unpacked,
)

Row = tuple[int, int, float, int]


def read(folder: Path) -> tuple[list[Row], list[str], str]:
    """The ratings, the titles, and the checksum."""
    checksum = hashlib.sha256()
    with opened_source(folder) as source:
        layout = layout_of(source)
        films = film_table(source, layout).films
        chunks = list(rating_chunks(source, layout, films, checksum=checksum))
    rows = [row for chunk in chunks for row in zip(*(column.tolist() for column in chunk), strict=True)]
    return rows, list(films.titles), checksum.hexdigest()


def with_ratings(folder: Path, *lines: str, end: str = "\n") -> Path:
    ratings = "\n".join([LATEST, *lines]) + end
    return unpacked(folder, {**LATEST_SET, "ratings.csv": ratings})


@pytest.mark.parametrize("files", [LATEST_SET, GROUPLENS_100K, RECBOLE_100K, DAT_SET])
def test_every_layout_holds_the_same_set(tmp_path: Path, files: Mapping[str, str | bytes]) -> None:
    rows, titles, _ = read(unpacked(tmp_path / "set", files))

    assert sorted(rows) == sorted(RATINGS)
    assert titles == list(TITLES)


def test_both_writings_of_100k_have_the_checksum_of_its_ratings(tmp_path: Path) -> None:
    expected = hashlib.sha256(U_DATA.encode()).hexdigest()

    assert read(unpacked(tmp_path / "a", GROUPLENS_100K))[2] == expected
    assert read(unpacked(tmp_path / "b", RECBOLE_100K))[2] == expected


def test_the_checksum_of_a_csv_is_that_of_the_whole_file(tmp_path: Path) -> None:
    assert read(unpacked(tmp_path / "set", LATEST_SET))[2] == hashlib.sha256(RATINGS_CSV.encode()).hexdigest()


def test_half_stars_and_a_last_line_without_end_are_read(tmp_path: Path) -> None:
    rows, *_ = read(with_ratings(tmp_path / "set", "1,1,0.5,10", "2,1,4.5,20", end=""))

    assert rows == [(1, 1, 0.5, 10), (2, 1, 4.5, 20)]


def test_ratings_are_read_chunk_by_chunk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(movielens_files, "CHUNK_BYTES", 64)

    rows, *_ = read(unpacked(tmp_path / "set", LATEST_SET))

    assert rows == list(RATINGS)


def test_a_year_that_recbole_lacks_stays_in_the_title(tmp_path: Path) -> None:
    item = "h\n1\tLand Before Time III (1995)\tV\tAnimation\n2\tunkonwn\tunkonwn\tunknown\n3\tToy Story\t1995\tA"
    _, titles, _ = read(unpacked(tmp_path / "set", {**RECBOLE_100K, "ml-100k.item": item}))

    assert titles == ["Land Before Time III (1995)", "unkonwn", "Toy Story (1995)"]


def test_links_give_tmdb_ids_and_imdb_ids(tmp_path: Path) -> None:
    links = "movieId,imdbId,tmdbId\n1,0133093,603\n2,,\n3,11,999\n7,5,888\n8,6,888\n"
    with opened_source(unpacked(tmp_path / "set", {**LATEST_SET, "links.csv": links})) as source:
        table = film_table(source, layout_of(source))

    assert table.films.tmdb_ids.tolist() == [603, 0, 999]
    assert table.imdb_ids == {603: "tt0133093", 999: "tt0000011"}, "888 has two, so which is not known"


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("x,1,4.0,10", "is not a person, a film, stars and a time"),
        ("1,1,4.0", "is not a person, a film, stars and a time"),
        ("1,1,4.0,10,10", "is not a person, a film, stars and a time"),
        ("1,1,4.0,1.5", "is not a person, a film, stars and a time"),
        ("-1,1,4.0,10", "is not a person, a film, stars and a time"),
        ("1,1,nan,10", "is not a person, a film, stars and a time"),
        ("1,1,4e0,10", "is not a person, a film, stars and a time"),
        ("1,1,,10", "is not a person, a film, stars and a time"),
        ("", "is not a person, a film, stars and a time"),
        ('1,"1",4.0,10', "is not a person, a film, stars and a time"),
        ("99999999999999999999,1,4.0,10", "is not a person, a film, stars and a time"),
        ("0,1,4.0,10", "names a person with an impossible number"),
        ("2147483648,1,4.0,10", "names a person with an impossible number"),
        ("1,99,4.0,10", r"names a film that is not in movies\.csv"),
        ("1,1,0,10", "gives stars that are not 0.5 to 5 in halves"),
        ("1,1,4.2,10", "gives stars that are not 0.5 to 5 in halves"),
        ("1,1,5.5,10", "gives stars that are not 0.5 to 5 in halves"),
        ("1,1,4.0,99999999999", "has an impossible time"),
    ],
)
def test_a_bad_rating_is_named_by_file_and_line(tmp_path: Path, line: str, what: str) -> None:
    folder = with_ratings(tmp_path / "set", "1,1,4.0,10", line, "2,1,4.0,10")

    with pytest.raises(BadDataSet, match=rf"^ratings\.csv, line 3, {what}"):
        read(folder)


def test_lines_are_counted_over_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(movielens_files, "CHUNK_BYTES", 64)
    folder = with_ratings(tmp_path / "set", *["1,1,4.0,964982703"] * 20, "oops")

    with pytest.raises(BadDataSet, match=r"^ratings\.csv, line 22, is not"):
        read(folder)


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("ratings.csv", "user,movie,rating,time\n1,1,4.0,10\n", r"ratings\.csv, line 1, should be 'userId,"),
        ("movies.csv", "movieId,title,genres\n1,A (1999),x\n1,B (1999),x\n", r"movies\.csv, line 3, is not a film"),
        ("movies.csv", "movieId,title,genres\nx,A (1999),x\n", r"movies\.csv, line 2, is not a film"),
        ("movies.csv", "movieId,title,genres\n0,A (1999),x\n", r"movies\.csv, line 2, is not a film"),
        ("movies.csv", "movieId,title,genres\n1\n", r"movies\.csv, line 2, is not a film"),
        ("movies.csv", "movieId,title,genres\n1, ,x\n", r"movies\.csv, line 2, is not a film"),
        ("movies.csv", "movieId,title,genres\n1,\x1b[2J (1999),x\n", r"movies\.csv, line 2, is not a film"),
        ("movies.csv", f"movieId,title,genres\n1,{'x' * 501},x\n", r"movies\.csv, line 2, is not a film"),
        ("movies.csv", 'movieId,title,genres\n1,"A" B,x\n', r"movies\.csv, line 2, is not CSV"),
        ("movies.csv", b"movieId,title,genres\n1,A,x\n2,\xff,x\n", r"movies\.csv, line 3, is not UTF-8 text"),
        ("links.csv", "movieId,imdbId,tmdbId\n1,tt1,5\n", r"links\.csv, line 2, is not a film's number"),
        ("links.csv", "movieId,imdbId,tmdbId\n1,1\n", r"links\.csv, line 2, is not a film's number"),
        ("links.csv", "movieId,imdbId,tmdbId\n1,1,-5\n", r"links\.csv, line 2, is not a film's number"),
        ("links.csv", "movieId,imdbId,tmdbId\n1,1,5\n1,2,6\n", r"links\.csv, line 3, is not a film's number"),
    ],
)
def test_a_bad_table_is_named_by_file_and_line(tmp_path: Path, name: str, content: str | bytes, what: str) -> None:
    with pytest.raises(BadDataSet, match=rf"^{what}"):
        read(unpacked(tmp_path / "set", {**LATEST_SET, name: content}))


def test_a_line_without_end_is_not_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(movielens_files, "CHUNK_BYTES", 1_000)
    folder = with_ratings(tmp_path / "set", "1,1,4.0,10", "1" * 5_000)

    with pytest.raises(BadDataSet, match=r"ratings\.csv, line 3, has no end"):
        read(folder)


def test_there_is_a_limit_to_how_many_ratings_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(movielens_files, "MOST_RATINGS", 5)

    with pytest.raises(BadDataSet, match=r"ratings\.csv holds more than 5 ratings"):
        read(unpacked(tmp_path / "set", LATEST_SET))


def test_a_folder_of_other_things_is_no_data_set(tmp_path: Path) -> None:
    with pytest.raises(BadDataSet, match="This is no MovieLens data set"):
        read(unpacked(tmp_path / "set", {"ratings.csv": RATINGS_CSV, "films.csv": MOVIES_CSV, "links.csv": LINKS_CSV}))


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    line=st.text("0123456789.,-+eEnN x\r\t\"'_\n", max_size=40)
    | st.binary(max_size=40).map(lambda b: b.decode("latin-1"))
)
def test_a_line_is_four_good_values_or_is_refused(tmp_path: Path, line: str) -> None:
    folder = unpacked(tmp_path / "set", {**LATEST_SET, "ratings.csv": f"{LATEST}\n1,1,4.0,10\n{line}\n"})

    try:
        rows, *_ = read(folder)
    except BadDataSet as error:
        assert str(error).startswith("ratings.csv, line ")  # noqa: PT017 - either outcome is right
    else:
        assert all(
            user >= 1 and film in {1, 2, 3} and stars in np.arange(1, 11) / 2 and time >= 0
            for user, film, stars, time in rows
        )
