"""Versioned artifacts on disk: numpy arrays or files, and a manifest; published atomically, read by every worker.

    <root>/<kind>/<version>/manifest.json, <name>.npy ...      <root>/<kind>/CURRENT names the version in service

A version is its place in the sequence and the start of its content's digest ("000007-3fa9c1b2d4e5"), so that the
same content has the same digest wherever it was made. A damaged version is refused, and the newest sound one serves.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from prometheus_client import Counter

from matinee.core.depot import DepotAway, NotInDepot, depot
from matinee.core.durability import sync

logger = logging.getLogger(__name__)

FORMAT = 1
KEPT_VERSIONS = 3
Identity: TypeAlias = tuple[int, int, int]
"""Of a file that is never written twice: its inode, size and time of change."""
Arrays: TypeAlias = Mapping[str, NDArray[Any]] | Iterable[tuple[str, NDArray[Any]]]
"""By name."""
STANDS_ALONE = "stands_alone"
"""A note: of the versions before this one none is kept, in the depot and on whichever node serves it."""
DAMAGED = Counter("matinee_damaged_artifacts", "Times that a version could not be taken into service.", ["kind"])


class DamagedArtifact(Exception):
    """A version on disk is not what its manifest says."""


@dataclass(frozen=True)
class Artifact:
    """One published version: its folder, its arrays, mapped read-only, and what its maker noted about it."""

    version: str
    folder: Path
    files: tuple[str, ...]
    """Names of those that are no arrays."""
    arrays: Mapping[str, NDArray[Any]]
    notes: Mapping[str, Any]


class ArtifactStore:
    """All versions of one kind of artifact under `root`, and in the depot where several nodes share one.

    Where `serves_alone`, a version that the depot does not take just now is put in service here all the same.
    """

    def __init__(self, root: Path, kind: str, *, serves_alone: bool = True) -> None:
        self.directory = root / kind
        self._damaged = DAMAGED.labels(kind)  # told as 0 from now on: Prometheus sees no increase from nothing to 1
        self._serves_alone = serves_alone
        self._pointer = self.directory / "CURRENT"
        self._digests: dict[Identity, str] = {}

    def publish(self, arrays: Arrays, notes: Mapping[str, Any]) -> str:
        """Write a new version and put it in service; returns its name. Readers see the old one until the last step.

        Arrays that are made one after the other are in memory one after the other, too. `notes` must be JSON. Raises
        OSError where the disk refuses, and DepotAway; what was half written is removed.
        """
        return self._publish(lambda folder: _save(folder, arrays), notes)

    def publish_files(self, write: Callable[[Path], None], notes: Mapping[str, Any]) -> str:
        """As `publish`, of the files that `write` leaves in the folder it is given.

        Each is written once and safe on the disk when `write` returns. A file may be a hard link to one of an earlier
        version, and is not read again then.
        """

        def save(folder: Path) -> dict[str, Any]:
            write(folder)
            names = sorted(path.name for path in folder.iterdir())
            return {name: {"sha256": self._sha256_once(folder / name)} for name in names}

        return self._publish(save, notes)

    @contextlib.contextmanager
    def one_refresher(self) -> Iterator[None]:
        """Held by whoever reads the newest version to publish the next: one of them a machine, the others wait."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory / ".refresh-lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _publish(self, save: Callable[[Path], dict[str, Any]], notes: Mapping[str, Any]) -> str:
        self.directory.mkdir(parents=True, exist_ok=True)
        with self._one_publisher():
            self._remove_leftovers()
            staging = self.directory / f".staging-{os.getpid()}"
            staging.mkdir()
            try:
                version = self._seal(staging, save(staging), notes)
                staging.rename(self.directory / version)
                sync(self.directory)
                self._share(version, _kept(notes))
                self._point_to(version)
            except BaseException:
                shutil.rmtree(staging, ignore_errors=True)
                raise
            self._forget_old(version, _kept(notes))
        return version

    def _share(self, version: str, kept: int) -> None:
        shared, folder = depot(), self.directory / version
        if shared is None:
            return
        try:
            shared.put(folder, kept=kept)
        except DepotAway as error:
            if not self._serves_alone:
                shutil.rmtree(folder)
                raise
            logger.error("%s serves on this node alone until the depot takes it. %s", folder, error)  # noqa: TRY400 - no trace needed

    def share_again(self) -> None:
        """Bring the version in service to the depot, which did not take it before. Raises DepotAway."""
        shared = depot()
        with self._one_publisher():
            version = self.current_version()
            if shared is not None and version is not None:
                self._remove_leftovers()
                shared.put(self.directory / version)

    def serve(self, version: str) -> Artifact:
        """Put a version in service that is here, or in the depot, where it is sound.

        Raises DamagedArtifact, also where it is nowhere, and DepotAway; then what was in service stays.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        with self._one_publisher():
            try:
                artifact = self.open(version)
            except DamagedArtifact:
                artifact = self._fetched(version)
            if self.current_version() != version:
                self._point_to(version, made_at=(artifact.folder / "manifest.json").stat().st_mtime)
                self._forget_old(version, _kept(artifact.notes))
        return artifact

    def _fetched(self, version: str) -> Artifact:
        shared = depot()
        if shared is None:
            raise DamagedArtifact(f"{self.directory / version} is not here, or damaged.")
        self._remove_leftovers()
        staging = self.directory / f".staging-{os.getpid()}"
        staging.mkdir()
        try:
            shared.fetch(self.directory.name, version, staging)
            self._read(staging, version)
            shutil.rmtree(self.directory / version, ignore_errors=True)
            staging.rename(self.directory / version)
            sync(self.directory)
        except NotInDepot as error:
            raise DamagedArtifact(str(error)) from error
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        return self.open(version)

    def current_version(self) -> str | None:
        """The version that CURRENT names: one small read, fit for every request."""
        try:
            return self._pointer.read_text(encoding="ascii").strip() or None
        except (OSError, UnicodeDecodeError):
            return None

    def identity(self, version: str | None) -> Identity | None:
        """Another one when a version was put there anew; None where it is not there."""
        try:
            return _identity((self.directory / (version or "") / "manifest.json").stat())
        except OSError:
            return None

    def published_at(self) -> float:
        """When the version in service was put there, as time.time() counts; 0 where there is none."""
        try:
            return self._pointer.stat().st_mtime
        except OSError:
            return 0.0

    def age(self) -> float:
        """Seconds since the version in service was put there, whichever way the clock was set meanwhile."""
        return abs(time.time() - self.published_at())

    def want(self) -> None:
        """Leave word that a program reads this kind (`wanted_at`)."""
        (self.directory / ".wanted").touch()

    def wanted_at(self) -> float | None:
        """When a program said last that it reads this kind, as time.time() counts; None where none has."""
        try:
            return (self.directory / ".wanted").stat().st_mtime
        except OSError:
            return None

    def versions(self) -> list[str]:
        """Every version on disk, newest first."""
        if not self.directory.is_dir():
            return []
        names = (entry.name for entry in self.directory.iterdir() if entry.is_dir())
        return sorted((name for name in names if not name.startswith(".")), reverse=True)

    def open(self, version: str) -> Artifact:
        """Map one version, its checksums verified. Raises DamagedArtifact."""
        return self._read(self.directory / version, version)

    def _read(self, folder: Path, version: str) -> Artifact:
        try:
            manifest = _manifest(folder, version)
            arrays = {
                name: _mapped(folder / f"{name}.npy", entry)
                for name, entry in manifest["files"].items()
                if "dtype" in entry
            }
            files = {name: entry for name, entry in manifest["files"].items() if name not in arrays}
            self._verify({folder / name: entry for name, entry in files.items()})
        except DamagedArtifact:
            raise
        except Exception as error:  # a damaged file makes its parser raise whatever there is
            raise DamagedArtifact(f"{folder}: {error}") from error
        return Artifact(version, folder, tuple(files), arrays, manifest["notes"])

    def open_newest(self) -> Artifact | None:
        """The version in service or, where that is damaged or lost, the newest sound one; None where there is none."""
        current, there = self.current_version(), self.versions()
        for version in there[there.index(current) :] if current in there else there:
            try:
                return self.open(version)
            except DamagedArtifact as damage:
                self._damaged.inc()
                logger.error("A damaged artifact is left out: %s", damage)  # noqa: TRY400 - no trace needed
        return None

    def _verify(self, files: Mapping[Path, Mapping[str, Any]]) -> None:
        for path, entry in files.items():
            if self._sha256_once(path) != entry["sha256"]:
                raise DamagedArtifact(f"{path}: its content has changed since it was published.")

    def _sha256_once(self, path: Path) -> str:
        """The same file under several versions is read once by each process."""
        identity = _identity(path.stat())
        digest = self._digests.get(identity)
        if digest is None:
            digest = self._digests[identity] = _sha256(path)
        return digest

    def _seal(self, folder: Path, files: Mapping[str, Any], notes: Mapping[str, Any]) -> str:
        manifest = {"format": FORMAT, "files": files, "notes": json.loads(json.dumps(dict(notes)))}
        with (folder / "manifest.json").open("w", encoding="utf-8") as file:
            json.dump(manifest, file, indent=1, sort_keys=True)
            file.flush()
            os.fsync(file.fileno())
        sync(folder)
        return f"{self._next_number():06d}-{_digest(files, manifest['notes'])}"

    def _next_number(self) -> int:
        taken = [int(version.partition("-")[0]) for version in (*self.versions(), *self._shared_versions())]
        return max(taken, default=0) + 1

    def _shared_versions(self) -> list[str]:
        shared = depot()
        try:
            return [] if shared is None else shared.versions().get(self.directory.name, [])
        except DepotAway:
            return []  # it says so as it takes the new version

    def _point_to(self, version: str, *, made_at: float | None = None) -> None:
        fresh = self.directory / ".CURRENT"
        with fresh.open("w", encoding="ascii") as file:
            file.write(version)
            file.flush()
            os.fsync(file.fileno())
        if made_at is not None:
            os.utime(fresh, (made_at, made_at))
        fresh.replace(self._pointer)
        sync(self.directory)

    def _forget_old(self, newest: str, kept: int) -> None:
        for version in [v for v in self.versions() if v != newest][kept - 1 :]:
            shutil.rmtree(self.directory / version, ignore_errors=True)

    def _remove_leftovers(self) -> None:
        for leftover in self.directory.glob(".staging-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        for leftover in self.directory.glob(".depot-*"):
            leftover.unlink()

    @contextlib.contextmanager
    def _one_publisher(self) -> Iterator[None]:
        with (self.directory / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def stored_kinds(root: Path) -> list[str]:
    """Every kind of artifact that has a version in service under `root`, by name."""
    return sorted(pointer.parent.name for pointer in root.glob("*/CURRENT"))


def _kept(notes: Mapping[str, Any]) -> int:
    return 1 if notes.get(STANDS_ALONE) else KEPT_VERSIONS


def _identity(status: os.stat_result) -> Identity:
    return status.st_ino, status.st_size, status.st_mtime_ns


def _manifest(folder: Path, version: str) -> Any:
    """Of that version. Raises DamagedArtifact, and whatever damaged JSON does."""
    manifest = json.loads((folder / "manifest.json").read_bytes())
    if manifest["format"] != FORMAT:
        raise DamagedArtifact(f"{folder} has format {manifest['format']}, this program reads {FORMAT}.")
    if _digest(manifest["files"], manifest["notes"]) != version.partition("-")[2]:
        raise DamagedArtifact(f"{folder}: the manifest does not belong to this version.")
    return manifest


def _save(folder: Path, arrays: Arrays) -> dict[str, Any]:
    files: dict[str, Any] = {}
    for name, array in arrays.items() if isinstance(arrays, Mapping) else arrays:
        path = folder / f"{name}.npy"
        with path.open("wb") as file:
            np.save(file, np.ascontiguousarray(array), allow_pickle=False)
            file.flush()
            os.fsync(file.fileno())
        files[name] = {"sha256": _sha256(path), "shape": list(array.shape), "dtype": array.dtype.str}
    return files


def _mapped(path: Path, entry: Mapping[str, Any]) -> NDArray[Any]:
    if _sha256(path) != entry["sha256"]:
        raise DamagedArtifact(f"{path}: its content has changed since it was published.")
    array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    if list(array.shape) != entry["shape"] or array.dtype.str != entry["dtype"]:
        raise DamagedArtifact(f"{path}: its shape or type is not what the manifest says.")
    return array


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest(files: Mapping[str, Any], notes: Mapping[str, Any]) -> str:
    content = json.dumps([files, notes], sort_keys=True, separators=(",", ":")).encode()
    return hashlib.sha256(content).hexdigest()[:12]
