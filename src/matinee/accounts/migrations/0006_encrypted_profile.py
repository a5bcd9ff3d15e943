from django.db import migrations, models

import matinee.accounts.encrypted_fields
from matinee.accounts.models import BEFORE


class Migration(migrations.Migration):
    """The columns of before stay for the program of before; new ones take what is encrypted."""

    dependencies = [("accounts", "0005_guesses")]

    operations = [
        migrations.CreateModel(
            name="DataKey",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=models.CASCADE,
                        primary_key=True,
                        related_name="data_key",
                        serialize=False,
                        to="accounts.user",
                    ),
                ),
                ("sealed", models.BinaryField(max_length=61)),
                ("master_key_id", models.CharField(db_index=True, max_length=16)),
            ],
        ),
        migrations.AlterField(
            "userprofile",
            "bio",
            models.TextField(default="", db_default="", editable=False, db_column="bio", help_text=BEFORE),
        ),
        migrations.AlterField(
            "userprofile",
            "birth_date",
            models.DateField(null=True, editable=False, db_column="birth_date", help_text=BEFORE),
        ),
        migrations.RenameField("userprofile", "bio", "plain_bio"),
        migrations.RenameField("userprofile", "birth_date", "plain_birth_date"),
        migrations.AddField(
            "userprofile",
            "bio",
            matinee.accounts.encrypted_fields.EncryptedTextField(blank=True, db_column="sealed_bio", null=True),
        ),
        migrations.AddField(
            "userprofile",
            "birth_date",
            matinee.accounts.encrypted_fields.EncryptedDateField(blank=True, db_column="sealed_birth_date", null=True),
        ),
    ]
