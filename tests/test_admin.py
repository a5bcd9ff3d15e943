"""The pages that staff use: they open, find, and cost the same queries however long the list."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from matinee.accounts.models import User
from matinee.accounts.services import create_user
from matinee.catalog.models import Movie
from matinee.library.models import Favorite, MovieRating

NOW = timezone.now()


@pytest.fixture
def staff(db: None) -> Client:
    boss = create_user(
        email="boss@example.org",
        username="boss",
        password="correct horse battery",
        now=NOW,
        is_staff=True,
        is_superuser=True,
    )
    client = Client()
    client.force_login(boss)
    return client


def with_rows(number: int) -> None:
    for index in range(number):
        user = create_user(
            email=f"u{index}@example.org", username=f"user{index}", password="correct horse battery", now=NOW
        )
        movie = Movie.objects.create(tmdb_id=index + 1, title=f"Film {index}", created_at=NOW, updated_at=NOW)
        Favorite.objects.create(user=user, movie=movie, created_at=NOW)
        MovieRating.objects.create(user=user, movie=movie, rating=1, review="Rude.", created_at=NOW, updated_at=NOW)


def pages() -> list[str]:
    return [
        f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        for model in admin.site._registry
        if model._meta.app_config in apps.get_app_configs()
    ]


def test_every_list_opens_finds_and_costs_the_same_queries_however_long(staff: Client) -> None:
    with_rows(1)
    short = {page: _queries(staff, page) for page in pages()}
    Movie.objects.all().delete()
    User.objects.exclude(username="boss").delete()
    with_rows(5)

    assert {page: _queries(staff, page) for page in pages()} == short
    for page in pages():
        assert staff.get(page, {"q": "film"}).status_code in {200, 302}


def test_a_review_is_hidden_and_shown_again(staff: Client) -> None:
    with_rows(2)
    chosen = [rating.pk for rating in MovieRating.objects.all()]

    staff.post("/admin/library/movierating/", {"action": "hide_reviews", "_selected_action": chosen})
    hidden = MovieRating.objects.filter(review_hidden=True).count()
    staff.post("/admin/library/movierating/", {"action": "show_reviews", "_selected_action": chosen})

    assert (hidden, MovieRating.objects.filter(review_hidden=True).count()) == (2, 0)


def test_what_a_person_did_can_be_looked_at_and_not_changed(staff: Client) -> None:
    with_rows(1)
    favorite = Favorite.objects.get()

    page = staff.get(f"/admin/library/favorite/{favorite.pk}/change/")
    posted = staff.post(f"/admin/library/favorite/{favorite.pk}/change/", {"user": favorite.user_id})

    assert page.status_code == 200
    assert b'name="_save"' not in page.content
    assert posted.status_code == 403
    assert staff.get("/admin/library/movierating/add/").status_code == 403


def test_an_edited_film_keeps_its_id_and_leaves_unknown_what_is_left_empty(staff: Client) -> None:
    with_rows(1)
    movie = Movie.objects.get()
    form = {
        "title": "Renamed", "tmdb_id": "999", "genre_ids": "[28]", "keywords": "[]", "directors": "[]", "cast": "[]",
        "spoken_languages": "[]", "production_countries": "[]", "production_companies": "[]", "overview": "",
    }  # fmt: skip

    response = staff.post(f"/admin/catalog/movie/{movie.pk}/change/", form)
    edited = Movie.objects.get()

    assert response.status_code == 302
    assert (edited.title, edited.tmdb_id, edited.genre_ids, edited.overview) == ("Renamed", 1, [28], None)
    assert edited.updated_at > movie.updated_at


def test_a_film_can_be_added_by_hand(staff: Client) -> None:
    form = {
        "title": "Made at home", "tmdb_id": "42", "genre_ids": "[]", "keywords": "[]", "directors": "[]", "cast": "[]",
        "spoken_languages": "[]", "production_countries": "[]", "production_companies": "[]",
    }  # fmt: skip

    assert staff.post("/admin/catalog/movie/add/", form).status_code == 302
    assert Movie.objects.get().tmdb_id == 42


def _queries(client: Client, page: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(page).status_code == 200, page
    return len(queries)
