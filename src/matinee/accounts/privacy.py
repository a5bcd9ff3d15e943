"""The one registry of what is held about a person: what an export gives them, what it leaves out and why, and what an
erasure has to remove besides the rows that belong to their account.

A package registers its part in its AppConfig. A test walks the models and the database's own schema, so that a table
which is added later fails it until it is registered here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.apps import apps
from django.db import models

from matinee.accounts.models import User


@dataclass(frozen=True)
class Section:
    """One table of an export."""

    name: str
    model: str
    """Its label, as in `library.Favorite`."""
    path: str
    """From the model to the person, as in `session__user`."""
    columns: Mapping[str, str]
    """Name in the export → field, with `__` between the steps: `movie__tmdb_id`."""
    of: str = "pk"
    """What of the person `path` is compared with."""

    def rows_of(self, person: User) -> models.QuerySet[Any]:
        """Their rows, oldest first, with all that the columns need in one query."""
        steps = {field.rpartition("__")[0] for field in self.columns.values()} - {""}
        everything = apps.get_model(self.model)._base_manager  # noqa: SLF001 - Django's name; it hides no row
        rows: models.QuerySet[Any] = everything.filter(**{self.path: getattr(person, self.of)}).order_by("pk")
        return rows.select_related(*sorted(steps)) if steps else rows

    def told(self, row: Any) -> dict[str, Any]:
        return {name: _followed(row, field) for name, field in self.columns.items()}


class Erased(NamedTuple):
    """Whose account is gone: by these, what else is held about them is found."""

    pk: int
    audit_key: str


Eraser = Callable[[Erased], None]

_sections: dict[str, Section] = {}
_left_out: dict[str, str] = {}
_erasers: dict[str, Eraser] = {}


def exported(section: Section) -> None:
    """Give these columns to whoever asks for what is held about them. A name is given once."""
    if _sections.setdefault(section.name, section) != section:
        raise ValueError(f"Two sections are called {section.name}.")


def left_out(model: str, reason: str, *fields: str) -> None:
    """Leave fields of a model, or all of it, out of exports. What it says goes with an erasure all the same."""
    _left_out.update({f"{model}.{field}": reason for field in fields} if fields else {model: reason})


def erased_by(name: str, eraser: Eraser) -> None:
    """Have `eraser` called once an account is gone, for what is no row of it: files, rows under another key. It may be
    called again."""
    _erasers[name] = eraser


def sections() -> Sequence[Section]:
    return tuple(_sections.values())


def reasons_to_leave_out() -> Mapping[str, str]:
    """By the model's label, or that and the field's name."""
    return dict(_left_out)


def erasers() -> Sequence[Eraser]:
    return tuple(_erasers.values())


def owned() -> Iterator[tuple[type[models.Model], str]]:
    """Every model from which a path leads to the person whose rows they are, and the path, the farthest first."""
    paths: dict[type[models.Model], str] = {User: ""}
    waiting: list[type[models.Model]] = [User]
    while waiting:
        held = waiting.pop(0)
        for model in apps.get_models(include_auto_created=True):
            for field in model._meta.concrete_fields:  # noqa: SLF001 - Django's name for a model's facts
                if field.related_model is held and model not in paths:
                    paths[model] = "__".join(step for step in (field.name, paths[held]) if step)
                    waiting.append(model)
    del paths[User]
    return reversed(paths.items())


def _followed(row: Any, field: str) -> Any:
    for step in field.split("__"):
        row = None if row is None else getattr(row, step)
    return row
