from __future__ import annotations

from django.db import migrations

DROP = "DROP INDEX CONCURRENTLY IF EXISTS ratings_by_stars"


class Migration(migrations.Migration):
    atomic = False
    operations = (
        migrations.RunSQL([DROP, "CREATE INDEX CONCURRENTLY ratings_by_stars ON library_movierating (rating)"], DROP),
    )
