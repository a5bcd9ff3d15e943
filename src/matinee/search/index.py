"""The newest text index of this process, and the job that keeps it true to the rows.

Every version is a folder of tantivy's files, published like any artifact and never written again. The next version
begins as hard links to the last one's files, which tantivy itself never changes: only what is new is written.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from tantivy import Document, Index, IndexWriter, Schema, Searcher

from matinee.catalog import outbox
from matinee.catalog.models import Movie
from matinee.core.artifacts import Artifact
from matinee.core.depot import unless_away
from matinee.core.in_service import ArtifactKind
from matinee.search.documents import LAYOUT, LONGEST_START, READ_AT_ONCE, documents_of, schema

KIND = f"search-{LAYOUT}"
AT_ONCE = 250
"""The changes that one version takes in, the newest first, so that what was just added is found soon however many wait:
a tenth of a second's work. Where nodes share a depot it takes in all, since each version is copied there whole."""
MOST_VERSIONS = 40
"""How many versions one job makes, one after the other, while changes are pending."""
SECONDS_A_FILM = 0.000_02
"""How long a version serves where nodes share a depot, for each film in it: 20 s at a million. Every version goes there
and to each node whole; on one machine only what is new is written, and a changed film is found at once."""
BUILDING_BYTES, CHANGING_BYTES = 500_000_000, 64_000_000
"""Memory of the writer, of which only as much is used as the films need. A segment is written when that is full, and an
index of few segments answers quicker."""


@dataclass(frozen=True)
class SearchIndex:
    """One version of the index, open for reading."""

    version: str
    files: tuple[Path, ...]
    schema: Schema
    searcher: Searcher

    @property
    def films(self) -> int:
        return self.searcher.num_docs

    def titles_begun(self, key: str) -> int:
        """How many films have a title that so short a key begins, or nearly so many; 0 where it is longer."""
        return int(self.searcher.doc_freq("start", key)) if 0 < len(key) <= LONGEST_START else 0


def search_index() -> SearchIndex | None:
    """The newest sound version that this process sees; None while there is none."""
    return _kind(settings.ARTIFACTS_DIR).latest.get()


def follow_catalogue() -> None:
    """Take in what is pending, version by version; in one where nodes share a depot."""
    for _ in range(1 if settings.DEPOT_URL else MOST_VERSIONS):
        refresh_index()
        if not index_is_stale():
            break


@unless_away
def refresh_index() -> None:
    """Take in the changes that are pending, AT_ONCE at most and the newest, and publish a version if there was any;
    build one of all films where none is sound."""
    kind = _kind(settings.ARTIFACTS_DIR)
    newest = None if settings.DEPOT_URL else AT_ONCE
    with outbox.taking_in(kind, newest=newest) as (previous, changed):
        if previous is None:
            publish_index(documents_of(Movie.objects.all()))
        elif changed:
            kind.store.publish_files(lambda folder: _take_in(folder, previous, changed), {"layout": LAYOUT})


def publish_index(documents: Iterable[Document]) -> None:
    """Put a new index of just these films in service."""
    kind = _kind(settings.ARTIFACTS_DIR)
    kind.store.publish_files(lambda folder: _write(folder, documents), {"layout": LAYOUT})
    kind.latest.forget()


def index_is_stale() -> bool:
    """Whether `refresh_index` has something to do: one indexed query at most."""
    return outbox.is_behind(_kind(settings.ARTIFACTS_DIR))


def refresh_is_due() -> bool:
    """Whether it is time for the schedule to run `refresh_index`."""
    kind = _kind(settings.ARTIFACTS_DIR)
    serving = kind.latest.get()
    is_young = serving is not None and kind.is_younger_than(SECONDS_A_FILM * serving.films)
    return not (settings.DEPOT_URL and is_young) and index_is_stale()


@lru_cache(maxsize=2)
def _kind(root: Path) -> ArtifactKind[SearchIndex]:
    """What this process holds of one artifacts directory."""
    return ArtifactKind(root, KIND, layout=LAYOUT, view=_view)


def _view(artifact: Artifact) -> SearchIndex:
    index = Index.open(str(artifact.folder))
    index.config_reader("manual")  # a version never changes, so that there is nothing to watch
    index.reload()
    files = tuple(artifact.folder / name for name in artifact.files)
    return SearchIndex(artifact.version, files, index.schema, index.searcher())


def _write(folder: Path, documents: Iterable[Document]) -> None:
    writer = Index(schema(), path=str(folder)).writer(BUILDING_BYTES, num_threads=1)
    for document in documents:
        writer.add_document(document)
    _close(writer, folder)


def _take_in(folder: Path, previous: SearchIndex, changed: Sequence[int]) -> None:
    for file in previous.files:
        _link(file, folder / file.name)
    writer = Index.open(str(folder)).writer(CHANGING_BYTES, num_threads=1)
    for tmdb_id in changed:
        writer.delete_documents_by_term("tmdb_id", tmdb_id)
    for start in range(0, len(changed), READ_AT_ONCE):
        for document in documents_of(Movie.objects.filter(tmdb_id__in=changed[start : start + READ_AT_ONCE])):
            writer.add_document(document)
    _close(writer, folder)


def _close(writer: IndexWriter, folder: Path) -> None:
    writer.commit()
    writer.garbage_collect_files()
    writer.wait_merging_threads()
    for lock in folder.glob(".tantivy-*.lock"):
        lock.unlink()


def _link(file: Path, to: Path) -> None:
    try:
        to.hardlink_to(file)
    except OSError:  # a file system without hard links
        shutil.copy2(file, to)
