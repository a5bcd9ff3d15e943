"""`matinee evaluate`: on this instance's data, and on any file in MovieLens' columns."""

from __future__ import annotations

import io
import json
import math
import os
import pty
import re
import signal
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from matinee.catalog.models import Movie
from matinee.recommendations.evaluation import (
    BEYOND,
    FEW_SIGNALS,
    IN_TIME,
    NEW_FILMS,
    NEW_INSTANCE,
    NEW_PEOPLE,
    PREDICTED_RATINGS,
    Evaluation,
    evaluate,
    own_dataset,
)
from matinee.recommendations.ratings_file import BadRatingsFile, read_ratings
from tests.recommendations.conftest import NOW
from tests.recommendations.test_guard import store

CIRCLES, FILMS_EACH, PEOPLE = 4, 80, 60
HEADER = "userId,movieId,rating,timestamp"


def lines_of_circles() -> list[str]:
    """60 people who each rate 60 films of one circle of 80 with 4 or 5, and 4 films of the next with 1, a day apart."""
    random = np.random.default_rng(0)
    lines = []
    for person in range(PEOPLE):
        circle = person % CIRCLES
        loved = circle * FILMS_EACH + random.choice(FILMS_EACH, 60, replace=False)
        hated = (circle + 1) % CIRCLES * FILMS_EACH + random.choice(FILMS_EACH, 4, replace=False)
        rated = random.permutation([*((film, 4 + film % 2) for film in loved), *((film, 1) for film in hated)])
        lines += [
            f"{person + 1},{film + 1},{stars}.0,{1_000_000 + 86_400 * place}"
            for place, (film, stars) in enumerate(rated.tolist())
        ]
    return lines


def written(path: Path, lines: list[str], header: str = HEADER) -> Path:
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


@pytest.fixture
def circles(tmp_path: Path) -> Path:
    return written(tmp_path / "circles.csv", lines_of_circles())


@pytest.fixture
def community(circles: Path, db: None) -> None:
    """The same ratings as community data, of films that say which circle they are of; 2 of each circle are not here."""
    store("circles", read_ratings(circles))
    Movie.objects.bulk_create(
        Movie(
            tmdb_id=film,
            title=f"Film {film}",
            keywords=[f"circle {(film - 1) // FILMS_EACH}"],
            vote_count=film,
            vote_average=6.0,
            created_at=NOW,
            updated_at=NOW,
        )
        for film in range(1, CIRCLES * FILMS_EACH + 1)
        if film % 40
    )


def told(*arguments: str | Path) -> str:
    out = io.StringIO()
    call_command("evaluate", *map(str, arguments), stdout=out)
    return out.getvalue()


def refusal(*arguments: str | Path) -> CommandError:
    with pytest.raises(CommandError) as error:
        told(*arguments)
    return error.value


def test_a_file_is_measured_by_the_three_protocols_that_ratings_alone_allow(circles: Path, tmp_path: Path) -> None:
    table = told("--ratings", circles, "--json", tmp_path / "out.json")
    figures = json.loads((tmp_path / "out.json").read_text())

    assert table.startswith("# circles.csv: 3,840 ratings by 60 people of 320 films; 320 can be recommended\n")
    assert set(figures["outcomes"]) == {NEW_PEOPLE, IN_TIME}
    assert set(figures["left_out"]) == {NEW_FILMS, NEW_INSTANCE}
    assert list(figures["few_signals"]) == ["1", "3", "5", "10", "20", "40"]
    assert set(figures["beyond_accuracy"]) == {"Coverage@20", "Novelty@20", "Head@20"}
    new_people = figures["outcomes"][NEW_PEOPLE]
    ours, popularity = (new_people["systems"][name]["NDCG@100"] for name in ("Matinee", "popularity"))
    assert new_people["people"] == 60
    assert ours["low"] > popularity["high"]
    assert new_people["lead"]["NDCG@100"]["low"] > 0.5
    predicted = figures["predicted_ratings"]
    assert predicted["people"] == 60
    assert list(predicted["systems"]) == ["Matinee", "film and person", "film", "community"]
    assert predicted["lead"]["MAE"]["high"] < -0.1
    assert f"| Matinee | {predicted['systems']['Matinee']['mae']['mean']:.4f} (" in table
    assert f"| 4.0 to 4.5 | {predicted['systems']['Matinee']['curve'][-2]['ratings']:,} | " in table
    assert f"| Matinee | {figures['outcomes'][NEW_PEOPLE]['systems']['Matinee']['NDCG@10']['mean']:.4f} (" in table


