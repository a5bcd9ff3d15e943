"""The benchmark of search, on films made up here."""

from __future__ import annotations

from random import Random

from benchmarks.search.ceiling import reachable
from benchmarks.search.known_items import KINDS, Film, KnownItem, halves, known_items, mistyped, numerals_swapped
from benchmarks.search.measuring import ALL, DEPTH, figures, measure, place_of
from benchmarks.search.report import best_peer, markdown

from benchmarks.search import by_facts

HEAT = Film(1, "Heat", None, 1995, 100)
FILMS = [
    HEAT,
    *(Film(id_, f"Rocky II: The Long Night {id_}", None, 1979, id_) for id_ in range(2, 30)),
    Film(30, "Amélie Poulain", None, None, 50),
]


class Knowing:
    """Answers with everything, the film that was asked for at `place`."""

    def __init__(self, name: str, place: int) -> None:
        self.name = name
        self._place = place
        self.answers = {item.text: item.tmdb_id for item in known_items(FILMS, each=5, seed=1)}

    def ask(self, text: str) -> list[int]:
        return [0] * (self._place - 1) + [self.answers[text]]


def test_every_kind_of_question_is_asked_and_the_same_each_time() -> None:
    items = known_items(FILMS, each=5, seed=1)

    assert {item.kind for item in items} == set(KINDS)
    assert items == known_items(FILMS, each=5, seed=1)
    assert len({(item.kind, item.tmdb_id) for item in items}) == len(items)


def test_no_film_is_in_both_halves() -> None:
    one, other = halves(known_items(FILMS, each=10, seed=1))

    assert one
    assert other
    assert not {item.tmdb_id for item in one} & {item.tmdb_id for item in other}


def test_a_typo_is_one_letter() -> None:
    random = Random(1)

    assert len(mistyped(["put in"])(HEAT, random) or "") == 5
    assert len(mistyped(["left out"])(HEAT, random) or "") == 3
    assert sorted(mistyped(["swapped"])(HEAT, random) or "") == sorted("heat")
    changed = mistyped(["changed"])(HEAT, random) or ""
    assert sum(one != other for one, other in zip(changed, "heat", strict=True)) == 1
    assert mistyped(["changed", "changed"])(HEAT, random) is None, "a title of four letters stands one"


def test_numerals_are_written_the_other_way() -> None:
    assert numerals_swapped(Film(1, "Rocky II", None, None, 1), Random(1)) == "rocky 2"
    assert numerals_swapped(Film(1, "Toy Story 3", None, None, 1), Random(1)) == "toy story iii"
    assert numerals_swapped(HEAT, Random(1)) is None


KUBRICK = Film(
    62,
    "2001: A Space Odyssey",
    "2001: l'odyssée",
    1968,
    9_000,
    directors=["Stanley Kubrick"],
    cast=["Keir Dullea", "Gary Lockwood"],
    keywords=["moon", "jupiter", "monolith"],
)


def test_a_film_is_asked_for_by_each_fact_that_is_known_of_it() -> None:
    items = known_items([HEAT, KUBRICK], each=5, seed=1, kinds=by_facts.KINDS)

    told = {item.kind: item.text for item in items}
    assert {item.tmdb_id for item in items} == {KUBRICK.tmdb_id}
    assert told["original title"] == "2001: l'odyssée"
    assert told["the director and the year"] == "stanley kubrick 1968"
    assert told["two of the cast"] == "gary lockwood keir dullea"
    assert told["three keywords"] == "jupiter monolith moon"
    assert told["the director, one typo"] != told["the director"] == "stanley kubrick"
    assert told["a name and a word of the title"].split()[-1] in {"2001", "space", "odyssey"}
    assert reachable([HEAT, KUBRICK], items) == dict.fromkeys([*told, ALL], 1.0)


def test_of_films_by_one_director_nobody_can_tell_which_is_meant() -> None:
    lesser = Film(2, "Fear and Desire", None, 1952, 100, directors=["Stanley Kubrick"])
    asked = [KnownItem(kind, "stanley kubrick", lesser.tmdb_id) for kind in (by_facts.DIRECTOR, by_facts.MISTYPED)]

    assert set(reachable([KUBRICK, lesser], asked).values()) == {0.5}


def test_figures_of_places() -> None:
    assert figures([1, 2, 0, 1]) == {"MRR@10": 0.625, "success@1": 0.5, "success@10": 0.75, "questions": 4}
    assert place_of(7, [3, 7]) == 2
    assert place_of(7, [0] * DEPTH + [7]) == 0


def test_of_films_with_the_same_title_nobody_can_tell_which_is_meant() -> None:
    remake = Film(2, "Heat", None, 2013, 7)
    asked = [KnownItem("whole title", "heat", HEAT.tmdb_id), KnownItem("whole title", "heat", remake.tmdb_id)]
    asked += [KnownItem("year added", "heat 2013", remake.tmdb_id)]

    assert reachable([HEAT, remake], asked) == {"whole title": 0.75, "year added": 1.0, ALL: 0.875}


def test_every_question_could_have_been_made_from_its_film() -> None:
    items = known_items(FILMS, each=5, seed=1)

    assert all(reachable([film], [item]) == {item.kind: 1.0, ALL: 1.0} for item, film in _with_films(items))


def _with_films(items: list[KnownItem]) -> list[tuple[KnownItem, Film]]:
    films = {film.tmdb_id: film for film in FILMS}
    return [(item, films[item.tmdb_id]) for item in items]


def test_a_table_names_the_best_peer_and_where_we_are_behind() -> None:
    items = known_items(FILMS, each=5, seed=1)
    systems = {
        system.name: measure(system, items)
        for system in (Knowing("Matinee search", 2), Knowing("good", 1), Knowing("poor", 4))
    }
    about = dict.fromkeys(("Date", "Machine", "Questions reported", "Questions by facts", "Films"), "7")

    record = {
        "about": about,
        "systems": systems,
        "reachable": reachable(FILMS, items),
        "by facts": {"systems": systems, "reachable": reachable(FILMS, items)},
        "left out": {"absent": "not there"},
        "fitted": [],
    }
    text = markdown(record)

    assert best_peer(record, ALL) == ("good", 1.0)
    assert "Over all kinds alike: 0.500, the best peer (good) 1.000: -50.0%. Reachable are" in text
    assert "absent: not there." in text


def test_without_peers_there_is_a_table_and_nobody_to_be_behind() -> None:
    items = known_items(FILMS, each=5, seed=1)
    about = dict.fromkeys(("Date", "Machine", "Questions reported", "Questions by facts", "Films"), "7")
    alone = {"Matinee search": measure(Knowing("Matinee search", 2), items)}

    answers = {"systems": alone, "reachable": reachable(FILMS, items)}
    record = {"about": about, **answers, "by facts": answers, "left out": {}, "fitted": []}
    text = markdown(record)

    assert "| all kinds alike |" in text
    assert "best peer" not in text
