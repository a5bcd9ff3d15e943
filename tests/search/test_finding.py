"""What is found, and in which order."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matinee.catalog.columns import columns, refresh_columns
from matinee.catalog.facts import differences, known_facts, store_facts
from matinee.catalog.filters import EVERYTHING, MovieFilter, Sort
from matinee.catalog.models import Movie
from matinee.catalog.postings import KINDS
from matinee.search import finding
from matinee.search.finding import MOST_SUGGESTIONS, search, suggest
from matinee.search.index import refresh_index
from tests.catalog.films import NOW, Facts, some_films, some_filters, some_sorts
from tests.rounds import rounds
from tests.search.films import titled

pytestmark = pytest.mark.django_db


def titles(text: str) -> list[str]:
    ids = search(text=text, movie_filter=EVERYTHING, sort=None, first=20).tmdb_ids.tolist()
    return [movie.title for movie in Movie.objects.by_tmdb_ids(ids)]


def suggested(text: str) -> list[str]:
    return [movie.title for movie in Movie.objects.by_tmdb_ids(suggest(text=text))]


def indexed(*films: Movie) -> None:
    Movie.objects.bulk_create(films)
    refresh_columns()
    refresh_index()


@pytest.fixture
def shelf() -> None:
    indexed(
        titled(1, "The Matrix", 1999, imdb_id="tt0133093", cast=["Keanu Reeves"], keywords=["dystopia"]),
        titled(2, "The Matrix Reloaded", 2003, directors=["Lana Wachowski"], cast=["Keanu Reeves"]),
        titled(3, "Rocky II", 1979),
        titled(4, "Dune", 1984, directors=["David Lynch"]),
        titled(5, "Dune", 2021, directors=["Denis Villeneuve"]),
        titled(6, "Amélie", 2001, original_title="Le Fabuleux Destin d'Amélie Poulain", original_language="fr"),
        titled(7, "Seven Samurai", 1954, original_title="七人の侍", original_language="ja"),
        titled(8, "Stalker", 1979, original_title="Сталкер", original_language="ru"),
        titled(9, "Footnote", 2011, original_title="הערת שוליים", original_language="he"),
        titled(10, "A Separation", 2011, original_title="جدایی نادر از سیمین", original_language="fa"),
        titled(11, "Thelma & Louise", 1991),
        titled(12, "Spider-Man", 2002),
        titled(13, "The Good, the Bad and the Ugly", 1966, original_language="it"),
        titled(14, "Blade Runner 2049", 2017, overview="A replicant hunts in the ruins of Los Angeles."),
        titled(15, "1917", 2019),
        titled(16, "Knight and Day", 2010, overview="Dark times."),
        titled(17, "The Dark Knight", 2008),
        titled(18, "It", 2017),
        titled(19, "$", 1971),
    )


@pytest.mark.usefixtures("shelf")
@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("the matrix", "The Matrix"),
        ("matrix", "The Matrix"),
        ("MATRIX!", "The Matrix"),
        ("matrix relo", "The Matrix Reloaded"),
        ("rocky 2", "Rocky II"),
        ("rocky ii", "Rocky II"),
        ("amelie", "Amélie"),
        ("fabuleux destin", "Amélie"),
        ("七人の侍", "Seven Samurai"),
        ("七人", "Seven Samurai"),
        ("сталкер", "Stalker"),
        ("сталк", "Stalker"),
        ("הערת שוליים", "Footnote"),
        ("جدایی نادر", "A Separation"),
        ("thelma and louise", "Thelma & Louise"),
        ("thelma & louise", "Thelma & Louise"),
        ("spiderman", "Spider-Man"),
        ("spider man", "Spider-Man"),
        ("good bad ugly", "The Good, the Bad and the Ugly"),
        ("blade runner 2049", "Blade Runner 2049"),
        ("blade runner 2017", "Blade Runner 2049"),
        ("replicant", "Blade Runner 2049"),
        ("dystopia", "The Matrix"),
        ("villeneuve", "Dune"),
        ("1917", "1917"),
        ("it", "It"),
        ("$", "$"),
        ("tt0133093", "The Matrix"),
        ("12", "Spider-Man"),
    ],
)
def test_the_film_that_is_meant_comes_first(text: str, first: str) -> None:
    assert titles(text)[:1] == [first]


@pytest.mark.usefixtures("shelf")
@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("matirx", "The Matrix"),  # two neighbours swapped
        ("matrx", "The Matrix"),  # one left out
        ("mattrix", "The Matrix"),  # one too many
        ("matrux", "The Matrix"),  # another
        ("the matrix reolaedd", "The Matrix Reloaded"),  # two
        ("seven samuray", "Seven Samurai"),
        ("lana wachoski", "The Matrix Reloaded"),
        ("dakr knihgt", "The Dark Knight"),
        ("stalkre", "Stalker"),
        ("сталкре", "Stalker"),
        ("blade runner 2048 replicant", "Blade Runner 2049"),
    ],
)
def test_small_mistakes_are_forgiven(text: str, first: str) -> None:
    assert titles(text)[:1] == [first]


def test_of_titles_that_are_one_typo_away_the_likelier_typo_comes_first() -> None:
    indexed(
        titled(1, "Paris"),  # left out
        titled(2, "Cars", popularity=500.0, vote_count=30_000),  # one letter for another
        titled(3, "Pasr"),  # swapped
    )

    assert titles("pars") == ["Pasr", "Paris", "Cars"]


def test_of_titles_that_are_one_typo_away_the_one_with_another_article_comes_last() -> None:
    indexed(titled(1, "Marathon"), titled(2, "The Marathon", popularity=500.0, vote_count=30_000))

    assert titles("marathun") == ["Marathon", "The Marathon"]


@pytest.mark.parametrize(("number", "forgiven"), [(9, True), (10, False)])
def test_no_typo_is_forgiven_where_ten_titles_begin_so(number: int, *, forgiven: bool) -> None:
    indexed(titled(1, "Alen"), *(titled(id_, f"Alien {id_}") for id_ in range(10, 10 + number)))

    assert ("Alen" in titles("alien")) is forgiven


def test_where_more_titles_begin_so_than_can_be_paged_nothing_else_is_looked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(finding, "DEEPEST", 3)
    indexed(titled(1, "Into the Wild"), *(titled(id_, f"The {id_}") for id_ in range(10, 12)))

    fewer = titles("the")
    indexed(titled(12, "The 12"))

    assert fewer[-1] == "Into the Wild"
    assert sorted(titles("the")) == ["The 10", "The 11", "The 12"]
    assert titles('"the"')[-1] == "Into the Wild", "a phrase stands anywhere"


def test_where_a_film_has_all_the_words_no_typos_in_words_are_forgiven() -> None:
    indexed(titled(1, "Hunger", cast=["Ann Rosemary Carpenter"]), titled(2, "Longer", cast=["Ann Rosmary Carpentar"]))

    assert titles("rosemary carpenter") == ["Hunger"]
    assert titles("rosemary carpentr") == ["Hunger", "Longer"]


@pytest.mark.usefixtures("shelf")
def test_a_year_narrows() -> None:
    assert titles("dune") == ["Dune", "Dune"]
    assert search(text="dune 1984", movie_filter=EVERYTHING, sort=None, first=20).tmdb_ids.tolist() == [4]
    assert search(text="2021 dune", movie_filter=EVERYTHING, sort=None, first=20).tmdb_ids.tolist() == [5]


@pytest.mark.usefixtures("shelf")
def test_a_quoted_phrase_is_exact() -> None:
    assert titles("dark knight") == ["The Dark Knight", "Knight and Day"]
    assert titles('"dark knight"') == ["The Dark Knight"]
    assert titles('"drak knight"') == []


def test_the_whole_title_comes_before_its_beginning_and_that_before_any_other_match_however_popular() -> None:
    indexed(
        titled(1, "Alien", popularity=0.1, vote_count=1),
        titled(2, "Aliens", popularity=1.0, vote_count=10),
        titled(3, "My Stepmother Is an Alien", popularity=500.0, vote_count=30_000, overview="Alien alien alien."),
        titled(4, "Paul", popularity=500.0, vote_count=30_000, keywords=["alien"], overview="An alien."),
    )

    assert titles("alien") == ["Alien", "Aliens", "My Stepmother Is an Alien", "Paul"]


def test_a_whole_name_finds_first_what_its_bearer_directed_then_leads_then_the_rest_and_of_each_the_popular() -> None:
    others = [f"Somebody {number}" for number in range(9)]
    known: dict[str, Any] = {"vote_count": 30_000, "popularity": 500.0}
    indexed(
        titled(1, "Directed", directors=["Spike Lee", "Another One"], cast=others),
        titled(2, "Directed and Played", directors=["Spike Lee"], cast=["Spike Lee", *others], vote_count=10),
        titled(3, "Led", cast=["Spike Lee"], vote_count=20),
        titled(4, "Led Among Others", cast=[*others[:4], "Spike Lee", *others[4:]], **known),
        titled(5, "Played", cast=[*others, "Spike Lee"], **known),
        titled(6, "By Two", directors=["Spike Jonze", "Ang Lee"], **known),
    )

    order = ["Directed and Played", "Directed", "Led Among Others", "Led", "Played", "By Two"]
    assert titles("spike lee") == order
    assert titles("SpikeLee") == order[:-1]
    assert titles("spkie lee") == order[:-1]


def test_a_film_is_found_by_its_number_behind_the_titles_that_begin_with_it() -> None:
    indexed(titled(2001, "We Own the Night", vote_count=30_000, popularity=500.0), titled(62, "2001: A Space Odyssey"))

    assert titles("2001") == ["2001: A Space Odyssey", "We Own the Night"]
    assert titles("62") == ["2001: A Space Odyssey"]
    assert titles("20011") == []


def test_a_name_comes_behind_a_title_that_begins_so_and_before_one_that_is_two_typos_away() -> None:
    indexed(
        titled(1, "Sean Anders: A Portrait", vote_count=0, popularity=0.0),
        titled(2, "His Film", directors=["Sean Anders"], vote_count=30_000, popularity=500.0),
        titled(3, "San Andreas", vote_count=30_000, popularity=500.0),
    )

    assert titles("sean anders") == ["Sean Anders: A Portrait", "His Film"]
    assert titles("sean andres")[:2] == ["His Film", "San Andreas"]


def test_of_films_with_the_same_title_the_popular_one_comes_first_and_ties_go_by_id() -> None:
    same: dict[str, Any] = {"popularity": 1.0, "vote_count": 1}
    indexed(titled(3, "Heat", **same), titled(2, "Heat", **same), titled(1, "Heat"), titled(9, "Heat", popularity=90.0))

    found = search(text="heat", movie_filter=EVERYTHING, sort=None, first=20)

    assert found.tmdb_ids.tolist() == [9, 1, 2, 3]


@pytest.mark.usefixtures("shelf")
def test_what_is_typed_is_completed_and_typos_are_forgiven() -> None:
    assert suggested("the mat") == ["The Matrix Reloaded", "The Matrix"]
    assert suggested("matr") == ["The Matrix Reloaded", "The Matrix"]
    assert suggested("matrix")[0] == "The Matrix"
    assert suggested("mtarix rel") == ["The Matrix Reloaded"]
    assert suggested("reload") == ["The Matrix Reloaded"]
    assert suggest(text="dune 1984") == [4]
    assert suggested("сталк") == ["Stalker"]
    assert suggested("tt0133093") == ["The Matrix"]
    assert suggested("!!!") == []


def test_suggestions_are_ten_at_most() -> None:
    indexed(*(titled(id_, f"Alien {id_}") for id_ in range(100, 130)))

    assert len(suggested("alien")) == MOST_SUGGESTIONS


def test_the_order_does_not_depend_on_how_much_of_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "FIRST_LOOK", 7)
    indexed(*(titled(id_, "Same", popularity=1.0, vote_count=id_ % 3) for id_ in range(1, 31)))

    whole = search(text="same", movie_filter=EVERYTHING, sort=None, first=30)

    assert len(whole.tmdb_ids) == whole.total == 30
    for first in range(1, 31):
        part = search(text="same", movie_filter=EVERYTHING, sort=None, first=first)
        assert part.tmdb_ids.tolist()[:first] == whole.tmdb_ids.tolist()[:first]
        assert part.total == 30


@pytest.mark.parametrize("few", [0, 10_000], ids=["all matches are read", "asked among what is let through"])
@settings(max_examples=rounds(15), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    films=some_films, asked=some_filters(), sort=st.none() | some_sorts, text=st.sampled_from(["alien", "zulu", "東"])
)
def test_a_filter_means_the_same_as_everywhere(
    films: list[Facts], asked: MovieFilter, sort: Sort | None, text: str, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "FIRST_LOOK", 1)
    monkeypatch.setattr(finding, "FEW", few)
    Movie.objects.all().delete()
    indexed(*(_row(facts) for facts in films))
    catalogue = columns()

    everything = search(text=text, movie_filter=EVERYTHING, sort=None, first=100)
    narrowed = search(text=text, movie_filter=asked, sort=sort, first=100)

    rows = catalogue.rows_of(everything.tmdb_ids)
    kept = rows[catalogue.mask(asked).contains(rows)]
    expected = kept if sort is None else catalogue.in_order(kept, sort)
    assert narrowed.tmdb_ids.tolist() == catalogue.tmdb_ids[expected].tolist()
    assert narrowed.total == len(expected)
    paged = search(text=text, movie_filter=asked, sort=sort, first=2, most=3)
    assert paged.tmdb_ids.tolist()[:3] == narrowed.tmdb_ids.tolist()[:3]
    assert paged.total == min(narrowed.total, 3)
    assert everything.total == len(everything.tmdb_ids)


def _row(facts: Facts) -> Movie:
    known = {name: value for name, value in vars(facts).items() if name not in {"genre_ids", *KINDS}}
    known["vote_count"] = None if facts.vote_count is None else min(facts.vote_count, 2**31 - 1)
    return Movie(**known, genre_ids=list(facts.genre_ids), created_at=NOW, updated_at=NOW)


@pytest.mark.parametrize("text", ["hea", "HEA", "100%", "\x00hea", "_eat", "%", "!", "\x00"])
def test_without_an_index_the_database_answers_by_prefix(text: str) -> None:
    Movie.objects.bulk_create([titled(1, "Heat", genre_ids=[18]), titled(2, "Heathers"), titled(3, "100% Wolf")])
    refresh_columns()

    expected = {"hea": [2, 1], "HEA": [2, 1], "\x00hea": [2, 1], "100%": [3]}.get(text, [])

    assert search(text=text, movie_filter=EVERYTHING, sort=None, first=20).tmdb_ids.tolist() == expected
    assert suggest(text=text) == expected
    assert search(text="hea", movie_filter=MovieFilter(all_genres=(18,)), sort=None, first=20).total == 1


def called_elsewhere(tmdb_id: int, title: str, *others: str) -> None:
    told = [{"country": "FR", "title": other} for other in others]
    facts = known_facts({"tmdb_id": tmdb_id, "title": title, "alternative_titles": told, "popularity": 500.0})
    store_facts([facts], choose=differences, now=NOW)


def test_a_film_is_found_by_what_it_is_called_elsewhere() -> None:
    called_elsewhere(949, "Heat", "Hitze", "Fuoco contro Fuoco", "Heat")
    called_elsewhere(1, "Cold")
    refresh_index()

    assert titles("fuoco contro fuoco") == titles("HITZE") == titles("contro") == ["Heat"]


def test_what_a_film_is_called_elsewhere_comes_behind_the_titles_of_others_however_popular() -> None:
    called_elsewhere(949, "Heat", "Fire", "Fire Over")
    called_elsewhere(2, "Fire", "Brand")
    called_elsewhere(3, "Fire Walk", "Feuer")
    called_elsewhere(4, "Over the Fire")
    refresh_index()

    assert titles("fire")[:3] == ["Fire", "Fire Walk", "Heat"]


def test_another_title_that_is_told_later_is_found_once_the_index_follows() -> None:
    called_elsewhere(949, "Heat")
    indexed(titled(1, "Ran"), titled(2, "Stalker"))
    before = titles("hitze")

    called_elsewhere(949, "Heat", "Hitze")
    refresh_index()

    assert (before, titles("hitze")) == ([], ["Heat"])
