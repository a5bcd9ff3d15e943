"""The runner from end to end, on ratings made up here, with no peer that needs an environment of its own."""

from __future__ import annotations

import copy
import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from benchmarks.recommender.data import Dataset, ratings_file
from benchmarks.recommender.earlier import with_kept
from benchmarks.recommender.measuring import (
    BEYOND,
    FEW_SIGNALS,
    IN_TIME,
    LEADING,
    NEW_FILMS,
    NEW_PEOPLE,
    OURS,
    measure,
    measured,
)
from benchmarks.recommender.peers import PeerEase, Popularity, Worker
from benchmarks.recommender.publishing import pictures, publish, with_tables
from benchmarks.recommender.report import markdown, summary
from benchmarks.recommender.tuning import Tuned

from matinee.engine.arrays import Doubles, Flags, Ids
from matinee.engine.evaluation.cases import Case
from matinee.engine.evaluation.protocols import People, strong_generalisation
from matinee.engine.interactions import Interactions

ABOUT = {"Command": "`made up`", "Date": "2026-01-01", "Tuning": "2 trials a peer"}
PEERS = (Popularity(), PeerEase())


def two_camps(people: int = 60, films: int = 120) -> Dataset:
    """Everybody rates 60 films: those of their own camp 5, of the other 1."""
    random = np.random.default_rng(3)
    users = np.repeat(np.arange(people), 60)
    items = np.concatenate([random.choice(films, 60, replace=False) for _ in range(people)])
    stars = np.where(users % 2 == items % 2, 5.0, 1.0)
    return Dataset("two camps", Interactions.from_arrays(users, items + 1, stars, np.arange(len(users))), None)


def of_who_knows_the_camps() -> float:
    """The NDCG@100 of a list that holds one's own camp first; within it nothing is better than chance."""

    def rank(case: Case, candidates: Ids) -> Doubles:
        camp = case.item_ids[case.ratings == 5][0] % 2
        is_own: Flags = candidates % 2 == camp
        return is_own.astype(np.float64)

    ratings = two_camps().ratings
    splits = [strong_generalisation(ratings, fold) for fold in People.of(ratings).folds[:2]]
    return float(np.concatenate([measured(rank, split)["NDCG@100"] for split in splits]).mean())


@pytest.fixture(scope="module")
def record() -> dict[str, Any]:
    return recorded()


def recorded() -> dict[str, Any]:
    measured = measure(two_camps(), peers=PEERS, trials=2, folds=2, tell=lambda _: None)
    made: dict[str, Any] = json.loads(json.dumps({"datasets": {"two camps": {"about": ABOUT, **measured}}}))
    return made


@pytest.fixture(scope="module")
def bare() -> dict[str, Any]:
    """The same ratings without timestamps, and with a peer that has no environment."""
    dataset = two_camps()
    timeless = replace(dataset, ratings=replace(dataset.ratings, timestamps=None))
    absent = Worker("absent", "absent", "any", {}, {"input": "likes"})
    return measure(timeless, peers=(*PEERS, absent), trials=2, folds=2, tell=lambda _: None)


def test_every_system_has_figures_in_every_protocol_that_the_data_allow(record: dict[str, Any]) -> None:
    of_set = record["datasets"]["two camps"]

    for protocol in (NEW_PEOPLE, IN_TIME, FEW_SIGNALS):
        assert {"popularity", "EASE", OURS} <= set(of_set[protocol]["systems"])
    assert set(of_set["left out"]) == {NEW_FILMS, "a new instance"}
    assert of_set["tuned"]["EASE"]["trials"] == 2
    assert of_set["tuned"]["popularity"]["trials"] == 1


def test_the_camp_is_found_and_the_lead_is_over_the_best_peer(record: dict[str, Any]) -> None:
    outcome = record["datasets"]["two camps"][NEW_PEOPLE]

    figures = {name: each["NDCG@100"]["mean"] for name, each in outcome["systems"].items()}
    oracle = of_who_knows_the_camps()
    assert figures[OURS] > 0.95 * oracle
    assert figures["popularity"] < 0.8 * oracle
    lead = outcome["leads"]["NDCG@100"]
    assert lead["over"] == "EASE"
    assert lead[OURS]["relative"] == pytest.approx(figures[OURS] / figures["EASE"] - 1)


def test_the_same_data_give_the_same_figures(record: dict[str, Any]) -> None:
    assert recorded() == record


