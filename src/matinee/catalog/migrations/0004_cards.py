from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from matinee.catalog import triggers


def add_cards_consumer(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    alias = schema_editor.connection.alias
    apps.get_model("catalog", "ChangeConsumer").objects.using(alias).get_or_create(name="cards")


def remove_cards_consumer(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    alias = schema_editor.connection.alias
    apps.get_model("catalog", "ChangeConsumer").objects.using(alias).filter(name="cards").delete()
    apps.get_model("catalog", "MovieChange").objects.using(alias).filter(consumer="cards").delete()


class Migration(migrations.Migration):
    dependencies = [("catalog", "0003_genres")]

    operations = [
        migrations.AddField(
            model_name="changeconsumer",
            name="version",
            field=models.CharField(
                help_text="The published version that holds every change which is not pending.",
                max_length=40,
                null=True,
            ),
        ),
        migrations.AddIndex(
            model_name="moviechange",
            index=models.Index(fields=["consumer", "tmdb_id"], name="change_by_film"),
        ),
        migrations.RunPython(triggers.install_on_genres, triggers.remove_from_genres),
        migrations.RunPython(add_cards_consumer, remove_cards_consumer),
    ]
