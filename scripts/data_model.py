"""Writes docs/data-model.md from the models: `python scripts/data_model.py`. A test holds the file to it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import django
from django.db import models

PAGE = Path(__file__).parent.parent / "docs" / "data-model.md"
APPS = ("accounts", "api", "audit", "catalog", "library", "tmdb", "jobs")
KINDS = {
    "BigAutoField": "bigint",
    "BigIntegerField": "bigint",
    "BinaryField": "bytes",
    "BooleanField": "bool",
    "CharField": "text",
    "DateField": "date",
    "DateTimeField": "instant",
    "EmailField": "text",
    "FloatField": "float",
    "IntegerField": "int",
    "JSONField": "json",
    "PositiveIntegerField": "int",
    "PositiveSmallIntegerField": "int",
    "TextField": "text",
    "UUIDField": "uuid",
}

INTRODUCTION = """\
# Data model

Made from the models by `python scripts/data_model.py`; a test holds it true. Django's own tables (sessions of the
admin, content types, queued tasks) are left out. An unknown fact is NULL, never "" or 0; ids are 64-bit.
"""


def render() -> str:
    tables = [model for app in APPS for model in sorted(_models(app), key=lambda model: model.__name__)]
    diagram = ["```mermaid", "erDiagram", *(line for model in tables for line in _relations(model, tables)), "```"]
    return "\n".join([INTRODUCTION, *diagram, "", *(_section(model) for model in tables)])


def _models(app: str) -> list[type[models.Model]]:
    return list(django.apps.apps.get_app_config(app).get_models())


def _relations(model: type[models.Model], tables: list[type[models.Model]]) -> list[str]:
    lines = []
    for field in model._meta.fields:
        if isinstance(field, models.ForeignKey) and field.related_model in tables:
            one, many = "|o" if field.null else "||", "o|" if field.unique else "o{"
            lines.append(f"  {field.related_model.__name__} {one}--{many} {model.__name__} : {field.name}")
    return lines


def _section(model: type[models.Model]) -> str:
    summary = " ".join((model.__doc__ or "").strip().partition("\n\n")[0].split())
    if summary.startswith(f"{model.__name__}("):  # Django's own words where the model has none
        summary = ""
    rows = [f"| `{field.name}` | {_kind(field)} | {_promises(field)} |" for field in model._meta.fields]
    held = [f"- `{constraint.name}`" for constraint in model._meta.constraints]
    held += [f"- index `{index.name}`" for index in model._meta.indexes]
    parts = [
        f"## {model.__name__}",
        "",
        *([summary, ""] if summary else []),
        "| field | kind | |",
        "|---|---|---|",
        *rows,
    ]
    return "\n".join([*parts, "", *([*held, ""] if held else [])])


def _kind(field: models.Field) -> str:
    if isinstance(field, models.ForeignKey):
        return f"→ {field.related_model.__name__}"
    if isinstance(field, models.CompositePrimaryKey):
        return ", ".join(f"`{name.removesuffix('_id')}`" for name in field.field_names)
    return KINDS[field.get_internal_type()]


def _promises(field: models.Field) -> str:
    words = []
    if field.primary_key:
        words.append("key")
    elif field.unique:
        words.append("unique")
    if field.null:
        words.append("may be unknown")
    if field.help_text:
        words.append(str(field.help_text))
    return ", ".join(words)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "matinee.settings")
    django.setup()
    PAGE.write_text(render(), encoding="utf-8")
    sys.stdout.write(f"{PAGE}\n")
