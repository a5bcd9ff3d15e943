"""A film's JSON is right at this moment, and the same to the byte, whether it is mapped or made of its row."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from matinee.catalog import cards as module
from matinee.catalog import outbox, tasks
from matinee.catalog.cards import KIND as CARDS
from matinee.catalog.cards import cards_are_stale, encoded_film, encoded_films, refresh_cards
from matinee.catalog.encoding import EncodedFilm, encoded, genre_names
from matinee.catalog.facts import differences, known_facts, store_facts
from matinee.catalog.film_lists import LISTS, read_lists
from matinee.catalog.lookup import UnknownMovie
from matinee.catalog.models import ChangeConsumer, Genre, Movie
from matinee.catalog.outbox import pending_changes
from matinee.core.artifacts import ArtifactStore
from matinee.core.in_service import Latest
from matinee.core.jobs import schedule
from tests.at_once import at_once
from tests.catalog.films import ACTION, DRAMA, NOW, film
from tests.catalog.told import OF_HEAT

HEAT = {
    "overview": 'Zwei Männer: „Hitze“ 🔥 "quoted" \\ \n\t', "tagline": "", "release_date": dt.date(1995, 12, 15),
    "runtime": 170, "vote_average": 7.9, "vote_count": 7_000, "popularity": 0.1 + 0.2, "genre_ids": [ACTION, 99_999],
    "imdb_id": "tt0113277", "original_language": "en", "budget": 2**53 + 1, "revenue": 187_436_818,
    "status": "Released", "production_companies": [{"id": 508, "name": "Regency"}], "cast": ["Al Pacino"],
    "keywords": ["heist"], "poster_path": "/p.jpg", "backdrop_path": "/b.jpg",
    "directors": ["Michael Mann"], "original_title": "Heat",
}  # fmt: skip


@pytest.fixture
def store(settings: Settings) -> ArtifactStore:
    return ArtifactStore(settings.ARTIFACTS_DIR, CARDS)


@pytest.fixture
def films(db: None) -> None:
    Movie.objects.bulk_create([film(1, "Heat", **HEAT), *(film(id_, f"Film {id_}") for id_ in range(2, 41))])


def from_rows(ids: Sequence[int]) -> dict[int, EncodedFilm]:
    """What is true, by the one encoder."""
    genres = genre_names()
    rows = Movie.objects.in_bulk(ids, field_name="tmdb_id")
    lists = read_lists([*rows.values()])
    return {id_: encoded(rows[id_], genres, lists[rows[id_].pk]) for id_ in ids if id_ in rows}


def title(tmdb_id: int) -> str:
    told: str = json.loads(encoded_film(tmdb_id).card + b"}")["title"]
    return told


@pytest.mark.usefixtures("films")
class TestOneEncoder:
    def test_a_mapped_film_is_to_the_byte_what_its_row_would_give(self) -> None:
        before = encoded_films(range(1, 41))
        refresh_cards()

        mapped = encoded_films(range(1, 41))

        assert mapped == before == from_rows(range(1, 41))
        assert [*mapped] == [*range(1, 41)]

    def test_its_name_and_its_card_begin_it(self) -> None:
        refresh_cards()

        heat = encoded_film(1)

        assert json.loads(heat.name + b"}") == {"id": heat.pk, "tmdb_id": 1, "title": "Heat"}
        card, detail = json.loads(heat.card + b"}"), json.loads(heat.detail + b"}")
        assert card["overview"] == HEAT["overview"]
        assert card["genres"] == ["Action"]
        assert "budget" not in card
        assert {**detail, **card} == detail
        assert (detail["budget"], detail["cast"]) == (2**53 + 1, ["Al Pacino"])

    def test_so_is_one_with_lists_of_every_kind(self) -> None:
        store_facts([known_facts({**OF_HEAT, "tmdb_id": 1})], choose=differences, now=NOW)
        before = encoded_films([1, 2])
        refresh_cards()

        mapped = encoded_films([1, 2])

        assert mapped == before == from_rows([1, 2])
        assert len(json.loads(mapped[1].detail + b"}")["credits"]["cast"]) == 2

    def test_whoever_encodes_otherwise_counts_the_layout_up(self) -> None:
        """Else an upgrade would serve the cards of the program before it, until each film changes."""
        told = ",".join(json.loads(encoded_film(1).detail + b"}"))

        assert (module.LAYOUT, hashlib.sha256(told.encode()).hexdigest()[:12]) == (2, "878826fcdd1f")

    def test_films_come_in_the_order_asked_for_without_those_that_are_not_there(self) -> None:
        refresh_cards()

        assert [*encoded_films([7, 1000, 3, 5])] == [7, 3, 5]
        assert encoded_films([]) == {}

    @pytest.mark.parametrize("tmdb_id", [0, 1000, 2**63, 10**30])
    def test_a_film_that_is_not_there_is_refused(self, tmdb_id: int) -> None:
        with pytest.raises(UnknownMovie):
            encoded_film(tmdb_id)


@pytest.mark.usefixtures("films")
class TestRightAtOnce:
    def test_a_page_of_current_films_costs_one_query_and_a_stale_one_two_more(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        refresh_cards()
        with django_assert_num_queries(1):
            encoded_films(range(1, 41))
        Movie.objects.filter(tmdb_id=3).update(runtime=90)

        with django_assert_num_queries(3):
            encoded_films(range(1, 41))
        with django_assert_num_queries(1):
            encoded_films(range(4, 41))

    def test_the_lists_of_a_stale_page_cost_a_query_a_kind_however_many_films_have_them(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        refresh_cards()
        store_facts([known_facts({**OF_HEAT, "tmdb_id": id_}) for id_ in range(1, 21)], choose=differences, now=NOW)

        with django_assert_num_queries(3 + len(LISTS)):
            encoded_films(range(1, 41))

    def test_a_list_that_changes_shows_at_once(self) -> None:
        store_facts([known_facts({**OF_HEAT, "tmdb_id": 1})], choose=differences, now=NOW)
        refresh_cards()
        store_facts([known_facts({"tmdb_id": 1, "title": "Heat", "videos": []})], choose=differences, now=NOW)

        detail = json.loads(encoded_film(1).detail + b"}")

        assert (detail["videos"], len(detail["credits"]["cast"])) == ([], 2)

    def test_a_film_that_comes_goes_or_changes_by_whatever_way(self) -> None:
        refresh_cards()

        film(100, "Alien").save()
        Movie.objects.filter(tmdb_id=2).update(title="Ran")
        with connection.cursor() as cursor:
            cursor.execute("UPDATE catalog_movie SET title = 'By hand' WHERE tmdb_id = 3")
        Movie.objects.filter(tmdb_id=4).delete()
        Movie.objects.filter(tmdb_id=5).update(tmdb_id=500)

        asked = [1, 2, 3, 4, 5, 100, 500]
        assert encoded_films(asked) == from_rows(asked)
        assert [title(id_) for id_ in (2, 3, 100, 500)] == ["Ran", "By hand", "Alien", "Film 5"]

    def test_a_genre_under_a_new_name_shows_in_all_its_films(self) -> None:
        refresh_cards()
        Genre.objects.filter(id=ACTION).update(name="Boom")

        at_once = json.loads(encoded_film(1).card + b"}")["genres"]
        refresh_cards()

        assert at_once == json.loads(encoded_film(1).card + b"}")["genres"] == ["Boom"]

    def test_what_another_process_has_just_published_is_seen_by_the_next_request(
        self, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        """Else a film that was right while its change was pending would be as before for half a second."""
        refresh_cards()
        encoded_film(2)
        Movie.objects.filter(tmdb_id=2).update(title="Ran")
        while_pending = title(2)
        with monkeypatch.context() as patch:
            patch.setattr(Latest, "forget", lambda _: None)  # as if another process had done this
            refresh_cards()

        with django_assert_num_queries(1):
            assert title(2) == while_pending == "Ran"

    def test_a_version_that_the_database_does_not_name_is_not_believed(self, store: ArtifactStore) -> None:
        """As when it was published just now, or when the database was restored from an older day."""
        refresh_cards()
        named = ChangeConsumer.objects.get(name=CARDS).version
        Movie.objects.filter(tmdb_id=2).update(title="Ran")
        refresh_cards()
        ChangeConsumer.objects.filter(name=CARDS).update(version=named)
        Movie.objects.filter(tmdb_id=2).update(title="Film 2")
        outbox.forget_changes(pending_changes(CARDS))
        stale = cards_are_stale()

        restored = title(2)
        refresh_cards()

        assert (stale, restored, title(2)) == (True, "Film 2", "Film 2")
        assert ChangeConsumer.objects.get(name=CARDS).version == store.current_version()


@pytest.mark.usefixtures("films")
class TestRefresh:
    def test_taking_changes_in_is_the_same_as_encoding_anew(self, store: ArtifactStore) -> None:
        refresh_cards()
        film(100, "Alien").save()
        Movie.objects.filter(tmdb_id=7).delete()
        refresh_cards()
        taken_in = encoded_bytes(store)

        ChangeConsumer.objects.filter(name=CARDS).update(version=None)
        refresh_cards()

        assert taken_in == encoded_bytes(store)
        assert encoded_films([*range(1, 41), 100]) == from_rows([*range(1, 41), 100])
        assert not pending_changes(CARDS)

    def test_only_the_films_that_changed_are_encoded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        refresh_cards()
        Movie.objects.filter(tmdb_id=3).update(runtime=90)
        written: list[int] = []

        def counted(movie: Movie, *facts: Any) -> EncodedFilm:
            written.append(movie.tmdb_id)
            return encoded(movie, *facts)

        monkeypatch.setattr(module, "encoded", counted)
        refresh_cards()

        assert written == [3]

    def test_running_it_again_publishes_nothing(self, store: ArtifactStore) -> None:
        refresh_cards()
        refresh_cards()

        assert len(store.versions()) == 1

    def test_killed_after_publishing_it_is_right_and_done_again(
        self, store: ArtifactStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        refresh_cards()
        Movie.objects.filter(tmdb_id=2).update(title="Ran")
        with monkeypatch.context() as patch:
            patch.setattr(outbox, "forget_changes", _killed)
            with pytest.raises(KeyboardInterrupt):
                refresh_cards()
        meanwhile = title(2)

        refresh_cards()

        assert (meanwhile, title(2), len(pending_changes(CARDS))) == ("Ran", "Ran", 0)

    def test_a_change_that_comes_meanwhile_is_right_and_stays_for_the_next_time(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        refresh_cards()
        Movie.objects.filter(tmdb_id=2).update(title="Ran")
        publish = ArtifactStore.publish

        def change_and_publish(*args: Any) -> str:
            Movie.objects.filter(tmdb_id__in=[2, 3]).update(title="Meanwhile")
            return publish(*args)

        with monkeypatch.context() as patch:
            patch.setattr(ArtifactStore, "publish", change_and_publish)
            refresh_cards()

        assert [title(2), title(3)] == ["Meanwhile", "Meanwhile"]
        assert sorted(pending_changes(CARDS).tmdb_ids) == [2, 3]

    def test_one_film_that_no_json_can_tell_leaves_the_others_theirs(self, caplog: pytest.LogCaptureFixture) -> None:
        Movie.objects.filter(tmdb_id=3).update(keywords=[2**70])

        with caplog.at_level(logging.WARNING):
            refresh_cards()

        assert "Film 3 " in caplog.text
        assert [*encoded_films([2, 4])] == [2, 4]
        with pytest.raises(TypeError):
            encoded_film(3)
        Movie.objects.filter(tmdb_id=3).update(keywords=["mended"])
        assert title(3) == "Film 3"

    def test_a_catalogue_without_films_has_no_cards(self) -> None:
        Movie.objects.all().delete()
        refresh_cards()

        assert encoded_films([1, 2]) == {}


@pytest.mark.usefixtures("films")
class TestDamage:
    def test_a_damaged_version_gives_way_to_the_rows_and_is_replaced(self, store: ArtifactStore) -> None:
        refresh_cards()
        Movie.objects.filter(tmdb_id=2).update(title="Ran")
        refresh_cards()
        path: Path = store.directory / str(store.current_version()) / "json.npy"
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
        module._kind.cache_clear()

        told, stale = title(2), cards_are_stale()
        refresh_cards()

        assert (told, stale, title(2), cards_are_stale()) == ("Ran", True, "Ran", False)

    def test_another_programs_layout_is_not_read_but_replaced(self, store: ArtifactStore) -> None:
        version = store.publish({"anything": np.arange(3)}, {"layout": 99})
        ChangeConsumer.objects.filter(name=CARDS).update(version=version)

        before = title(1)
        refresh_cards()

        assert before == title(1) == "Heat"
        assert not cards_are_stale()


@pytest.mark.usefixtures("films")
class TestStaleness:
    def test_a_change_waits_until_the_version_has_served_a_while(
        self, store: ArtifactStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "SECONDS_A_FILM", 100.0)
        at_first = cards_are_stale()
        refresh_cards()
        Movie.objects.filter(tmdb_id=2).update(title="Ran")
        pointer = store.directory / "CURRENT"
        published_at = pointer.stat().st_mtime
        while_young = cards_are_stale()
        os.utime(pointer, (published_at - 4_001, published_at - 4_001))

        assert (at_first, while_young, cards_are_stale()) == (True, False, True)

    def test_without_a_change_it_is_never_stale(self, store: ArtifactStore) -> None:
        refresh_cards()
        os.utime(store.directory / "CURRENT", (0, 0))

        assert not cards_are_stale()

    def test_the_schedule_asks_and_the_task_refreshes(self) -> None:
        [periodic] = [one for one in schedule.registered() if one.name == "refresh-cards"]
        assert periodic.when is not None

        wanted = periodic.when()
        tasks.refresh_cards.call()

        assert (wanted, periodic.when()) == (True, False)


@pytest.mark.django_db(transaction=True)
def test_who_changes_a_film_reads_the_change_at_once_whatever_is_published_meanwhile() -> None:
    ChangeConsumer.objects.get_or_create(name=CARDS)
    Movie.objects.bulk_create([film(id_, genre_ids=[DRAMA]) for id_ in range(1, 60)])
    refresh_cards()
    stop = threading.Event()

    def write_and_read() -> list[str]:
        wrong = []
        for number in range(40):
            Movie.objects.filter(tmdb_id=7).update(title=f"Take {number}", updated_at=NOW)
            wrong += [told for told in (title(7), title(7)) if told != f"Take {number}"]
        stop.set()
        return wrong

    def refresh() -> None:
        while not stop.is_set():
            refresh_cards()

    outcomes = at_once(write_and_read, refresh, refresh)
    refresh_cards()

    assert outcomes == [[], None, None]
    assert not pending_changes(CARDS)


def encoded_bytes(store: ArtifactStore) -> dict[str, bytes]:
    version = store.current_version()
    assert version is not None
    return {name: array.tobytes() for name, array in store.open(version).arrays.items()}


def _killed(*_: object) -> None:
    raise KeyboardInterrupt
