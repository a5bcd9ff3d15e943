from django.db import migrations

from matinee.audit import triggers


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_trail")]

    operations = [migrations.RunPython(triggers.install, triggers.remove)]
