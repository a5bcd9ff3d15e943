from typing import Any

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

WITHOUT_LAYOUT = ("columns", "cards", "postings")
WITH_LAYOUT = ("catalogue-2", "cards-2", "postings-1")


def name_layouts(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Where a program before this one has published, it may go on beside it, until it is no longer wanted."""
    never_published = _consumers(apps, schema_editor).filter(name__in=WITHOUT_LAYOUT, version=None)
    names = list(never_published.values_list("name", flat=True))
    never_published.delete()
    _changes(apps, schema_editor).filter(consumer__in=names).delete()
    for name in WITH_LAYOUT:
        _consumers(apps, schema_editor).get_or_create(name=name)


def forget_layouts(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    _consumers(apps, schema_editor).filter(name__contains="-").delete()
    _changes(apps, schema_editor).filter(consumer__contains="-").delete()
    for name in WITHOUT_LAYOUT:
        _consumers(apps, schema_editor).get_or_create(name=name)


def _consumers(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> models.QuerySet[Any]:
    return apps.get_model("catalog", "ChangeConsumer").objects.using(schema_editor.connection.alias)


def _changes(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> models.QuerySet[Any]:
    return apps.get_model("catalog", "MovieChange").objects.using(schema_editor.connection.alias)


class Migration(migrations.Migration):
    dependencies = [("catalog", "0006_postings")]

    operations = [
        migrations.AddField(
            model_name="changeconsumer",
            name="wanted_at",
            field=models.DateTimeField(help_text="When a program last published this or asked to keep it.", null=True),
        ),
        migrations.RunPython(name_layouts, forget_layouts),
    ]
