"""The guard of the model in service: whom training leaves out, what is asked about them, and what is refused."""

from __future__ import annotations

import io
import logging
import shutil
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from matinee.accounts.models import User
from matinee.catalog.models import Movie
from matinee.core.artifacts import ArtifactStore
from matinee.engine.interactions import Interactions
from matinee.operations.demo import set_up
from matinee.recommendations.community import Films, Ratings, store_community
from matinee.recommendations.freshness import is_behind, model_store, refusal_store
from matinee.recommendations.guard import FEWEST, MOST, SHARE, RatingSource, hold_out
from matinee.recommendations.training import train
from tests.recommendations.conftest import NOW, make_movie, rate

CIRCLES, FILMS_EACH = 10, 30
FILMS = np.arange(1, CIRCLES * FILMS_EACH + 1)


def circles(people: int, films_each: int, *, seed: int = 0) -> Interactions:
    """Each person likes `films_each` films of one circle out of ten, and dislikes one film of the next circle."""
    random = np.random.default_rng(seed)
    rows = []
    for person in range(people):
        circle = person % CIRCLES
        loved = circle * FILMS_EACH + random.choice(FILMS_EACH, size=films_each, replace=False)
        other = (circle + 1) % CIRCLES * FILMS_EACH + random.integers(FILMS_EACH)
        rows += [(person, FILMS[film], 5.0) for film in loved] + [(person, FILMS[other], 2.0)]
    users, films, stars = zip(*rows, strict=True)
    return Interactions.from_arrays(users, films, stars, np.zeros(len(rows), dtype=np.int64))


def store(name: str, ratings: Interactions) -> None:
    numbers = np.arange(1, ratings.n_items + 1, dtype=np.int32)
    assert ratings.timestamps is not None
    stored = Ratings(
        user_rows=ratings.user_rows,
        item_rows=ratings.item_rows,
        ratings=ratings.ratings,
        timestamps=ratings.timestamps,
        movielens_ids=numbers,
    )
    titles = [f"Unheard of {number} (1950)" for number in numbers]
    store_community(name, numbering="movielens", ratings=stored, films=Films(numbers, ratings.item_ids, titles))


def source(people: list[int], *, name: str = "own", version: str = "", films: int = 10) -> RatingSource:
    """Everybody gave five stars to the same films, 1 and up."""
    users = np.repeat(np.arange(len(people)), films)
    items = np.tile(np.arange(1, films + 1), len(people))
    ratings = Interactions.from_arrays(users, items, np.full(len(users), 5.0))
    return RatingSource(name, version, ratings, np.array(people, dtype=np.int64))


def left_out(*sources: RatingSource) -> set[int]:
    people = np.concatenate([each.people for each in sources])
    return set(people[hold_out(sources, FILMS).is_left_out].tolist())


def models() -> ArtifactStore:
    return model_store()


def held_out_notes(version: str) -> dict[str, Any]:
    return dict(models().open(version).notes["held_out"])


@pytest.fixture
def films(db: None) -> None:
    """Of which nothing is known but that they are there."""
    Movie.objects.bulk_create(
        Movie(tmdb_id=int(tmdb_id), title=f"Film {tmdb_id}", created_at=NOW, updated_at=NOW) for tmdb_id in FILMS
    )


@pytest.fixture
def well_trained(films: None) -> str:
    """A model in service whose best evidence, the data set `many`, goes away right after; `few` stays."""
    store("few", circles(2_400, 3))
    store("many", circles(600, 20, seed=1))
    version = train(now=NOW).version
    shutil.rmtree(settings.ARTIFACTS_DIR / "community-many")
    return version


def test_one_in_twenty_is_left_out_and_always_the_same_ones() -> None:
    everybody = list(range(2_000))

    chosen = left_out(source(everybody))

    assert len(chosen) == 2_000 * SHARE
    assert left_out(source(everybody)) == chosen
    assert left_out(source([*everybody, 5_000])) <= chosen | {5_000}
    assert len(chosen - left_out(source(everybody[:-100]))) <= 100 * SHARE + 10


def test_no_more_than_a_figure_needs_are_left_out() -> None:
    assert len(left_out(source(list(range(20_000)), films=2))) == MOST


def test_where_people_are_few_nobody_is_left_out() -> None:
    nobody = hold_out([source(list(range(int(FEWEST / SHARE) - 1)))], FILMS)

    assert not nobody.is_left_out.any()
    assert nobody.questions == ()


def test_where_too_few_can_be_asked_about_nobody_is_left_out_either() -> None:
    one_film_each = source(list(range(2_000)), films=1)

    assert not hold_out([one_film_each], FILMS).is_left_out.any()


def test_without_anybody_there_is_nobody_to_leave_out() -> None:
    assert hold_out([], FILMS).questions == ()


def test_what_is_asked_about_a_person_depends_on_nobody_else() -> None:
    alone = hold_out([source(list(range(2_000)), name="a")], FILMS)
    among_others = hold_out([source(list(range(3_000, 4_500)), name="b"), source(list(range(2_000)), name="a")], FILMS)

    asked = {question.lot: question.case for question in alone.questions}
    again = {question.lot: question.case for question in among_others.questions if question.source == "a"}
    both = asked.keys() & again.keys()
    assert len(both) > FEWEST
    for lot in both:
        assert asked[lot].item_ids.tolist() == again[lot].item_ids.tolist()
        assert asked[lot].relevant.tolist() == again[lot].relevant.tolist()


