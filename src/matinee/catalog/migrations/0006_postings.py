from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def add_postings_consumer(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    alias = schema_editor.connection.alias
    apps.get_model("catalog", "ChangeConsumer").objects.using(alias).get_or_create(name="postings")


def remove_postings_consumer(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    alias = schema_editor.connection.alias
    apps.get_model("catalog", "ChangeConsumer").objects.using(alias).filter(name="postings").delete()
    apps.get_model("catalog", "MovieChange").objects.using(alias).filter(consumer="postings").delete()


class Migration(migrations.Migration):
    dependencies = [("catalog", "0005_facts")]

    operations = [migrations.RunPython(add_postings_consumer, remove_postings_consumer)]
