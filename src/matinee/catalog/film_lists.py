"""The lists of facts that a film has, as a source tells them and as rows: its cast, its keywords, where to watch it, …

A list is told and replaced as a whole. What several films tell of alike (people, keywords, providers, collections) has
a row of its own, under TMDb's id.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias, cast

import orjson
from django.db import models

from matinee.catalog.cleaning import stored
from matinee.catalog.models import (
    AlternativeTitle,
    CastMember,
    Certification,
    Collection,
    CrewMember,
    Keyword,
    KeywordTag,
    Movie,
    Person,
    Video,
    WatchOffer,
    WatchProvider,
)

COUNTRY = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")
REGION = re.compile(r"[A-Z]{2}")
OFFER_KINDS = frozenset({"ads", "buy", "flatrate", "free", "rent"})
VIDEO_ADDRESSES = {"YouTube": "https://www.youtube.com/watch?v=", "Vimeo": "https://vimeo.com/"}
MAIN_JOBS = (
    "Director",
    "Screenplay",
    "Writer",
    "Novel",
    "Story",
    "Producer",
    "Original Music Composer",
    "Director of Photography",
    "Editor",
    "Executive Producer",
)
NAMED_CAST = 10
"""So many of the first of the cast are among the names of a film, which search and the model read."""


class CastEntry(NamedTuple):
    id: int
    """TMDb's, as every `id` here: of the person, keyword, provider or collection."""
    name: str
    profile_path: str | None
    character: str | None


class CrewEntry(NamedTuple):
    id: int
    name: str
    profile_path: str | None
    job: str
    department: str | None


class KeywordEntry(NamedTuple):
    id: int
    name: str


class CertificationEntry(NamedTuple):
    country: str
    certification: str


class OfferEntry(NamedTuple):
    region: str
    kind: str
    id: int
    name: str
    logo_path: str | None


class VideoEntry(NamedTuple):
    site: str
    key: str
    name: str | None
    kind: str | None
    is_official: bool
    language: str | None
    published_at: Any


class TitleEntry(NamedTuple):
    country: str
    title: str
    kind: str | None


class CollectionEntry(NamedTuple):
    id: int
    name: str
    poster_path: str | None
    backdrop_path: str | None


Entries: TypeAlias = tuple[Any, ...]
"""Of one film and one list: entries of its kind, each once, in the order that they are stored and shown in."""


