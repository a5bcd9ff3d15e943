"""Encoded films, right at this moment: mapped from a published version where that is current, else made of the row.

Two things tell whether a published card can be shown. The row of this consumer in the database names the newest
version, which holds every change but those still pending; the outbox names the films with pending changes. One
statement reads both, and only the very version named is used. A query that has to be made anyway, such as the one for
the session, can read both along with its own rows (`STANDING`): mostly few changes are pending, and no other query is
needed then.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, TypeVar

from django.conf import settings
from prometheus_client import Counter

from matinee.catalog import outbox
from matinee.catalog.card_file import CardFile, written
from matinee.catalog.ceiling import may_be_shown, permitted
from matinee.catalog.encoding import EncodedFilm, encoded, genre_names
from matinee.catalog.film_lists import Entries, read_lists
from matinee.catalog.filters import LARGEST_ID
from matinee.catalog.lookup import UnknownMovie
from matinee.catalog.models import Movie, MovieQuerySet
from matinee.core.artifacts import Artifact, ArtifactStore
from matinee.core.depot import unless_away
from matinee.core.in_service import ArtifactKind
from matinee.core.remembered import Remembered
from matinee.core.statements import fetched

logger = logging.getLogger(__name__)
Item = TypeVar("Item")

SHOWN = Counter("matinee_cards", "Films shown, mapped from the artifact or encoded from their rows.", ["source"])
MAPPED, ENCODED = SHOWN.labels("artifact"), SHOWN.labels("rows")
LAYOUT = 2
"""Changes with the arrays, and with what `encoding` writes, so that no program serves what another one encoded."""
KIND = f"cards-{LAYOUT}"

READ_AT_ONCE = 1_000
REBUILT_FROM_SHARE = 0.05
"""Where more than this share of all films has changed, all are encoded anew."""
SECONDS_A_FILM = 0.002
"""How long a version serves before the next one, for each film in it, so that writing the cards of a large catalogue
again takes a small part of one core. Films that change meanwhile are encoded as they are asked for."""

STATE = """
SELECT consumer.version, change.tmdb_id FROM catalog_changeconsumer consumer
LEFT JOIN catalog_moviechange change ON change.consumer = consumer.name AND change.tmdb_id IN ({ids})
WHERE consumer.name = %s
"""
MOST_TOLD = 100
STANDING_COLUMNS = "consumer.version, pending.tmdb_id"
STANDING = f"""
LEFT JOIN catalog_changeconsumer consumer ON consumer.name = '{KIND}'
LEFT JOIN (
  SELECT tmdb_id FROM catalog_moviechange change WHERE change.consumer = '{KIND}' LIMIT {MOST_TOLD + 1}
) pending ON TRUE
"""  # noqa: S608 - constants
"""To be joined to a statement about something else, with STANDING_COLUMNS among its columns; `Standing.told_by` reads
them from its rows."""


class Standing(NamedTuple):
    """Which version of the cards is current at one moment, and which films have changed since it was made."""

    version: str | None
    """That the database names."""
    pending: frozenset[int] | None
    """The films that have changed since; None where they are too many to tell."""

    @classmethod
    def told_by(cls, rows: Sequence[tuple[str | None, int | None]]) -> Standing:
        """Of the STANDING_COLUMNS of a statement's rows, of which there is one at least."""
        changed = frozenset(tmdb_id for _, tmdb_id in rows if tmdb_id is not None)
        return cls(rows[0][0], changed if len(rows) <= MOST_TOLD else None)

    def holds(self, tmdb_ids: Iterable[int]) -> bool:
        """Whether it is known that the version has all of these films as they are, if it has them."""
        return self.pending is not None and outbox.GENRES not in self.pending and self.pending.isdisjoint(tmdb_ids)


class Deck(NamedTuple):
    """The cards of some films in an order, still open; one that is not to be shown is not among them."""

    pks: Mapping[int, int]
    """Movie.pk by TMDb id, in the order of the cards."""
    cards: tuple[bytes, ...]

    @classmethod
    def of(cls, films: Mapping[int, EncodedFilm]) -> Deck:
        """By TMDb id."""
        return cls({id_: film.pk for id_, film in films.items()}, tuple(film.card for film in films.values()))

    @property
    def weight(self) -> int:
        return sum(map(len, self.cards)) + 1_000


