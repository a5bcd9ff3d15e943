"""cine-rec-engine's published weights, run again in numpy over the facts at hand.

The package itself needs PostgreSQL with pgvector, a mirror of TMDb and embeddings of all overviews. Its weights.json
(0.15.1, MIT) says what 22 features of a pair of films are worth; 16 of them are here, those that are constant among
films or need what no data set here has left out: TMDb's own recommendations, collections, networks, the camera, the
style that it reads from keywords, and the director's channel of its retrieval. What two overviews have in common is
counted by pairs of letters, as the package does where there are no embeddings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from benchmarks.recommender.baselines import Film
from matinee.engine.arrays import Doubles, Floats, Ids, rows_of
from matinee.engine.evaluation.cases import LIKED_FROM, Case, Ranker
from matinee.engine.evaluation.systems import NEVER

WEIGHTS = {
    "cosine_sim": 5.13288871749017,
    "keyword_sim": 4.347334985694597,
    "cast_sim": 1.7606679202514037,
    "genre_priority_sum": 0.6708278344276517,
    "director_match": 3.4993499459612547,
    "writer_match": 4.077751337442365,
    "company_sim": 0.015414112082707107,
    "year_le5": 0.3617314079494894,
    "year_le10": 0.1383358999660159,
    "year_gt25": -0.41663018559382325,
    "votes_gt15k": -0.3865931394369902,
    "low_votes_high_rating": -0.0905171846678749,
    "rating_bonus": 1.7258435187435655,
    "pop_action_leak": 0.34169702700283316,
    "composer_match": 5.53573775107064,
    "medium_mismatch": -0.5195376608304412,
}
"""As published."""
GENRE_PRIORITY = {"Music": 1.5, "Documentary": 0.5}
"""As published; every other genre counts 1."""
CAST = 5
LEAK_BELOW = 0.3


def by_likeness(films: Sequence[Film]) -> Ranker:
    """The sum over what someone liked of each film's likeness to it; `films` are sorted by id."""
    ids = np.array([film["id"] for film in films], dtype=np.int64)
    likeness = pairs(films)

    def rank(case: Case, candidates: Ids, /) -> Doubles:
        rows = rows_of(ids, case.item_ids[case.ratings >= LIKED_FROM])
        scores = likeness[rows[rows >= 0]].sum(axis=0, dtype=np.float64)
        return np.append(scores, NEVER)[rows_of(ids, candidates)]

    return rank


def pairs(films: Sequence[Film]) -> Floats:
    """(n, n): from the liked film, to the scored one."""
    total = np.zeros((len(films), len(films)), dtype=np.float32)

    def add(name: str, values: NDArray[Any]) -> None:
        nonlocal total
        total += WEIGHTS[name] * values.astype(np.float32)

    overview = _jaccard(films, lambda film: _letter_pairs(film.get("overview") or ""))
    add("cosine_sim", overview)
    add("keyword_sim", _jaccard(films, lambda film: {word["id"] for word in film["keywords"]["keywords"]}))
    cast, sizes = _common(_indicator(films, lambda film: {each["id"] for each in film["credits"]["cast"][:CAST]}))
    add("cast_sim", 2 * cast / np.maximum(sizes[:, np.newaxis] + sizes, 1))
    genres, _ = _common(_indicator(films, lambda film: {genre["name"] for genre in film["genres"]}, GENRE_PRIORITY))
    add("genre_priority_sum", genres)
    for name, jobs in (
        ("director_match", {"Director"}),
        ("writer_match", {"Writer", "Screenplay"}),
        ("composer_match", {"Original Music Composer"}),
    ):
        crew, _ = _common(_indicator(films, partial(_crew, jobs)))
        add(name, crew > 0)
    add("company_sim", _jaccard(films, lambda film: {company["id"] for company in film["production_companies"]}))

    years = np.array([int(film["release_date"][:4]) if film["release_date"] else np.nan for film in films])
    apart = np.abs(years[:, np.newaxis] - years)
    add("year_le5", apart <= 5)
    add("year_le10", (apart > 5) & (apart <= 10))
    add("year_gt25", apart > 25)
    votes, averages = (np.array([film[name] or 0 for film in films]) for name in ("vote_count", "vote_average"))
    add("votes_gt15k", votes > 15_000)
    add("low_votes_high_rating", (votes < 2_000) & (averages > 7))
    add("rating_bonus", np.clip(averages - 6, 0, 2) / 2)
    add("pop_action_leak", (votes > 10_000) & (overview < LEAK_BELOW))
    media = np.array([_medium(film) for film in films])
    add("medium_mismatch", media[:, np.newaxis] != media)
    np.fill_diagonal(total, 0)
    return total


def _indicator(
    films: Sequence[Film], values_of: Callable[[Film], set[Any]], squares: dict[Any, float] | None = None
) -> sparse.csr_matrix:
    """(n, distinct values) of 1, or of the root of what `squares` says, where a film has the value."""
    places: dict[Any, int] = {}
    values = [sorted(places.setdefault(value, len(places)) for value in values_of(film)) for film in films]
    roots = np.sqrt(np.array([(squares or {}).get(value, 1.0) for value in places], dtype=np.float32))
    columns = np.array([column for each in values for column in each], dtype=np.int32)
    ends = np.cumsum([0] + [len(each) for each in values])
    return sparse.csr_matrix((roots[columns], columns, ends), shape=(len(films), len(places)))


def _jaccard(films: Sequence[Film], values_of: Callable[[Film], set[Any]]) -> Floats:
    common, sizes = _common(_indicator(films, values_of))
    result: Floats = common / np.maximum(sizes[:, np.newaxis] + sizes - common, 1)
    return result


def _common(matrix: sparse.csr_matrix) -> tuple[Floats, Floats]:
    """(n, n) of what two films have in common, and (n,) of what each has."""
    common: Floats = (matrix @ matrix.T).toarray()
    return common, np.diagonal(common).copy()


def _crew(jobs: set[str], film: Film) -> set[int]:
    return {person["id"] for person in film["credits"]["crew"] if person["job"] in jobs}


def _letter_pairs(text: str) -> set[str]:
    lowered = text.lower()
    return {lowered[place : place + 2] for place in range(len(lowered) - 1)}


def _medium(film: Film) -> str:
    if "Animation" not in {genre["name"] for genre in film["genres"]}:
        return "live"
    return "anime" if film["original_language"] == "ja" else "animation"
