"""A node that has just been added learns from what the others have before its model counts for them all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from matinee.core.depot import DepotAway, depot
from matinee.recommendations import guard
from matinee.recommendations.community import community_datasets, remove_community
from matinee.recommendations.freshness import model_store
from matinee.recommendations.tasks import train_model
from matinee.recommendations.training import LearnedFromLess, train
from tests.recommendations.conftest import NOW
from tests.recommendations.test_training import notes, store_strangers

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shared_depot")]


@pytest.fixture
def another_node(settings: Settings, tmp_path: Path, cinema: None) -> str:
    """From here on; returns the model that the first one made, of strangers' ratings."""
    store_strangers([101, 102, 103])
    version = train(now=NOW).version
    settings.ARTIFACTS_DIR = tmp_path / "artifacts-of-another"
    return version


def learned_from(version: str) -> object:
    data = notes(version)["data"]
    assert isinstance(data, dict)
    return data["community_ratings"]


def test_an_empty_node_learns_from_the_community_ratings_of_the_others(another_node: str) -> None:
    version = train(now=NOW, force=True).version

    assert learned_from(version) == {"strangers": 9}
    assert version > another_node


def test_where_the_newest_is_damaged_it_takes_the_one_before(another_node: str, tmp_path: Path) -> None:
    (tmp_path / "depot" / "community-strangers" / "000002-0123456789ab.tar").write_bytes(b"damage")

    assert learned_from(train(now=NOW).version) == {"strangers": 9}


def test_what_was_learned_while_the_depot_was_away_counts_for_this_node_alone(
    another_node: str, tmp_path: Path
) -> None:
    (tmp_path / "depot").rename(tmp_path / "lost")

    version = train(now=NOW).version

    assert learned_from(version) == {}


def test_a_depot_that_comes_back_meanwhile_gets_no_model_that_knows_less(
    another_node: str, tmp_path: Path, settings: Settings
) -> None:
    (tmp_path / "depot").rename(tmp_path / "lost")

    def come_back(stage: str) -> None:
        if stage == "Publishing":
            (tmp_path / "lost").rename(tmp_path / "depot")

    with pytest.raises(LearnedFromLess):
        train(now=NOW, on_stage=come_back)

    assert model_store().current_version() == another_node
    assert learned_from(train(now=NOW).version) == {"strangers": 9}


def test_a_job_that_began_without_the_depot_publishes_nothing_and_the_next_one_knows_all(
    another_node: str, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "depot").rename(tmp_path / "lost")
    judge = guard.judge

    def come_back(*given: Any) -> guard.Verdict:
        if (tmp_path / "lost").exists():
            (tmp_path / "lost").rename(tmp_path / "depot")
        return judge(*given)

    monkeypatch.setattr(guard, "judge", come_back)

    assert train_model.call() is None
    assert model_store().current_version() == another_node
    assert learned_from(train_model.call() or "") == {"strangers": 9}


def test_community_ratings_that_were_removed_on_one_node_are_on_none(
    another_node: str, tmp_path: Path, settings: Settings
) -> None:
    remove_community("strangers")

    assert learned_from(train(now=NOW, force=True).version) == {}
    settings.ARTIFACTS_DIR = tmp_path / "artifacts"
    assert [found.name for found in community_datasets()] == ["strangers"]
    assert learned_from(train(now=NOW, force=True).version) == {}
    assert community_datasets() == []
    shared = depot()
    assert shared is not None
    assert [len(versions) for kind, versions in shared.versions().items() if kind.startswith("community-")] == [1]


def test_while_the_depot_is_away_nothing_is_removed_anywhere(
    another_node: str, tmp_path: Path, settings: Settings
) -> None:
    train(now=NOW)
    (tmp_path / "depot").rename(tmp_path / "lost")

    with pytest.raises(DepotAway):
        remove_community("strangers")

    assert [found.name for found in community_datasets()] == ["strangers"]
