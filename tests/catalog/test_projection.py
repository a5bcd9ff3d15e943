"""Every answer of the columns is what reading each film in turn would give."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matinee.catalog import projection
from matinee.catalog.filters import EVERYTHING, MovieFilter, Sort, parse_filter
from matinee.catalog.projection import CatalogColumns
from tests.catalog.films import (
    ACTION,
    DRAMA,
    WAR,
    Facts,
    columns_of,
    in_order,
    matching,
    some_films,
    some_filters,
    some_sorts,
)

BY_POPULARITY = Sort("popularity", descending=True)
BY_TITLE = Sort("title", descending=False)


def listed(columns: CatalogColumns, asked: MovieFilter, sort: Sort) -> list[int]:
    ids: list[int] = columns.tmdb_ids[columns.ordered(asked, sort).rows].tolist()
    return ids


class TestAgainstPlainReading:
    @settings(deadline=None)
    @given(films=some_films, asked=some_filters())
    def test_a_mask_holds_the_films_that_match_and_counts_them(self, films: list[Facts], asked: MovieFilter) -> None:
        columns = columns_of(films)
        expected = sorted(one.tmdb_id for one in matching(films, asked))

        mask = columns.mask(asked)

        assert columns.tmdb_ids[mask.rows()].tolist() == expected
        assert mask.count() == len(expected)

    @settings(deadline=None)
    @given(films=some_films, asked=some_filters(), sort=some_sorts)
    def test_a_list_is_in_order_and_its_total_is_true(self, films: list[Facts], asked: MovieFilter, sort: Sort) -> None:
        columns = columns_of(films)
        expected = in_order(matching(films, asked), sort)

        selection = columns.ordered(asked, sort)

        assert columns.tmdb_ids[selection.rows].tolist() == expected
        assert selection.total == len(expected)

    @settings(deadline=None)
    @given(films=some_films, asked=some_filters(), sort=some_sorts, page_size=st.integers(1, 7))
    def test_pages_neither_overlap_nor_skip(
        self, films: list[Facts], asked: MovieFilter, sort: Sort, page_size: int
    ) -> None:
        columns = columns_of(films)

        pages = [
            columns.ordered(asked, sort).rows[start : start + page_size].tolist()
            for start in range(0, len(films) + 1, page_size)
        ]

        assert sorted(row for page in pages for row in page) == columns.mask(asked).rows().tolist()

    @settings(deadline=None)
    @given(films=some_films, sort=some_sorts, data=st.data())
    def test_some_rows_are_sorted_as_the_whole_list_is(
        self, films: list[Facts], sort: Sort, data: st.DataObject
    ) -> None:
        columns = columns_of(films)
        chosen = data.draw(st.permutations(range(len(films)))) if films else []
        some = np.array(chosen[: len(chosen) // 2], dtype=np.int32)

        ordered = columns.in_order(some, sort)

        whole = columns.ordered(EVERYTHING, sort).rows.tolist()
        assert ordered.tolist() == [row for row in whole if row in set(some.tolist())]

    @settings(deadline=None)
    @given(films=some_films)
    def test_columns_hold_what_is_known_of_each_film(self, films: list[Facts]) -> None:
        columns = columns_of(films)

        rows = columns.rows_of([one.tmdb_id for one in films])

        for one, row in zip(films, rows.tolist(), strict=True):
            assert columns.genre_ids_of(row) == tuple(dict.fromkeys(one.genre_ids))
            assert columns.vote_count[row] == one.vote_count or (
                one.vote_count is None and np.isnan(columns.vote_count[row])
            )
            assert columns.release_ordinal[row] == (
                np.iinfo(np.int32).min if one.release_date is None else one.release_date.toordinal()
            )


class TestOrder:
    def test_titles_are_sorted_without_case_and_accents(self) -> None:
        titles = ["Zulu", "émile", "Eden", "Straße", "Strasse", "ANGEL", "Ángel"]
        columns = columns_of([Facts(tmdb_id, title) for tmdb_id, title in enumerate(titles, 1)])

        ids = listed(columns, EVERYTHING, BY_TITLE)

        assert [titles[id_ - 1] for id_ in ids] == ["ANGEL", "Ángel", "Eden", "émile", "Straße", "Strasse", "Zulu"]

    def test_ties_go_by_ascending_id_both_ways(self) -> None:
        columns = columns_of([Facts(3, popularity=1), Facts(1, popularity=1), Facts(2, popularity=5)])

        assert listed(columns, EVERYTHING, BY_POPULARITY) == [2, 1, 3]
        assert listed(columns, EVERYTHING, Sort("popularity", descending=False)) == [1, 3, 2]

    def test_the_unknown_comes_last_both_ways(self) -> None:
        columns = columns_of([Facts(1), Facts(2, revenue=10), Facts(3, revenue=20)])

        assert listed(columns, EVERYTHING, Sort("revenue", descending=True)) == [3, 2, 1]
        assert listed(columns, EVERYTHING, Sort("revenue", descending=False)) == [2, 3, 1]

    def test_a_list_is_as_deep_as_pages_go_and_its_total_is_true(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(projection, "DEEPEST", 5)
        films = [Facts(id_, popularity=id_, genre_ids=(ACTION,) if id_ % 2 else (DRAMA,)) for id_ in range(1, 3001)]
        films += [Facts(id_, popularity=id_, genre_ids=(WAR,)) for id_ in range(5001, 5011)]
        columns = columns_of(films)

        everything = columns.ordered(EVERYTHING, BY_POPULARITY)
        many = columns.ordered(MovieFilter(all_genres=(ACTION,)), BY_POPULARITY)
        few = columns.ordered(MovieFilter(all_genres=(WAR,)), BY_POPULARITY)

        assert (everything.total, many.total, few.total) == (3010, 1500, 10)
        assert columns.tmdb_ids[everything.rows].tolist() == [5010, 5009, 5008, 5007, 5006]
        assert columns.tmdb_ids[many.rows].tolist() == [2999, 2997, 2995, 2993, 2991]
        assert columns.tmdb_ids[few.rows].tolist() == [5010, 5009, 5008, 5007, 5006]

    def test_the_last_of_a_long_order_are_found_too(self) -> None:
        films = [Facts(id_, popularity=id_, genre_ids=(ACTION,) if id_ <= 2000 else ()) for id_ in range(1, 10_001)]
        columns = columns_of(films)

        ids = listed(columns, MovieFilter(all_genres=(ACTION,)), BY_POPULARITY)

        assert ids == list(range(2000, 0, -1))


class TestRows:
    def test_an_absent_film_has_no_row(self) -> None:
        columns = columns_of([Facts(5), Facts(9)])

        assert columns.rows_of([9, 7, 5, 10, 1]).tolist() == [1, -1, 0, -1, -1]

    def test_an_empty_catalogue_answers_everything(self) -> None:
        columns = columns_of([])
        asked = parse_filter({"with_genres": "18", "vote_average.gte": "7", "ids": "1"})

        assert columns.size == 0
        assert columns.rows_of([1]).tolist() == [-1]
        assert columns.ordered(asked, BY_TITLE).total == 0
        assert columns.mask(asked).contains(np.array([-1], dtype=np.int32)).tolist() == [False]

    def test_the_absent_is_in_no_mask(self) -> None:
        columns = columns_of([Facts(id_) for id_ in range(1, 65)])

        assert columns.mask(EVERYTHING).contains(np.array([63, -1, 0], dtype=np.int32)).tolist() == [True, False, True]

    def test_a_language_that_is_no_code_matches_nothing(self) -> None:
        columns = columns_of([Facts(1, original_language="français"), Facts(2, original_language="FR")])

        assert columns.mask(MovieFilter(languages=("fr",))).rows().tolist() == [1]

    def test_what_is_no_genre_id_is_passed_over(self) -> None:
        mixed = (DRAMA, "18", True, 2**70, -1, DRAMA, None)
        columns = columns_of([Facts(1, genre_ids=mixed)])  # type: ignore[arg-type] # as a hand may have written it

        assert columns.genre_ids_of(0) == (DRAMA,)

    def test_a_film_is_found_by_the_days_it_may_have_come_out(self) -> None:
        columns = columns_of([Facts(1, release_date=dt.date(1999, 12, 31)), Facts(2, release_date=dt.date(2000, 1, 1))])

        assert columns.mask(parse_filter({"primary_release_year": "1999"})).rows().tolist() == [0]


class TestWhatIsRemembered:
    def test_an_answer_is_made_once(self) -> None:
        columns = columns_of([Facts(1), Facts(2)])

        first = columns.ordered(EVERYTHING, BY_TITLE)

        assert columns.ordered(MovieFilter(), BY_TITLE) is first
        assert columns.mask(MovieFilter()) is columns.mask(EVERYTHING)

    def test_nobody_can_write_into_it(self) -> None:
        columns = columns_of([Facts(1), Facts(2)])
        rows = columns.ordered(EVERYTHING, BY_TITLE).rows

        with pytest.raises(ValueError, match="read-only"):
            rows[0] = 1

    def test_it_holds_so_many_answers_however_small_and_forgets_the_one_longest_unused(self) -> None:
        columns = columns_of([Facts(1), Facts(2)])
        asked = [MovieFilter(runtime_from=minutes) for minutes in range(257)]
        first, second, *_ = [columns.ordered(each, BY_TITLE) for each in asked[:-1]]
        assert columns.ordered(asked[0], BY_TITLE) is first

        columns.ordered(asked[-1], BY_TITLE)

        assert columns.ordered(asked[0], BY_TITLE) is first
        assert columns.ordered(asked[1], BY_TITLE) is not second

    def test_threads_that_ask_at_once_get_the_same(self) -> None:
        columns = columns_of([Facts(id_, popularity=id_ % 7) for id_ in range(1, 500)])
        asked = [MovieFilter(vote_count_from=None, tmdb_ids=tuple(range(1, 2 + n % 50))) for n in range(400)]

        with ThreadPoolExecutor(8) as pool:
            totals = list(pool.map(lambda one: columns.ordered(one, BY_POPULARITY).total, asked))

        assert totals == [1 + n % 50 for n in range(400)]
