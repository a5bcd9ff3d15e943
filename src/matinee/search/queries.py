"""A question as queries of the index. They are built from its words, never from query syntax.

A film's score is the place of its title (the whole title, its beginning, nearly the one or the other) and how well the
words fit its texts; the index multiplies it by the film's weight. The places lie so far apart that no weight makes up
for the whole title or its beginning.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tantivy import Occur, Query, Schema, Searcher

from matinee.search.documents import COMMONEST, LONGEST_START
from matinee.search.questions import Question
from matinee.search.words import Words, key_of, swaps_of, without_article

WHOLE_TITLE = 4_000.0
BY_ID = 2_000.0
BEGINNING = 600.0
BY_NUMBER = 400.0
"""It is the film's TMDb id: a number, with which titles begin, too."""
IN_TITLE = 150.0
"""Every word stands in the title, somewhere."""
ELSEWHERE = 300.0
"""It is the whole of what the film is called in another country, which is often another film's title here."""
PEOPLE = {"director": 390.0, "lead": 260.0, "cast": 170.0}
"""By the field of the index: it is somebody's whole name. Fitted, see docs/search.md; 1.5 apart, so that no weight
makes up for directing or leading. Among themselves the films' weights rank them: how many people a film has, and how
often a word stands among their names, tells nothing."""
NEARLY_NAME = 0.4
"""Of PEOPLE, where it is one edit from the name."""
NEARLY_WHOLE = {1: 170.0, 2: 70.0}
"""By the number of edits that it is away from the whole title."""
NEARLY_WITHOUT_ARTICLE = 0.6
"""Of NEARLY_WHOLE, where it is nearly the title without the title's article."""
LIKELY_TYPO = 200.0
"""Added to NEARLY_WHOLE where one letter was left out or two were swapped: likelier than any one wrong letter, of which
there are 25 for each right one."""
NEARLY_BEGINNING = {1: 60.0}
"""By the number of edits that it is away from the beginning of a title."""
WITHOUT_ARTICLE = 0.8
"""Of WHOLE_TITLE, where it is the title without the title's article."""
ARTICLE_TOO_MANY = 0.15
"""Of WHOLE_TITLE or BEGINNING, where it fits once the question's own article is left out."""
PARTS = {
    "title": "title",
    "alternative_title": "other",
    "person": "people",
    "keyword": "keywords",
    "overview": "overview",
}
"""Of a film, and the fields of the index that hold them; a year or an id can be matched besides."""
FIELD_BOOSTS = {"title": 2.25, "other": 1.0, "people": 1.5, "keywords": 0.75, "overview": 0.375}
"""Fitted together with POPULARITY_WEIGHT, see docs/search.md; all but `other`, of which no data at hand has any."""
BEGUN_WORD = 0.5
BEGUN_FROM = 3
"""Letters; fewer begin too many words to go through them. The beginning of a whole title needs one."""
FEW_TERMS = 16
"""Where no more terms of the index than this begin with what was typed, each is looked up by itself."""
NEARLY_WORD = {1: 1.0, 2: 0.5}
"""By the number of edits, for a word; one that fits exactly counts by how rare it is (BM25)."""
TIE = 0.1
"""So much of their scores the other ways that fit add to that of the best one."""
MOST_EDITS = 2
WORD_FROM = {1: 4, 2: 8}
TITLE_FROM = {1: 3, 2: 6}
"""Letters typed from which so many edits are forgiven; an edit is one letter put in, left out or changed, or two
neighbours swapped. A title of four letters of which one was left out is typed with three."""
LONGEST_NEARLY, MOST_BYTES = 64, 96
"""Letters, and bytes: what is near to 40 Chinese characters takes an automaton that alone costs a tenth of a second."""
MOST_NEARLY = 8
"""Words of a question whose neighbourhood is looked into: that is what costs."""
FORGIVING_FIELDS = ("title", "people")
BEGUN_FIELDS = ("title", "people", "keywords")


