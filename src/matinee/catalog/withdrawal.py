"""Films that are no more where they came from."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import ForeignKey, Model

from matinee.catalog.models import Movie


@transaction.atomic
def withdraw_films(tmdb_ids: Collection[int]) -> int:
    """Delete these films, apart from those that stand on somebody's list; returns how many went.

    The rows are locked first, so that nobody can put one on a list meanwhile.
    """
    pks = set(Movie.objects.select_for_update().filter(tmdb_id__in=tmdb_ids).values_list("pk", flat=True))
    for model, column in _lists_of_people():
        held = model._base_manager.filter(**{f"{column}__in": pks})  # noqa: SLF001 - Django's public name for it
        pks -= set(held.values_list(column, flat=True))
    Movie.objects.filter(pk__in=pks).delete()
    return len(pks)


def _lists_of_people() -> Iterator[tuple[type[Model], str]]:
    """Every table that ties a person to a film, and its column for the film."""
    for relation in Movie._meta.related_objects:  # noqa: SLF001 - Django's public name for it
        model = relation.related_model
        fields = model._meta.concrete_fields  # noqa: SLF001 - Django's public name for it
        if any(isinstance(field, ForeignKey) and field.related_model is get_user_model() for field in fields):
            yield model, relation.field.attname
