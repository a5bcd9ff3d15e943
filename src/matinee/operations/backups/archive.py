"""The file that a backup is: a zip of three members, `database`, `manifest.json` and its seal.

The seal is an HMAC of the manifest under a key derived from SECRET_KEY, and the manifest holds the database's SHA-256,
so that nobody without the secret can change anything. The secret itself is not in there: whoever finds a backup must
not be able to forge tokens. No name in the zip is ever used as a path, and nothing is read beyond what is sealed.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import shutil
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from django.conf import settings

from matinee.core.progress import Progress
from matinee.operations.backups.refusals import BadArchive

FORMAT = 1
DATABASE, MANIFEST, SEAL = "database", "manifest.json", "manifest.seal"
MEMBERS = (DATABASE, MANIFEST, SEAL)
PURPOSE = b"matinee backup seal, HMAC-SHA256, 1"
LARGEST_MANIFEST = 1_000_000
BLOCK = 2**20
QUICK = 1
"""The level of compression: rows shrink to a third, as fast as a disk writes."""


@dataclass(frozen=True)
class Manifest:
    """What is in an archive."""

    format: int
    matinee: str
    """The version that made it."""
    made_at: str
    """ISO 8601; every write that was acknowledged before is in there."""
    engine: str
    """`sqlite` or `postgresql`."""
    migrations: list[list[str]]
    """[app, name] of each that was applied."""
    rows: dict[str, int]
    """Table → number of rows."""
    community: dict[str, str]
    """Data set of community ratings → digest; they are not in the archive, and are loaded again."""
    size: int
    """Bytes of the database."""
    sha256: str
    """Of the database."""


class Archive:
    """An archive open for reading, its manifest checked."""

    def __init__(self, file: zipfile.ZipFile, manifest: Manifest) -> None:
        self._file = file
        self.manifest = manifest

    def extract(self, target: Path, on_progress: Progress) -> None:
        """Write the database to `target`. Raises BadArchive where it is not what the manifest says."""
        free = shutil.disk_usage(target.parent).free
        if self.manifest.size > free:
            raise BadArchive(f"It needs {self.manifest.size:,} bytes at {target.parent}, where {free:,} are free.")
        digest, left = hashlib.sha256(), self.manifest.size
        with self._file.open(DATABASE) as packed, _new_file(target) as file:
            while block := packed.read(min(BLOCK, left + 1)):
                left -= len(block)
                if left < 0:
                    raise BadArchive("Its database is longer than its manifest says.")
                digest.update(block)
                file.write(block)
                on_progress("Unpacking", len(block), self.manifest.size)
        if left or digest.hexdigest() != self.manifest.sha256:
            raise BadArchive("Its database is not the one that its manifest tells of: it is damaged or tampered with.")


def write_archive(path: Path, *, database: Path, facts: Mapping[str, Any], on_progress: Progress) -> Manifest:
    """Pack `database`; `facts` are those of the manifest that only the caller knows. Readable by this user alone."""
    size, digest = database.stat().st_size, hashlib.sha256()
    with _new_file(path) as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=QUICK) as packed:
            with database.open("rb") as content, packed.open(DATABASE, "w", force_zip64=True) as member:
                while block := content.read(BLOCK):
                    digest.update(block)
                    member.write(block)
                    on_progress("Packing", len(block), size)
            manifest = Manifest(format=FORMAT, size=size, sha256=digest.hexdigest(), **facts)
            text = json.dumps(asdict(manifest), indent=1).encode()
            packed.writestr(MANIFEST, text)
            packed.writestr(SEAL, _seal(text, settings.SECRET_KEY))
        file.flush()
        os.fsync(file.fileno())
    return manifest


@contextlib.contextmanager
def opened(path: Path, *, unsealed: bool = False) -> Iterator[Archive]:
    """An archive of ours; its seal is not looked at with `unsealed`. Raises BadArchive, also while it is read."""
    try:
        with zipfile.ZipFile(path) as file:
            if sorted(file.namelist()) != sorted(MEMBERS):
                raise BadArchive(f"{path} is not a backup of Matinee: it does not hold just {', '.join(MEMBERS)}.")
            text = _small(file, MANIFEST)
            if not unsealed:
                _check_seal(text, _small(file, SEAL))
            yield Archive(file, _manifest(text))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise BadArchive(f"{path} is damaged, or no backup of Matinee: {error}.") from error


def write_sealed(path: Path, text: str) -> None:
    """A text of its own beside the archives, its seal in the last line. Readable by this user alone."""
    with _new_file(path) as file:
        file.write(b"%b%b\n" % (text.encode(), _seal(text.encode(), settings.SECRET_KEY)))
        file.flush()
        os.fsync(file.fileno())


def read_sealed(path: Path, *, unsealed: bool = False) -> str:
    """What `write_sealed` wrote; empty where nothing did. Raises BadArchive."""
    if not path.exists():
        return ""
    *lines, seal = path.read_bytes().splitlines(keepends=True) or [b""]
    text = b"".join(lines)
    try:
        if not unsealed:
            _check_seal(text, seal.strip())
        return text.decode()
    except (BadArchive, ValueError) as error:
        raise BadArchive(f"{path} is not as it was sealed: {error}") from error


def _manifest(text: bytes) -> Manifest:
    try:
        told = json.loads(text)
        if told["format"] > FORMAT:
            newer = f"Matinee {told['matinee']} made this backup in a format that this program does not know yet."
            raise BadArchive(f"{newer} Install that version or a later one.")
        return Manifest(**told)
    except (ValueError, KeyError, TypeError) as error:
        raise BadArchive(f"Its manifest can't be read: {error}.") from error


def _check_seal(text: bytes, seal: bytes) -> None:
    secrets = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    if any(hmac.compare_digest(seal, _seal(text, secret)) for secret in secrets):
        return
    if seal[:16] in {_seal(text, secret)[:16] for secret in secrets}:
        raise BadArchive("It was tampered with: its manifest is not the one that was sealed.")
    raise BadArchive(
        "It was sealed with another secret. Give the one of the instance that made it, as MATINEE_SECRET_KEY or among "
        "MATINEE_SECRET_KEY_FALLBACKS. Where that is lost and you know where the file has been, --unsealed takes it."
    )


def _seal(text: bytes, secret: str) -> bytes:
    """16 characters that tell which secret it was, then the HMAC; in hexadecimal."""
    key = hmac.digest(secret.encode(), PURPOSE, "sha256")
    return f"{hashlib.sha256(key).hexdigest()[:16]}{hmac.digest(key, text, 'sha256').hex()}".encode()


def _small(file: zipfile.ZipFile, name: str) -> bytes:
    with file.open(name) as member:
        content = member.read(LARGEST_MANIFEST + 1)
    if len(content) > LARGEST_MANIFEST:
        raise BadArchive(f"Its {name} is too large to be one of ours.")
    return content


def _new_file(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
