"""The one filter language: what a client may ask of films, parsed once into one value.

Names and meaning follow TMDb's discover. A film whose fact is unknown never satisfies a bound on it. An id or a
language that no film has is possible, and matches nothing; what no film could ever have is refused.
"""

from __future__ import annotations

import calendar
import datetime as dt
import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias, TypeVar, get_args

from matinee.catalog import maturity
from matinee.core.refusals import BadRequest, FieldError

FILTER_PARAMETERS = (
    "with_genres",
    "without_genres",
    "primary_release_year",
    "primary_release_date.gte",
    "primary_release_date.lte",
    "vote_average.gte",
    "vote_average.lte",
    "vote_count.gte",
    "with_runtime.gte",
    "with_runtime.lte",
    "with_original_language",
    "with_cast",
    "with_crew",
    "with_people",
    "with_keywords",
    "without_keywords",
    "certification_country",
    "certification",
    "certification.gte",
    "certification.lte",
    "watch_region",
    "with_watch_providers",
    "ids",
    "imdb_id",
)
MOST_IDS = 100
ID = "[1-9][0-9]{0,17}"
LARGEST_ID = 2**63 - 1
LARGEST_COUNT = 2**31 - 1
LARGEST_PROVIDER = 2**40

Kind = Literal["cast", "crew", "keywords", "certifications", "providers"]
SortField = Literal["popularity", "vote_average", "primary_release_date", "revenue", "title"]
SORT_FIELDS: tuple[SortField, ...] = get_args(SortField)

VALUE = TypeVar("VALUE")


class InvalidParameter(BadRequest):
    """A query parameter has a value that is impossible; `fields` names each."""

    code = "invalid_parameter"


@dataclass(frozen=True)
class Sort:
    """An order of films: unknown values last both ways, ties by ascending TMDb id."""

    field: SortField
    descending: bool

    def __str__(self) -> str:
        return f"{self.field}.{'desc' if self.descending else 'asc'}"


ALL_SORTS = tuple(Sort(field, descending=descending) for field in SORT_FIELDS for descending in (True, False))
BY_POPULARITY = Sort("popularity", descending=True)
"""What lists are sorted by where the client asked for no order."""


class Term(NamedTuple):
    """What a film must have or must not have: people, keywords, certifications, providers."""

    kinds: tuple[Kind, ...]
    """Where to look; a film that has a key in one of them has it."""
    keys: tuple[int, ...]
    """TMDb ids, certifications (`maturity.key_of`) or providers of a region (`provider_key`)."""
    how: Literal["all", "any", "none"]


@dataclass(frozen=True)
class MovieFilter:
    """What films must be. None bounds nothing, and a bound belongs to what it bounds.

    Filters that ask the same in other words are equal: ids are sorted and without repeats, a year is two days.
    """

    all_genres: tuple[int, ...] = ()
    """Every one of these."""
    any_genres: tuple[int, ...] = ()
    """At least one of these; empty asks nothing."""
    without_genres: tuple[int, ...] = ()
    """None of these."""
    released_from: dt.date | None = None
    released_to: dt.date | None = None
    vote_average_from: float | None = None
    vote_average_to: float | None = None
    vote_count_from: int | None = None
    runtime_from: int | None = None
    """Minutes."""
    runtime_to: int | None = None
    languages: tuple[str, ...] = ()
    """At least one of these, in lower case; empty asks nothing."""
    terms: tuple[Term, ...] = ()
    """All of these."""
    tmdb_ids: tuple[int, ...] | None = None
    """One of these films."""
    imdb_number: int | None = None
    """The number in the IMDb title id: 111161 of tt0111161."""


EVERYTHING = MovieFilter()
IdGroups: TypeAlias = tuple[tuple[int, ...], tuple[int, ...]]
"""(all of these, any of these)"""
NO_IDS: IdGroups = ((), ())
TERM_KINDS: Mapping[str, tuple[Kind, ...]] = {
    "with_cast": ("cast",),
    "with_crew": ("crew",),
    "with_people": ("cast", "crew"),
    "with_keywords": ("keywords",),
}


def provider_key(region: str, provider_id: int) -> int:
    """One number for a provider of one region, two letters A to Z; -1, which no film has, for what can't be its id."""
    first, second = (ord(letter) - ord("A") for letter in region)
    return (first * 26 + second) * LARGEST_PROVIDER + provider_id if provider_id < LARGEST_PROVIDER else -1


