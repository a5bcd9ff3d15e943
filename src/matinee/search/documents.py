"""A film as it stands in the index."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from tantivy import Document, Schema, SchemaBuilder

from matinee.catalog.film_lists import LISTS
from matinee.catalog.filters import imdb_number
from matinee.catalog.models import MovieQuerySet
from matinee.search.words import key_of, names_of, without_article, words_of

LAYOUT = 5
"""Changes with what is below and in `words`, so that no program reads what another wrote otherwise."""

FIELDS = (
    "tmdb_id",
    "title",
    "original_title",
    "original_language",
    "release_date",
    "imdb_id",
    "directors",
    "cast",
    "keywords",
    "overview",
    "popularity",
    "vote_count",
)
POPULARITY_WEIGHT = 0.5
"""The most popular film's score is multiplied by one and this; fitted, see docs/search.md."""
MOST_POPULAR = 500.0
MOST_VOTES = 30_000.0
LONGEST_START = 6
READ_AT_ONCE = 1_000
LEADS = 5
"""Of the cast, who are billed first."""
OTHER_TITLES = "alternative_titles"
COMMONEST = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "but",
        "by",
        "for",
        "from",
        "has",
        "have",
        "he",
        "her",
        "his",
        "in",
        "into",
        "is",
        "it",
        "its",
        "of",
        "on",
        "or",
        "she",
        "that",
        "the",
        "their",
        "them",
        "they",
        "this",
        "to",
        "was",
        "were",
        "when",
        "where",
        "which",
        "who",
        "will",
        "with",
    ]
)
"""Left out of overviews, where they tell nothing and take most of the room."""


def schema() -> Schema:
    """`whole` holds the titles run together and `length` how long they are, `bare` what is left of them without their
    articles. `start` has the first one to LONGEST_START characters of each of these: so short a beginning is that of
    too many to go through them. What a film is called elsewhere stands apart from its titles, in `other`, and run
    together in `other_whole`. Names, run together, stand in `director`, and those of who did not direct in `lead` and
    `cast`."""
    builder = SchemaBuilder()
    builder.add_integer_field("tmdb_id", indexed=True, fast=True)
    builder.add_integer_field("imdb", indexed=True)
    builder.add_integer_field("year", indexed=True)
    builder.add_integer_field("length", indexed=True)
    builder.add_float_field("weight", fast=True)
    for name in ("whole", "bare", "start", "other_whole", "director", "lead", "cast"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    for name in ("title", "other", "people", "keywords", "overview"):
        builder.add_text_field(name, tokenizer_name="whitespace", index_option="position")
    return builder.build()


def documents_of(films: MovieQuerySet) -> Iterator[Document]:
    """Streamed: a thousand rows are in memory at once."""
    rows = films.order_by("tmdb_id").values("pk", "digests", *FIELDS).iterator(chunk_size=READ_AT_ONCE)
    while chunk := list(islice(rows, READ_AT_ONCE)):
        with_others = [film["pk"] for film in chunk if OTHER_TITLES in (film["digests"] or ())]
        others = LISTS[OTHER_TITLES].read(with_others) if with_others else {}
        for film in chunk:
            yield document_of(film, [title.title for title in others.get(film["pk"], ())])


def document_of(film: Mapping[str, Any], other_titles: Sequence[str] = ()) -> Document:
    """`film` has the values of FIELDS."""
    document = Document()
    document.add_integer("tmdb_id", film["tmdb_id"])
    number = imdb_number(film["imdb_id"] or "")
    if number is not None:
        document.add_integer("imdb", number)
    if film["release_date"] is not None:
        document.add_integer("year", film["release_date"].year)
    document.add_float("weight", weight_of(film["popularity"], film["vote_count"]))
    _add_titles(document, film, other_titles)
    _add_people(document, film)
    for keyword in dict.fromkeys(_texts(film["keywords"])):
        document.add_text("keywords", " ".join(words_of(keyword)))
    if film["overview"]:
        document.add_text("overview", " ".join(word for word in words_of(film["overview"]) if word not in COMMONEST))
    return document


def _add_titles(document: Document, film: Mapping[str, Any], other_titles: Sequence[str]) -> None:
    names = names_of([film["title"], film["original_title"]])
    for name in names:
        document.add_text("title", " ".join(name))
    whole = dict.fromkeys(map(key_of, names))
    without = [key_of(without_article(name, film["original_language"])) for name in names]
    bare = dict.fromkeys(key for key in without if key not in whole)
    for field, keys in (("whole", whole), ("bare", bare)):
        for key in keys:
            document.add_text(field, key)
    for length in {len(key) for key in whole}:
        document.add_integer("length", length)
    for start in dict.fromkeys(key[:length] for key in (*whole, *bare) for length in range(1, LONGEST_START + 1)):
        document.add_text("start", start)
    for other in names_of(other_titles):
        if other not in names:
            document.add_text("other", " ".join(other))
            document.add_text("other_whole", key_of(other))


def _add_people(document: Document, film: Mapping[str, Any]) -> None:
    directors = dict.fromkeys(_texts(film["directors"]))
    others = [name for name in dict.fromkeys(_texts(film["cast"])) if name not in directors]
    for field, names in (("director", directors), ("lead", others[:LEADS]), ("cast", others[LEADS:])):
        for words in filter(None, map(words_of, names)):
            document.add_text(field, key_of(words))
            document.add_text("people", " ".join(words))


def weight_of(popularity: float | None, votes: int | None) -> float:
    """What makes the index multiply a film's score by 1 for the least popular to 1 + POPULARITY_WEIGHT.

    tantivy multiplies by log2(2 + weight).
    """
    known = math.log1p(popularity or 0.0) / math.log1p(MOST_POPULAR), math.log1p(votes or 0) / math.log1p(MOST_VOTES)
    share = sum(min(part, 1.0) for part in known) / 2
    return float(2.0 ** (1.0 + POPULARITY_WEIGHT * share)) - 2.0


def _texts(stored: Any) -> Iterable[str]:
    return [text for text in stored if isinstance(text, str)] if isinstance(stored, list) else []
