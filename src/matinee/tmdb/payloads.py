"""TMDb's answers as frozen dataclasses, checked on the way in: types, ranges, lengths, characters.

Names and nesting are TMDb's, and only what Matinee uses is read. "" is None here, since TMDb means the same by both.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from matinee.core.text import cleaned
from matinee.tmdb.failures import Unfit

STRICT = ConfigDict(strict=True, allow_inf_nan=False)
LARGEST_ID = 2**31 - 1
MOST_NAMES = 500
"""Genres, companies, keywords and their like of one film; TMDb has none with half as many."""
MOST_CREDITS = 10_000

Payload = TypeVar("Payload")


def _without_controls(value: object) -> object:
    """Text as TMDb means it: it holds some C1 controls that once were quotes. NUL is in none of it, and refused."""
    if not isinstance(value, str):
        return value
    if "\0" in value:
        raise ValueError("it holds the character NUL")
    if not value.isprintable():
        lines = value.replace("\r\n", "\n").replace("\r", "\n")
        value = "".join(one for one in lines if one in "\n\t" or unicodedata.category(one) != "Cc")
    return value.strip() or None


def _matching(pattern: str) -> Callable[[str | None], str | None]:
    compiled = re.compile(pattern, re.ASCII)

    def check(value: str | None) -> str | None:
        if value is not None and not compiled.fullmatch(value):
            raise ValueError(f"it is not {pattern}")
        return value

    return check


def _day(value: object) -> object:
    if not isinstance(value, str):
        return value
    return dt.date.fromisoformat(value) if value else None


def _cleaned(value: str | None) -> str | None:
    return None if value is None else cleaned(value)


_text = (BeforeValidator(_without_controls), AfterValidator(_cleaned))
Id = Annotated[int, Field(gt=0, le=LARGEST_ID)]
Count = Annotated[int, Field(ge=0, lt=2**31)]
Money = Annotated[int, Field(lt=2**63)]
"""TMDb's users have typed a few negative ones, which are stored as unknown."""
Figure = Annotated[float, Field(ge=0)]
Words = Annotated[str | None, Field(max_length=20_000), *_text]
Name = Annotated[str, Field(min_length=1, max_length=1_000), *_text]
Picture = Annotated[str | None, *_text, AfterValidator(_matching(r"/[\w.-]{1,190}"))]
Country = Annotated[str, AfterValidator(_matching(r"[A-Z]{2}(-[A-Z0-9]{1,3})?"))]
Day = Annotated[dt.date | None, BeforeValidator(_day)]


@dataclass(frozen=True, config=STRICT)
class Genre:
    id: Id
    name: Name


@dataclass(frozen=True, config=STRICT)
class Keyword:
    """TMDb has a few without a name."""

    id: Id
    name: Words = None


@dataclass(frozen=True, config=STRICT)
class Company:
    id: Id
    name: Words = None


@dataclass(frozen=True, config=STRICT)
class CountryOfOrigin:
    iso_3166_1: Words = None
    name: Words = None


@dataclass(frozen=True, config=STRICT)
class Language:
    iso_639_1: Words = None
    name: Words = None


@dataclass(frozen=True, config=STRICT)
class Collection:
    """Films that belong together, a trilogy for one."""

    id: Id
    name: Name
    poster_path: Picture = None
    backdrop_path: Picture = None


@dataclass(frozen=True, config=STRICT)
class CastMember:
    """`id` is the person's; one may play several parts."""

    id: Id
    name: Words = None
    character: Words = None
    order: Count = 0
    profile_path: Picture = None


@dataclass(frozen=True, config=STRICT)
class CrewMember:
    id: Id
    name: Words = None
    job: Words = None
    department: Words = None
    profile_path: Picture = None


@dataclass(frozen=True, config=STRICT)
class Credits:
    cast: Annotated[tuple[CastMember, ...], Field(max_length=MOST_CREDITS)] = ()
    crew: Annotated[tuple[CrewMember, ...], Field(max_length=MOST_CREDITS)] = ()


@dataclass(frozen=True, config=STRICT)
class Keywords:
    keywords: Annotated[tuple[Keyword, ...], Field(max_length=MOST_NAMES)] = ()


@dataclass(frozen=True, config=STRICT)
class AlternativeTitle:
    title: Words = None
    iso_3166_1: Words = None
    type: Words = None


@dataclass(frozen=True, config=STRICT)
class AlternativeTitles:
    titles: Annotated[tuple[AlternativeTitle, ...], Field(max_length=MOST_NAMES)] = ()


@dataclass(frozen=True, config=STRICT)
class Release:
    """`type`: 1 premiere, 2 limited, 3 theatrical, 4 digital, 5 physical, 6 television."""

    certification: Words = None
    type: Count | None = None


@dataclass(frozen=True, config=STRICT)
class CountryReleases:
    iso_3166_1: Country
    release_dates: Annotated[tuple[Release, ...], Field(max_length=MOST_NAMES)] = ()


