"""Every list and every detail shows a film by the same card, mapped or made of its row, as the schema tells it."""

from __future__ import annotations

import datetime as dt

import pytest

from matinee.accounts.models import User
from matinee.catalog.cards import refresh_cards
from matinee.catalog.columns import refresh_columns
from matinee.catalog.models import Movie
from matinee.library.models import Favorite, MovieRating, Watchlist
from tests.api.conftest import NOW, Api, MakeMovie

LISTS = [
    "movies/",
    "movies/?with_genres=28&sort_by=title.asc",
    "movies/trending/",
    "movies/1/similar/",
    "movies/recommendations/?include=watchlist",
    "movies/recommendations/dismissed/",
    "movies/favorites/",
    "movies/watchlist/",
    "movies/ratings/",
]
EXTRAS = {
    "score", "because", "source", "predicted_rating", "created_at", "updated_at", "rating", "review", "review_private",
}  # fmt: skip
OPEN_TO_ALL = LISTS[:4]


@pytest.fixture
def cinema(alice: User, as_alice: Api, make_movie: MakeMovie) -> None:
    """Twelve films: one with every kind of text, one of which nothing is known, some that mean alice something."""
    films = {id_: make_movie(id_, poster_path="/p.jpg") for id_ in range(1, 11)}
    make_movie(11, 'Zwölf "Uhr" \\ 🔥 </script>\u2028\n', tagline="\t", vote_average=0.1 + 0.2, cast=["É"])
    unknown = dict.fromkeys(["overview", "release_date", "runtime", "vote_average", "vote_count", "original_language"])
    make_movie(12, **unknown, genre_ids=[], budget=None, revenue=None, popularity=None)
    for id_ in (1, 2, 11):
        Favorite.objects.create(user=alice, movie=Movie.objects.get(tmdb_id=id_), created_at=NOW)
    for id_ in (2, 3):
        Watchlist.objects.create(user=alice, movie=films[id_], created_at=NOW)
    for id_ in (2, 4):
        MovieRating.objects.create(user=alice, movie=films[id_], rating=id_, created_at=NOW, updated_at=NOW)
    as_alice.put("movies/recommendations/5/dismiss/")
    refresh_columns()


@pytest.mark.usefixtures("cinema")
@pytest.mark.parametrize("path", [*LISTS, "movies/1/", "movies/11/", "movies/12/"])
def test_an_answer_is_to_the_byte_the_same_whether_its_cards_are_mapped_or_not(
    api: Api, as_alice: Api, path: str
) -> None:
    from_rows = [client.get(path) for client in (as_alice, api)]
    refresh_cards()

    mapped = [client.get(path) for client in (as_alice, api)]

    assert from_rows[0].status_code == 200
    assert [answer.content for answer in mapped[:1]] == [answer.content for answer in from_rows[:1]]
    if path in OPEN_TO_ALL or path.endswith("/1/"):
        assert mapped[1].content == from_rows[1].content != mapped[0].content


@pytest.mark.usefixtures("cinema")
def test_a_film_has_one_card_wherever_it_is_shown(as_alice: Api) -> None:
    refresh_cards()
    whole = {film["tmdb_id"]: film for film in as_alice.get("movies/").json()["results"]}

    for path in LISTS[1:]:
        shown = as_alice.get(path).json()["results"]
        assert shown
        for film in shown:
            assert {name: fact for name, fact in film.items() if name not in EXTRAS} == whole[film["tmdb_id"]]
    for id_, card in whole.items():
        detail = as_alice.get(f"movies/{id_}/").json()
        assert {**detail, **card} == detail


@pytest.mark.usefixtures("cinema")
def test_my_flags_are_joined_to_the_card_and_change_with_what_i_do(as_alice: Api) -> None:
    refresh_cards()

    def flags(id_: int) -> tuple[bool, bool, int | None]:
        film = as_alice.get(f"movies/?ids={id_}").json()["results"][0]
        return film["is_favorite"], film["in_watchlist"], film["user_rating"]

    before = [flags(id_) for id_ in (1, 2, 3, 4, 6)]
    as_alice.post("movies/favorites/", {"movie_id": 6})
    as_alice.post("movies/6/rate/", {"rating": 5})
    as_alice.delete("movies/watchlist/3/")

    assert before == [
        (True, False, None),
        (True, True, 2),
        (False, True, None),
        (False, False, 4),
        (False, False, None),
    ]
    assert [flags(id_) for id_ in (3, 6)] == [(False, False, None), (True, False, 5)]


@pytest.mark.usefixtures("cinema")
def test_an_edited_film_is_right_in_the_very_next_answer(api: Api) -> None:
    refresh_cards()
    Movie.objects.filter(tmdb_id=3).update(title="Third", release_date=dt.date(2003, 3, 3))

    listed = {film["tmdb_id"]: film for film in api.get("movies/").json()["results"]}

    assert (listed[3]["title"], listed[3]["release_date"]) == ("Third", "2003-03-03")
    assert api.get("movies/3/").json()["title"] == "Third"
