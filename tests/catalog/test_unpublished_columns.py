"""Lists while no version of the columns is published: made of the rows, and right at once."""

from __future__ import annotations

import pytest
from pytest_django import DjangoAssertNumQueries

from matinee.catalog.columns import columns, refresh_columns
from matinee.catalog.models import ChangeConsumer, Movie
from tests.catalog.films import film
from tests.catalog.listed import titles


@pytest.mark.django_db
class TestBeforeAnythingIsPublished:
    def test_films_are_listed_from_their_rows(self) -> None:
        Movie.objects.bulk_create([film(2, "Heat"), film(1, "Ran")])

        assert titles() == ["Heat", "Ran"]

    def test_a_film_that_comes_goes_or_changes_shows_at_once(self) -> None:
        film(1, "Heat").save()
        before = titles()

        film(2, "Alien").save()
        added = titles()
        Movie.objects.filter(tmdb_id=1).update(title="Aaltra")
        changed = titles()
        Movie.objects.filter(tmdb_id=2).delete()

        assert (before, added, changed, titles()) == (["Heat"], ["Alien", "Heat"], ["Aaltra", "Alien"], ["Aaltra"])

    def test_it_is_kept_while_nothing_changes(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        film(1).save()
        first = columns()

        with django_assert_num_queries(1):
            assert columns() is first

    def test_each_making_has_a_name_of_its_own(self) -> None:
        first = columns().version
        film(1).save()

        assert columns().version != first

    def test_without_a_consumer_nothing_is_kept(self) -> None:
        ChangeConsumer.objects.all().delete()
        before = columns().size
        film(1).save()

        assert (before, columns().size) == (0, 1)

    def test_a_published_version_takes_its_place(self) -> None:
        film(1).save()
        unpublished = columns()

        refresh_columns()

        assert unpublished.version.startswith("unpublished-")
        assert columns().version.startswith("000001-")
