import django.db.models.deletion
from django.apps.registry import Apps
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

import matinee.accounts.models

AT_ONCE = 1_000


def add_states(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    alias = schema_editor.connection.alias
    PersonState = apps.get_model("accounts", "PersonState")
    ids = apps.get_model("accounts", "User").objects.using(alias).values_list("pk", flat=True)
    PersonState.objects.using(alias).bulk_create((PersonState(user_id=pk) for pk in ids), batch_size=AT_ONCE)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_encrypt_profiles"),
    ]

    operations = [
        migrations.CreateModel(
            name="PersonState",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("version", models.BigIntegerField(default=matinee.accounts.models.new_state_version)),
            ],
        ),
        migrations.RunPython(add_states, migrations.RunPython.noop),
    ]
