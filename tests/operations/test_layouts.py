"""Programs of two layouts serve beside each other during an upgrade, and what the old one left is tidied up."""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import pytest
from django.conf import settings as django_settings
from django.utils import timezone
from pytest_django.fixtures import Settings

from matinee.catalog import cards, columns, outbox, published_postings
from matinee.catalog import tasks as catalog_tasks
from matinee.catalog.models import ChangeConsumer, MovieChange
from matinee.core.artifacts import ArtifactStore, stored_kinds
from matinee.core.depot import depot
from matinee.operations import layouts
from matinee.operations.courier import Courier
from matinee.operations.layouts import PROJECTIONS
from matinee.recommendations import freshness, other_nodes, pool, training
from matinee.recommendations.freshness import MODEL_KIND, is_behind
from matinee.recommendations.pool import newest_model
from matinee.recommendations.tasks import train_model
from matinee.recommendations.training import train
from matinee.search import index
from matinee.search import tasks as search_tasks
from tests.catalog.films import film

pytestmark = pytest.mark.django_db

ANOTHER = 99
MODULES: tuple[ModuleType, ...] = (columns, cards, published_postings, index)
READ_MODELS: tuple[ModuleType, ...] = (freshness, training, other_nodes, pool)
THEIR_MODELS = {"LAYOUT": ANOTHER, "MODEL_KIND": f"model-{ANOTHER}", "REFUSAL_KIND": f"model-refused-{ANOTHER}"}


@contextmanager
def a_program_of_another_layout() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        theirs = [module.KIND.replace(f"-{module.LAYOUT}", f"-{ANOTHER}") for module in MODULES]
        for module, kind in zip(MODULES, theirs, strict=True):
            patch.setattr(module, "LAYOUT", ANOTHER)
            patch.setattr(module, "KIND", kind)
        for module in READ_MODELS:
            for name in THEIR_MODELS.keys() & vars(module):
                patch.setattr(module, name, THEIR_MODELS[name])
        models = (THEIR_MODELS["MODEL_KIND"], THEIR_MODELS["REFUSAL_KIND"])
        patch.setattr(layouts, "PROJECTIONS", tuple(theirs))
        patch.setattr(layouts, "OURS", (*theirs, *models))
        _read_anew()
        yield
    _read_anew()


def _read_anew() -> None:
    for module in MODULES:
        module._kind.cache_clear()
    for cached in (freshness._in_service, freshness._refused, pool._latest):
        cached.cache_clear()


def refresh() -> None:
    columns.refresh_columns()
    published_postings.refresh_postings()
    cards.refresh_cards()
    index.refresh_index()


def is_stale() -> list[bool]:
    """Those that no version's age holds back."""
    return [columns.columns_are_stale(), index.index_is_stale()]


def versions() -> dict[str, str | None]:
    kinds = stored_kinds(django_settings.ARTIFACTS_DIR)
    return {kind: ArtifactStore(django_settings.ARTIFACTS_DIR, kind).current_version() for kind in kinds}


def version_of_model() -> str | None:
    model = newest_model()
    return None if model is None else model.version


def film_numbers() -> list[int]:
    columns._kind(django_settings.ARTIFACTS_DIR).latest.forget()
    return [int(tmdb_id) for tmdb_id in columns.columns().tmdb_ids]


def days_pass() -> None:
    """Since anybody wanted anything."""
    ChangeConsumer.objects.update(wanted_at=timezone.now() - dt.timedelta(days=2))
    before = time.time() - 2 * 86_400
    marks = [*django_settings.ARTIFACTS_DIR.glob("*/CURRENT"), *django_settings.ARTIFACTS_DIR.glob("*/.wanted")]
    for mark in [*marks, *django_settings.ARTIFACTS_DIR.parent.glob("depot/*/*.tar")]:
        os.utime(mark, (before, before))


def test_each_keeps_its_own_and_neither_makes_anew_what_the_other_made() -> None:
    film(1).save()
    refresh()
    ours = versions()
    with a_program_of_another_layout():
        at_first = is_stale()
        refresh()
        film(2).save()
        refresh()
        theirs = (film_numbers(), is_stale())
    both = versions()

    assert (at_first, theirs) == ([True, True], ([1, 2], [False, False]))
    assert both.items() > ours.items()
    assert film_numbers() == [1]
    refresh()
    assert film_numbers() == [1, 2]
    with a_program_of_another_layout():
        assert (film_numbers(), is_stale()) == ([1, 2], [False, False])
    assert is_stale() == [False, False]


