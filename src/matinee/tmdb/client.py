"""What Matinee asks TMDb, each as one call that ends in time: the only layer that waits and tries again.

It knows neither Django nor the database, and so no transaction can be open around what it does.
"""

from __future__ import annotations

import datetime as dt
import email.utils
import json
import re
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, TypeVar

import stamina
from prometheus_client import Counter

from matinee.tmdb.failures import Gone, TmdbFailure, TokenRefused, Unanswered, Unfit
from matinee.tmdb.pace import LONGEST_PAUSE_SECONDS, Pace
from matinee.tmdb.payloads import APPENDED, Configuration, Film, FilmPage, Genres, read
from matinee.tmdb.transport import BLOCK, Limits, Response, Transport

REQUESTS = Counter("matinee_tmdb_requests", "Requests to TMDb, by how they ended.", ["outcome"])
TRIES = 3
SECONDS = 90.0
"""For one call where nobody waits for it: enough to sit out the longest pause that TMDb can ask for."""
FILE_SECONDS = 1_800.0
MOST_BYTES = 8_000_000
MOST_BYTES_OF_A_FILE = 200_000_000
MOST_BYTES_UNPACKED = 2_000_000_000
LONGEST_LINE = 10_000
V3_KEY = re.compile(r"[0-9a-f]{32}")

ListName: TypeAlias = Literal["popular", "upcoming", "now_playing"]
Kind = TypeVar("Kind")


@dataclass(frozen=True)
class Access:
    """How we are known to TMDb: by a v4 read token or a v3 key, told apart by their looks."""

    token: str = field(repr=False)
    language: str

    def headers(self) -> dict[str, str]:
        return {} if self._is_key else {"Authorization": f"Bearer {self.token}"}

    def query(self) -> dict[str, str]:
        return {"api_key": self.token} if self._is_key else {}

    @property
    def _is_key(self) -> bool:
        return V3_KEY.fullmatch(self.token) is not None


@dataclass(frozen=True)
class Exported:
    """A film in the file of all ids that TMDb writes each morning."""

    tmdb_id: int
    popularity: float
    adult: bool
    video: bool


class Client:
    """Safe between threads. Every call raises a TmdbFailure where it does not return."""

    def __init__(self, access: Access, *, transport: Transport, pace: Pace) -> None:
        self._access = access
        self._transport = transport
        self._pace = pace

    def film(self, tmdb_id: int, *, seconds: float = SECONDS) -> Film:
        """All that is asked about one film, by one request. A film that was merged comes under its new id."""
        more = {"append_to_response": ",".join(APPENDED)}
        return self._asked(Film, f"/3/movie/{tmdb_id:d}", more, seconds=seconds)

    def changed(self, day: dt.date, *, page: int) -> FilmPage:
        """The films that changed on `day`, which is over; TMDb remembers two weeks."""
        span = {"start_date": day.isoformat(), "end_date": (day + dt.timedelta(days=1)).isoformat()}
        return self._asked(FilmPage, "/3/movie/changes", {**span, "page": str(page)})

    def listed(self, name: ListName, *, page: int) -> FilmPage:
        return self._asked(FilmPage, f"/3/movie/{name}", {"page": str(page)})

    def found(self, words: str, *, adult: bool, seconds: float) -> FilmPage:
        """The first page of the films that TMDb's search finds."""
        asked = {"query": words, "include_adult": str(adult).lower(), "page": "1"}
        return self._asked(FilmPage, "/3/search/movie", asked, seconds=seconds)

    def genres(self) -> Genres:
        return self._asked(Genres, "/3/genre/movie/list", {})

    def configuration(self) -> Configuration:
        return self._asked(Configuration, "/3/configuration", {})

    def exported(self, day: dt.date) -> Iterator[Exported]:
        """All films that TMDb had that morning, a line at a time. What is broken off is told by an Unanswered, late."""
        url = f"{self._transport.origins.files}/p/exports/movie_ids_{day:%m_%d_%Y}.json.gz"
        limits = Limits(ends_at=time.monotonic() + FILE_SECONDS, most_bytes=MOST_BYTES_OF_A_FILE)
        self._pace.wait_for_turn(seconds=SECONDS)
        try:
            with self._transport.stream(url, limits=limits) as (status, blocks):
                _refuse_missing_file(status, day)
                for line in _lines(blocks):
                    if film := _exported(line):
                        yield film
        except (Unanswered, Unfit):
            self._failed()
            raise
        self._succeeded()

    def stop(self) -> None:
        """Let no call of this client wait any more: they end with Away."""
        self._pace.stop()

    def _asked(self, kind: type[Kind], path: str, query: dict[str, str], *, seconds: float = SECONDS) -> Kind:
        limits = Limits(ends_at=time.monotonic() + seconds, most_bytes=MOST_BYTES)
        for attempt in stamina.retry_context(
            on=Unanswered, attempts=TRIES, timeout=seconds, wait_initial=0.1, wait_jitter=0.4, wait_max=2.0
        ):
            with attempt:
                return read(kind, self._answered(path, query, limits))
        raise AssertionError("stamina ends by returning or raising")

    def _answered(self, path: str, query: dict[str, str], limits: Limits) -> bytes:
        self._pace.wait_for_turn(seconds=limits.seconds_left())
        try:
            answer = self._transport.get(
                self._transport.origins.api + path,
                query={"language": self._access.language, **query, **self._access.query()},
                headers={"Accept": "application/json", **self._access.headers()},
                limits=limits,
            )
            if answer.status >= 500 or (answer.status == 200 and not _is_json(answer)):
                raise Unanswered(f"TMDb answered {answer.status} as {_type_of(answer)}.")
        except TmdbFailure:
            self._failed()
            raise
        if answer.status == 429:
            REQUESTS.labels("slowed").inc()
            self._pace.slow_down(seconds=_pause_asked(answer))
            raise Unanswered("TMDb was asked more often than it allows.")
        self._succeeded()
        return _content(answer)

    def _succeeded(self) -> None:
        REQUESTS.labels("answered").inc()
        self._pace.succeeded()

    def _failed(self) -> None:
        REQUESTS.labels("failed").inc()
        self._pace.failed()


