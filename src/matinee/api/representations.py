"""How an answer looks to one client: in which coding, and under which ETag."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from django.utils.http import parse_etags

from matinee.core.remembered import Remembered

VARIES_BY = ("Authorization", "Accept-Encoding")
COMPRESSED_FROM_BYTES = 8_192
BYTES_REMEMBERED = 2**22
_compressed = Remembered[bytes](BYTES_REMEMBERED, weight=len)


class Representation(NamedTuple):
    content: bytes
    coding: str | None
    """What Content-Encoding says; None for the content as it is."""
    etag: str
    cache_control: str


def represented(content: bytes, meta: Mapping[str, Any], *, reader: object) -> Representation:
    """For the client whose request has this META; `reader` is the id of whoever asks, None where nobody is signed in.

    The ETag is strong, salted by the reader, and names the coding. What a signed-in person gets is private. Only public
    answers are compressed: a person's, mixed with what an attacker can steer, would leak by its length.
    """
    digest = hashlib.sha256(content).digest()
    personal, coding = "HTTP_AUTHORIZATION" in meta, None
    if not personal and len(content) >= COMPRESSED_FROM_BYTES and _accepts_gzip(meta.get("HTTP_ACCEPT_ENCODING", "")):
        content, coding = _in_gzip(content, digest), "gzip"
    salt = f"{reader}:{coding or 'identity'}".encode()
    tag = hashlib.blake2b(digest, digest_size=16, key=salt).hexdigest()
    return Representation(
        content, coding, f'"{tag}-{coding or "identity"}"', "private, no-cache" if personal else "public, no-cache"
    )


def is_known(etag: str, meta: Mapping[str, Any]) -> bool:
    """Whether the client says in If-None-Match that it has this already."""
    given = meta.get("HTTP_IF_NONE_MATCH")
    if given is None:
        return False
    wanted = parse_etags(given)
    return "*" in wanted or etag in {candidate.removeprefix("W/") for candidate in wanted}


def _in_gzip(content: bytes, digest: bytes) -> bytes:
    """Compressed once for all who ask for the same, which takes longer than all else of an answer."""
    compressed = _compressed.get(digest)
    if compressed is None:
        compressed = gzip.compress(content, compresslevel=5, mtime=0)
        _compressed.keep(digest, compressed)
    return compressed


def _accepts_gzip(accepted: str) -> bool:
    """Whether the client takes gzip by its name or else, where it does not name it, by the star."""
    qualities: dict[str, str] = {}
    for part in accepted.split(","):
        coding, _, quality = part.partition(";")
        qualities[coding.strip().lower()] = quality.replace(" ", "").lower()
    quality = qualities.get("gzip", qualities.get("*", "q=0"))
    return quality not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