def test_only_films_of_the_catalogue_are_asked_for() -> None:
    held_out = hold_out([source(list(range(2_000)), films=10)], np.arange(1, 6))

    assert held_out.questions
    assert all(question.case.relevant.max() <= 5 for question in held_out.questions)
    assert all(question.case.item_ids.max() <= 5 for question in held_out.questions)


def test_who_may_have_been_learned_from_is_no_witness() -> None:
    held_out = hold_out([source(list(range(2_000)), name="a", version="1")], FILMS)
    everybody = len(held_out.questions)

    def known(sources: dict[str, str], highest_lot: int) -> int:
        notes = {"held_out": {"sources": sources, "highest_lot": highest_lot}}
        return len(held_out.unknown_to(notes).questions)

    assert known({"a": "1"}, held_out.highest_lot) == everybody
    assert 0 < known({"a": "1"}, held_out.highest_lot // 2) < everybody
    assert known({"a": "1"}, -1) == 0
    assert known({"a": "0"}, held_out.highest_lot) == 0  # the same numbers, perhaps other people
    assert known({"b": "1"}, -1) == everybody  # it never read that data set
    assert len(held_out.unknown_to({}).questions) == 0  # made before there was a guard


def test_a_model_keeps_its_figures_and_has_not_learned_from_whom_it_was_asked_about(films: None) -> None:
    ratings = circles(1_200, 8)
    store("circles", ratings)

    report = train(now=NOW)

    kept = held_out_notes(report.version)
    assert kept["people"] == 60
    assert 0.3 < kept["NDCG@100"] < 1
    assert 0.3 < kept["Recall@20"] <= 1
    learned_from = models().open(report.version).arrays["evidence"].sum()
    assert learned_from == ratings.size - 60 * 9
    assert report.comparison == "There is no model in service to compare it with."


def test_with_few_people_a_model_learns_from_everybody_and_says_that_there_is_no_figure(films: None) -> None:
    ratings = circles(100, 8)
    store("circles", ratings)

    report = train(now=NOW)

    kept = held_out_notes(report.version)
    assert kept["people"] == 0
    assert kept["why_no_figure"] == "It takes 50 held-out people, one in 20."
    assert models().open(report.version).arrays["evidence"].sum() == ratings.size


def test_two_fits_on_the_same_data_give_the_same_artifact_though_the_second_was_compared(films: None) -> None:
    store("circles", circles(1_200, 8))

    first, second = train(now=NOW), train(now=NOW)

    assert first.version.partition("-")[2] == second.version.partition("-")[2]
    assert second.is_published
    assert "+0.0% (+0.0% to +0.0%)" in second.comparison


def test_a_better_model_is_published_and_tells_by_how_much(films: None) -> None:
    store("few", circles(2_400, 3))
    before = train(now=NOW)
    store("many", circles(600, 20, seed=1))

    after = train(now=NOW)

    assert after.is_published
    assert before.version in after.comparison
    assert models().current_version() == after.version


def test_a_worse_model_is_not_published_and_says_why(well_trained: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        report = train(now=NOW)

    assert not report.is_published
    assert report.version == well_trained == models().current_version()
    assert report.comparison in caplog.text
    refusal = refusal_store().open_newest()
    assert refusal is not None
    assert (refusal.notes["in_service"], refusal.notes["why"]) == (well_trained, report.comparison)


def test_a_refused_training_is_not_tried_again_until_there_is_something_new(well_trained: str, alice: User) -> None:
    assert is_behind()
    train(now=NOW)

    assert not is_behind()
    rate(alice, dict.fromkeys(range(1, 41), 4))
    assert is_behind()


def test_force_publishes_what_is_worse(well_trained: str) -> None:
    train(now=NOW)

    report = train(now=NOW, force=True)

    assert report.is_published
    assert report.version == models().current_version() != well_trained
    assert not is_behind()


def test_what_is_worse_is_published_where_nobody_can_tell(well_trained: str) -> None:
    store("few", circles(2_400, 3, seed=7))  # other people under the same numbers

    report = train(now=NOW)

    assert report.is_published
    assert report.comparison == (
        "It was not compared with the model in service: that takes 50 people whom both have not met."
    )


def test_films_that_the_model_in_service_does_not_know_are_behind_those_that_it_does(films: None) -> None:
    store("circles", circles(1_200, 8))
    train(now=NOW)
    make_movie(1_000)

    assert train(now=NOW).is_published


def test_the_command_has_an_exit_code_of_its_own_for_a_worse_model_and_a_way_to_take_it(well_trained: str) -> None:
    told = io.StringIO()

    with pytest.raises(CommandError, match=f"{well_trained} stays in service") as error:
        call_command("train", stdout=told)
    call_command("train", "--force", stdout=told)

    assert error.value.returncode == 3
    assert f"by model {well_trained} in service" in told.getvalue()
    assert models().current_version() != well_trained


def test_the_demo_goes_on_with_the_model_that_it_has(well_trained: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store("100k", circles(20, 3, seed=3))  # so that it fetches none
    said: list[str] = []

    set_up(said.append)

    assert models().current_version() == well_trained
    assert any("stays in service" in line for line in said)
