"""A MovieLens data set becomes community ratings: whole or not at all, and with a true account of what matched."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from pytest_django import DjangoAssertNumQueries

from matinee.accounts.models import User
from matinee.catalog.models import Movie
from matinee.catalog.starter import load_starter
from matinee.recommendations.community import Community, community_datasets
from matinee.transfer import movielens
from matinee.transfer.downloads import Unreachable
from matinee.transfer.movielens import PUBLISHED, fill_imdb_ids, load_movielens
from matinee.transfer.sources import BadDataSet
from tests.transfer.conftest import Website
from tests.transfer.movielens_sets import (
    DAT_SET,
    GROUPLENS_100K,
    LATEST,
    LATEST_SET,
    RECBOLE_100K,
    U_DATA,
    UNLINKED_SET,
    unpacked,
    zipped,
)

NOW = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
EARLIER = NOW - dt.timedelta(days=30)

pytestmark = pytest.mark.django_db


@pytest.fixture
def matrix() -> Movie:
    return Movie.objects.create(
        tmdb_id=603,
        title="The Matrix",
        release_date=dt.date(1999, 3, 31),
        created_at=EARLIER,
        updated_at=EARLIER,
    )


@pytest.fixture
def tiny_100k(monkeypatch: pytest.MonkeyPatch, website: Website) -> Website:
    """The tiny set in the place of 100k, at a website in the place of GroupLens'; no package index is at hand."""

    def no_index(requirement: str, *_: object, **__: object) -> Path:
        raise Unreachable(f"{requirement} can't be had from the package index.")

    published = replace(PUBLISHED["100k"], checksum=hashlib.sha256(U_DATA.encode()).hexdigest())
    monkeypatch.setitem(PUBLISHED, "100k", published)
    monkeypatch.setattr(movielens, "GROUPLENS", website.url)
    monkeypatch.setattr(movielens, "download_wheel", no_index)
    return website


def stored() -> Community:
    (community,) = community_datasets()
    return community


class TestWhatIsStored:
    @pytest.mark.parametrize("files", [UNLINKED_SET, GROUPLENS_100K, RECBOLE_100K, DAT_SET])
    def test_films_without_links_are_matched_by_title_and_year(
        self, matrix: Movie, tmp_path: Path, files: Mapping[str, str | bytes]
    ) -> None:
        report = load_movielens(str(zipped(tmp_path / "mine.zip", files)), now=NOW)

        assert (report.name, report.people, report.ratings, report.films) == ("mine", 3, 7, 3)
        assert (report.matched_films, report.matched_ratings, report.filled_imdb_ids) == (1, 2, 0)
        assert stored().ratings.tolist() == [4, 5, 1, 3, 5, 2, 4]
        assert not User.objects.exists()

    def test_links_match_where_there_are_any(self, matrix: Movie, tmp_path: Path) -> None:
        report = load_movielens(str(unpacked(tmp_path / "ml-latest-small", LATEST_SET)), now=NOW)

        assert report.name == "small"
        assert stored().tmdb_ids.tolist() == [603, 0, 999]
        assert report.matched_films == 1, "999 is a film of TMDb's that this catalogue lacks"
        matrix.refresh_from_db()
        assert (report.filled_imdb_ids, matrix.imdb_id, matrix.updated_at) == (1, "tt0133093", NOW)

    def test_both_writings_of_100k_store_the_same(self, matrix: Movie, tmp_path: Path) -> None:
        first = load_movielens(str(zipped(tmp_path / "mine.zip", GROUPLENS_100K)), now=NOW)

        second = load_movielens(str(zipped(tmp_path / "mine.zip", RECBOLE_100K)), now=NOW)

        assert second.version == first.version
        assert not second.is_new

    def test_what_did_not_match_is_told_with_the_most_rated_first(self, matrix: Movie, tmp_path: Path) -> None:
        report = load_movielens(str(zipped(tmp_path / "mine.zip", UNLINKED_SET)), now=NOW)

        assert report.first_unmatched == ("Misérables, Les (1995)", "Nowhere to Be Found, A (2001)")
        with report.unmatched_file.open(encoding="utf-8", newline="") as file:
            assert list(csv.reader(file)) == [
                ["movielens_id", "title", "ratings"],
                ["2", "Misérables, Les (1995)", "3"],
                ["3", "Nowhere to Be Found, A (2001)", "2"],
            ]

    def test_loading_it_again_changes_nothing(self, matrix: Movie, tmp_path: Path) -> None:
        path = str(zipped(tmp_path / "mine.zip", LATEST_SET))
        first = load_movielens(path, now=EARLIER)

        again = load_movielens(path, now=NOW)

        assert (first.is_new, again.is_new) == (True, False)
        assert again.version == first.version
        assert again.filled_imdb_ids == 0
        assert Movie.objects.get().updated_at == EARLIER

    def test_a_newer_file_takes_the_place_of_the_set_of_its_name(self, tmp_path: Path) -> None:
        load_movielens(str(zipped(tmp_path / "mine.zip", LATEST_SET)), now=NOW)
        newer = {**LATEST_SET, "ml/ratings.csv": f"{LATEST}\n9,1,0.5,10\n"}

        report = load_movielens(str(zipped(tmp_path / "mine.zip", newer)), now=NOW)

        assert (report.is_new, report.ratings) == (True, 1)
        assert stored().ratings.tolist() == [0.5]

    @pytest.mark.parametrize(
        ("name", "content", "what"),
        [
            ("ml/ratings.csv", f"{LATEST}\n1,1,4.0,10\n1,2,9.0,10\n", r"ratings\.csv, line 3"),
            ("ml/ratings.csv", f"{LATEST}\n", r"ratings\.csv holds no ratings"),
            ("ml/movies.csv", "movieId,title,genres\nx\n", r"movies\.csv, line 2"),
            ("ml/links.csv", "movieId,imdbId,tmdbId\n1,1,x\n", r"links\.csv, line 2"),
        ],
    )
    def test_a_bad_file_changes_nothing(
        self, matrix: Movie, tmp_path: Path, data_dir: Path, name: str, content: str, what: str
    ) -> None:
        load_movielens(str(zipped(tmp_path / "mine.zip", UNLINKED_SET)), now=NOW)
        before = stored().version

        with pytest.raises(BadDataSet, match=what):
            load_movielens(str(zipped(tmp_path / "mine.zip", {**LATEST_SET, name: content})), now=NOW)

        assert stored().version == before
        assert Movie.objects.get().imdb_id is None
        assert list((data_dir / "incoming").iterdir()) == []