@dataclass(frozen=True)
class FilmList:
    """One kind of list, and where each value of its entries is stored."""

    model: type[models.Model]
    entry: type[Any]
    paths: tuple[str, ...]
    """For each value of an entry, in its order, where it is stored: a column of `model`, or with two underscores a
    column of the shared row, as in `person__name`."""
    same: tuple[str, ...]
    """Two entries that agree in these are one."""
    most: int
    """So many entries of one film are stored, the first."""
    order: Callable[[Any], Any] | None = None
    """None leaves them as they were told."""
    accepts: Callable[[Any], bool] = lambda _: True
    shared: type[models.Model] | None = None
    """What its entries point to."""

    @cached_property
    def fields(self) -> tuple[models.Field[Any, Any], ...]:
        return tuple(field_of(self.model, path) for path in self.paths)

    def entries(self, told: Any) -> Entries:
        """What can be stored of `told`: mappings by the names of the entry's values."""
        names = self.entry._fields
        found: dict[Any, Any] = {}
        for each in told if isinstance(told, Sequence) else ():
            if not isinstance(each, Mapping):
                continue
            values = [stored(field, each.get(name)) for name, field in zip(names, self.fields, strict=True)]
            entry = self.entry(*values)
            is_whole = all(value is not None or field.null for value, field in zip(values, self.fields, strict=True))
            if is_whole and self.accepts(entry):
                found.setdefault(tuple(getattr(entry, name) for name in self.same), entry)
        in_order = list(found.values()) if self.order is None else sorted(found.values(), key=self.order)
        return tuple(in_order[: self.most])

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Of `model`, in the order of what `rows` gives."""
        own = [path for path in self.paths if "__" not in path]
        return ("movie_id", *(["place"] if self._has_place else []), *own)

    def rows(self, movie_pk: int, entries: Entries) -> Iterator[tuple[Any, ...]]:
        own = [index for index, path in enumerate(self.paths) if "__" not in path]
        for place, entry in enumerate(entries):
            key = (movie_pk, place) if self._has_place else (movie_pk,)
            yield (*key, *(entry[index] for index in own))

    @property
    def _has_place(self) -> bool:
        return hasattr(self.model, "place")

    def shared_rows(self, entries: Iterable[Any]) -> dict[int, models.Model]:
        """What the entries say of what they point to, by id."""
        shared = self.shared
        if shared is None:
            return {}
        names = ["id", *(path.partition("__")[2] for path in self.paths if "__" in path)]
        return {entry.id: shared(**{name: getattr(entry, name) for name in names}) for entry in entries}

    def read(self, movie_pks: Sequence[int]) -> dict[int, Entries]:
        """The entries of these films as they are stored, by Movie.pk; one query, films without any left out."""
        found: dict[int, list[Any]] = defaultdict(list)
        rows = rows_of(self.model).filter(movie__in=movie_pks).order_by("pk")
        for movie_pk, *values in rows.values_list("movie_id", *self.paths):
            found[movie_pk].append(self.entry(*values))
        return {movie_pk: tuple(entries) for movie_pk, entries in found.items()}


def read_lists(movies: Sequence[Movie]) -> dict[int, dict[str, Entries]]:
    """The lists of these films, by Movie.pk and name; one query for each kind of list that any of them has."""
    lists: dict[int, dict[str, Entries]] = defaultdict(dict)
    for name in sorted({name for movie in movies for name in movie.digests or ()} & LISTS.keys()):
        for movie_pk, entries in LISTS[name].read([movie.pk for movie in movies]).items():
            lists[movie_pk][name] = entries
    return lists


def _main_jobs_first(entry: CrewEntry) -> int:
    return MAIN_JOBS.index(entry.job) if entry.job in MAIN_JOBS else len(MAIN_JOBS)


def _official_trailers_first(entry: VideoEntry) -> tuple[bool, bool]:
    return entry.kind != "Trailer", not entry.is_official


LISTS: Mapping[str, FilmList] = {
    "cast_members": FilmList(
        model=CastMember,
        entry=CastEntry,
        paths=("person_id", "person__name", "person__profile_path", "character"),
        same=("id", "character"),
        most=50,
        shared=Person,
    ),
    "crew_members": FilmList(
        model=CrewMember,
        entry=CrewEntry,
        paths=("person_id", "person__name", "person__profile_path", "job", "department"),
        same=("id", "job"),
        order=_main_jobs_first,
        most=50,
        shared=Person,
    ),
    "keyword_tags": FilmList(
        model=KeywordTag,
        entry=KeywordEntry,
        paths=("keyword_id", "keyword__name"),
        same=("id",),
        order=lambda entry: entry.id,
        most=100,
        shared=Keyword,
    ),
    "certifications": FilmList(
        model=Certification,
        entry=CertificationEntry,
        paths=("country", "certification"),
        same=("country",),
        order=lambda entry: entry.country,
        accepts=lambda entry: COUNTRY.fullmatch(entry.country) is not None,
        most=100,
    ),
    "watch_offers": FilmList(
        model=WatchOffer,
        entry=OfferEntry,
        paths=("region", "kind", "provider_id", "provider__name", "provider__logo_path"),
        same=("region", "kind", "id"),
        order=lambda entry: entry[:3],
        accepts=lambda entry: REGION.fullmatch(entry.region) is not None and entry.kind in OFFER_KINDS,
        most=3_000,
        shared=WatchProvider,
    ),
    "videos": FilmList(
        model=Video,
        entry=VideoEntry,
        paths=VideoEntry._fields,
        same=("site", "key"),
        order=_official_trailers_first,
        accepts=lambda entry: entry.site in VIDEO_ADDRESSES and re.fullmatch(r"[\w-]+", entry.key) is not None,
        most=20,
    ),
    "alternative_titles": FilmList(
        model=AlternativeTitle,
        entry=TitleEntry,
        paths=TitleEntry._fields,
        same=("country", "title"),
        accepts=lambda entry: REGION.fullmatch(entry.country) is not None,
        most=100,
    ),
}
COLLECTION = FilmList(
    model=Movie,
    entry=CollectionEntry,
    paths=("collection_id", "collection__name", "collection__poster_path", "collection__backdrop_path"),
    same=(),
    most=1,
    shared=Collection,
)
"""A list of one, which a column of the film's row points to."""


def digest_of(entries: Entries) -> str | None:
    """Tells two lists of one kind apart; None of an empty one."""
    if not entries:
        return None
    return hashlib.sha256(orjson.dumps([tuple(entry) for entry in entries])).hexdigest()[:16]


def names_of(lists: Mapping[str, Entries]) -> dict[str, list[str]]:
    """What the lists say by the names of Movie's columns of names, for those that can tell."""
    names: dict[str, Iterable[str]] = {}
    if "cast_members" in lists:
        names["cast"] = [entry.name for entry in lists["cast_members"]][:NAMED_CAST]
    if "crew_members" in lists:
        names["directors"] = [entry.name for entry in lists["crew_members"] if entry.job == "Director"]
    if "keyword_tags" in lists:
        names["keywords"] = [entry.name for entry in lists["keyword_tags"]]
    return {column: list(dict.fromkeys(each)) for column, each in names.items()}


def rows_of(model: type[models.Model]) -> models.QuerySet[Any]:
    return models.QuerySet(model)


def field_of(model: type[models.Model], path: str) -> models.Field[Any, Any]:
    """The field that a path names: of `model`, or of what `model` points to."""
    name, _, behind = path.partition("__")
    field = model._meta.get_field(name)  # noqa: SLF001 - Django's public name for it
    if isinstance(field, models.ForeignKey):
        return field_of(field.related_model, behind or "id")
    return cast("models.Field[Any, Any]", field)