def test_what_a_run_tuned_its_peers_to_gives_the_same_figures_without_a_search(record: dict[str, Any]) -> None:
    of_set = record["datasets"]["two camps"]
    known = {name: Tuned(**each) for name, each in of_set["tuned"].items()}
    told: list[str] = []

    again = measure(two_camps(), peers=PEERS, trials=2, folds=2, tell=told.append, known=known)

    assert json.loads(json.dumps(again)) == {name: each for name, each in of_set.items() if name != "about"}
    assert not [line for line in told if line.startswith("tuning")]


def without(of_set: dict[str, Any], peer: str, over: str) -> dict[str, Any]:
    """As if that peer had not been run, and `over` had been the best of the others."""
    measured: dict[str, Any] = copy.deepcopy(of_set)
    del measured["tuned"][peer], measured[BEYOND][peer]
    for protocol in (NEW_PEOPLE, IN_TIME, FEW_SIGNALS):
        del measured[protocol]["systems"][peer]
    for protocol, metric in itertools.product((NEW_PEOPLE, IN_TIME), LEADING):
        measured[protocol]["leads"][metric]["over"] = over
    return measured | {"left out": {peer: "It was not asked for."}}


def test_a_peer_that_is_not_run_again_keeps_its_figures(record: dict[str, Any]) -> None:
    of_set = record["datasets"]["two camps"]

    kept = with_kept(without(of_set, "popularity", over="EASE"), of_set, ["popularity"])

    assert kept == of_set | {"left out": {}}
    assert list(kept[NEW_PEOPLE]["systems"]) == list(of_set[NEW_PEOPLE]["systems"])


def test_a_peer_that_leads_all_that_were_run_has_to_be_run_too(record: dict[str, Any]) -> None:
    of_set = record["datasets"]["two camps"]

    with pytest.raises(ValueError, match="EASE leads people who are new by NDCG@100: run it, too"):
        with_kept(without(of_set, "EASE", over="popularity"), of_set, ["EASE"])


def test_without_timestamps_the_protocol_in_time_is_left_out_and_said_so(bare: dict[str, Any]) -> None:
    assert IN_TIME not in bare
    assert bare["left out"][IN_TIME] == "These ratings have no timestamps."


def test_a_peer_that_cannot_be_installed_is_left_out_and_said_so(bare: dict[str, Any]) -> None:
    assert "absent" in bare["left out"]
    assert "absent" not in bare[NEW_PEOPLE]["systems"]


def test_a_file_of_ratings_needs_no_timestamps(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("userId,movieId,rating\n1,10,4.5\n2,10,3\n")

    dataset = ratings_file(path)

    assert dataset.name == "mine"
    assert dataset.ratings.timestamps is None
    assert dataset.ratings.ratings.tolist() == [4.5, 3.0]


def test_the_tables_show_each_system_with_its_interval_and_ours_in_bold(record: dict[str, Any]) -> None:
    ease = record["datasets"]["two camps"][NEW_PEOPLE]["systems"]["EASE"]["NDCG@100"]

    shown = f"{ease['mean']:.3f} ({ease['low']:.3f} to {ease['high']:.3f})"
    assert f"| EASE | {shown}" in summary(record)
    assert shown in markdown(record)
    assert f"| **{OURS}** |" in markdown(record)
    assert "left out. Of these films nothing is known but ratings." in markdown(record)


def test_the_figures_are_well_formed_and_name_every_system(record: dict[str, Any]) -> None:
    drawn = pictures(record)

    assert drawn == pictures(record)
    for picture in drawn.values():
        texts = {each.text for each in ET.fromstring(picture).iter("{http://www.w3.org/2000/svg}text")}
        assert {"two camps", "popularity", "EASE", OURS} <= texts


def test_a_run_writes_its_results_and_the_marked_part_of_the_page(tmp_path: Path, record: dict[str, Any]) -> None:
    page = tmp_path / "page.md"
    page.write_text("Before.\n<!-- tables -->\nold\n<!-- end of tables -->\nAfter.\n")

    publish(record, results=tmp_path, figures=tmp_path, page=page)

    assert json.loads((tmp_path / "recommender.json").read_text()) == record
    assert (tmp_path / "recommender.md").read_text() == markdown(record)
    text = page.read_text()
    assert text.startswith("Before.\n")
    assert text.endswith("After.\n")
    assert summary(record) in text
    assert "old" not in text
    assert with_tables(text, record) == text


def test_a_page_without_marks_is_refused(record: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="The page has no"):
        with_tables("Nothing to fill in.", record)
