"""Files that somebody hands us, in a folder or a zip. They are read in place and never extracted, and a limit stands
before each: a zip can claim little and hold much."""

from __future__ import annotations

import contextlib
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from matinee.core.refusals import Invalid

MOST_MEMBERS = 10_000


class BadDataSet(Invalid):
    """What was handed over can't be read as a data set; the message names the file, and the line where it can."""

    code = "bad_data_set"


class Source:
    """The files of a folder or a zip by their own names, whatever folder they lie in."""

    def __init__(self, files: dict[str, list[Path | zipfile.ZipInfo]], archive: zipfile.ZipFile | None = None) -> None:
        self._files = files
        self._archive = archive

    def __contains__(self, name: str) -> bool:
        return name in self._files

    def size(self, name: str) -> int:
        """Its bytes. Raises BadDataSet where several files have that name."""
        file, *others = self._files[name]
        if others:
            raise BadDataSet(f"There are several files named {name}; which one is meant?")
        return file.file_size if isinstance(file, zipfile.ZipInfo) else file.stat().st_size

    @contextlib.contextmanager
    def opened(self, name: str, *, most_bytes: int) -> Iterator[BinaryIO]:
        """The file of that name, which must be no larger. Raises BadDataSet, also while it is being read."""
        size = self.size(name)
        if size > most_bytes:
            raise BadDataSet(f"{name} has {size:,} bytes; more than {most_bytes:,} are not read.")
        file = self._files[name][0]
        try:
            with file.open("rb") if isinstance(file, Path) else self._member(file) as stream:
                yield cast("BinaryIO", stream)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
            raise BadDataSet(f"{name} can't be read: {error}.") from error

    def _member(self, info: zipfile.ZipInfo) -> zipfile.ZipExtFile:
        assert self._archive is not None  # noqa: S101 - members come from the archive alone
        return cast("zipfile.ZipExtFile", self._archive.open(info))


@contextlib.contextmanager
def opened_source(path: Path) -> Iterator[Source]:
    """A folder (its own files, not those of folders in it), or a zip under whatever name. Raises BadDataSet."""
    if path.is_dir():
        yield Source({file.name: [file] for file in path.iterdir() if file.is_file()})
        return
    try:
        archive = zipfile.ZipFile(path)
    except FileNotFoundError as error:
        raise BadDataSet(f"There is no file or folder {path}.") from error
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise BadDataSet(f"{path} is neither a folder nor a zip that can be read: {error}.") from error
    with archive:
        infos = archive.infolist()
        if len(infos) > MOST_MEMBERS:
            raise BadDataSet(f"{path} holds {len(infos):,} files; more than {MOST_MEMBERS:,} are not looked through.")
        files: dict[str, list[Path | zipfile.ZipInfo]] = {}
        for info in infos:
            if not info.is_dir() and not info.filename.startswith("__MACOSX/"):
                files.setdefault(PurePosixPath(info.filename).name, []).append(info)
        yield Source(files, archive)