def parse_filter(params: Mapping[str, str]) -> MovieFilter:
    """The filter that `params` ask for; names that are not in FILTER_PARAMETERS are not looked at.

    Raises InvalidParameter that names every impossible value.
    """
    reader = _Reader(params)
    all_genres, any_genres = reader.read("with_genres", _groups, NO_IDS)
    excluded = reader.read("without_genres", _groups, NO_IDS)
    released_from, released_to = reader.bounds("primary_release_date", _day)
    vote_average_from, vote_average_to = reader.bounds("vote_average", _vote_average)
    runtime_from, runtime_to = reader.bounds("with_runtime", _count)
    year = reader.read("primary_release_year", _year, None)
    if year is not None:
        first, last = dt.date(year, 1, 1), dt.date(year, 12, 31)
        if (released_from or first) > last or (released_to or last) < first:
            reader.refuse("primary_release_year", f"The year {year} lies outside primary_release_date's bounds.")
        released_from, released_to = max(first, released_from or first), min(last, released_to or last)
    parsed = MovieFilter(
        all_genres=all_genres,
        any_genres=any_genres,
        without_genres=tuple(sorted({*excluded[0], *excluded[1]})),
        released_from=released_from,
        released_to=released_to,
        vote_average_from=vote_average_from,
        vote_average_to=vote_average_to,
        vote_count_from=reader.read("vote_count.gte", _count, None),
        runtime_from=runtime_from,
        runtime_to=runtime_to,
        languages=reader.read("with_original_language", _languages, ()),
        terms=(*_people_and_keywords(reader), *_certifications(reader), *_providers(reader)),
        tmdb_ids=reader.read("ids", read_ids, None),
        imdb_number=reader.read("imdb_id", _imdb_number, None),
    )
    reader.raise_what_was_refused()
    return parsed


def parse_sort(value: str | None) -> Sort | None:
    """`popularity.desc` and the like; None where the client asked for no order. Raises InvalidParameter."""
    if value is None:
        return None
    for sort in ALL_SORTS:
        if value == str(sort):
            return sort
    message = f"sort_by is one of {', '.join(SORT_FIELDS)}, with .asc or .desc behind it."
    raise InvalidParameter(message, fields=(FieldError("sort_by", message, InvalidParameter.code),))


def read_ids(raw: str) -> tuple[int, ...]:
    """603,11 → (11, 603), each once. Raises ValueError with a sentence."""
    parts = raw.split(",")
    if len(parts) > MOST_IDS:
        raise ValueError(f"Give {MOST_IDS} ids or fewer.")
    return _sorted_ids(parts, "Give TMDb ids: whole numbers from 1, with commas between.")


def imdb_number(imdb_id: str) -> int | None:
    """The number of an IMDb title id, None where it is not one: tt0111161 → 111161."""
    match = re.fullmatch(r"tt([0-9]{7,10})", imdb_id)
    return int(match[1]) or None if match else None


def _people_and_keywords(reader: _Reader) -> Iterator[Term]:
    for name, kinds in TERM_KINDS.items():
        yield from _terms(kinds, reader.read(name, _groups, NO_IDS))
    excluded = {*itertools.chain.from_iterable(reader.read("without_keywords", _groups, NO_IDS))}
    if excluded:
        yield Term(("keywords",), tuple(sorted(excluded)), "none")


def _certifications(reader: _Reader) -> Iterator[Term]:
    """What a country is asked for, by name and by its scale."""
    country = reader.read("certification_country", _certifying, None)
    asked = [name for name in ("certification", "certification.gte", "certification.lte") if reader.has(name)]
    if country is None:
        for name in asked if not reader.has("certification_country") else ():
            reader.refuse(name, f"{name} needs certification_country.")
        return
    if not asked:
        reader.refuse("certification_country", "certification_country needs certification, or a bound on it.")
    named = reader.read("certification", lambda raw: _named(country, raw), None)
    if named is not None:
        yield Term(("certifications",), named, "any")
    low, high = (
        reader.read(f"certification.{bound}", lambda raw: maturity.place_of(country, raw), None)
        for bound in ("gte", "lte")
    )
    if low is not None and high is not None and low > high:
        for bound in ("gte", "lte"):
            reader.refuse(f"certification.{bound}", "certification.gte must not lie above certification.lte.")
    elif low is not None or high is not None:
        yield Term(("certifications",), maturity.keys_between(country, low, high), "any")


def _providers(reader: _Reader) -> Iterator[Term]:
    region = reader.read("watch_region", _region, None)
    all_of, any_of = reader.read("with_watch_providers", _groups, NO_IDS)
    if region is None:
        if (all_of or any_of) and not reader.has("watch_region"):
            reader.refuse("with_watch_providers", "with_watch_providers needs watch_region.")
        return
    if not reader.has("with_watch_providers"):
        reader.refuse("watch_region", "watch_region needs with_watch_providers.")
    in_region = [tuple(provider_key(region, id_) for id_ in ids) for ids in (all_of, any_of)]
    yield from _terms(("providers",), (in_region[0], in_region[1]))


