"""What a client writes becomes one value, or a refusal that names what is impossible."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matinee.catalog.filters import (
    EVERYTHING,
    FILTER_PARAMETERS,
    SORT_FIELDS,
    InvalidParameter,
    MovieFilter,
    Sort,
    Term,
    imdb_number,
    parse_filter,
    parse_sort,
    provider_key,
)
from matinee.catalog.maturity import known_key_of

BOUNDS = ["vote_average.gte", "vote_average.lte"]
COUNTS = ["vote_count.gte", "with_runtime.gte", "with_runtime.lte"]
DAYS = ["primary_release_date.gte", "primary_release_date.lte"]
IDS = ["with_genres", "without_genres", "with_cast", "with_crew", "with_people", "with_keywords", "without_keywords"]
BESIDE = {
    "certification": {"certification_country": "US"},
    "certification.gte": {"certification_country": "US"},
    "certification.lte": {"certification_country": "US"},
    "with_watch_providers": {"watch_region": "US"},
    "watch_region": {"with_watch_providers": "8"},
    "certification_country": {"certification": "R"},
}
"""What has a meaning only beside another parameter."""
OTHER_DIGITS = ["\uff11\uff19\uff19\uff19", "\u0663"]  # full-width and Arabic
NEVER_A_VALUE = ["", " ", "\0", "x", "NaN", "inf", "-1", "+1", "1e1", *OTHER_DIGITS, "0x1", "1_0", "9" * 20, "9" * 5000]

IMPOSSIBLE = [
    *((name, value) for name in FILTER_PARAMETERS for value in NEVER_A_VALUE if name != "with_original_language"),
    *((name, value) for name in BOUNDS for value in ["10.1", "7,5", ".5", "7.", "-0", "1" * 40]),
    *((name, value) for name in COUNTS for value in ["1.0", "-0", str(2**63), "1,2"]),
    *((name, value) for name in DAYS for value in ["2023-02-30", "2023-13-01", "0000-01-01", "2023-1-1", "20230101"]),
    *(
        (name, value)
        for name in DAYS
        for value in ["2023-W01-1", "2023-01-01T00:00", "2023-02-00", OTHER_DIGITS[0] + "-01-01"]
    ),
    *(
        (name, value)
        for name in [*IDS, "with_watch_providers"]
        for value in ["1,2|3", "1,", "|1", "1,,2", "0", "028", str(2**63), "1, 2", "1.5", ",".join("1" * 101)]
    ),
    *((name, value) for name in BESIDE for value in ["us", "USA", "US|DE", "PG 13", "R,G"]),
    *((bound, value) for bound in ["certification.gte", "certification.lte"] for value in ["NR", "G|R"]),
    *(("primary_release_year", value) for value in ["0", "10000", "1999.0", "19 99"]),
    *(("with_original_language", value) for value in ["", "e", "engl", "en,fr", "en|", "e1", "éé", "en-US", "en\n"]),
    *(("ids", value) for value in ["0", "1|2", ",", str(2**63), ",".join("1" * 101)]),
    *(("imdb_id", value) for value in ["tt123", "0111161", "TT0111161", "tt0111161 ", "tt0000000", "tt" + "1" * 11]),
]


def read(params: dict[str, str]) -> tuple[MovieFilter | None, list[str]]:
    """What the parameters ask for, or None and the names that were refused."""
    try:
        return parse_filter(params), []
    except InvalidParameter as refusal:
        return None, [error.field for error in refusal.fields]


class TestImpossibleValues:
    @pytest.mark.parametrize(("name", "value"), IMPOSSIBLE)
    def test_it_is_refused_by_name(self, name: str, value: str) -> None:
        with pytest.raises(InvalidParameter) as refusal:
            parse_filter({**BESIDE.get(name, {}), name: value})

        assert [error.field for error in refusal.value.fields] == [name]
        assert refusal.value.code == refusal.value.fields[0].code == "invalid_parameter"

    def test_all_of_them_are_named_at_once(self) -> None:
        with pytest.raises(InvalidParameter) as refusal:
            parse_filter({"with_genres": "x", "vote_average.gte": "11", "vote_count.gte": "10", "ids": ""})

        assert {error.field for error in refusal.value.fields} == {"with_genres", "vote_average.gte", "ids"}

    @pytest.mark.parametrize(
        ("name", "low", "high"),
        [
            ("vote_average", "7.1", "7"),
            ("with_runtime", "91", "90"),
            ("primary_release_date", "2000-01-02", "2000-01-01"),
        ],
    )
    def test_a_lower_bound_above_the_upper_names_both(self, name: str, low: str, high: str) -> None:
        with pytest.raises(InvalidParameter) as refusal:
            parse_filter({f"{name}.gte": low, f"{name}.lte": high})

        assert [error.field for error in refusal.value.fields] == [f"{name}.gte", f"{name}.lte"]

    @pytest.mark.parametrize(
        "bound", [("primary_release_date.gte", "2000-01-01"), ("primary_release_date.lte", "1998-12-31")]
    )
    def test_a_year_outside_the_days_asked_for_is_named(self, bound: tuple[str, str]) -> None:
        with pytest.raises(InvalidParameter) as refusal:
            parse_filter({"primary_release_year": "1999", bound[0]: bound[1]})

        assert [error.field for error in refusal.value.fields] == ["primary_release_year"]

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("certification", "R"),
            ("certification.gte", "PG"),
            ("certification.lte", "PG"),
            ("certification_country", "US"),
            ("with_watch_providers", "8"),
            ("watch_region", "US"),
        ],
    )
    def test_what_has_a_meaning_only_beside_another_is_refused_alone(self, name: str, value: str) -> None:
        assert read({name: value}) == (None, [name])

    def test_a_certification_above_the_upper_one_names_both(self) -> None:
        asked = {"certification_country": "US", "certification.gte": "R", "certification.lte": "PG"}

        assert read(asked) == (None, ["certification.gte", "certification.lte"])

    @settings(deadline=None)
    @given(name=st.sampled_from(FILTER_PARAMETERS), value=st.text(max_size=12))
    def test_any_text_is_either_used_or_refused(self, name: str, value: str) -> None:
        asked, refused = read({name: value})

        assert (asked, refused) == (None, [name]) or (asked not in {None, EVERYTHING} and refused == [])


class TestWhatIsAsked:
    def test_nothing_asked_is_everything(self) -> None:
        assert parse_filter({}) == parse_filter({"page": "x"}) == EVERYTHING

    def test_comma_is_and_pipe_is_or(self) -> None:
        assert parse_filter({"with_genres": "28,18"}) == MovieFilter(all_genres=(18, 28))
        assert parse_filter({"with_genres": "28|18"}) == MovieFilter(any_genres=(18, 28))

    def test_without_leaves_out_any_of_its_genres_either_way(self) -> None:
        expected = MovieFilter(without_genres=(18, 28))

        assert parse_filter({"without_genres": "28,18"}) == parse_filter({"without_genres": "28|18"}) == expected

    def test_every_parameter_has_its_place(self) -> None:
        asked = parse_filter(
            {
                "with_genres": "18",
                "without_genres": "27",
                "primary_release_date.gte": "1990-02-28",
                "primary_release_date.lte": "1999-12-31",
                "vote_average.gte": "7",
                "vote_average.lte": "9.5",
                "vote_count.gte": "100",
                "with_runtime.gte": "80",
                "with_runtime.lte": "120",
                "with_original_language": "en|fr",
                "ids": "949,603",
                "imdb_id": "tt0113277",
            }
        )

        assert asked == MovieFilter(
            all_genres=(18,),
            without_genres=(27,),
            released_from=dt.date(1990, 2, 28),
            released_to=dt.date(1999, 12, 31),
            vote_average_from=7.0,
            vote_average_to=9.5,
            vote_count_from=100,
            runtime_from=80,
            runtime_to=120,
            languages=("en", "fr"),
            tmdb_ids=(603, 949),
            imdb_number=113277,
        )

    def test_people_and_keywords_are_terms_in_which_comma_is_and_and_pipe_is_or(self) -> None:
        asked = parse_filter(
            {
                "with_cast": "3,1",
                "with_crew": "2|1",
                "with_people": "5",
                "with_keywords": "7",
                "without_keywords": "9,8",
            }
        )

        assert asked.terms == (
            Term(("cast",), (1, 3), "all"),
            Term(("crew",), (1, 2), "any"),
            Term(("cast", "crew"), (5,), "all"),
            Term(("keywords",), (7,), "all"),
            Term(("keywords",), (8, 9), "none"),
        )

    def test_certifications_are_by_name_or_between_two_of_their_country(self) -> None:
        def asked(**bounds: str) -> tuple[Term, ...]:
            return parse_filter({"certification_country": "US", **bounds}).terms

        def us(*names: str) -> tuple[Term, ...]:
            return (Term(("certifications",), tuple(known_key_of("US", name) for name in names), "any"),)

        assert asked(**{"certification.lte": "PG-13"}) == us("G", "PG", "PG-13")
        assert asked(**{"certification.gte": "r"}) == us("R", "NC-17")
        assert asked(**{"certification.gte": "PG", "certification.lte": "R"}) == us("PG", "PG-13", "R")
        assert asked(certification="NR|R") == us("NR", "R")

    def test_a_provider_is_that_of_a_region(self) -> None:
        of_us = parse_filter({"watch_region": "US", "with_watch_providers": "8|9"}).terms
        of_de = parse_filter({"watch_region": "DE", "with_watch_providers": "8|9"}).terms

        assert of_us == (Term(("providers",), (provider_key("US", 8), provider_key("US", 9)), "any"),)
        assert not {*of_us[0].keys} & {*of_de[0].keys}
        assert provider_key("US", 2**62) == -1

    def test_a_year_is_its_days_within_the_bounds(self) -> None:
        year = parse_filter({"primary_release_year": "2000", "primary_release_date.gte": "2000-02-29"})

        assert year == MovieFilter(released_from=dt.date(2000, 2, 29), released_to=dt.date(2000, 12, 31))

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ({"with_genres": "28,18,28"}, {"with_genres": "18,28"}),
            ({"with_genres": "28|28"}, {"with_genres": "28"}),
            ({"with_cast": "2,1,2"}, {"with_cast": "1,2"}),
            ({"without_keywords": "2|1"}, {"without_keywords": "1,2"}),
            ({"ids": "3,1,2,1"}, {"ids": "1,2,3"}),
            ({"with_original_language": "FR|en|fr"}, {"with_original_language": "en|fr"}),
            ({"vote_average.gte": "7"}, {"vote_average.gte": "7.000"}),
            (
                {"primary_release_year": "1999"},
                {"primary_release_date.gte": "1999-01-01", "primary_release_date.lte": "1999-12-31"},
            ),
        ],
    )
    def test_the_same_in_other_words_is_equal(self, one: dict[str, str], other: dict[str, str]) -> None:
        assert parse_filter(one) == parse_filter(other)
        assert hash(parse_filter(one)) == hash(parse_filter(other))

    def test_bounds_may_touch(self) -> None:
        asked = parse_filter({"vote_average.gte": "10", "vote_average.lte": "10.0", "vote_count.gte": str(2**31 - 1)})

        assert (asked.vote_average_from, asked.vote_average_to, asked.vote_count_from) == (10.0, 10.0, 2**31 - 1)


class TestSort:
    @pytest.mark.parametrize("field", SORT_FIELDS)
    def test_every_field_goes_both_ways(self, field: str) -> None:
        down, up = parse_sort(f"{field}.desc"), parse_sort(f"{field}.asc")

        assert (str(down), str(up)) == (f"{field}.desc", f"{field}.asc")
        assert down is not None
        assert down.descending

    def test_no_order_asked_is_none(self) -> None:
        assert parse_sort(None) is None

    @pytest.mark.parametrize(
        "value", ["", "popularity", "popularity.", "popularity.DESC", "vote_count.desc", " title.asc"]
    )
    def test_an_order_that_is_none_is_refused(self, value: str) -> None:
        with pytest.raises(InvalidParameter) as refusal:
            parse_sort(value)

        assert [error.field for error in refusal.value.fields] == ["sort_by"]

    def test_sorts_are_values(self) -> None:
        assert parse_sort("title.asc") == Sort("title", descending=False)


def test_an_imdb_id_is_known_by_its_number() -> None:
    assert imdb_number("tt0111161") == 111161
    assert imdb_number("nm0000151") is None
