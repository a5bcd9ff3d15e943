from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

TMDB_MOVIE_GENRES = {
    12: "Adventure",
    14: "Fantasy",
    16: "Animation",
    18: "Drama",
    27: "Horror",
    28: "Action",
    35: "Comedy",
    36: "History",
    37: "Western",
    53: "Thriller",
    80: "Crime",
    99: "Documentary",
    878: "Science Fiction",
    9648: "Mystery",
    10402: "Music",
    10749: "Romance",
    10751: "Family",
    10752: "War",
    10770: "TV Movie",
}


def add_genres(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    alias = schema_editor.connection.alias
    genre = apps.get_model("catalog", "Genre")
    rows = [genre(id=id_, name=name) for id_, name in TMDB_MOVIE_GENRES.items()]
    genre.objects.using(alias).bulk_create(rows, ignore_conflicts=True)


def remove_genres(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    alias = schema_editor.connection.alias
    apps.get_model("catalog", "Genre").objects.using(alias).filter(id__in=TMDB_MOVIE_GENRES).delete()


class Migration(migrations.Migration):
    dependencies = [("catalog", "0002_outbox_triggers")]

    operations = [migrations.RunPython(add_genres, remove_genres)]