def test_without_timestamps_the_protocol_in_time_is_left_out(tmp_path: Path) -> None:
    bare = [line.rpartition(",")[0] for line in lines_of_circles()]

    table = told("--ratings", written(tmp_path / "r.csv", bare, "userId,movieId,rating"))

    assert f"## {NEW_PEOPLE}" in table
    assert f"## {IN_TIME}" not in table
    assert f"- {IN_TIME}: Not every rating has a timestamp." in table


def test_this_instances_own_data_are_measured_by_all_five(community: None, tmp_path: Path) -> None:
    table = told("--json", tmp_path / "out.json")
    figures = json.loads((tmp_path / "out.json").read_text())

    assert table.startswith("# this instance: 3,840 ratings by 60 people of 320 films; 312 can be recommended\n")
    assert set(figures["outcomes"]) == {NEW_PEOPLE, IN_TIME, NEW_FILMS, NEW_INSTANCE}
    assert figures["left_out"] == {}
    assert "Diversity@20" in figures["beyond_accuracy"]
    for title in (NEW_FILMS, NEW_INSTANCE):
        assert figures["outcomes"][title]["lead"]["NDCG@100"]["low"] > 0.25
        assert set(figures["outcomes"][title]["systems"]) == {"Matinee", "acclaim"}


def test_only_films_that_can_be_recommended_are_asked_for(community: None) -> None:
    Movie.objects.exclude(tmdb_id__lte=FILMS_EACH).delete()

    evaluation = evaluate(own_dataset(now=NOW))

    assert evaluation.data["films_that_can_be_recommended"] == FILMS_EACH - 2
    assert evaluation.outcomes[NEW_PEOPLE].people == PEOPLE / CIRCLES


def test_the_same_data_give_the_same_figures(tmp_path: Path) -> None:
    few = written(tmp_path / "few.csv", lines_of_circles()[:600])

    assert told("--ratings", few) == told("--ratings", few)


def test_what_can_not_be_asked_says_why(tmp_path: Path) -> None:
    alone = written(tmp_path / "r.csv", ["1,1,5,7", "2,1,2,7"])

    table = told("--ratings", alone, "--json", tmp_path / "out.json")

    figures = json.loads((tmp_path / "out.json").read_text())
    assert figures["outcomes"] == {}
    assert set(figures["left_out"]) == {
        NEW_PEOPLE,
        IN_TIME,
        FEW_SIGNALS,
        NEW_FILMS,
        NEW_INSTANCE,
        BEYOND,
        PREDICTED_RATINGS,
    }
    assert figures["predicted_ratings"] is None
    assert "There is nobody to ask" in table
    assert "No rating was given after another." in table


def test_json_has_null_where_there_is_no_figure() -> None:
    assert Evaluation(data={}, beyond_accuracy={"Head@20": math.nan}).as_json()["beyond_accuracy"] == {"Head@20": None}


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_files_are_read_as_programs_write_them(tmp_path: Path, start: str, ending: str) -> None:
    file = tmp_path / "r.csv"
    file.write_bytes((start + ending.join([HEADER, "7,11,3.5,100", "7,12,5,90", "", "7,11,4,101"])).encode())

    ratings = read_ratings(file)

    assert ratings.item_ids.tolist() == [11, 12]
    assert ratings.ratings.tolist() == [4.0, 5.0]
    assert ratings.timestamps is not None
    assert ratings.timestamps.tolist() == [101, 90]


