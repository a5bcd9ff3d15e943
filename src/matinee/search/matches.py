"""What of a film somebody's question matched, for the films of one page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tantivy import Occur, Query

from matinee.search.index import SearchIndex, search_index
from matinee.search.queries import LOOKED_FOR, Queries
from matinee.search.questions import question_of

BY_TITLE = ("title",)
"""All that is looked at while there is no index."""


def what_matched(*, text: str, tmdb_ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """Of each film the parts in which a word of `text` stands, or nearly so where none stands exactly."""
    index = search_index()
    if index is None:
        return dict.fromkeys(tmdb_ids, BY_TITLE)
    question, queries = question_of(text), Queries(index.schema, index.searcher)
    matched: dict[int, tuple[str, ...]] = {}
    for forgiving in LOOKED_FOR:
        rest = [tmdb_id for tmdb_id in tmdb_ids if tmdb_id not in matched]
        if not rest:
            break
        matched |= _parts_of(index, queries, queries.parts(question, forgiving), rest)
    return {tmdb_id: matched.get(tmdb_id, ()) for tmdb_id in tmdb_ids}


def _parts_of(
    index: SearchIndex, queries: Queries, parts: Mapping[str, Query], tmdb_ids: Sequence[int]
) -> dict[int, tuple[str, ...]]:
    """In one search: each part adds a power of two to a film's score."""
    powers = {part: 1 << place for place, part in enumerate(parts)}
    scored = [(Occur.Should, Query.const_score_query(query, powers[part])) for part, query in parts.items()]
    hits: Any = index.searcher.search(queries.among(Query.boolean_query(scored), tmdb_ids), len(tmdb_ids), count=False)
    found: Any = index.searcher.fast_field_values("tmdb_id", [place for _, place in hits.hits])
    return {
        tmdb_id: tuple(part for part, power in powers.items() if int(score) & power)
        for tmdb_id, (score, _) in zip(found, hits.hits, strict=True)
    }
