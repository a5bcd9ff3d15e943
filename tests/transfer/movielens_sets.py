"""The same tiny data set in every way in which MovieLens writes one: seven ratings of three films by three people."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

RATINGS = (
    (1, 1, 4, 964982703),
    (1, 2, 5, 964981247),
    (1, 3, 1, 964982224),
    (2, 1, 3, 1445714835),
    (2, 2, 5, 1445714996),
    (5, 2, 2, 847434962),
    (5, 3, 4, 847435337),
)
TITLES = ("Matrix, The (1999)", "Misérables, Les (1995)", "Nowhere to Be Found, A (2001)")
LATEST = "userId,movieId,rating,timestamp"

RATINGS_CSV = "\r\n".join([LATEST, *(f"{u},{m},{s}.0,{t}" for u, m, s, t in RATINGS), ""])
MOVIES_CSV = "\r\n".join(["movieId,title,genres", *(f'{n},"{title}",Drama' for n, title in enumerate(TITLES, 1)), ""])
LINKS_CSV = "\r\n".join(["movieId,imdbId,tmdbId", "1,0133093,603", "2,0113828,", "3,0000003,999", ""])
U_DATA = "".join(f"{u}\t{m}\t{s}\t{t}\n" for u, m, s, t in reversed(RATINGS))
U_ITEM = "".join(f"{n}|{title}|01-Jan-1999||http://us.imdb.com/|0|1\n" for n, title in enumerate(TITLES, 1))
INTER = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n" + U_DATA
ITEM = "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n" + "".join(
    f"{n}\t{title[:-7]}\t{title[-5:-1]}\tDrama\n" for n, title in enumerate(TITLES, 1)
)
RATINGS_DAT = "".join(f"{u}::{m}::{s}::{t}\n" for u, m, s, t in RATINGS)
MOVIES_DAT = "".join(f"{n}::{title}::Drama\n" for n, title in enumerate(TITLES, 1))

LATEST_SET: dict[str, str | bytes] = {
    "ml/ratings.csv": RATINGS_CSV,
    "ml/movies.csv": MOVIES_CSV,
    "ml/links.csv": LINKS_CSV,
}
UNLINKED_SET: dict[str, str | bytes] = {"ml/ratings.csv": RATINGS_CSV, "ml/movies.csv": MOVIES_CSV}
GROUPLENS_100K: dict[str, str | bytes] = {"ml-100k/u.data": U_DATA, "ml-100k/u.item": U_ITEM.encode("latin-1")}
RECBOLE_100K: dict[str, str | bytes] = {"recbole/ml-100k/ml-100k.inter": INTER, "recbole/ml-100k/ml-100k.item": ITEM}
DAT_SET: dict[str, str | bytes] = {"ml-1m/ratings.dat": RATINGS_DAT, "ml-1m/movies.dat": MOVIES_DAT.encode("latin-1")}


def zipped(path: Path, files: Mapping[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def unpacked(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / Path(name).name).write_bytes(content.encode() if isinstance(content, str) else content)
    return folder
