from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from matinee.catalog import triggers


def add_columns_consumer(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    alias = schema_editor.connection.alias
    apps.get_model("catalog", "ChangeConsumer").objects.using(alias).get_or_create(name="columns")


def remove_columns_consumer(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    alias = schema_editor.connection.alias
    apps.get_model("catalog", "ChangeConsumer").objects.using(alias).filter(name="columns").delete()
    apps.get_model("catalog", "MovieChange").objects.using(alias).filter(consumer="columns").delete()


class Migration(migrations.Migration):
    dependencies = [("catalog", "0001_initial")]

    operations = [
        migrations.RunPython(triggers.install, triggers.remove),
        migrations.RunPython(add_columns_consumer, remove_columns_consumer),
    ]
