"""Facts about a film on their way into the catalogue: the one place where a blank becomes unknown, and unknown is None.

A source hands over plain values under the names of Movie's fields and of its lists, and only for what it knows about:

    tmdb_id, title, overview, …       as TMDb names them
    cast_members, crew_members        [{id, name, profile_path, character}], [{id, name, profile_path, job, department}]
    keyword_tags                      [{id, name}]
    collection                        {id, name, poster_path, backdrop_path}, or None for a film that is in none
    certifications                    [{country, certification}], the one that counts first
    watch_offers                      [{region, kind, id, name, logo_path}]
    videos                            [{site, key, name, kind, is_official, language, published_at}]
    alternative_titles                [{country, title, kind}]

Each list replaces the one that was there. The names in `cast`, `directors` and `keywords` follow from the lists, and
are given by themselves only where a source has no ids.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from django.db import transaction

from matinee.catalog.cleaning import stored
from matinee.catalog.film_lists import COLLECTION, LISTS, Entries, digest_of, field_of, names_of
from matinee.catalog.list_rows import one_writer, write_lists
from matinee.catalog.models import Movie

Facts: TypeAlias = Mapping[str, Any]
"""Stored values by field of Movie, `tmdb_id` and `title` always among them, and entries by list."""

BATCH = 500


class UnusableFacts(ValueError):
    """What a source says about a film lacks an id or a title; the message says which."""


@dataclass(frozen=True)
class StoreReport:
    """How many films were new, gained or changed a fact, or were known just so."""

    added: int
    changed: int
    unchanged: int


def known_facts(raw: Mapping[str, Any]) -> Facts:
    """`raw` as it is stored: text cleaned, numbers and days in range, unknown None, lists without blanks or repeats.

    Raises UnusableFacts where the TMDb id or the title is missing.
    """
    lists = {name: _entries(name, raw[name]) for name in raw.keys() & {*LISTS, "collection"}}
    own = {name: stored(field_of(Movie, name), value) for name, value in raw.items() if name not in lists}
    facts = {**own, **names_of(lists), **lists}
    if not facts.get("tmdb_id"):
        raise UnusableFacts(f"A film needs a positive TMDb id, not {raw.get('tmdb_id')!r}.")
    if not facts.get("title"):
        raise UnusableFacts(f"Film {facts['tmdb_id']} has no title.")
    if "vote_average" in facts and not facts.get("vote_count"):
        facts["vote_average"] = None
    return facts


def blanks_filled(movie: Movie, facts: Facts) -> dict[str, Any]:
    """The facts that `movie` lacks. A vote average comes with its count or not at all."""
    fills = {name: value for name, value in facts.items() if _is_blank(_held(movie, name)) and not _is_blank(value)}
    if "vote_average" in fills and "vote_count" not in fills and movie.vote_count != facts["vote_count"]:
        del fills["vote_average"]
    return fills


def differences(movie: Movie, facts: Facts) -> dict[str, Any]:
    """The facts that are not what `movie` holds."""
    return {name: value for name, value in facts.items() if _held(movie, name) != _comparable(name, value)}


@transaction.atomic
def store_facts(
    films: Sequence[Facts],
    *,
    choose: Callable[[Movie, Facts], dict[str, Any]],
    now: dt.datetime,
    on_progress: Callable[[int], None] = lambda _: None,
) -> StoreReport:
    """Add the films that are new; of those that are there, write what `choose` picks and leave the rest untouched.

    One transaction, whose statements grow with what changed and not with what is there: a batch in which nothing did
    costs one. `on_progress` is told the films done since its last call.
    """
    one_writer()
    added = changed = 0
    for start in range(0, len(films), BATCH):
        batch = {facts["tmdb_id"]: facts for facts in films[start : start + BATCH]}
        there = {movie.tmdb_id: movie for movie in Movie.objects.select_for_update().filter(tmdb_id__in=batch)}
        added += _add({id_: facts for id_, facts in batch.items() if id_ not in there}, now=now)
        changed += _write_changes({movie: choose(movie, batch[id_]) for id_, movie in there.items()}, now=now)
        on_progress(len(batch))
    return StoreReport(added=added, changed=changed, unchanged=len(films) - added - changed)


def _add(films: Mapping[int, Facts], *, now: dt.datetime) -> int:
    if not films:
        return 0
    new = [
        Movie(**_own(facts), digests=_digests(None, _lists(facts)), created_at=now, updated_at=now)
        for facts in films.values()
    ]
    Movie.objects.bulk_create(new, ignore_conflicts=True)  # staff may add the same film at this moment
    lists = {tmdb_id: _lists(facts) for tmdb_id, facts in films.items()}
    if any(any(entries.values()) for entries in lists.values()):
        pks = dict(Movie.objects.filter(tmdb_id__in=films).values_list("tmdb_id", "pk"))
        write_lists({pks[tmdb_id]: entries for tmdb_id, entries in lists.items()}, now=now)
    return len(new)


def _write_changes(changes: Mapping[Movie, dict[str, Any]], *, now: dt.datetime) -> int:
    touched = [movie for movie, values in changes.items() if values]
    lists = {movie.pk: entries for movie in touched if (entries := _lists(changes[movie]))}
    for movie in touched:
        for name, value in _own(changes[movie]).items():
            setattr(movie, name, value)
        if movie.pk in lists:
            movie.digests = _digests(movie.digests, lists[movie.pk])
        movie.updated_at = now
    names = {name for movie in touched for name in _own(changes[movie])} | ({"digests"} if lists else set())
    if touched:
        Movie.objects.bulk_update(touched, [*sorted(names), "updated_at"], batch_size=100)
    write_lists(lists, now=now)
    return len(touched)


def _entries(name: str, told: Any) -> Entries:
    return COLLECTION.entries([told]) if name == "collection" else LISTS[name].entries(told)


def _lists(facts: Facts) -> dict[str, Entries]:
    return {name: facts[name] for name in facts.keys() & {*LISTS, "collection"}}


def _own(facts: Facts) -> dict[str, Any]:
    """What the film's own row holds of these facts."""
    own = {name: value for name, value in facts.items() if name not in LISTS and name != "collection"}
    if "collection" in facts:
        own["collection_id"] = facts["collection"][0].id if facts["collection"] else None
    return own


def _digests(held: Mapping[str, str] | None, lists: Mapping[str, Entries]) -> dict[str, str] | None:
    """Of the lists that a film has once these have been written over those that it held."""
    told = {name: digest_of(entries) for name, entries in lists.items()}
    return {name: digest for name, digest in {**(held or {}), **told}.items() if digest is not None} or None


def _held(movie: Movie, name: str) -> Any:
    """The value of a field; of a list its digest, so that no list is read to know whether it has changed."""
    is_list = name in LISTS or name == "collection"
    return (movie.digests or {}).get(name) if is_list else getattr(movie, name)


def _comparable(name: str, value: Any) -> Any:
    return digest_of(value) if name in LISTS or name == "collection" else value


def _is_blank(value: Any) -> bool:
    return value is None or value in ("", [], ())
