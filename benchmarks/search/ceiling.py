"""What nobody can be expected to exceed: many films have the same title, the same beginning, the same words but one.

It is reached by somebody who is told the kind of the question, sees through every typo, and knows how films and places
were drawn: the films that can have been asked for with just these letters, the likeliest first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from random import Random

from benchmarks.search.by_facts import DIRECTOR, MISTYPED, WAYS
from benchmarks.search.known_items import (
    BEGUN,
    FEWEST_BEGUN,
    KINDS,
    TYPO_KINDS,
    Film,
    KnownItem,
    known_by,
    without_a_word,
)
from benchmarks.search.measuring import ALL, DEPTH, figures, mean, place_of

_NO_CHANCE = Random(0)
"""For kinds in which nothing is drawn."""
SEEN_THROUGH = {**dict.fromkeys(TYPO_KINDS, "whole title"), MISTYPED: DIRECTOR}
"""By the kind with typos the one without."""


def reachable(films: Sequence[Film], items: Sequence[KnownItem]) -> dict[str, float]:
    """MRR@10 by kind."""
    by_id = {film.tmdb_id: film for film in films}
    by_kind = {}
    for kind in dict.fromkeys(item.kind for item in items):
        meant = SEEN_THROUGH.get(kind, kind)
        likely = _films_by_text(films, meant)
        places = []
        for item in items:
            if item.kind == kind:
                chances = likely[item.text if meant == kind else next(_texts(by_id[item.tmdb_id], meant))[0]]
                best = sorted(chances, key=chances.__getitem__, reverse=True)
                places.append(place_of(item.tmdb_id, best[:DEPTH]))
        by_kind[kind] = figures(places)
    return {kind: of["MRR@10"] for kind, of in {**by_kind, ALL: mean([*by_kind.values()])}.items()}


def _films_by_text(films: Sequence[Film], kind: str) -> dict[str, dict[int, float]]:
    """Of every text the films that it may stand for, and how likely each is."""
    likely: dict[str, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for film in films:
        if film.votes > 0:
            for text, chance in _texts(film, kind):
                likely[text][film.tmdb_id] += chance * known_by(film)
    return likely


def _texts(film: Film, kind: str) -> Iterator[tuple[str, float]]:
    """What this film is asked for with, and the chance of each."""
    if kind == "beginning":
        low, high = BEGUN
        shortest, longest = low * len(film.title), high * len(film.title)
        for length in range(FEWEST_BEGUN, len(film.title)):
            share = min(longest, length + 0.5) - max(shortest, length - 0.5)
            if share > 0:
                yield film.title[:length].lower(), share / (longest - shortest)
    elif kind == "one word left out" or kind in WAYS:
        texts = WAYS.get(kind, without_a_word)(film)
        for text in texts:
            yield text, 1 / len(texts)
    else:
        written = KINDS[kind](film, _NO_CHANCE)
        if written is not None:
            yield written, 1.0
