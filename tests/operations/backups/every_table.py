"""All rows of all models as the ORM gives them, and a row for each model that has none: a new model is among them."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from django.apps import apps
from django.db import models
from django.db.migrations.recorder import MigrationRecorder

from tests.operations.backups.conftest import NOW

TEXT = 'Zoë\t🎬 "\\N"\n\\.\r\n'
SAMPLES: dict[str, Any] = {
    "BigIntegerField": 2**62,
    "BinaryField": bytes(range(256)),
    "BooleanField": True,
    "DateField": dt.date(1895, 12, 28),
    "DateTimeField": NOW + dt.timedelta(microseconds=1),
    "FloatField": 0.1 + 0.2,
    "IntegerField": -(2**31),
    "JSONField": {"a": [1, 2.5, None, True, 2**53 + 1, TEXT]},
    "PositiveIntegerField": 2**31 - 1,
    "PositiveSmallIntegerField": 2**15 - 1,
    "UUIDField": uuid.UUID(int=7),
}
Rows = dict[str, list[Any]]


def every_row(using: str) -> Rows:
    return {
        model._meta.label: sorted((_plain(row) for row in _all(model, using).values_list(*_names(model))), key=repr)
        for model in every_model()
    }


def every_model() -> list[type[models.Model]]:
    stored = [m for m in apps.get_models(include_auto_created=True) if m._meta.managed and not m._meta.proxy]
    return [*stored, MigrationRecorder.Migration]


def fill_the_rest() -> None:
    """Models are asked again as long as one of them waited for what it points to."""
    waiting = [model for model in every_model() if not _all(model, "default").exists()]
    while waiting:
        filled = [model for model in waiting if _fill(model)]
        assert filled, f"no row could be made of {waiting}"
        waiting = [model for model in waiting if model not in filled]


def _fill(model: type[models.Model]) -> bool:
    values = {}
    for field in model._meta.concrete_fields:
        if field.is_relation:
            assert isinstance(field.related_model, type)
            pointed_to = _all(field.related_model, "default").first()
            if pointed_to is None:
                return False
            values[field.attname] = pointed_to.pk
        elif field.column is not None and not isinstance(field, models.AutoField):
            values[field.attname] = _sample(field)
    model._base_manager.bulk_create([model(**values)])
    return True


def _sample(field: models.Field[Any, Any]) -> Any:
    if field.choices:
        return field.flatchoices[0][0]
    return SAMPLES.get(field.get_internal_type(), TEXT[: field.max_length])


def _all(model: type[models.Model], using: str) -> models.QuerySet[Any]:
    return model._base_manager.using(using)


def _names(model: type[models.Model]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields if field.column is not None]


def _plain(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(bytes(value) if isinstance(value, memoryview) else value for value in row)