@pytest.mark.parametrize(
    ("bad", "what"),
    [
        ("1,2", "is not userid, movieid, rating, timestamp"),
        ("1,2,3,4,5", "is not userid"),
        ("a,2,3,4", "is not userid"),
        ("1,-2,3,4", "is not userid"),
        ("1,2,nan,4", "is not userid"),
        ("1,2,3,4.5", "is not userid"),
        ("1,2,0,4", "gives 0 stars"),
        ("1,2,5.5,4", "gives 5.5 stars"),
        ("1" * 2_000, "is not userid"),
        ("9" * 19 + ",2,3,4", "is not userid"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, bad: str, what: str) -> None:
    file = written(tmp_path / "r.csv", ["1,1,5,7", bad])

    error = refusal("--ratings", file)

    assert error.returncode == 65
    assert f"r.csv, line 3, {what}" in str(error)


@pytest.mark.parametrize("header", ["", "user,item,rating", "movieId,userId,rating", "\xff\xfe"])
def test_other_columns_are_refused(tmp_path: Path, header: str) -> None:
    with pytest.raises(BadRatingsFile, match="line 1, should be userId,movieId,rating"):
        read_ratings(written(tmp_path / "r.csv", ["1,1,5,7"], header))


def test_a_file_that_is_not_there_has_its_own_exit_code(tmp_path: Path) -> None:
    error = refusal("--ratings", tmp_path / "none.csv")

    assert error.returncode == 66
    assert "No such file" in str(error)


def test_a_place_that_can_not_be_written_is_told_before_the_work(circles: Path, tmp_path: Path) -> None:
    assert refusal("--ratings", circles, "--json", tmp_path / "none" / "out.json").returncode == 73
    assert refusal("--ratings", circles, "--json", tmp_path).returncode == 73


def test_nothing_to_measure_on_is_told(tmp_path: Path, db: None) -> None:
    assert refusal("--ratings", written(tmp_path / "r.csv", [])).returncode == 65
    assert refusal().returncode == 65


def test_steps_are_lines_where_nobody_watches(circles: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told("--ratings", circles)

    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == ["Reading ratings ...", "People who are new, part 1 ..."]
    assert lines[-1] == "In time ..."


def process(*arguments: str | Path, **options: Any) -> subprocess.Popen[str]:
    """As a terminal starts it: where these tests run in the background, a shell has had Ctrl-C ignored."""
    begin = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    begin += "from matinee.cli import main; sys.argv[0] = 'matinee'; main()"
    command = [sys.executable, "-c", begin, "evaluate", *map(str, arguments)]
    environment = {**os.environ, "MATINEE_DATA_DIR": str(settings.DATA_DIR)}
    return subprocess.Popen(command, text=True, env=environment, **options)


def test_who_watches_sees_a_bar_on_standard_error_and_the_table_alone_on_standard_output(circles: Path) -> None:
    watched, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 80))
    with process("--ratings", circles, stdout=subprocess.PIPE, stderr=terminal) as command:
        table, _ = command.communicate(timeout=120)
    os.close(terminal)
    seen = os.read(watched, 100_000).decode()
    os.close(watched)

    assert command.returncode == 0
    assert table.startswith("# circles.csv")
    assert re.search(r"In time: +80% \|.+\rIn time: 100% \|", seen)


def test_ctrl_c_ends_it_without_a_trace(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    many = [f"{user},{film},4" for user in range(400) for film in random.choice(3_000, 60, replace=False)]
    file = written(tmp_path / "many.csv", many, "userId,movieId,rating")
    with process("--ratings", file, "--json", tmp_path / "out.json", stdout=-1, stderr=-1) as command:
        assert command.stderr is not None
        while "part 1" not in command.stderr.readline():
            pass
        command.send_signal(signal.SIGINT)
        _, said = command.communicate(timeout=120)

    assert command.returncode == 130
    assert "Stopped before the end" in said
    assert "Traceback" not in said
    assert [path.name for path in tmp_path.iterdir() if "json" in path.name] == []
