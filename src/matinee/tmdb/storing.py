"""What came of asking TMDb for some films, into the catalogue, in one transaction."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from prometheus_client import Counter

from matinee.catalog.facts import Facts, UnusableFacts, differences, known_facts, store_facts
from matinee.catalog.models import Genre, Movie
from matinee.catalog.withdrawal import withdraw_films
from matinee.tmdb.failures import Gone, TmdbFailure, Unfit
from matinee.tmdb.film_facts import raw_facts
from matinee.tmdb.models import QuarantinedFilm
from matinee.tmdb.payloads import Film

STORED = Counter("matinee_tmdb_stored_films", "Films that TMDb was asked for, by what came of it.", ["outcome"])
UNFIT_AGAIN_AFTER = dt.timedelta(days=1)
UNANSWERED_AGAIN_AFTER = dt.timedelta(hours=1)


@dataclass(frozen=True)
class Outcome:
    """What TMDb said to `tmdb_id`: a film, perhaps under another id since it was merged, or a failure."""

    tmdb_id: int
    film: Film | None = None
    failure: TmdbFailure | None = None


@dataclass(frozen=True)
class Stored:
    """How many films were new, gained or changed a fact, were known just so, were withdrawn, or did not fit."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    withdrawn: int = 0
    quarantined: int = 0

    def __add__(self, other: Stored) -> Stored:
        return Stored(
            self.added + other.added,
            self.changed + other.changed,
            self.unchanged + other.unchanged,
            self.withdrawn + other.withdrawn,
            self.quarantined + other.quarantined,
        )


def store(outcomes: Sequence[Outcome], *, now: dt.datetime) -> Stored:
    """Called within the transaction that the outcomes belong to. A blank of TMDb's never replaces a known fact."""
    facts: dict[int, Facts] = {}
    unusable: dict[int, TmdbFailure] = {}
    gone: set[int] = set()
    for outcome in outcomes:
        if outcome.film is not None:
            try:
                facts[outcome.film.id] = known_facts(raw_facts(outcome.film))
            except UnusableFacts as error:
                unusable[outcome.tmdb_id] = Unfit(str(error))
            if outcome.film.id != outcome.tmdb_id:
                gone.add(outcome.tmdb_id)
        elif isinstance(outcome.failure, Gone):
            gone.add(outcome.tmdb_id)
        elif outcome.failure is not None:
            unusable[outcome.tmdb_id] = outcome.failure
    _add_missing_genres([outcome.film for outcome in outcomes if outcome.film is not None])
    report = store_facts(list(facts.values()), choose=known_differences, now=now)
    withdrawn = withdraw_films(gone)
    QuarantinedFilm.objects.filter(tmdb_id__in=[*facts, *gone]).delete()
    for tmdb_id, failure in unusable.items():
        quarantine(tmdb_id, failure, now=now)
    return Stored(report.added, report.changed, report.unchanged, withdrawn, len(unusable))


def count(stored: Stored) -> None:
    """Called once the transaction that stored them is through."""
    for outcome, films in asdict(stored).items():
        STORED.labels(outcome).inc(films)


def known_differences(movie: Movie, facts: Facts) -> dict[str, Any]:
    """The facts that are known and not what `movie` holds: a blank replaces nothing.

    Where a film can be watched does change to nowhere, and an average to none where no vote is left.
    """
    may_go = {"watch_offers", "vote_average"} if facts.get("vote_count") is not None else {"watch_offers"}
    different = differences(movie, facts)
    return {name: value for name, value in different.items() if name in may_go or value not in (None, "", [], ())}


def quarantine(tmdb_id: int, failure: TmdbFailure, *, now: dt.datetime) -> None:
    """Note that the film could not be had, why, and when it is asked for again."""
    pause = UNFIT_AGAIN_AFTER if isinstance(failure, Unfit) else UNANSWERED_AGAIN_AFTER
    before = QuarantinedFilm.objects.filter(tmdb_id=tmdb_id).first()
    QuarantinedFilm.objects.update_or_create(
        tmdb_id=tmdb_id,
        defaults={
            "reason": str(failure)[:1_000],
            "times": before.times + 1 if before else 1,
            "seen_at": now,
            "again_at": now + pause,
        },
    )


def _add_missing_genres(films: Sequence[Film]) -> None:
    """Between two weekly readings of TMDb's genres a film may bring a new one."""
    names = {genre.id: genre.name for film in films for genre in film.genres}
    known = set(Genre.objects.filter(id__in=names).values_list("id", flat=True))
    new = [Genre(id=id_, name=name[:100]) for id_, name in sorted(names.items()) if id_ not in known]
    if new:
        Genre.objects.bulk_create(new, ignore_conflicts=True)


def films_known(tmdb_ids: Sequence[int]) -> set[int]:
    """Those of the ids that the catalogue has."""
    return set(Movie.objects.filter(tmdb_id__in=tmdb_ids).values_list("tmdb_id", flat=True))
