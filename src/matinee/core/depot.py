"""The depot: the artifacts of all nodes, in a directory that they share or in any store that speaks S3.

    <url>/<kind>/<version>.tar

A version is one object, which appears whole or not at all and is never written again. The depot itself does not say
which version is in service: the database names it for projections of the catalogue, and for everything else it is the
highest one. A version is used only once its checksums have been verified (`core.artifacts`), so that the last sound one
goes on serving whatever the depot holds.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import tarfile
import tempfile
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any, ParamSpec

from django.conf import settings

from matinee.core.durability import sync, takes_no_more

logger = logging.getLogger(__name__)
Given = ParamSpec("Given")

KEPT_VERSIONS = 3
ANSWERS_WITHIN_SECONDS = 10.0
"""Of whatever moves no artifact; and so long is waited at first where one is moved."""
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,99}/[0-9]{6,12}-[0-9a-f]{12}\.tar")
"""Of an object; whatever else lies there is left alone."""
SLOWEST_BYTES_A_SECOND = 1_000_000
"""A depot that is slower than that is away."""
LEFT_OVER_AFTER_SECONDS = 3600.0
"""What nobody has written to for so long, nobody is writing any more."""
RESTS_FOR_SECONDS = 15.0
"""So long a process does not ask again once it was away."""


class DepotAway(Exception):
    """The depot does not answer, refuses, or is too slow; the message says why."""


class NotInDepot(Exception):
    """The depot has no such version, or what it has under its name is none."""


class Depot:
    """The one at `url`."""

    def __init__(self, url: str) -> None:
        import fsspec  # noqa: PLC0415 - a tenth of a second, and only where there is a depot

        scheme, _, place = url.partition("://")
        self._place = place.rstrip("/")
        options: dict[str, Any] = {"skip_instance_cache": True, "use_listings_cache": False}
        if scheme == "s3":
            waits = {"connect_timeout": 5, "read_timeout": ANSWERS_WITHIN_SECONDS, "retries": {"max_attempts": 2}}
            options["config_kwargs"] = waits
        self._files = fsspec.filesystem(scheme, **options)
        self._is_local = scheme == "file"
        self._rests_until = float("-inf")
        self._was_away = ""

    @property
    def is_resting(self) -> bool:
        """Whether it was away a moment ago, so that nobody need try."""
        return time.monotonic() < self._rests_until

    def versions(self) -> Mapping[str, list[str]]:
        """Of every kind those that are there, newest first; one listing. Raises DepotAway."""
        with self._asking("listed"):
            found = self._files.find(self._place, **self._within(ANSWERS_WITHIN_SECONDS))
        versions: dict[str, list[str]] = defaultdict(list)
        for name in sorted(path.removeprefix(f"{self._place}/") for path in found):
            if NAME.fullmatch(name):
                kind, _, file = name.partition("/")
                versions[kind].insert(0, file.removesuffix(".tar"))
        return versions

    def put(self, folder: Path, *, kept: int = KEPT_VERSIONS) -> None:
        """Bring the version that lies in `folder`, <kind>/<version>; of those up to it so many of its kind are `kept`.

        Raises DepotAway; then it is not there.
        """
        kind, version = folder.parent.name, folder.name
        with tempfile.NamedTemporaryFile(dir=folder.parent, prefix=".depot-") as file:
            with tarfile.open(fileobj=file, mode="w") as archive:
                for path in sorted(folder.iterdir()):
                    archive.add(path, path.name, recursive=False)
            file.flush()
            with self._asking("written to"):
                self._write(file.name, self._path(kind, version), _budget(file.tell()))
        self._remove_old(kind, version, kept)

    def put_at(self, kind: str, version: str) -> float:
        """When this version was brought there, as time.time() counts; 0 where it is not there. Raises DepotAway."""
        with self._asking("read"):
            try:
                about = self._files.info(self._path(kind, version), **self._within(ANSWERS_WITHIN_SECONDS))
            except FileNotFoundError:
                return 0.0
        return float(about["mtime"] if self._is_local else about["LastModified"].timestamp())

    def remove(self, kind: str) -> None:
        """All versions of a kind. Raises DepotAway."""
        for version in self.versions().get(kind, []):
            self._remove(kind, version)

    def fetch(self, kind: str, version: str, folder: Path) -> None:
        """Have the files of a version in the empty `folder`, unverified. Raises DepotAway and NotInDepot."""
        path = self._path(kind, version)
        with tempfile.NamedTemporaryFile(dir=folder.parent, prefix=".depot-") as file:
            with self._asking("read"):
                try:
                    size = self._files.info(path, **self._within(ANSWERS_WITHIN_SECONDS))["size"]
                    self._files.get_file(path, file.name, **self._within(_budget(size)))
                except FileNotFoundError as error:
                    raise NotInDepot(f"The depot has no {kind}/{version}.") from error
            try:
                with tarfile.open(file.name, mode="r:") as archive:
                    _unpack(archive, folder, at_most=Path(file.name).stat().st_size)
            except Exception as error:  # what somebody left there makes its reader raise whatever there is
                if takes_no_more(error):
                    raise
                raise NotInDepot(f"What the depot holds as {kind}/{version} is no artifact: {error}") from error

    def _write(self, local: str, path: str, seconds: float) -> None:
        """A reader never sees a part: S3 shows an object once it is whole, a file gets its name then."""
        if not self._is_local:
            self._files.put_file(local, path, **self._within(seconds))
            return
        place = Path(path)
        place.parent.mkdir(exist_ok=True)
        fresh = place.with_name(f".{place.stem}.{uuid.uuid4().hex}.tar")  # two nodes may write the same version
        try:
            shutil.copyfile(local, fresh)
            sync(fresh)  # else a name may outlive a power cut, and its content not
            fresh.replace(place)
            sync(place.parent)
        except BaseException:
            fresh.unlink(missing_ok=True)
            raise

    def _remove_old(self, kind: str, newest: str, kept: int) -> None:
        """What can't be removed now is with the next version."""
        try:
            older = [version for version in self.versions()[kind] if version < newest]
            for version in older[kept - 1 :]:
                self._remove(kind, version)
            if self._is_local:
                with self._asking("tidied up"):
                    _remove_leftovers(Path(self._place) / kind)
        except DepotAway as error:
            logger.warning("Old versions of %s stay in the depot: %s", kind, error)

    def _remove(self, kind: str, version: str) -> None:
        with self._asking("tidied up"), suppress(FileNotFoundError):  # another node was quicker
            self._files.rm_file(self._path(kind, version), **self._within(ANSWERS_WITHIN_SECONDS))

    def _path(self, kind: str, version: str) -> str:
        return f"{self._place}/{kind}/{version}.tar"

    def _within(self, seconds: float) -> dict[str, float]:
        """For stores over a network, the total of a call; a disk has no such thing."""
        return {"timeout": seconds} if self._files.async_impl else {}

    @contextmanager
    def _asking(self, what: str) -> Iterator[None]:
        if self.is_resting:
            raise DepotAway(self._was_away)
        try:
            self._look_whether_it_is_mounted()
            yield
        except NotInDepot:
            raise
        except Exception as error:
            self._rests_until = time.monotonic() + RESTS_FOR_SECONDS
            self._was_away = f"The depot can't be {what}: {type(error).__name__} {error}".strip()
            raise DepotAway(self._was_away) from error

    def _look_whether_it_is_mounted(self) -> None:
        """Else the node that forgot to mount it would fill the empty place, and take it for the depot."""
        if self._is_local and not Path(self._place).is_dir():
            raise NotADirectoryError(f"{self._place} is not there")


