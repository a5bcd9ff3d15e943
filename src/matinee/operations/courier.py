"""The courier of a node: brings what other nodes published from the depot, once for all processes of this one.

What the database names of the catalogue's projections, and the highest version of all else, is fetched, verified and
put in service by moving CURRENT, which every process follows. A version that the depot did not take before is offered
again. Where the depot is away, or holds damage, this node goes on with what it has, and the courier leaves word of it
in a file for /readyz, /metrics and the doctor.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType

from django.conf import settings
from django.db import Error as AnyDatabaseError
from django.db import connection

from matinee.catalog import outbox
from matinee.core.artifacts import DAMAGED, ArtifactStore, DamagedArtifact
from matinee.core.depot import Depot, DepotAway, depot
from matinee.operations import layouts
from matinee.operations.layouts import PROJECTIONS

logger = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 1.0
LIST_EVERY_SECONDS = 5.0
"""How often the depot itself is asked, a request each time; where nothing is new, nothing else is."""
REFUSED_AGAIN_AFTER_SECONDS = 60.0
TIDY_EVERY_SECONDS = 3600.0
IS_LATE_AFTER_SECONDS = 120.0


class NoDepot(Exception):
    """There is none that the settings name."""


@dataclass
class Word:
    """What a courier has to say about its last look."""

    looked_at: float
    away: str | None = None
    """Why the depot could not be asked."""
    refused: dict[str, str] = field(default_factory=dict)
    """By kind: what is wrong with the version that should be in service."""

    @property
    def is_late(self) -> bool:
        return abs(time.time() - self.looked_at) > IS_LATE_AFTER_SECONDS


def word() -> Word | None:
    """What the courier of this node left last; None before its first look."""
    try:
        return Word(**json.loads(_word_file().read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


class Courier:
    """Looks again and again at what should be in service here."""

    def __init__(self, shared: Depot) -> None:
        self._depot = shared
        self._listed_at = float("-inf")
        self._tidied_at = float("-inf")
        self._newest: Mapping[str, list[str]] = {}
        self._refused: dict[tuple[str, str], tuple[str, float]] = {}
        """By kind and version what was wrong with it, and when it is asked for again."""
        self._sound: dict[str, str] = {}
        """By kind the version that this process has seen sound."""

    def look(self) -> Word:
        """One round, and word of it."""
        found = Word(looked_at=time.time())
        try:
            self._list()
            for kind, version in self._wanted():
                self._bring_or_tell(kind, version, found)
            self._tidy()
        except DepotAway as error:
            found.away = str(error)
        except AnyDatabaseError:
            connection.close()  # the others say that it is away
        _leave(found)
        return found

    def _list(self) -> None:
        if time.monotonic() - self._listed_at >= LIST_EVERY_SECONDS:
            self._newest = self._depot.versions()
            self._listed_at = time.monotonic()

    def _tidy(self) -> None:
        if time.monotonic() - self._tidied_at >= TIDY_EVERY_SECONDS:
            layouts.remove_unwanted_here()
            layouts.remove_unwanted_from(self._depot)
            self._tidied_at = time.monotonic()

    def _wanted(self) -> Iterator[tuple[str, str]]:
        named = outbox.named_versions()
        yield from ((kind, named[kind]) for kind in PROJECTIONS if kind in named)
        kinds = {path.parent.name for path in Path(settings.ARTIFACTS_DIR).glob("*/CURRENT")} | {*self._newest}
        for kind in sorted(kinds):
            if layouts.is_projection(kind) or layouts.is_of_another_layout(kind):
                continue
            here = ArtifactStore(settings.ARTIFACTS_DIR, kind).current_version() or ""
            shared = self._newest.get(kind, [""])[0]
            yield kind, max(here, shared)

    def _bring_or_tell(self, kind: str, version: str, found: Word) -> None:
        """A kind that this disk does not take is no reason to leave the others out."""
        try:
            self._bring(kind, version, found)
        except OSError as error:
            logger.error("This node can't take in %s: %s", kind, error)  # noqa: TRY400 - no trace needed
            found.refused[kind] = str(error)

    def _bring(self, kind: str, version: str, found: Word) -> None:
        store = ArtifactStore(settings.ARTIFACTS_DIR, kind)
        if self._sound.get(kind) != version or store.current_version() != version:
            why, again_at = self._refused.get((kind, version), ("", 0.0))
            if time.monotonic() < again_at:
                found.refused[kind] = why
                return
            with store.one_refresher():
                self._serve(store, kind, version, found)
        is_sound = self._sound.get(kind) == version
        if is_sound and kind not in PROJECTIONS and version not in self._newest.get(kind, []):
            store.share_again()
            self._listed_at = float("-inf")

    def _serve(self, store: ArtifactStore, kind: str, version: str, found: Word) -> None:
        """Another refresher may have been first, so that what is wanted is asked for again."""
        if kind in PROJECTIONS and outbox.named_version(kind) != version:
            return
        try:
            store.serve(version)
        except DamagedArtifact as damage:
            DAMAGED.labels(kind).inc()
            logger.error("A version of the depot's is left out: %s", damage)  # noqa: TRY400 - no trace needed
            self._refused[kind, version] = str(damage), time.monotonic() + REFUSED_AGAIN_AFTER_SECONDS
            found.refused[kind] = str(damage)
        else:
            self._refused.pop((kind, version), None)
            self._sound[kind] = version


def _word_file() -> Path:
    return Path(settings.ARTIFACTS_DIR) / "depot.json"


def _leave(found: Word) -> None:
    file = _word_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(f".{os.getpid()}")
    fresh.write_text(json.dumps(asdict(found)))
    fresh.replace(file)


def look_before_serving() -> None:
    """One round of a node that starts, so that it neither serves nor trains without what others published.

    Where the depot is away, it starts with what it has.
    """
    shared = depot()
    if shared is not None:
        _look(Courier(shared))


def run() -> None:
    """Look for ever, until SIGTERM; a version on its way then is fetched again by the next courier."""
    shared = depot()
    if shared is None:
        raise NoDepot("There is no depot to fetch from: set MATINEE_DEPOT_URL.")
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    courier = Courier(shared)
    while True:
        _look(courier)
        time.sleep(LOOK_EVERY_SECONDS)


def _look(courier: Courier) -> None:
    """The node serves what it has, whatever happens here."""
    try:
        courier.look()
    except OSError as error:  # a full disk
        logger.error("This node can't take in what others publish: %s", error)  # noqa: TRY400 - no trace needed
    except Exception:
        logger.exception("This node can't take in what others publish")


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)