class TestWhereItComesFrom:
    def test_a_published_set_is_downloaded_once(self, tiny_100k: Website, tmp_path: Path, data_dir: Path) -> None:
        tiny_100k.pages["/ml-100k.zip"] = zipped(tmp_path / "a.zip", GROUPLENS_100K).read_bytes()
        told: set[str] = set()

        report = load_movielens("100k", now=NOW, on_progress=lambda stage, *_: told.add(stage))
        again = load_movielens("100k", now=NOW)

        assert (report.name, report.ratings, again.is_new) == ("100k", 7, False)
        assert told == {"Downloading", "Reading"}
        assert tiny_100k.asked == ["/ml-100k.zip"]
        assert (data_dir / "downloads" / "ml-100k.zip").exists()

    def test_a_kept_file_that_is_damaged_is_fetched_anew(
        self, tiny_100k: Website, tmp_path: Path, data_dir: Path
    ) -> None:
        tiny_100k.pages["/ml-100k.zip"] = zipped(tmp_path / "a.zip", GROUPLENS_100K).read_bytes()
        unpacked(data_dir / "downloads", {"ml-100k.zip": b"half a zi"})

        assert load_movielens("100k", now=NOW).ratings == 7

    def test_where_grouplens_is_away_the_wheel_serves(
        self, tiny_100k: Website, tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[str] = []

        def index(requirement: str, folder: Path, *, seconds: float) -> Path:
            asked.append(requirement)
            return zipped(folder / "recbole-1.2.1-py3-none-any.whl", RECBOLE_100K)

        (data_dir / "downloads").mkdir(parents=True)
        monkeypatch.setattr(movielens, "download_wheel", index)

        report = load_movielens("100k", now=NOW)
        again = load_movielens("100k", now=NOW)

        assert (report.ratings, again.is_new) == (7, False)
        assert asked == ["recbole==1.2.1"], "the second time it lies there"

    def test_where_nothing_can_be_reached_every_reason_is_told(self, tiny_100k: Website) -> None:
        with pytest.raises(Unreachable, match=r"404.*package index.*--file PATH"):
            load_movielens("100k", now=NOW)

        assert community_datasets() == []

    def test_a_set_that_no_package_holds_comes_from_grouplens_alone(self, tiny_100k: Website) -> None:
        with pytest.raises(Unreachable, match=r"ml-latest-small\.zip answered 404\. A file that you have"):
            load_movielens("small", now=NOW)

        assert tiny_100k.asked == ["/ml-latest-small.zip"]

    def test_a_file_of_ones_own_is_held_to_the_same_checksum(self, tiny_100k: Website, tmp_path: Path) -> None:
        right = zipped(tmp_path / "right.zip", RECBOLE_100K)
        wrong = zipped(tmp_path / "wrong.zip", {**GROUPLENS_100K, "ml-100k/u.data": "1\t1\t5\t10\n"})

        assert load_movielens("100k", file=right, now=NOW).name == "100k"
        with pytest.raises(BadDataSet, match="is not MovieLens 100k as it is known here"):
            load_movielens("100k", file=wrong, now=NOW)

        assert len(stored().ratings) == 7
        assert wrong.exists()
        assert tiny_100k.asked == []

    def test_what_the_web_gives_under_the_name_is_not_trusted(
        self, tiny_100k: Website, tmp_path: Path, data_dir: Path
    ) -> None:
        other = {**GROUPLENS_100K, "ml-100k/u.data": "1\t1\t5\t10\n"}
        tiny_100k.pages["/ml-100k.zip"] = zipped(tmp_path / "a.zip", other).read_bytes()

        with pytest.raises(Unreachable, match="checksum"):
            load_movielens("100k", now=NOW)

        assert list((data_dir / "downloads").iterdir()) == []

    def test_an_address_is_fetched_each_time_and_not_kept(
        self, website: Website, tmp_path: Path, data_dir: Path
    ) -> None:
        website.pages["/sets/Mine 1.zip"] = zipped(tmp_path / "a.zip", LATEST_SET).read_bytes()
        website.pages["/sets/Mine%201.zip"] = website.pages["/sets/Mine 1.zip"]

        report = load_movielens(f"{website.url}/sets/Mine%201.zip", now=NOW)

        assert report.name == "mine-201"
        assert list((data_dir / "downloads").iterdir()) == []


def test_imdb_ids_never_replace_one_that_is_known(
    matrix: Movie, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    Movie.objects.create(tmdb_id=604, title="Known", imdb_id="tt1", created_at=EARLIER, updated_at=EARLIER)
    Movie.objects.create(tmdb_id=605, title="Blank", imdb_id="", created_at=EARLIER, updated_at=EARLIER)

    assert fill_imdb_ids({603: "tt0133093", 604: "tt2", 605: "tt3", 606: "tt4"}, now=NOW) == 2

    assert dict(Movie.objects.values_list("tmdb_id", "imdb_id")) == {603: "tt0133093", 604: "tt1", 605: "tt3"}


def test_movielens_100k_fits_the_starter_catalogue() -> None:
    """Measured: 488 of 1,682 films (29.0%) and 60,083 of 100,000 ratings (60.1%)."""
    path = os.environ.get("MATINEE_TEST_ML100K")
    if not path or not Path(path).exists():
        pytest.skip("MATINEE_TEST_ML100K names no file of MovieLens-100K (ml-100k.zip, or the wheel recbole==1.2.1)")
    load_starter(now=NOW)

    report = load_movielens("100k", file=Path(path), now=NOW)

    assert (report.people, report.films, report.ratings) == (943, 1_682, 100_000)
    assert report.matched_films / report.films >= 0.29
    assert report.matched_ratings / report.ratings >= 0.60


def test_movielens_latest_small_fits_the_starter_catalogue() -> None:
    """Measured by its links: 3,536 of 9,724 rated films (36.4%) and 70,194 of 100,836 ratings (69.6%)."""
    path = Path(os.environ.get("MATINEE_SHARED_DATA", "../shared/data")) / "ml-latest-small.zip"
    if not path.exists():
        pytest.skip(f"MovieLens latest-small is not at {path}")
    load_starter(now=NOW)

    report = load_movielens("small", file=path, now=NOW)

    assert (report.people, report.films, report.ratings) == (610, 9_724, 100_836)
    assert set((stored().ratings * 2 % 2).tolist()) == {0.0, 1.0}, "half stars are kept"
    assert report.matched_films / report.films >= 0.36
    assert report.matched_ratings / report.ratings >= 0.69
    assert report.filled_imdb_ids >= 3_500
