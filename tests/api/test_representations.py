"""An answer's ETag and coding: the reader's own, strong, and made once for all who ask for the same."""

from __future__ import annotations

import gzip

import pytest

from matinee.api.representations import COMPRESSED_FROM_BYTES, is_known, represented

LARGE = b"All work and no play. " * COMPRESSED_FROM_BYTES
GZIP = {"HTTP_ACCEPT_ENCODING": "gzip"}
SIGNED_IN = {"HTTP_AUTHORIZATION": "Bearer x"}


def test_an_etag_is_of_the_content_its_reader_and_its_coding() -> None:
    tags = [
        represented(content, meta, reader=reader).etag
        for content in (b"one", LARGE)
        for meta, reader in (({}, None), (GZIP, None), (SIGNED_IN, 1), (SIGNED_IN, 2))
    ]
    again = [represented(LARGE, GZIP, reader=None).etag, represented(LARGE, {**SIGNED_IN, **GZIP}, reader=1).etag]

    assert len(set(tags)) == 7  # a small answer is the same with gzip and without
    assert again == [tags[5], tags[6]]
    assert tags[5].endswith('-gzip"')
    assert tags[6].endswith('-identity"')


def test_what_is_public_and_large_is_compressed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = represented(LARGE + b"1", GZIP, reader=None)
    monkeypatch.setattr(gzip, "compress", None)

    assert represented(LARGE + b"1", GZIP, reader=None) == first
    assert gzip.decompress(first.content) == LARGE + b"1"


def test_what_is_somebodys_is_never_compressed_nor_kept_in_a_shared_cache() -> None:
    shown = represented(LARGE, {**SIGNED_IN, **GZIP}, reader=1)

    assert (shown.content, shown.coding, shown.cache_control) == (LARGE, None, "private, no-cache")


@pytest.mark.parametrize(
    ("given", "known"), [('"a"', True), ('W/"a"', True), ('"b", "a"', True), ("*", True), ('"b"', False)]
)
def test_a_client_names_what_it_has(given: str, known: bool) -> None:
    assert is_known('"a"', {"HTTP_IF_NONE_MATCH": given}) is known
    assert not is_known('"a"', {})