@dataclass(frozen=True, config=STRICT)
class ReleaseDates:
    results: Annotated[tuple[CountryReleases, ...], Field(max_length=MOST_NAMES)] = ()


@dataclass(frozen=True, config=STRICT)
class Provider:
    provider_id: Id
    provider_name: Words = None
    logo_path: Picture = None


@dataclass(frozen=True, config=STRICT)
class CountryProviders:
    """Who has the film in one country; the data is JustWatch's, who must be named."""

    flatrate: Annotated[tuple[Provider, ...], Field(max_length=MOST_NAMES)] = ()
    rent: Annotated[tuple[Provider, ...], Field(max_length=MOST_NAMES)] = ()
    buy: Annotated[tuple[Provider, ...], Field(max_length=MOST_NAMES)] = ()
    ads: Annotated[tuple[Provider, ...], Field(max_length=MOST_NAMES)] = ()
    free: Annotated[tuple[Provider, ...], Field(max_length=MOST_NAMES)] = ()


@dataclass(frozen=True, config=STRICT)
class WatchProviders:
    results: Annotated[dict[Country, CountryProviders], Field(max_length=MOST_NAMES)] = Field(default_factory=dict)


@dataclass(frozen=True, config=STRICT)
class Video:
    """`key` is the video's id at `site`, YouTube or Vimeo."""

    key: Annotated[str, AfterValidator(_matching(r"[\w-]{1,64}"))]
    site: Words = None
    name: Words = None
    type: Words = None
    official: bool | None = None
    published_at: Words = None
    iso_639_1: Words = None


@dataclass(frozen=True, config=STRICT)
class Videos:
    results: Annotated[tuple[Video, ...], Field(max_length=MOST_NAMES)] = ()


@dataclass(frozen=True, config=STRICT)
class ExternalIds:
    imdb_id: Words = None


@dataclass(frozen=True, config=STRICT)
class Film:
    """`GET /3/movie/{id}` with all that APPENDED names."""

    id: Id
    title: Name
    original_title: Words = None
    overview: Words = None
    tagline: Words = None
    poster_path: Picture = None
    backdrop_path: Picture = None
    release_date: Day = None
    runtime: Count | None = None
    vote_average: Figure | None = None
    vote_count: Count | None = None
    popularity: Figure | None = None
    genres: Annotated[tuple[Genre, ...], Field(max_length=MOST_NAMES)] = ()
    imdb_id: Words = None
    original_language: Words = None
    budget: Money | None = None
    revenue: Money | None = None
    status: Words = None
    adult: bool | None = None
    video: bool | None = None
    production_companies: Annotated[tuple[Company, ...], Field(max_length=MOST_NAMES)] = ()
    production_countries: Annotated[tuple[CountryOfOrigin, ...], Field(max_length=MOST_NAMES)] = ()
    spoken_languages: Annotated[tuple[Language, ...], Field(max_length=MOST_NAMES)] = ()
    belongs_to_collection: Collection | None = None
    credits: Credits | None = None
    keywords: Keywords | None = None
    alternative_titles: AlternativeTitles | None = None
    release_dates: ReleaseDates | None = None
    watch_providers: Annotated[WatchProviders | None, Field(alias="watch/providers")] = None
    external_ids: ExternalIds | None = None
    videos: Videos | None = None


APPENDED = (
    "credits",
    "keywords",
    "alternative_titles",
    "release_dates",
    "watch/providers",
    "external_ids",
    "videos",
)


@dataclass(frozen=True, config=STRICT)
class ListedFilm:
    """A film in a list of changed or of popular ones; all else about it is asked for by its id."""

    id: Id
    adult: bool | None = None
    video: bool | None = None


@dataclass(frozen=True, config=STRICT)
class FilmPage:
    results: Annotated[tuple[ListedFilm, ...], Field(max_length=1_000)]
    total_pages: Count = 1


@dataclass(frozen=True, config=STRICT)
class Genres:
    genres: Annotated[tuple[Genre, ...], Field(max_length=MOST_NAMES)]


@dataclass(frozen=True, config=STRICT)
class Images:
    secure_base_url: Name


@dataclass(frozen=True, config=STRICT)
class Configuration:
    images: Images


ADAPTERS: Mapping[type[Any], TypeAdapter[Any]] = {
    kind: TypeAdapter(kind) for kind in (Film, FilmPage, Genres, Configuration)
}


def read(kind: type[Payload], body: bytes) -> Payload:
    """Raises Unfit, which says what in `body` is not as it may be, without quoting it."""
    try:
        answer: Payload = ADAPTERS[kind].validate_json(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part)[:40] for part in first["loc"])
        message = "".join(one for one in str(first["msg"])[:200] if one.isprintable())
        more = f" (and {error.error_count() - 1:,} more)" if error.error_count() > 1 else ""
        raise Unfit(f"{place or 'The whole'}: {message}{more}") from None
    return answer
