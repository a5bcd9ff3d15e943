"""Whatever the database holds about a person is exported, or left out for a reason that somebody wrote down."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection, models

from matinee.accounts import privacy
from matinee.accounts.models import User
from matinee.accounts.privacy import (
    Erased,
    Section,
    erased_by,
    erasers,
    exported,
    left_out,
    owned,
    reasons_to_leave_out,
    sections,
)

DJANGOS_OWN = {"django_migrations"}
TELL_OF_PEOPLE = {"user", "user_id", "account_id", "owner_id", "email", "username", "audit_key", "subject"}


def told() -> set[str]:
    """What is exported or left out: models, and fields of models."""
    fields = {
        f"{section.model}.{field.partition('__')[0]}" for section in sections() for field in section.columns.values()
    }
    return fields | set(reasons_to_leave_out())


def unaccounted() -> set[str]:
    """The fields and tables that lead to a person, or have a column that tells of one, and are not told."""
    accounted = told()
    people = {User, *(model for model, _ in owned())}
    missing = set()
    by_table = {model._meta.db_table: model for model in apps.get_models(include_auto_created=True)}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            columns = {column.name for column in connection.introspection.get_table_description(cursor, table)}
            model = by_table.get(table)
            if model is None:
                points_at = {other for _, other in connection.introspection.get_relations(cursor, table).values()}
                if table not in DJANGOS_OWN and (columns & TELL_OF_PEOPLE or "accounts_user" in points_at):
                    missing.add(table)
                continue
            known = {field.column for field in model._meta.concrete_fields}
            is_about_people = model in people or bool(columns & TELL_OF_PEOPLE)
            if is_about_people:
                missing |= {f"{table}.{column}" for column in columns - known}
                missing |= {f"{model._meta.label}.{field.name}" for field in model._meta.concrete_fields}
    return {name for name in missing if name not in accounted and name.rpartition(".")[0] not in accounted}


@pytest.mark.django_db
def test_everything_that_is_held_about_a_person_is_exported_or_left_out_for_a_reason() -> None:
    assert unaccounted() == set()
    assert all(reason.endswith(".") for reason in reasons_to_leave_out().values())


@pytest.mark.django_db
def test_a_table_that_is_added_later_is_found_missing() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE dummy_notes (id bigint PRIMARY KEY, note text, user_id bigint)")
        cursor.execute("CREATE TABLE dummy_links (id bigint, who bigint REFERENCES accounts_user (id))")

    assert unaccounted() == {"dummy_notes", "dummy_links"}


@pytest.mark.django_db
def test_a_column_that_is_added_later_is_found_missing() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_userprofile ADD COLUMN nickname text")

    assert unaccounted() == {"accounts_userprofile.nickname"}


@pytest.fixture
def dummy_models() -> Iterator[list[type[models.Model]]]:
    class DummyNote(models.Model):
        user = models.ForeignKey(User, on_delete=models.DO_NOTHING, related_name="+")
        text = models.TextField()

        class Meta:
            app_label = "library"

        def __str__(self) -> str:
            return self.text

    class DummyMark(models.Model):
        note = models.ForeignKey(DummyNote, on_delete=models.DO_NOTHING, related_name="+")

        class Meta:
            app_label = "library"

        def __str__(self) -> str:
            return "mark"

    made: list[type[models.Model]] = [DummyNote, DummyMark]
    with connection.schema_editor() as editor:
        for model in made:
            editor.create_model(model)
    yield made
    with connection.schema_editor() as editor:
        for model in reversed(made):
            editor.delete_model(model)
    for model in made:
        del apps.all_models["library"][model._meta.model_name or ""]
    apps.clear_cache()


@pytest.mark.django_db(transaction=True)
def test_a_model_that_is_added_later_is_found_missing_with_what_hangs_on_it(
    dummy_models: list[type[models.Model]],
) -> None:
    missing = {"library.DummyNote.id", "library.DummyNote.user", "library.DummyNote.text"}
    missing |= {"library.DummyMark.id", "library.DummyMark.note"}

    assert unaccounted() == missing
    assert [(model.__name__, path) for model, path in owned() if model in dummy_models] == [
        ("DummyMark", "note__user"),
        ("DummyNote", "user"),
    ]


@pytest.mark.django_db
def test_nothing_is_told_that_is_not_there() -> None:
    labels = {model._meta.label: model for model in apps.get_models(include_auto_created=True)}
    for name in told():
        model, _, field = (name, "", "") if name in labels else name.rpartition(".")
        assert model in labels, name
        assert not field or field in {each.name for each in labels[model]._meta.concrete_fields}, name


def test_what_hangs_on_a_row_that_is_not_there_is_null() -> None:
    section = Section("notes", "library.Note", "user", {"said": "text", "genre": "movie__genre__name"})

    assert section.told(SimpleNamespace(text="Slow.", movie=None)) == {"said": "Slow.", "genre": None}


def test_a_section_is_given_once() -> None:
    first = sections()[0]
    exported(first)

    with pytest.raises(ValueError, match="Two sections"):
        exported(type(first)(first.name, "accounts.Session", "user", {}))


def test_a_reason_is_for_a_field_or_for_all_of_a_model() -> None:
    left_out("accounts.RefreshToken", reasons_to_leave_out()["accounts.RefreshToken"])

    assert "accounts.User.password" in reasons_to_leave_out()


def test_each_section_reason_and_eraser_that_a_package_registers_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for registry in ("_sections", "_left_out", "_erasers"):
        monkeypatch.setattr(privacy, registry, {})
    gone: list[Erased] = []
    two = (Section("notes", "library.Note", "user", {}), Section("marks", "library.Mark", "note__user", {}))

    for section in two:
        exported(section)
    left_out("library.Note", "Nobody wrote it.")
    left_out("library.Mark", "A secret.", "seal", "salt")
    erased_by("notes", gone.append)
    for eraser in erasers():
        eraser(Erased(7, "a key"))

    assert sections() == two
    assert reasons_to_leave_out() == {
        "library.Note": "Nobody wrote it.",
        "library.Mark.seal": "A secret.",
        "library.Mark.salt": "A secret.",
    }
    assert gone == [Erased(7, "a key")]


def test_what_django_makes_for_a_relation_of_many_belongs_to_its_person_too() -> None:
    assert (User.groups.through, "user") in [*owned()]
