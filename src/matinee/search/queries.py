"""A question as queries of the index. They are built from its words, never from query syntax.

A film's score is the place of its title (the whole title, its beginning, nearly the one or the other) and how well the
words fit its texts; the index multiplies it by the film's weight. The places lie so far apart that no weight makes up
for the whole title or its beginning.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tantivy import Occur, Query, Schema

from matinee.search.documents import COMMONEST
from matinee.search.questions import Question
from matinee.search.words import Words, keys_of

WHOLE_TITLE = 2_000.0
BY_ID = 1_000.0
BEGINNING = 300.0
NEARLY_WHOLE = {1: 120.0, 2: 60.0}
NEARLY_BEGINNING = {1: 60.0, 2: 30.0}
"""By the number of edits."""
FIELD_BOOSTS = {"title": 3.0, "people": 2.0, "keywords": 1.0, "overview": 0.5}
BEGUN_WORD = 1.0
NEARLY_WORD = {1: 2.0, 2: 1.0}
"""Where a word fits exactly, it counts by how rare it is (BM25)."""
TIE = 0.1
ONE_EDIT_FROM, TWO_EDITS_FROM = 4, 8
"""Letters; an edit is one letter put in, left out or changed, or two neighbours swapped."""
LONGEST_NEARLY = 64
MOST_NEARLY = 8
"""Words of a question whose neighbourhood is looked into: that is what costs."""
FORGIVING_FIELDS = ("title", "people")
BEGUN_FIELDS = ("title", "people", "keywords")


@dataclass(frozen=True)
class Queries:
    """Builds the queries of one index."""

    schema: Schema

    def matching(self, question: Question, *, forgiving: bool) -> Query:
        """The films that the question means, typos forgiven or not; their scores rank them."""
        if question.imdb_number is not None:
            return self._constant(self._number("imdb", question.imdb_number), BY_ID)
        if not question.runs:
            return Query.empty_query()
        ways = [self._literally(question, forgiving=forgiving)]
        if question.year is not None:
            of_year = self._constant(self._number("year", question.year), 0.0)
            ways.append(_all([self._literally(question.without_year(), forgiving=forgiving), of_year]))
        if question.tmdb_id is not None:
            ways.append(self._constant(self._number("tmdb_id", question.tmdb_id), BY_ID))
        return _best(ways)

    def nearly_matching(self, question: Question) -> Query:
        """For when nothing matches: one word may be missing from the film, or the year be wrong."""
        ways = []
        if question.year is not None:
            ways.append(self._literally(question.without_year(), forgiving=True))
        required = _required(question.runs)
        if len(required) > 2 and not question.phrases:
            words = [(Occur.Should, word) for word in self._words(required, forgiving=True)]
            ways.append(Query.boolean_query(words, minimum_number_should_match=len(words) - 1))
        return _best(ways)

    def completions(self, question: Question) -> Iterator[Query]:
        """What films the beginning of a title may mean, the best guesses first; each to be ranked by weight alone."""
        if question.imdb_number is not None or not question.runs:
            yield self.matching(question, forgiving=False)
            return
        keys = list(keys_of(question.words))
        yield _best([self._constant(self._term("key", key), 1.0) for key in keys])
        yield _best([self._constant(self._nearly("key", key, 0, begun=True), 1.0) for key in keys])
        if question.year is not None:
            yield self.matching(question, forgiving=False)
        titles = _all(self._words(question.runs, forgiving=False, fields=("title",)))
        yield self._constant(titles, 1.0)
        for edits in (1, 2):
            near = [key for key in keys if edits <= _edits(key)]
            yield _best([self._constant(self._nearly("key", key, edits, begun=True), 1.0) for key in near])
        yield self._constant(_all(self._words(question.runs, forgiving=True, fields=("title",))), 1.0)

    def _literally(self, question: Question, *, forgiving: bool) -> Query:
        """Every word somewhere in the film, or together the beginning of its title; the year is a word like others."""
        forgiving = forgiving and not question.phrases
        place = _best(list(self._places(question.words, forgiving=forgiving)))
        required = _required(question.runs)
        words = self._words(required, forgiving=forgiving)
        extra = [run for run in question.runs if run not in required]
        text = Query.boolean_query(
            [
                *((Occur.Must, word) for word in words),
                *((Occur.Should, self._run(run, ("title",), forgiving=False, begun=False)) for run in extra),
            ]
        )
        either = Query.boolean_query([(Occur.Should, place), (Occur.Should, text)])
        if not question.phrases:
            return either
        return _all([either, *(_best([self._phrase(f, words) for f in FIELD_BOOSTS]) for words in question.phrases)])

    def _places(self, words: Words, *, forgiving: bool) -> Iterator[Query]:
        for key in keys_of(words):
            yield self._constant(self._term("key", key), WHOLE_TITLE)
            yield self._constant(self._nearly("key", key, 0, begun=True), BEGINNING)
            for edits in range(1, _edits(key) + 1 if forgiving else 1):
                yield self._constant(self._nearly("key", key, edits, begun=False), NEARLY_WHOLE[edits])
                yield self._constant(self._nearly("key", key, edits, begun=True), NEARLY_BEGINNING[edits])

    def _words(
        self, runs: Sequence[Words], *, forgiving: bool, fields: Sequence[str] = tuple(FIELD_BOOSTS)
    ) -> list[Query]:
        """A query for each; the last word may be one that is still being typed."""
        return [
            self._run(run, fields, forgiving=forgiving and place < MOST_NEARLY, begun=place == len(runs) - 1)
            for place, run in enumerate(runs)
        ]

    def _run(self, run: Words, fields: Sequence[str], *, forgiving: bool, begun: bool) -> Query:
        if len(run) > 1:
            return _best([Query.boost_query(self._phrase(field, run), FIELD_BOOSTS[field]) for field in fields])
        (word,) = run
        if word in COMMONEST:
            fields = [field for field in fields if field != "overview"]
        ways = [Query.boost_query(self._term(field, word), FIELD_BOOSTS[field]) for field in fields]
        if begun:
            ways += [
                self._constant(self._nearly(field, word, 0, begun=True), BEGUN_WORD)
                for field in fields
                if field in BEGUN_FIELDS
            ]
        for edits in range(1, _edits(word) + 1 if forgiving else 1):
            ways += [
                self._constant(self._nearly(field, word, edits, begun=begun), NEARLY_WORD[edits])
                for field in fields
                if field in FORGIVING_FIELDS
            ]
        return _best(ways)

    def _phrase(self, field: str, words: Words) -> Query:
        if len(words) == 1:
            return self._term(field, words[0])
        kept = [(place, word) for place, word in enumerate(words) if field != "overview" or word not in COMMONEST]
        if len(kept) == 1:
            return self._term(field, kept[0][1])
        return Query.phrase_query(self.schema, field, [word for _, word in kept]) if kept else Query.empty_query()

    def _term(self, field: str, word: str) -> Query:
        return Query.term_query(self.schema, field, word)

    def _number(self, field: str, number: int) -> Query:
        return Query.term_query(self.schema, field, number)

    def _nearly(self, field: str, word: str, edits: int, *, begun: bool) -> Query:
        return Query.fuzzy_term_query(self.schema, field, word, edits, transposition_cost_one=True, prefix=begun)

    @staticmethod
    def _constant(query: Query, score: float) -> Query:
        return Query.const_score_query(query, score)


def _edits(word: str) -> int:
    """How many are forgiven."""
    if not ONE_EDIT_FROM <= len(word) <= LONGEST_NEARLY:
        return 0
    return 2 if len(word) >= TWO_EDITS_FROM else 1


def _required(runs: Sequence[Words]) -> list[Words]:
    """The words that a film must have: all but the commonest, or all where there are no others."""
    rare = [run for run in runs if run[0] not in COMMONEST]
    return rare or list(runs)


def _all(queries: Sequence[Query]) -> Query:
    return Query.boolean_query([(Occur.Must, query) for query in queries])


def _best(queries: Sequence[Query]) -> Query:
    """Any of them, scored by the one that fits best."""
    return Query.disjunction_max_query(list(queries), TIE) if queries else Query.empty_query()