BYTES_REMEMBERED = 2**24
_decks = Remembered[Deck](BYTES_REMEMBERED, weight=lambda deck: deck.weight)


def read_standing() -> Standing:
    """One query, or none while nothing is published."""
    if _kind(settings.ARTIFACTS_DIR).latest.get() is None:
        return Standing(None, frozenset())
    return Standing.told_by(fetched(f"SELECT {STANDING_COLUMNS} FROM (SELECT 1) moment {STANDING}", []))  # noqa: S608 - constants


def deck_of(tmdb_ids: Sequence[int], standing: Standing) -> Deck:
    """Their cards, by no query where these films were asked for before and `standing` says that nothing has changed."""
    shown = tuple(permitted(tmdb_ids))
    holds = standing.version is not None and standing.holds(shown)
    deck = _decks.get(shown, standing.version) if holds else None
    if deck is not None:
        MAPPED.inc(len(shown))
        return deck
    deck = Deck.of(_films(shown, standing))
    if holds and len(deck.cards) == len(shown):
        _decks.keep(shown, deck, standing.version)
    return deck


def encoded_films(tmdb_ids: Sequence[int], standing: Standing | None = None) -> dict[int, EncodedFilm]:
    """The films with these ids, in their order; one that is not in the catalogue, or not to be shown, is left out.

    `standing` is what the caller has read with this request. No query where that tells all; else one, two more where a
    film has to be read from its row, and one for each kind of list that it has.
    """
    return _films(permitted(tmdb_ids), standing)


def encoded_film(tmdb_id: int, standing: Standing | None = None) -> EncodedFilm:
    """One film, as `encoded_films` gives it. Raises UnknownMovie, also for what can't be an id."""
    films = _films([tmdb_id], standing) if 1 <= tmdb_id <= LARGEST_ID and may_be_shown(tmdb_id) else {}
    if not films:
        raise UnknownMovie.of(tmdb_id)
    return films[tmdb_id]


def _films(tmdb_ids: Sequence[int], standing: Standing | None) -> dict[int, EncodedFilm]:
    found = _found_at_once(tmdb_ids, standing)
    return _found_or_read(tmdb_ids) if found is None else found


def _found_at_once(tmdb_ids: Sequence[int], standing: Standing | None) -> dict[int, EncodedFilm] | None:
    """None where a query has to tell: one of them is not in the version, for it may have been added since."""
    if standing is None or not standing.holds(tmdb_ids):
        return None
    published = _serving(standing.version)
    found = {} if published is None else published.find(tmdb_ids)
    if len(found) < len(tmdb_ids) or not all(film.detail for film in found.values()):
        return None
    MAPPED.inc(len(found))
    return found


def _found_or_read(tmdb_ids: Sequence[int]) -> dict[int, EncodedFilm]:
    published, stale = _current(tmdb_ids)
    found = {} if published is None else published.find(tmdb_ids)
    outdated = [
        tmdb_id
        for tmdb_id in tmdb_ids
        if published is None or tmdb_id in stale or (tmdb_id in found and not found[tmdb_id].detail)
    ]
    MAPPED.inc(len(tmdb_ids) - len(outdated))
    if not outdated:
        return found
    ENCODED.inc(len(outdated))
    genres, movies = genre_names(), list(_rows(Movie.objects.filter(tmdb_id__in=outdated)))
    lists = read_lists(movies)
    fresh = {movie.tmdb_id: encoded(movie, genres, lists[movie.pk]) for movie in movies}
    current = {**{id_: film for id_, film in found.items() if id_ not in stale}, **fresh}
    return {tmdb_id: current[tmdb_id] for tmdb_id in tmdb_ids if tmdb_id in current}