def depot() -> Depot | None:
    """The one that the settings name."""
    return _depot_at(settings.DEPOT_URL) if settings.DEPOT_URL else None


@lru_cache(maxsize=4)
def _depot_at(url: str) -> Depot:
    return Depot(url)


def unless_away(refresh: Callable[Given, None]) -> Callable[Given, None]:
    """Have `refresh` end early and say so where the depot is away; it is for what is simply done again later."""

    @wraps(refresh)
    def tried(*args: Given.args, **kwargs: Given.kwargs) -> None:
        try:
            refresh(*args, **kwargs)
        except DepotAway as error:
            logger.error("%s waits until the depot answers. %s", refresh.__name__, error)  # noqa: TRY400 - no trace needed

    return tried


def _remove_leftovers(folder: Path) -> None:
    """What a writer that was killed had not given its name yet."""
    for leftover in folder.glob(".*.tar"):
        with suppress(FileNotFoundError):
            if time.time() - leftover.stat().st_mtime > LEFT_OVER_AFTER_SECONDS:
                leftover.unlink()


def _budget(size: int) -> float:
    return ANSWERS_WITHIN_SECONDS + size / SLOWEST_BYTES_A_SECOND


def _unpack(archive: tarfile.TarFile, folder: Path, *, at_most: int) -> None:
    """Plain files in one folder alone, of `at_most` so many bytes; anything else can't have been put there by us."""
    for member in archive:
        at_most -= member.size
        if at_most < 0:
            raise ValueError("It claims to hold more than it is.")
        name = member.name
        if not member.isreg() or member.issparse() or name != Path(name).name or name in {"", ".", ".."}:
            raise ValueError(f"{name!r} is not a file of an artifact.")
        content = archive.extractfile(member)
        if content is None:
            raise ValueError(f"{name!r} has no content.")
        with content, (folder / name).open("xb") as file:
            shutil.copyfileobj(content, file, 2**20)
        os.utime(folder / name, (member.mtime, member.mtime))