class Forgiving(NamedTuple):
    """How many edits are forgiven, at most MOST_EDITS."""

    in_title: int
    """In the title as a whole."""
    in_words: int


STRICT, GENEROUS = Forgiving(0, 0), Forgiving(MOST_EDITS, MOST_EDITS)
LOOKED_FOR = (STRICT, Forgiving(1, 1), GENEROUS)
"""Where it is told what of a film matched; each finds what those before it find."""
OF_ONE_WORD = (STRICT, Forgiving(1, 0), GENEROUS)
OF_MANY_WORDS = (STRICT, Forgiving(1, 0), Forgiving(2, 0), Forgiving(0, 2))
"""Each is asked only where those before it found too little. So the last need not look for titles: none is near."""
NEAR = {0: math.inf, 1: NEARLY_WHOLE[1] * NEARLY_WITHOUT_ARTICLE, 2: NEARLY_WHOLE[2] * NEARLY_WITHOUT_ARTICLE}
"""By the edits that are forgiven in titles, the score of the least of those titles."""


@dataclass(frozen=True)
class Queries:
    """Builds the queries of one index. `Forgiving` says how many edits."""

    schema: Schema
    searcher: Searcher

    def matching(self, question: Question, forgiving: Forgiving) -> Query:
        """The films that the question means; their scores rank them."""
        if question.imdb_number is not None:
            return _scored(self._number("imdb", question.imdb_number), BY_ID)
        if not question.runs:
            return Query.empty_query()
        ways = [self._literally(question, forgiving)]
        if question.year is not None:
            of_year = _scored(self._number("year", question.year), 0.0)
            ways.append(_all([self._literally(question.without_year(), forgiving), of_year]))
        if question.tmdb_id is not None:
            ways.append(_scored(self._number("tmdb_id", question.tmdb_id), BY_NUMBER))
        return _best(ways)

    def nearly(self, question: Question, edits: int) -> Query:
        """The titles and names so many edits away: all that `matching` finds, where it finds nothing with fewer edits
        and no film has all the words as typed."""
        ways = [*self._near_by(question.words, edits)]
        if question.year is not None:
            of_year = _scored(self._number("year", question.year), 0.0)
            ways.append(_all([_best([*self._near_by(question.without_year().words, edits)]), of_year]))
        return _best(ways)

    def is_in_no_film(self, question: Question) -> bool:
        """Whether the dictionaries alone tell that nothing matches as typed; where not, something may."""
        if not question.runs or question.tmdb_id is not None:
            return False
        asked = (question,) if question.year is None else (question, question.without_year())
        return not any(self._may_match(each) for each in asked)

    def levels(self, question: Question) -> list[Forgiving]:
        """From the strict to the generous, without those that forgive nothing more than the one before. In a number,
        which may be an id, nothing is forgiven."""
        if question.phrases or question.tmdb_id is not None:
            return [STRICT]
        without_year = question.without_year() if question.year is not None else question
        title = max(_forgiven(key_of(asked.words), TITLE_FROM, MOST_EDITS) for asked in (question, without_year))
        word = max((_forgiven(key_of(run), WORD_FROM, MOST_EDITS) for run in question.runs), default=0)
        levels = OF_ONE_WORD if len(without_year.runs) == 1 or title < MOST_EDITS else OF_MANY_WORDS
        return [*dict.fromkeys(Forgiving(min(of.in_title, title), min(of.in_words, word)) for of in levels)]

    def nearly_matching(self, question: Question) -> Query:
        """For when nothing matches: one word may be missing from the film, or the year be wrong."""
        ways = []
        if question.year is not None:
            ways.append(self._literally(question.without_year(), GENEROUS))
        required = _required(question.runs)
        if len(required) > 2 and not question.phrases:
            words = [(Occur.Should, word) for word in self._words(required, edits=MOST_EDITS)]
            ways.append(Query.boolean_query(words, minimum_number_should_match=len(words) - 1))
        return _best(ways)

    def parts(self, question: Question, forgiving: Forgiving) -> dict[str, Query]:
        """By what is matched, the films in which any word of the question is found there."""
        key, required = key_of(question.words), _required(question.runs)
        places = [*self._places(question.words, edits=forgiving.in_title)] if question.runs else []
        parts = {
            part: [*self._words(required, edits=forgiving.in_words, fields=(field,))] for part, field in PARTS.items()
        }
        parts["title"] += places
        parts["person"] += self._people(question.words, edits=forgiving.in_title) if question.runs else []
        parts["alternative_title"].append(self._term("other_whole", key))
        parts["year"] = [self._number("year", question.year)] if question.year is not None else []
        numbers = {"tmdb_id": question.tmdb_id, "imdb": question.imdb_number}
        parts["id"] = [self._number(field, number) for field, number in numbers.items() if number is not None]
        return {part: _best(ways) for part, ways in parts.items() if ways}

    def among(self, query: Query, tmdb_ids: Sequence[int]) -> Query:
        """What `query` finds of these films; their scores stay."""
        return _all([query, _scored(Query.term_set_query(self.schema, "tmdb_id", tmdb_ids), 0.0)])

    def completions(self, question: Question) -> Iterator[Query]:
        """What films the beginning of a title may mean, the best guesses first; each to be ranked by weight
        alone, but where there is a year."""
        if question.imdb_number is not None or not question.runs:
            yield self.matching(question, STRICT)
            return
        key = key_of(question.words)
        yield _scored(self._whole(key), 1.0)
        yield self._begun(key, 0, score=1.0)
        if question.year is not None:
            yield self.matching(question, STRICT)
        yield _scored(self._in_title(question, edits=0), 1.0)
        if _forgiven(key, WORD_FROM, 1):
            yield self._begun(key, 1, score=1.0)

    def distant_completions(self, question: Question) -> Iterator[Query]:
        """For when those find nothing: more edits, and edits in each word."""
        key = key_of(question.words)
        if _forgiven(key, WORD_FROM, MOST_EDITS) == MOST_EDITS:
            yield self._fuzzy("whole", key, MOST_EDITS, begun=True)
        yield _scored(self._in_title(question, edits=MOST_EDITS), 1.0)

    def begun(self, question: Question) -> Query:
        """The films whose titles the question begins."""
        return _best([*self._places(question.words, edits=0)])

    def _literally(self, question: Question, forgiving: Forgiving) -> Query:
        """Every word somewhere in the film, or together the beginning of its title; the year is a word like others."""
        forgiving = STRICT if question.phrases else forgiving
        required = _required(question.runs)
        extra = [run for run in question.runs if run not in required]
        text = Query.boolean_query(
            [
                *((Occur.Must, word) for word in self._words(required, edits=forgiving.in_words)),
                *((Occur.Should, self._run(run, ("title",), edits=0, begun=False)) for run in extra),
            ]
        )
        in_title = _scored(self._in_title(question, edits=0), IN_TITLE)
        elsewhere = _scored(self._term("other_whole", key_of(question.words)), ELSEWHERE)
        place = _best([*self._places(question.words, edits=forgiving.in_title), elsewhere, in_title])
        either = Query.boolean_query([(Occur.Should, place), (Occur.Should, text)])
        either = _best([either, *self._people(question.words, edits=forgiving.in_title)])
        if not question.phrases:
            return either
        return _all([either, *(_best([self._phrase(f, words) for f in FIELD_BOOSTS]) for words in question.phrases)])

    def _may_match(self, question: Question) -> bool:
        """Whether each word stands somewhere, or all of them are a title, its beginning or a name."""
        *others, (last, *_) = _required(question.runs)
        is_begun = len(last) >= BEGUN_FROM and any(self._beginning(field, last) for field in BEGUN_FIELDS)
        if all(self._stands(FIELD_BOOSTS, word) for word, *_ in others) and (
            is_begun or self._stands(FIELD_BOOSTS, last)
        ):
            return True
        key = key_of(question.words)
        starts = (key, key_of(without_article(question.words)))
        return self._stands(("other_whole", *PEOPLE), key) or any(map(self._begins_titles, starts))

    def _begins_titles(self, key: str) -> bool:
        if len(key) <= LONGEST_START:
            return self._stands(("start",), key)
        return any(self._beginning(field, key) for field in ("whole", "bare"))

    def _stands(self, fields: Iterable[str], word: str) -> bool:
        return any(self.searcher.doc_freq(field, word) for field in fields)

    def _near_by(self, words: Words, edits: int) -> Iterator[Query]:
        key = key_of(words)
        if _forgiven(key, TITLE_FROM, edits) == edits:
            yield from self._nearly_title(key, edits)
        if edits in NEARLY_BEGINNING and _forgiven(key, WORD_FROM, edits):
            yield self._begun(key, edits, score=NEARLY_BEGINNING[edits])
        yield from self._people(words, edits=edits)

    def _places(self, words: Words, *, edits: int) -> Iterator[Query]:
        """What the words together may be of a title."""
        key = key_of(words)
        yield _scored(self._term("whole", key), WHOLE_TITLE)
        yield _scored(self._term("bare", key), WHOLE_TITLE * WITHOUT_ARTICLE)
        yield self._begun(key, 0, score=BEGINNING)
        number = _forgiven(key, TITLE_FROM, edits)
        if number:
            yield from self._nearly_title(key, number)
        for number in range(1, min(_forgiven(key, WORD_FROM, edits), max(NEARLY_BEGINNING)) + 1):
            yield self._begun(key, number, score=NEARLY_BEGINNING[number])
        rest = without_article(words)
        if rest != words:
            yield _scored(self._whole(key_of(rest)), WHOLE_TITLE * ARTICLE_TOO_MANY)
            yield self._begun(key_of(rest), 0, score=BEGINNING * ARTICLE_TOO_MANY)

    def _people(self, words: Words, *, edits: int) -> Iterator[Query]:
        """Whose name the words together may be: one edit is forgiven where titles are forgiven two."""
        key = key_of(words)
        for field, score in PEOPLE.items():
            if self._stands((field,), key):
                yield _scored(self._term(field, key), score)
            if _forgiven(key, WORD_FROM, edits - 1):
                yield _scored(self._fuzzy(field, key, 1, begun=False), score * NEARLY_NAME)

    def _whole(self, key: str) -> Query:
        return _best([self._term("whole", key), self._term("bare", key)])

    def _nearly_title(self, key: str, edits: int) -> Iterator[Query]:
        yield self._nearly_whole(key, edits)
        yield _scored(self._fuzzy("bare", key, edits, begun=False), NEARLY_WHOLE[edits] * NEARLY_WITHOUT_ARTICLE)

    def _nearly_whole(self, key: str, edits: int) -> Query:
        near = _scored(self._fuzzy("whole", key, edits, begun=False), NEARLY_WHOLE[edits])
        if edits > 1:
            return near
        likely = [self._number("length", len(key) + 1), *(self._term("whole", swapped) for swapped in swaps_of(key))]
        return Query.boolean_query([(Occur.Must, near), (Occur.Should, _scored(_best(likely), LIKELY_TYPO))])

    def _begun(self, key: str, edits: int, *, score: float) -> Query:
        if len(key) + edits <= LONGEST_START:
            return _scored(self._fuzzy("start", key, edits, begun=False), score)
        fields = ("whole", "bare")
        if edits:
            return _scored(_best([self._fuzzy(field, key, edits, begun=True) for field in fields]), score)
        return _scored(_best([query for field in fields for query in self._beginning(field, key)]), score)

    def _in_title(self, question: Question, *, edits: int) -> Query:
        return _all(self._words(question.runs, edits=edits, fields=("title",)))

    def _words(self, runs: Sequence[Words], *, edits: int, fields: Sequence[str] = tuple(FIELD_BOOSTS)) -> list[Query]:
        """A query for each; the last word may be one that is still being typed."""
        return [
            self._run(run, fields, edits=edits if place < MOST_NEARLY else 0, begun=place == len(runs) - 1)
            for place, run in enumerate(runs)
        ]

    def _run(self, run: Words, fields: Sequence[str], *, edits: int, begun: bool) -> Query:
        if len(run) > 1:
            return _best([Query.boost_query(self._phrase(field, run), FIELD_BOOSTS[field]) for field in fields])
        (word,) = run
        if word in COMMONEST:
            fields = [field for field in fields if field != "overview"]
        ways = [Query.boost_query(self._term(field, word), FIELD_BOOSTS[field]) for field in fields]
        if begun and len(word) >= BEGUN_FROM:
            begun_in = [self._beginning(field, word, longer=True) for field in fields if field in BEGUN_FIELDS]
            ways += [_scored(_best(queries), BEGUN_WORD) for queries in begun_in if queries]
        near_in = [field for field in fields if field in FORGIVING_FIELDS]
        for number in range(1, _forgiven(word, WORD_FROM, edits) + 1):
            near = [self._fuzzy(field, word, number, begun=begun and number == 1) for field in near_in]
            ways += [_scored(query, NEARLY_WORD[number]) for query in near]
        return _best(ways)

    def _phrase(self, field: str, words: Words) -> Query:
        if len(words) == 1:
            return self._term(field, words[0])
        kept = [(place, word) for place, word in enumerate(words) if field != "overview" or word not in COMMONEST]
        if len(kept) == 1:
            return self._term(field, kept[0][1])
        return Query.phrase_query(self.schema, field, [word for _, word in kept]) if kept else Query.empty_query()

    def _beginning(self, field: str, start: str, *, longer: bool = False) -> list[Query]:
        """The terms that `start` begins, without itself where they must be longer; one query for all where they are
        many, which takes room for every film of the index."""
        found = self.searcher.terms_with_prefix(field, start, limit=FEW_TERMS + 1)
        if len(found) > FEW_TERMS:
            return [self._fuzzy(field, start, 0, begun=True)]
        return [self._term(field, term) for term, _ in found if not longer or term != start]

    def _term(self, field: str, word: str) -> Query:
        return Query.term_query(self.schema, field, word)

    def _number(self, field: str, number: int) -> Query:
        return Query.term_query(self.schema, field, number)

    def _fuzzy(self, field: str, word: str, edits: int, *, begun: bool) -> Query:
        if not edits and not begun:
            return self._term(field, word)
        return Query.fuzzy_term_query(self.schema, field, word, edits, transposition_cost_one=True, prefix=begun)


def _forgiven(typed: str, letters_from: Mapping[int, int], edits: int) -> int:
    """How many edits, of `edits` at most."""
    if len(typed) > LONGEST_NEARLY or len(typed.encode()) > MOST_BYTES:
        return 0
    return max((number for number in range(1, edits + 1) if len(typed) >= letters_from[number]), default=0)


def _scored(query: Query, score: float) -> Query:
    return Query.const_score_query(query, score)


def _required(runs: Sequence[Words]) -> list[Words]:
    """The words that a film must have: all but the commonest, or all where there are no others."""
    rare = [run for run in runs if run[0] not in COMMONEST]
    return rare or list(runs)


def _all(queries: Sequence[Query]) -> Query:
    return Query.boolean_query([(Occur.Must, query) for query in queries])


def _best(queries: Sequence[Query]) -> Query:
    """Any of them, scored by the one that fits best."""
    if len(queries) == 1:
        return queries[0]  # a disjunction, even of one, can't be skipped through
    return Query.disjunction_max_query(list(queries), TIE) if queries else Query.empty_query()
