from django.db import migrations

from matinee.library import triggers


class Migration(migrations.Migration):
    dependencies = [("library", "0002_trending"), ("accounts", "0008_person_state")]

    operations = [migrations.RunPython(triggers.install, triggers.remove)]
