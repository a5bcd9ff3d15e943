from django.db import migrations, models


class Migration(migrations.Migration):
    """What the column holds is told otherwise; the table stays as it is."""

    dependencies = [("api", "0001_kept_answers")]

    operations = [
        migrations.AlterField(
            model_name="keptanswer",
            name="request",
            field=models.CharField(help_text="HMAC of its path and body.", max_length=64),
        ),
    ]
