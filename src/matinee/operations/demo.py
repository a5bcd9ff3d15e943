"""What `matinee demo` sets up, each step only where it is missing, and what it tells a first visitor."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from django.core.management import CommandError, call_command

from matinee.catalog.models import Movie
from matinee.catalog.publication import publish_what_is_stale
from matinee.recommendations.community import community_datasets
from matinee.recommendations.freshness import is_behind
from matinee.search.index import index_is_stale, refresh_index

FIRST_RATINGS = {603: 5, 27205: 5, 78: 4, 680: 3, 11036: 1}
"""The Matrix, Inception, Blade Runner, Pulp Fiction, The Notebook: a taste that the answers make visible."""

Say = Callable[[str], None]


def set_up(say: Say) -> None:
    """Films, community ratings and a model. What can't be fetched is left out, and said; the rest works without."""
    if not Movie.objects.exists():
        call_command("load", "starter")
    if "100k" not in {dataset.name for dataset in community_datasets()}:
        try:
            call_command("load", "movielens", "100k")
        except CommandError as error:
            say(f"Left out: MovieLens-100K, other people's ratings to learn from. {error}")
            say("Recommendations go by what the films are, until `matinee load movielens 100k` has worked.")
    publish_what_is_stale()
    if index_is_stale():
        refresh_index()
    if is_behind():
        try:
            call_command("train")
        except CommandError as error:  # another training is under way, or the model there is the better one
            say(str(error))


def instructions(url: str) -> str:
    """What to type to register, rate five films and be recommended others; a new e-mail address each time."""
    ratings = "\n".join(
        f"""    curl -s {url}/api/v1/movies/{movie}/rate/ -H "$ME" -H "$JSON" -d '{{"rating": {stars}}}'; echo"""
        for movie, stars in FIRST_RATINGS.items()
    )
    email = f"me-{secrets.token_hex(3)}@example.org"
    return f"""
Matinee answers at {url}, its reference is at {url}/api/docs. Ctrl-C stops it.
Try it from a second terminal.

Register; the answer's access token says who you are, for 15 minutes:

    JSON="Content-Type: application/json"
    TOKEN=$(curl -s {url}/api/v1/users/register/ -H "$JSON" \\
      -d '{{"email": "{email}", "password": "a long passphrase of mine"}}' \\
      | sed 's/.*"access": *"\\([^"]*\\)".*/\\1/')
    ME="Authorization: Bearer $TOKEN"

Rate five films, 1 to 5:

{ratings}

What to watch next, and why (`because` names the films of yours that spoke for each):

    curl -s "{url}/api/v1/movies/recommendations/?page_size=5" -H "$ME"
"""
