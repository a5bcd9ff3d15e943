"""Postings follow the rows of people, keywords, certifications and providers: published, and while none are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from matinee.catalog import outbox, published_postings, tasks
from matinee.catalog.columns import columns, refresh_columns
from matinee.catalog.facts import differences, known_facts, store_facts
from matinee.catalog.filters import BY_POPULARITY, Kind, MovieFilter, parse_filter, provider_key
from matinee.catalog.maturity import known_key_of
from matinee.catalog.models import Movie
from matinee.catalog.outbox import pending_changes
from matinee.catalog.postings import KINDS, Posting, read_postings
from matinee.catalog.published_postings import KIND as POSTINGS
from matinee.catalog.published_postings import postings, postings_are_stale, refresh_postings
from matinee.core.artifacts import ArtifactStore
from matinee.core.jobs import schedule
from tests.catalog.films import NOW, film
from tests.catalog.told import HEAT, OF_HEAT

SMALL = st.integers(1, 5)


@pytest.fixture
def store(settings: Settings) -> ArtifactStore:
    return ArtifactStore(settings.ARTIFACTS_DIR, POSTINGS)


def tell(tmdb_id: int = HEAT, **lists: Any) -> None:
    store_facts([known_facts({"tmdb_id": tmdb_id, "title": "Heat", **lists})], choose=differences, now=NOW)


def cast(*ids: int) -> list[dict[str, Any]]:
    return [{"id": id_, "name": f"P{id_}"} for id_ in ids]


def listed(**asked: str) -> list[int]:
    catalogue = columns()
    rows = catalogue.ordered(parse_filter(asked), BY_POPULARITY).rows
    ids: list[int] = catalogue.tmdb_ids[rows].tolist()
    return ids


def published(store: ArtifactStore) -> dict[str, NDArray[Any]]:
    version = store.current_version()
    assert version is not None
    return dict(store.open(version).arrays)


def assert_as_read_anew(store: ArtifactStore) -> None:
    here, anew = published(store), read_postings()
    assert here.keys() == anew.keys()
    for name, array in anew.items():
        assert (array.dtype, array.tobytes()) == (here[name].dtype, here[name].tobytes()), name


class TestPosting:
    @given(pairs=st.lists(st.tuples(SMALL, SMALL)), key=SMALL)
    def test_a_key_gives_its_films_each_once(self, pairs: list[tuple[int, int]], key: int) -> None:
        posting = Posting.of(*np.array(pairs, dtype=np.int64).reshape(-1, 2).T)

        assert posting.of_key(key).tolist() == sorted({film for of, film in pairs if of == key})

    @given(pairs=st.lists(st.tuples(SMALL, SMALL)), fresh=st.lists(st.tuples(SMALL, SMALL)), changed=st.sets(SMALL))
    def test_patched_it_is_as_made_anew(
        self, pairs: list[tuple[int, int]], fresh: list[tuple[int, int]], changed: set[int]
    ) -> None:
        posting = Posting.of(*np.array(pairs, dtype=np.int64).reshape(-1, 2).T)
        told = [(key, film) for key, film in fresh if film in changed]
        keys, films = np.array(told, dtype=np.int64).reshape(-1, 2).T

        patched = posting.patched(sorted(changed), (keys, films))

        stays = [(key, film) for key, film in pairs if film not in changed]
        anew = Posting.of(*np.array([*stays, *told], dtype=np.int64).reshape(-1, 2).T)
        assert all(np.array_equal(part, vars(anew)[name]) for name, part in vars(patched).items())

    def test_a_large_id_is_held_too(self) -> None:
        posting = Posting.of(np.array([2**62]), np.array([2**63 - 1]))

        assert posting.of_key(2**62).tolist() == [2**63 - 1]


@pytest.mark.django_db
class TestFollowing:
    def test_of_each_kind_it_tells_which_films(self, store: ArtifactStore) -> None:
        store_facts([known_facts(OF_HEAT)], choose=differences, now=NOW)
        refresh_postings()

        held = postings()

        keys: dict[Kind, int] = {
            "cast": 1158,
            "crew": 638,
            "keywords": 642,
            "certifications": known_key_of("US", "R"),
            "providers": provider_key("DE", 8),
        }
        assert {kind: held.films(kind, key).tolist() for kind, key in keys.items()} == {kind: [HEAT] for kind in keys}
        assert_as_read_anew(store)

    def test_while_none_is_published_they_are_read_from_the_rows(self) -> None:
        tell(cast_members=cast(1))
        before = listed(with_cast="1"), listed(with_cast="2")
        tell(cast_members=cast(2))

        assert (before, listed(with_cast="1"), listed(with_cast="2")) == (([HEAT], []), [], [HEAT])

    def test_a_published_version_costs_no_query(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        tell(cast_members=cast(1))
        refresh_columns()
        refresh_postings()

        with django_assert_num_queries(0):
            assert listed(with_cast="1") == [HEAT]

    def test_changes_come_in_and_an_answer_that_was_kept_is_not_given_again(self, store: ArtifactStore) -> None:
        tell(1, cast_members=cast(1, 2))
        tell(2, cast_members=cast(2, 3))
        tell(3, keyword_tags=[{"id": 7, "name": "heist"}])
        refresh_columns()
        refresh_postings()
        before = listed(with_cast="2")

        tell(1, cast_members=cast(4))
        Movie.objects.filter(tmdb_id=3).delete()
        refresh_postings()

        assert (before, listed(with_cast="2"), listed(with_cast="4")) == ([1, 2], [2], [1])
        assert (listed(with_cast="2", without_keywords="7"), listed(with_cast="2|4", without_keywords="7")) == (
            [2],
            [1, 2],
        )
        assert_as_read_anew(store)
        assert not pending_changes(POSTINGS)

    def test_a_change_of_anything_else_publishes_nothing(self, store: ArtifactStore) -> None:
        tell(1, cast_members=cast(1))
        refresh_postings()
        tell(1, runtime=90)
        refresh_postings()

        assert len(store.versions()) == 1

    def test_after_very_many_changes_all_are_read(self, store: ArtifactStore, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(published_postings, "REBUILT_FROM_FILMS", 1)
        tell(1, cast_members=cast(1))
        refresh_postings()
        tell(1, cast_members=cast(2))
        tell(2, cast_members=cast(2))
        refresh_postings()

        assert postings().films("cast", 2).tolist() == [1, 2]
        assert_as_read_anew(store)

    def test_killed_before_it_forgets_it_gives_the_same_again(
        self, store: ArtifactStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def killed(*_: Any) -> None:
            raise KeyboardInterrupt

        tell(1, cast_members=cast(1))
        with monkeypatch.context() as patch:
            patch.setattr(outbox, "forget_changes", killed)
            with pytest.raises(KeyboardInterrupt):
                refresh_postings()

        refresh_postings()

        assert_as_read_anew(store)
        assert not pending_changes(POSTINGS)

    def test_a_large_version_serves_for_a_while(self, monkeypatch: pytest.MonkeyPatch) -> None:
        tell(1, cast_members=cast(1))
        missing = postings_are_stale()
        refresh_postings()
        fresh = postings_are_stale()
        tell(1, cast_members=cast(2))
        behind = postings_are_stale()
        monkeypatch.setattr(published_postings, "SECONDS_A_PAIR", 10_000.0)

        assert (missing, fresh, behind, postings_are_stale()) == (True, False, True, False)

    def test_the_schedule_has_it_done(self) -> None:
        names = [periodic.name for periodic in schedule.registered()]
        tell(1, cast_members=cast(1))

        tasks.refresh_postings.call()

        assert "refresh-postings" in names
        assert not postings_are_stale()


@pytest.mark.django_db
def test_who_has_nothing_known_is_left_out_by_what_must_be_and_kept_by_what_must_not() -> None:
    tell(1, keyword_tags=[{"id": 7, "name": "heist"}])
    film(2).save()

    assert (listed(with_keywords="7"), listed(without_keywords="7")) == ([1], [2])


@pytest.mark.django_db
def test_a_film_that_lists_do_not_know_yet_is_left_out() -> None:
    tell(1, cast_members=cast(1))
    refresh_columns()
    tell(2, cast_members=cast(1))

    catalogue = columns()

    assert catalogue.tmdb_ids[catalogue.mask(parse_filter({"with_cast": "1"})).rows()].tolist() == [1]
    assert catalogue.mask(MovieFilter()).count() == 1
    assert {*postings().of} == {*KINDS}