def _terms(kinds: tuple[Kind, ...], groups: IdGroups) -> Iterator[Term]:
    all_of, any_of = groups
    if all_of:
        yield Term(kinds, all_of, "all")
    if any_of:
        yield Term(kinds, any_of, "any")


class _Reader:
    """Reads parameters and gathers what is wrong with them, so that a client hears everything at once."""

    def __init__(self, params: Mapping[str, str]) -> None:
        self._params = params
        self._errors: list[FieldError] = []

    def has(self, name: str) -> bool:
        return name in self._params

    def read(self, name: str, parse: Callable[[str], VALUE], absent: VALUE) -> VALUE:
        raw = self._params.get(name)
        if raw is None:
            return absent
        try:
            return parse(raw)
        except ValueError as error:
            self.refuse(name, str(error))
            return absent

    def bounds(self, name: str, parse: Callable[[str], VALUE]) -> tuple[VALUE | None, VALUE | None]:
        low = self.read(f"{name}.gte", parse, None)
        high = self.read(f"{name}.lte", parse, None)
        if low is not None and high is not None and low > high:  # type: ignore[operator] # days or numbers, both ordered
            for bound in ("gte", "lte"):
                self.refuse(f"{name}.{bound}", f"{name}.gte must not lie above {name}.lte.")
        return low, high

    def refuse(self, name: str, message: str) -> None:
        self._errors.append(FieldError(name, message, InvalidParameter.code))

    def raise_what_was_refused(self) -> None:
        if self._errors:
            names = ", ".join(error.field for error in self._errors)
            raise InvalidParameter(f"The value can't be used: {names}.", fields=tuple(self._errors))


def _groups(raw: str) -> IdGroups:
    """One id alone is all of one, however it is written."""
    if "," in raw and "|" in raw:
        raise ValueError("Use the comma (and) or the pipe (or), not both in one value.")
    parts = re.split(r"[,|]", raw)
    if len(parts) > MOST_IDS:
        raise ValueError(f"Give {MOST_IDS} ids or fewer.")
    ids = _sorted_ids(parts, "Give TMDb ids: whole numbers from 1, with comma or pipe between.")
    return ((), ids) if "|" in raw and len(ids) > 1 else (ids, ())


def _sorted_ids(parts: list[str], message: str) -> tuple[int, ...]:
    if not all(re.fullmatch(ID, part) for part in parts):
        raise ValueError(message)
    return tuple(sorted({int(part) for part in parts}))


def _digits(raw: str, message: str) -> int:
    if not re.fullmatch(r"[0-9]{1,19}", raw):
        raise ValueError(message)
    return int(raw)


def _count(raw: str) -> int:
    message = f"Give a whole number from 0 to {LARGEST_COUNT}."
    count = _digits(raw, message)
    if count > LARGEST_COUNT:
        raise ValueError(message)
    return count


def _vote_average(raw: str) -> float:
    if not re.fullmatch(r"[0-9]{1,2}(\.[0-9]{1,15})?", raw) or float(raw) > 10:
        raise ValueError("Give a number from 0 to 10, like 7.5.")
    return float(raw)


def _year(raw: str) -> int:
    year = _digits(raw, "Give a year, like 1994.")
    if not dt.MINYEAR <= year <= dt.MAXYEAR:
        raise ValueError("Give a year, like 1994.")
    return year


def _day(raw: str) -> dt.date:
    match = re.fullmatch(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", raw)
    if match is None:
        raise ValueError("Give a day as YYYY-MM-DD.")
    year, month, day = map(int, match.groups())
    if year < dt.MINYEAR or not 1 <= month <= 12 or not 1 <= day <= calendar.monthrange(year, month)[1]:
        raise ValueError(f"There is no day {raw}.")
    return dt.date(year, month, day)


def _languages(raw: str) -> tuple[str, ...]:
    codes = raw.split("|")
    if not all(re.fullmatch(r"[A-Za-z]{2,3}", code) for code in codes):
        raise ValueError("Give ISO 639-1 codes, like en or en|fr.")
    return tuple(sorted({code.lower() for code in codes}))


def _certifying(raw: str) -> str:
    if raw not in maturity.SCALES:
        raise ValueError(f"Certifications are known of {', '.join(maturity.SCALES)}.")
    return raw


def _named(country: str, raw: str) -> tuple[int, ...]:
    return tuple(sorted({maturity.known_key_of(country, name) for name in raw.split("|")}))


def _region(raw: str) -> str:
    if not re.fullmatch(r"[A-Z]{2}", raw):
        raise ValueError("Give an ISO 3166 code, like US.")
    return raw


def _imdb_number(raw: str) -> int:
    number = imdb_number(raw)
    if number is None:
        raise ValueError("Give an IMDb title id, like tt0111161.")
    return number
