"""What a process serves of an artifact: its newest version, as the program works with it, swapped as a whole."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

from matinee.core.artifacts import DAMAGED, Artifact, ArtifactStore, DamagedArtifact, Identity

logger = logging.getLogger(__name__)
DAMAGED_AGAIN_AFTER_SECONDS = 60.0
"""So long a damaged version is not read again, unless it was put there anew."""
VIEW = TypeVar("VIEW")


class Latest(Generic[VIEW]):
    """The newest version as this process sees it, turned into a VIEW once and swapped when a new one is published.

    A request takes `get()` once and works on what it got, so that a swap never mixes two versions.
    """

    def __init__(
        self, store: Callable[[], ArtifactStore], view: Callable[[Artifact], VIEW], *, look_every_seconds: float = 0.5
    ) -> None:
        self._store = store
        self._view = view
        self._look_every_seconds = look_every_seconds
        self._lock = threading.Lock()
        self._looked_at = float("-inf")
        self._opened: tuple[str | None, Identity | None] | None = None
        self._open_again_at = float("inf")
        self.version: str | None = None
        """Of what `get` gave last."""
        self._value: VIEW | None = None

    def get(self) -> VIEW | None:
        """The view of the newest sound version, or None where there is none yet."""
        now = time.monotonic()
        if now - self._looked_at >= self._look_every_seconds:
            with self._lock:
                self._look()
                self._looked_at = now
        return self._value

    def forget(self) -> None:
        """Look again at the next call; a process that has just published calls this to see its own work."""
        self._looked_at = float("-inf")

    def _look(self) -> None:
        store = self._store()
        current = store.current_version()
        pointed_to = current, store.identity(current)
        if pointed_to == self._opened and time.monotonic() < self._open_again_at:
            return
        self._opened = pointed_to
        artifact = store.open_newest()
        is_current = artifact is not None and artifact.version == current
        self._open_again_at = float("inf") if is_current else time.monotonic() + DAMAGED_AGAIN_AFTER_SECONDS
        if artifact is None or (artifact.version == self.version and not is_current):
            return  # what is mapped still serves
        try:
            self._value = self._view(artifact)
            self.version = artifact.version
        except Exception:  # a request waits for this, and what an artifact may hold is more than its view expects
            DAMAGED.labels(store.directory.name).inc()
            logger.exception("Version %s can't be read by this program; what was in service before stays", current)


class ArtifactKind(Generic[VIEW]):
    """One kind of artifact, as programs of one layout write and read it."""

    def __init__(self, root: Path, kind: str, *, layout: int, view: Callable[[Artifact], VIEW]) -> None:
        self.name = kind
        self.store = store = ArtifactStore(root, kind, serves_alone=False)
        self._read = partial(_read, layout, view)
        self.latest = Latest(lambda: store, self._read)  # of which none leads back here: what is dropped is unmapped

    def serves_newest(self) -> bool:
        """Whether this process reads the version that CURRENT names: it is there, sound, and of this layout."""
        return self.latest.get() is not None and self.latest.version == self.store.current_version()

    def is_younger_than(self, seconds: float) -> bool:
        """Whether this process reads the newest version, which was put there less than so many seconds ago."""
        return self.serves_newest() and self.store.age() < seconds

    def at(self, version: str | None) -> VIEW | None:
        """Put this version in service, if it is sound and this program reads it; None where not. Raises DepotAway."""
        if version is None:
            return None
        try:
            return self._read(self.store.serve(version))
        except (DamagedArtifact, ValueError, KeyError):
            return None


def _read(layout: int, view: Callable[[Artifact], VIEW], artifact: Artifact) -> VIEW:
    if artifact.notes["layout"] != layout:
        raise ValueError(f"Its layout is {artifact.notes['layout']}, this program reads {layout}.")
    return view(artifact)