def test_each_trains_and_serves_its_own_model() -> None:
    film(1).save()
    ours = train(now=timezone.now()).version
    with a_program_of_another_layout():
        at_first = (newest_model(), is_behind())
        film(2).save()
        theirs = train(now=timezone.now()).version
        then = (version_of_model(), is_behind())

    assert at_first == (None, True)
    assert then == (theirs, False)
    assert (version_of_model(), is_behind()) == (ours, False)


@pytest.mark.usefixtures("shared_depot")
def test_a_model_of_another_layout_stays_while_its_program_wants_it() -> None:
    film(1).save()
    shared = depot()
    assert shared is not None
    with a_program_of_another_layout():
        theirs = train(now=timezone.now()).version
        layouts.forget_unwanted()
        days_pass()
        layouts.forget_unwanted()
    layouts.forget_unwanted()
    layouts.remove_unwanted_from(shared)

    assert versions() == {THEIR_MODELS["MODEL_KIND"]: theirs}
    assert shared.versions() == {}
    with a_program_of_another_layout():
        Courier(shared).look()
    layouts.remove_unwanted_from(shared)
    assert shared.versions() == {THEIR_MODELS["MODEL_KIND"]: [theirs]}


@pytest.mark.usefixtures("shared_depot")
def test_a_courier_leaves_what_other_layouts_published_where_it_is(settings: Settings) -> None:
    film(1).save()
    with a_program_of_another_layout():
        refresh()
        train(now=timezone.now())
    refresh()
    train(now=timezone.now())
    settings.ARTIFACTS_DIR = settings.ARTIFACTS_DIR.parent / "artifacts-of-another"
    shared = depot()
    assert shared is not None

    Courier(shared).look()

    assert sorted(versions()) == sorted([*PROJECTIONS, MODEL_KIND])


@pytest.mark.usefixtures("shared_depot")
def test_what_no_program_has_wanted_for_a_day_is_forgotten_everywhere() -> None:
    film(1).save()
    with a_program_of_another_layout():
        refresh()
        train(now=timezone.now())
    refresh()
    film(2).save()
    shared = depot()
    assert shared is not None

    layouts.forget_unwanted()
    at_first = outbox.consumers()
    days_pass()
    layouts.forget_unwanted()
    layouts.remove_unwanted_from(shared)

    assert len(at_first) == 2 * len(PROJECTIONS)
    assert outbox.consumers() == {*PROJECTIONS}
    assert set(MovieChange.objects.values_list("consumer", flat=True)) == {*PROJECTIONS}
    assert sorted(versions()) == sorted(shared.versions()) == sorted(PROJECTIONS)


def test_a_consumer_from_before_that_was_noted_has_its_day_too() -> None:
    ChangeConsumer.objects.create(name="cards", version="000001-0123456789ab")

    layouts.forget_unwanted()

    assert "cards" in outbox.consumers()


def test_a_program_that_comes_back_after_that_begins_anew() -> None:
    film(1).save()
    refresh()
    with a_program_of_another_layout():
        refresh()
        days_pass()
        outbox.want(layouts.PROJECTIONS)
        outbox.forget_unwanted(for_long=layouts.KEPT_FOR)
    film(2).save()

    before = (film_numbers(), is_stale())
    refresh()

    assert before == ([1], [True, True])
    assert (film_numbers(), is_stale()) == ([1, 2], [False, False])


def test_what_makes_them_is_queued_for_programs_of_their_layout() -> None:
    made_by = (
        catalog_tasks.refresh_columns,
        catalog_tasks.refresh_cards,
        catalog_tasks.refresh_postings,
        search_tasks.refresh_index,
        train_model,
    )

    assert {task.queue_name.partition(":")[2] for task in made_by} == {*PROJECTIONS, MODEL_KIND}


@pytest.mark.parametrize("kind", ["cards", "cards-1", "catalogue-3", "search-12", "postings-1"])
def test_a_projection_of_any_layout_is_told_by_its_name(kind: str) -> None:
    assert layouts.is_projection(kind)


@pytest.mark.parametrize("kind", ["model", "model-refused", "cards-of-mine", "community-100k"])
def test_nothing_else_is_taken_for_one(kind: str) -> None:
    assert not layouts.is_projection(kind)