def _content(answer: Response) -> bytes:
    match answer.status:
        case 200:
            return answer.body
        case 401 | 403:
            raise TokenRefused("TMDb refuses MATINEE_TMDB_TOKEN.")
        case 404:
            raise Gone("TMDb has nothing under this id.")
        case status:
            raise Unfit(f"TMDb answered {status}.")


def _refuse_missing_file(status: int, day: dt.date) -> None:
    if status in {403, 404}:  # the files' store says "forbidden" of what it has not
        raise Gone(f"TMDb has no list of ids of {day}.")
    if status != 200:
        raise Unanswered(f"TMDb answered {status}.")


def _type_of(answer: Response) -> str:
    return answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()[:50]


def _is_json(answer: Response) -> bool:
    return _type_of(answer) == "application/json"


def _pause_asked(answer: Response) -> float:
    """The seconds that Retry-After asks for, in either of its forms; what makes no sense is a second."""
    text = answer.headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,18}", text):
        return float(text)
    try:
        until = email.utils.parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return 1.0
    if until.tzinfo is None:
        until = until.replace(tzinfo=dt.UTC)
    return min((until - dt.datetime.now(dt.UTC)).total_seconds(), LONGEST_PAUSE_SECONDS)


def _lines(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The lines of a gzip file. Raises Unanswered where it is damaged or ends too early, Unfit for an endless line."""
    unpacking = zlib.decompressobj(wbits=31)
    rest = b""
    unpacked = 0
    for block in blocks:
        packed = block
        while packed:
            try:
                content = unpacking.decompress(packed, BLOCK)
            except zlib.error:
                raise Unanswered("TMDb's list of ids is no gzip file.") from None
            packed = unpacking.unconsumed_tail
            unpacked += len(content)
            *lines, rest = (rest + content).split(b"\n")
            if len(rest) > LONGEST_LINE or unpacked > MOST_BYTES_UNPACKED:
                raise Unfit("TMDb's list of ids is larger than any can be.")
            yield from lines
    if not unpacking.eof:
        raise Unanswered("TMDb's list of ids breaks off.")
    if rest:
        yield rest


def _exported(line: bytes) -> Exported | None:
    """None for a line that says no more than rubbish: one of a million is no reason to go without the others."""
    try:
        film = json.loads(line)
        return Exported(int(film["id"]), float(film["popularity"]), bool(film["adult"]), bool(film["video"]))
    except (ValueError, TypeError, LookupError):
        return None
