"""How the cards stand is read beside something else, and cards that were asked for before are right at once, too."""

from __future__ import annotations

import pytest
from pytest_django import DjangoAssertNumQueries

from matinee.catalog import cards as module
from matinee.catalog.cards import KIND as CARDS
from matinee.catalog.cards import Deck, deck_of, encoded_film, encoded_films, read_standing, refresh_cards
from matinee.catalog.models import ChangeConsumer, Genre, Movie
from matinee.core.remembered import Remembered
from tests.catalog.films import ACTION, film

IDS = tuple(range(1, 21))


@pytest.fixture(autouse=True)
def _films(db: None) -> None:
    Movie.objects.bulk_create(film(id_, f"Film {id_}", genre_ids=[ACTION]) for id_ in IDS)
    refresh_cards()


def deck(tmdb_ids: tuple[int, ...] = IDS) -> Deck:
    return deck_of(tmdb_ids, read_standing())


def true_deck(tmdb_ids: tuple[int, ...] = IDS) -> Deck:
    """Read by the ids, without anything that is remembered."""
    return Deck.of(encoded_films(tmdb_ids))


def test_where_nothing_has_changed_how_they_stand_tells_all(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    standing = read_standing()
    with django_assert_num_queries(0):
        read = encoded_films(IDS, standing), encoded_film(3, standing), deck_of(IDS, standing), deck_of(IDS, standing)

    assert read == (encoded_films(IDS), encoded_film(3), true_deck(), true_deck())


def test_films_that_did_not_change_cost_nothing_while_others_did(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    before = deck(IDS[:10])
    Movie.objects.filter(tmdb_id=15).update(title="Ran")

    with django_assert_num_queries(1):
        assert deck(IDS[:10]) == before
    assert deck() == true_deck()
    assert b"Ran" in deck().cards[14]


def test_each_change_shows_in_the_next_deck_and_once_it_is_published() -> None:
    changes = (
        lambda: Movie.objects.filter(tmdb_id=2).update(title="Ran"),
        lambda: Movie.objects.filter(tmdb_id=3).delete(),
        lambda: Movie.objects.filter(tmdb_id=4).update(tmdb_id=400),
        lambda: film(3, "Another third").save(),
        lambda: Genre.objects.filter(id=ACTION).update(name="Boom"),
    )
    before = deck()
    for change in changes:
        change()
        at_once = deck()
        refresh_cards()

        assert at_once == deck() == true_deck() != before
        before = at_once


def test_a_film_that_is_not_in_the_version_is_looked_for_anew() -> None:
    """It may have been added since it was read how the cards stand, as when it was fetched within this request."""
    standing = read_standing()
    film(100, "Alien").save()

    assert b"Alien" in encoded_film(100, standing).name
    assert b"Alien" in deck_of((100,), standing).cards[0]


def test_too_many_changes_to_tell_are_asked_for_by_film(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    Movie.objects.bulk_create(film(id_, f"Film {id_}") for id_ in range(1_001, 1_001 + module.MOST_TOLD))
    told = read_standing().pending
    film(2_000, "One more").save()
    standing = read_standing()

    with django_assert_num_queries(1):
        asked_for = deck_of(IDS, standing)

    assert len(told or ()) == module.MOST_TOLD
    assert standing.pending is None
    assert asked_for == true_deck()


def test_a_version_that_the_database_no_longer_names_is_not_remembered_either() -> None:
    old = deck()
    ChangeConsumer.objects.filter(name=CARDS).update(version="000009-fromanotherday")
    Movie.objects.filter(tmdb_id=2).update(title="Ran")

    assert deck() == true_deck() != old


def test_decks_are_remembered_up_to_a_weight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_decks", Remembered[Deck](1, weight=lambda deck: deck.weight))

    assert deck() == deck() == true_deck()
    assert deck().weight > sum(len(card) for card in deck().cards)
