"""Load the benchmark's rows, the same as Matinee's, row ids included: `python -m films.load ROWS.json`."""

import asyncio
import datetime as dt
import json
import sys
from pathlib import Path

from sqlalchemy import insert

from films.authentication import passwords
from films.database import engine
from films.models import Base, Favorite, Genre, Movie, MovieRating, User, Watchlist, movie_genres

INSTANTS = ("created_at", "updated_at")


async def load(content):
    for row in (*content["films"], *content["favorites"], *content["watchlist"], *content["ratings"]):
        row.update({name: dt.datetime.fromisoformat(row[name]) for name in INSTANTS if name in row})
    for film in content["films"]:
        film["release_date"] = film["release_date"] and dt.date.fromisoformat(film["release_date"])
    for person in content["people"]:
        person["password"] = person["password"] and passwords.hash(person["password"])
    genres = [{"movie_id": film["id"], "genre_id": id_} for film in content["films"] for id_ in film["genre_ids"]]
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
        await connection.execute(insert(Genre), content["genres"])
        await connection.execute(insert(Movie), content["films"])
        await connection.execute(insert(movie_genres), genres)
        await connection.execute(insert(User), content["people"])
        for model, name in ((Favorite, "favorites"), (Watchlist, "watchlist"), (MovieRating, "ratings")):
            await connection.execute(insert(model), content[name])
    await engine.dispose()


if __name__ == "__main__":
    asyncio.run(load(json.loads(Path(sys.argv[1]).read_text())))
