"""`matinee load`: what it says, and the exit codes that scripts can trust."""

from __future__ import annotations

import datetime as dt
import io
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db.migrations.recorder import MigrationRecorder

from matinee.catalog.models import Movie
from matinee.recommendations.community import community_datasets
from matinee.transfer.management.commands import load
from tests.transfer.movielens_sets import LATEST_SET, zipped

NOW = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("load", *arguments, stdout=out)
    return out.getvalue()


def exit_code(*arguments: str) -> int:
    with pytest.raises(CommandError) as caught:
        run(*arguments)
    return caught.value.returncode


def test_starter_says_what_it_did_and_whose_the_facts_are() -> None:
    said = run("starter")

    assert "Films: 4,803 added, 0 changed, 0 unchanged." in said
    assert "not endorsed or certified by TMDB" in said
    assert Movie.objects.count() == 4803
    assert "Films: 0 added, 0 changed, 4,803 unchanged." in run("starter")


def test_movielens_shows_the_licence_and_the_account(tmp_path: Path) -> None:
    path = str(zipped(tmp_path / "mine.zip", LATEST_SET))

    said = run("movielens", path)

    assert "not for commercial use" in said
    assert "MovieLens mine: 7 ratings by 3 people of 3 films, stored as version 000001-" in said
    assert "In the catalogue: 0 films (0.0%) with 0 ratings (0.0%)." in said
    assert "not recommended: Misérables, Les (1995); " in said
    assert "already stored as version 000001-" in run("movielens", path)


def test_where_the_catalogue_has_every_film_none_is_told_as_missing(tmp_path: Path) -> None:
    all_known = LATEST_SET | {"ml/links.csv": "movieId,imdbId,tmdbId\r\n1,,603\r\n2,,4415\r\n3,,999\r\n"}
    for tmdb_id in (603, 4415, 999):
        Movie.objects.create(tmdb_id=tmdb_id, title="A film", created_at=NOW, updated_at=NOW)

    said = run("movielens", str(zipped(tmp_path / "mine.zip", all_known)))

    assert "In the catalogue: 3 films (100.0%)" in said
    assert "Not in the catalogue" not in said


def test_imdb_ids_that_were_filled_in_are_told(tmp_path: Path) -> None:
    Movie.objects.create(tmdb_id=603, title="The Matrix", created_at=NOW, updated_at=NOW)

    assert "IMDb ids filled in: 1." in run("movielens", str(zipped(tmp_path / "mine.zip", LATEST_SET)))


def test_bad_data_is_65(tmp_path: Path) -> None:
    assert exit_code("movielens", str(tmp_path / "nowhere.zip")) == 65
    assert exit_code("movielens", "32m", "--file", str(zipped(tmp_path / "mine.zip", LATEST_SET))) == 65
    assert community_datasets() == []


def test_what_can_not_be_fetched_is_69() -> None:
    assert exit_code("movielens", "http://example.com/set.zip") == 69


def test_a_set_is_taken_away_by_its_name(tmp_path: Path, data_dir: Path) -> None:
    run("movielens", str(zipped(tmp_path / "mine.zip", LATEST_SET)))
    assert (data_dir / "reports" / "movielens-mine-unmatched.csv").exists()

    said = run("movielens", "--remove", "mine")

    assert said.startswith("MovieLens mine is removed")
    assert "matinee train --force" in said
    assert community_datasets() == []
    assert list((data_dir / "reports").iterdir()) == []
    assert exit_code("movielens", "--remove", "other") == 66


def test_what_a_set_was_fetched_as_is_named_when_it_is_taken_away(tmp_path: Path, data_dir: Path) -> None:
    run("movielens", str(zipped(tmp_path / "ml-latest-small.zip", LATEST_SET)))
    (data_dir / "downloads").mkdir()
    kept = zipped(data_dir / "downloads" / "ml-latest-small.zip", LATEST_SET)

    assert f"It was fetched as {kept}, which is still there." in run("movielens", "--remove", "small")


@pytest.mark.usefixtures("shared_depot")
def test_while_the_depot_is_away_nothing_is_taken_away(tmp_path: Path) -> None:
    run("movielens", str(zipped(tmp_path / "mine.zip", LATEST_SET)))
    (tmp_path / "depot").rename(tmp_path / "lost")

    assert exit_code("movielens", "--remove", "mine") == 69
    assert len(community_datasets()) == 1


def test_one_thing_at_a_time(tmp_path: Path) -> None:
    for arguments in (["small", "--remove", "small"], [], ["--remove", "small", "--file", "set.zip"]):
        with pytest.raises(CommandError):
            run("movielens", *arguments)


def test_ctrl_c_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(load, "load_starter", interrupted)

    assert exit_code("starter") == 130


def test_a_database_that_is_behind_is_named() -> None:
    MigrationRecorder.Migration.objects.filter(app="library").delete()

    with pytest.raises(CommandError, match="Run `matinee migrate` first"):
        run("starter")


@pytest.mark.parametrize("arguments", [["--help"], ["starter", "--help"], ["movielens", "--help"]])
def test_every_part_has_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        load.Command().create_parser("matinee", "load").parse_args(arguments)

    assert left.value.code == 0
    assert "usage: matinee load" in capsys.readouterr().out


def test_a_person_who_watches_sees_a_bar_and_a_log_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    path = str(zipped(tmp_path / "mine.zip", LATEST_SET))
    terminal, log = Terminal(), io.StringIO()

    monkeypatch.setattr(sys, "stderr", terminal)
    run("movielens", path)
    monkeypatch.setattr(sys, "stderr", log)
    run("movielens", path)

    assert "Reading: 100%" in terminal.getvalue()
    assert log.getvalue() == ""