@unless_away
def refresh_cards() -> None:
    """Take in every change that is pending, and publish a version. Killed at any point, it is simply run again.

    Where the version in service is not the one that the database names, all films are encoded anew.
    """
    kind = _kind(settings.ARTIFACTS_DIR)
    with outbox.taking_in(kind) as (previous, changed):
        if previous is None or changed:
            _publish(kind.store, None if previous is None else previous.films, changed)


def cards_are_stale() -> bool:
    """Whether it is time for `refresh_cards`: two small queries at most."""
    kind = _kind(settings.ARTIFACTS_DIR)
    serving = kind.latest.get()
    if serving is None or not outbox.is_named(kind):
        return True
    old_enough = kind.store.age() >= SECONDS_A_FILM * serving.films.size
    return old_enough and outbox.has_changes(KIND)


@dataclass(frozen=True)
class _Published:
    version: str
    films: CardFile


@lru_cache(maxsize=2)
def _kind(root: Path) -> ArtifactKind[_Published]:
    """What this process holds of one artifacts directory."""
    return ArtifactKind(root, KIND, layout=LAYOUT, view=_view)


def _view(artifact: Artifact) -> _Published:
    return _Published(artifact.version, CardFile.from_arrays(artifact.arrays))


def _current(tmdb_ids: Sequence[int]) -> tuple[CardFile | None, Collection[int]]:
    """The version to be believed, None where there is none, and those of the ids that it does not hold as they are."""
    if _kind(settings.ARTIFACTS_DIR).latest.get() is None:
        return None, ()
    state = fetched(_state_of(len(tmdb_ids)), [outbox.GENRES, *tmdb_ids, KIND])
    films = _serving(state[0][0] if state else None)
    stale = {tmdb_id for _, tmdb_id in state if tmdb_id is not None}
    if films is None or outbox.GENRES in stale:
        return None, ()
    return films, stale


def _serving(version: str | None) -> CardFile | None:
    """The very version that is named, None where this process can't see it."""
    latest = _kind(settings.ARTIFACTS_DIR).latest
    serving = latest.get()
    if serving is not None and serving.version != version:
        latest.forget()  # published since this process last looked
        serving = latest.get()
    return serving.films if serving is not None and serving.version == version else None


@lru_cache(maxsize=256)
def _state_of(number: int) -> str:
    return STATE.format(ids=", ".join(["%s"] * (number + 1)))


def _publish(store: ArtifactStore, previous: CardFile | None, changed: Sequence[int]) -> None:
    parts: Iterator[CardFile]
    if previous is None or outbox.GENRES in changed or len(changed) > REBUILT_FROM_SHARE * previous.size:
        parts = (CardFile.of(films) for films in _batches(_encoded(Movie.objects.all())))
    else:
        parts = previous.patched(
            (ids, CardFile.of([*_encoded(Movie.objects.filter(tmdb_id__in=ids))])) for ids in _batches(changed)
        )
    films = written(parts, store.directory)
    store.publish(films.arrays(), {"layout": LAYOUT, "films": films.size})


def _encoded(movies: MovieQuerySet) -> Iterator[tuple[int, EncodedFilm]]:
    genres = genre_names()
    for batch in _batches(_rows(movies).order_by("tmdb_id").iterator(chunk_size=READ_AT_ONCE)):
        lists = read_lists(batch)
        for movie in batch:
            yield movie.tmdb_id, _encoded_if_possible(movie, genres, lists[movie.pk])


def _rows(movies: MovieQuerySet) -> MovieQuerySet:
    """With all that `encoding` reads of them."""
    return movies.select_related("collection")


def _encoded_if_possible(movie: Movie, genres: dict[int, str], lists: Mapping[str, Entries]) -> EncodedFilm:
    """Nothing of a row that holds what no JSON can say: one such film is no reason for the others to go without."""
    try:
        return encoded(movie, genres, lists)
    except TypeError:
        logger.warning("Film %s can't be written as JSON: see its lists in the admin", movie.tmdb_id)
        return EncodedFilm(movie.pk, b"", 0, 0)


def _batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    iterator = iter(items)
    while batch := list(itertools.islice(iterator, READ_AT_ONCE)):
        yield batch
