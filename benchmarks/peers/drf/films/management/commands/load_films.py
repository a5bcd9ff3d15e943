import json
from pathlib import Path

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand
from django.db import transaction

from films.models import Favorite, Genre, Movie, MovieRating, Watchlist

BATCH = 500


class Command(BaseCommand):
    help = "Load the benchmark's rows, the same as Matinee's, row ids included."

    def add_arguments(self, parser):
        parser.add_argument("rows", type=Path, help="The JSON file that benchmarks.http.dataset wrote.")

    @transaction.atomic
    def handle(self, *, rows, **_options):
        content = json.loads(rows.read_text())
        Genre.objects.bulk_create(Genre(**genre) for genre in content["genres"])
        Movie.objects.bulk_create((Movie(**film) for film in content["films"]), batch_size=BATCH)
        Movie.genres.through.objects.bulk_create(
            (
                Movie.genres.through(movie_id=film["id"], genre_id=genre)
                for film in content["films"]
                for genre in film["genre_ids"]
            ),
            batch_size=BATCH,
        )
        for person in content["people"]:
            User.objects.create_user(**person)
        for model, name in ((Favorite, "favorites"), (Watchlist, "watchlist"), (MovieRating, "ratings")):
            model.objects.bulk_create((model(**entry) for entry in content[name]), batch_size=BATCH)
