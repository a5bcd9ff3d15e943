"""What to see next, and why; and what I never want to be shown again."""

from __future__ import annotations

import collections
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, NamedTuple

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Field, Query, Router
from prometheus_client import Counter
from pydantic import AfterValidator

from matinee.api import entries
from matinee.api.answers import PageQuery, page_of
from matinee.api.authentication import SignedInRequest, cards_standing, ceiling_of
from matinee.api.cards import must_be_shown, with_flags
from matinee.api.filters import FilterQuery, Listed, filter_of, sort_of
from matinee.api.schemas import Entry, Page, Problem, Recommendations
from matinee.catalog.cards import Deck, Standing, encoded_films
from matinee.catalog.ceiling import permitted
from matinee.catalog.encoding import EncodedFilm, joined
from matinee.catalog.filters import Term, read_ids
from matinee.catalog.lookup import find_pk
from matinee.core.remembered import Remembered
from matinee.library import services
from matinee.library.models import Dismissal
from matinee.recommendations import serving
from matinee.tmdb.services import find_movie

router = Router()

RECOMMENDED = Counter("matinee_recommended_films", "Films recommended to a person, by what spoke for them.", ["source"])


def _listed(raw: str) -> str:
    read_ids(raw)
    return raw


class RecommendationQuery(FilterQuery):
    diversity: float = Field(
        0.0, ge=0, le=1, allow_inf_nan=False, description="0 is the best for me, 1 the most varied."
    )
    seeds: Annotated[Listed, AfterValidator(_listed)] | None = Field(
        None, description="Up to 100 TMDb ids to start from instead of my whole history."
    )
    include: Literal["watchlist"] | None = Field(None, description="Lets my watchlist back in.")


@router.get(
    "/recommendations/",
    response={200: Recommendations, 400: Problem, 401: Problem},
    url_name="recommendations",
)
def list_recommendations(
    request: SignedInRequest, paging: Query[PageQuery], wishes: Query[RecommendationQuery]
) -> HttpResponse:
    """For me, at most 500 films deep. What I rated, favourited or dismissed is not among them."""
    ranking = serving.recommend(
        user=request.auth,
        movie_filter=filter_of(request),
        sort=sort_of(request),
        diversity=wishes.diversity,
        seeds=read_ids(wishes.seeds) if wishes.seeds else (),
        include_watchlist=wishes.include == "watchlist",
        upto=paging.span.stop,
    )
    more = {"model_version": ranking.model_version, "personalised": ranking.personalised}
    return picks_page(request, paging, ranking, **more)


@router.get(
    "/recommendations/dismissed/", response={200: Page[Entry], 400: Problem, 401: Problem}, url_name="dismissed"
)
def list_dismissed(request: SignedInRequest, paging: Query[PageQuery]) -> HttpResponse:
    """The films that I dismissed, newest first."""
    return entries.list_entries(request, Dismissal, paging)


@router.put(
    "/recommendations/{int:movie_id}/dismiss/",
    response={204: None, 401: Problem, 404: Problem},
    url_name="dismiss",
)
def dismiss(request: SignedInRequest, movie_id: int) -> HttpResponse:
    """Not interested: this film is not recommended to me again."""
    movie_pk = find_movie(movie_id, by=find_pk)
    must_be_shown(request, movie_id)
    services.add(Dismissal, user=request.auth, movie_pk=movie_pk, now=timezone.now())
    return HttpResponse(status=204)


@router.delete("/recommendations/{int:movie_id}/dismiss/", response={204: None, 401: Problem})
def undo_dismissal(request: SignedInRequest, movie_id: int) -> HttpResponse:
    """Interested after all; 204 whether it was dismissed or not."""
    return entries.remove_entry(request, Dismissal, movie_id)


def picks_page(request: HttpRequest, paging: PageQuery, ranking: serving.Ranking, **more: Any) -> HttpResponse:
    """One page of a ranking: each film's card, and why it is there."""
    shown = _shown(request, ranking, paging.span)
    if ranking.is_for_a_person:
        for source, number in shown.sources.items():
            RECOMMENDED.labels(source).inc(number)
    cards = with_flags(request, shown.deck)
    results = [card[:-1] + shown.whys[tmdb_id] for tmdb_id, card in cards.items()]
    return page_of(request, paging, total=ranking.total, results=results, **more)


class _Shown(NamedTuple):
    """One page of a ranking, but for what its films are to whoever asks."""

    deck: Deck
    whys: Mapping[int, bytes]
    """By TMDb id, how its card goes on."""
    sources: Mapping[str, int]
    """How many films each of them speaks for."""
    tmdb_ids: Sequence[int]
    """Of all films that it tells of, in reasons, too."""
    version: str | None
    """Of the cards that all of these are in as they are; None where any is not."""

    def stands(self, standing: Standing | None, ceiling: Term | None) -> bool:
        """Whether none of its films has changed, or is to be hidden from whoever asks."""
        return (
            standing is not None
            and standing.version == self.version
            and standing.holds(self.tmdb_ids)
            and len(permitted(self.tmdb_ids, ceiling)) == len(self.tmdb_ids)
        )

    @property
    def weight(self) -> int:
        return self.deck.weight + sum(map(len, self.whys.values()))


BYTES_REMEMBERED = 2**23
_remembered = Remembered[_Shown](BYTES_REMEMBERED, weight=lambda shown: shown.weight)


def _shown(request: HttpRequest, ranking: serving.Ranking, span: slice) -> _Shown:
    """Put together once for each page that somebody is recommended, while it stands."""
    standing, ceiling, key = cards_standing(request), ceiling_of(request), (ranking.number, span.start, span.stop)
    shown = _remembered.get(key)
    if shown is None or not shown.stands(standing, ceiling):
        shown = _put_together(ranking, span, standing, ceiling)
        if ranking.is_for_a_person and shown.version is not None:
            _remembered.keep(key, shown)
    return shown


def _put_together(ranking: serving.Ranking, span: slice, standing: Standing | None, ceiling: Term | None) -> _Shown:
    picks = ranking.page(span.start, span.stop)
    wanted = [pick.tmdb_id for pick in picks] + [reason.tmdb_id for pick in picks for reason in pick.because]
    tmdb_ids = [*dict.fromkeys(wanted)]
    films = encoded_films(permitted(tmdb_ids, ceiling), standing)
    there = [pick for pick in picks if pick.tmdb_id in films]
    is_whole = standing is not None and standing.holds(tmdb_ids) and len(films) == len(tmdb_ids)
    return _Shown(
        deck=Deck.of({pick.tmdb_id: films[pick.tmdb_id] for pick in there}),
        whys={pick.tmdb_id: joined(b"", _why(pick, films, ranking)) for pick in there},
        sources=collections.Counter(pick.source for pick in there),
        tmdb_ids=tmdb_ids,
        version=standing.version if standing is not None and is_whole else None,
    )


def _why(pick: serving.Pick, films: Mapping[int, EncodedFilm], ranking: serving.Ranking) -> dict[str, Any]:
    because = [
        joined(films[reason.tmdb_id].name, {"share": reason.share})
        for reason in pick.because
        if reason.tmdb_id in films
    ]
    why = {"score": pick.score, "because": because, "source": pick.source}
    return {**why, "predicted_rating": pick.predicted_rating} if ranking.is_for_a_person else why
