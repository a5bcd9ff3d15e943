from __future__ import annotations

import json
import shutil
import threading
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from matinee.core import artifacts, in_service
from matinee.core.artifacts import KEPT_VERSIONS, STANDS_ALONE, Artifact, ArtifactStore, DamagedArtifact
from matinee.core.in_service import ArtifactKind, Latest

ARRAYS: dict[str, NDArray[Any]] = {
    "numbers": np.arange(6, dtype=np.int64).reshape(2, 3),
    "weights": np.array([0.5, 1.5], dtype=np.float32),
}


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path, "kind")


def test_what_was_published_is_mapped_read_only(store: ArtifactStore) -> None:
    version = store.publish(ARRAYS, {"films": 6})

    artifact = store.open(version)

    assert store.current_version() == version
    assert artifact.notes == {"films": 6}
    assert isinstance(artifact.arrays["numbers"], np.memmap)
    np.testing.assert_array_equal(artifact.arrays["numbers"], ARRAYS["numbers"])
    with pytest.raises(ValueError, match="read-only"):
        artifact.arrays["numbers"][0, 0] = 1


def test_the_same_content_has_the_same_digest_and_a_later_place(store: ArtifactStore) -> None:
    first = store.publish(ARRAYS, {"films": 6})
    second = store.publish(ARRAYS, {"films": 6})
    third = store.publish(ARRAYS, {"films": 7})

    assert first.partition("-")[2] == second.partition("-")[2] != third.partition("-")[2]
    assert first < second < third


def test_only_the_last_versions_are_kept(store: ArtifactStore) -> None:
    versions = [store.publish(ARRAYS, {"number": number}) for number in range(KEPT_VERSIONS + 2)]

    assert store.versions() == versions[: -KEPT_VERSIONS - 1 : -1]


def test_of_the_versions_before_one_that_stands_alone_none_is_kept(store: ArtifactStore) -> None:
    first, _ = store.publish(ARRAYS, {}), store.publish(ARRAYS, {"number": 2})

    alone = store.publish({}, {STANDS_ALONE: True})
    assert store.versions() == [alone]

    assert store.publish(ARRAYS, {}) > alone > first
    assert len(store.versions()) == 2


def test_without_any_version_there_is_nothing(store: ArtifactStore) -> None:
    assert store.current_version() is None
    assert store.open_newest() is None
    assert store.versions() == []


@pytest.mark.parametrize("damage", ["bit", "cut", "gone", "manifest", "shape", "format", "swapped", "pickle"])
def test_a_damaged_version_is_refused_and_the_one_before_serves(store: ArtifactStore, damage: str) -> None:
    good = store.publish(ARRAYS, {})
    bad = store.publish({**ARRAYS, "weights": np.array([9.0], dtype=np.float32)}, {})
    folder = store.directory / bad
    _damage(folder, damage)

    with pytest.raises(DamagedArtifact):
        store.open(bad)
    newest = store.open_newest()

    assert newest is not None
    assert newest.version == good


def _damage(folder: Path, damage: str) -> None:
    numbers, manifest = folder / "numbers.npy", folder / "manifest.json"
    content = bytearray(numbers.read_bytes())
    noted = json.loads(manifest.read_bytes())
    if damage == "bit":
        content[-1] ^= 1
        numbers.write_bytes(content)
    elif damage == "cut":
        numbers.write_bytes(content[:-8])
    elif damage == "gone":
        numbers.unlink()
    elif damage == "manifest":
        manifest.write_text("{not json")
    elif damage == "shape":
        noted["files"]["numbers"]["shape"] = [3, 2]
        manifest.write_text(json.dumps(noted))
    elif damage == "format":
        noted["format"] = 99
        manifest.write_text(json.dumps(noted))
    elif damage == "swapped":
        numbers.write_bytes((folder / "weights.npy").read_bytes())
    else:
        np.save(numbers, np.array([{"code": "runs"}], dtype=object), allow_pickle=True)


def test_every_flipped_byte_of_every_file_is_noticed(store: ArtifactStore) -> None:
    version = store.publish({"few": np.arange(3, dtype=np.int8)}, {"note": "x"})
    files = [path for path in (store.directory / version).iterdir() if path.suffix in {".npy", ".json"}]

    for path in files:
        original = path.read_bytes()
        for place in range(len(original)):
            path.write_bytes(original[:place] + bytes([original[place] ^ 0x20]) + original[place + 1 :])
            try:
                artifact = store.open(version)
            except DamagedArtifact:
                continue
            assert _same_meaning(artifact), f"{path.name}, byte {place}"
        path.write_bytes(original)


def _same_meaning(artifact: Artifact) -> bool:
    """A changed blank between two tokens of the manifest changes nothing."""
    return artifact.notes == {"note": "x"} and artifact.arrays["few"].tolist() == [0, 1, 2]


def test_a_disk_that_refuses_leaves_the_old_version_in_service_and_no_rest(
    store: ArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = store.publish(ARRAYS, {})

    def full(*_args: object, **_kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(OSError, match="No space left"):
        store.publish(ARRAYS, {"newer": True})

    assert store.current_version() == good
    assert store.versions() == [good]
    assert not list(store.directory.glob(".staging-*"))


def test_what_a_killed_publisher_left_is_swept_away(store: ArtifactStore) -> None:
    store.directory.mkdir(parents=True)
    (store.directory / ".staging-1").mkdir()

    version = store.publish(ARRAYS, {})

    assert store.versions() == [version]
    assert not (store.directory / ".staging-1").exists()


def test_many_publishers_at_once_all_get_their_own_place(store: ArtifactStore) -> None:
    versions: list[str] = []
    threads = [
        threading.Thread(target=lambda number=number: versions.append(store.publish(ARRAYS, {"by": number})))
        for number in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({version.partition("-")[0] for version in versions}) == 6
    assert store.current_version() == max(versions)


def test_latest_sees_a_new_version_and_keeps_the_old_view_when_the_new_one_makes_no_sense(
    store: ArtifactStore,
) -> None:
    def view(artifact: Artifact) -> int:
        return int(artifact.notes["films"])

    latest = Latest(lambda: store, view, look_every_seconds=0)

    assert latest.get() is None
    store.publish(ARRAYS, {"films": 1})
    assert latest.get() == 1
    store.publish(ARRAYS, {"films": 2})
    assert latest.get() == 2
    store.publish(ARRAYS, {"no": "films"})
    assert latest.get() == 2


@pytest.fixture
def damaged_since(store: ArtifactStore, tmp_path: Path) -> tuple[str, str]:
    """An older version, and one in service that is damaged; `whole` has what that was."""
    good, bad = store.publish(ARRAYS, {}), store.publish(ARRAYS, {"newer": True})
    shutil.copytree(store.directory / bad, tmp_path / "whole")
    (store.directory / bad / "numbers.npy").write_bytes(b"damage")
    return good, bad


def test_latest_takes_a_damaged_version_once_it_was_put_there_anew(
    store: ArtifactStore, tmp_path: Path, damaged_since: tuple[str, str]
) -> None:
    good, bad = damaged_since
    latest = Latest(lambda: store, lambda artifact: artifact.version, look_every_seconds=0)
    assert latest.get() == good

    shutil.rmtree(store.directory / bad)
    (tmp_path / "whole").rename(store.directory / bad)

    assert latest.get() == bad


def test_latest_reads_a_damaged_version_again_now_and_then_alone(
    store: ArtifactStore, tmp_path: Path, damaged_since: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad = damaged_since
    views: list[str] = []
    opened: list[None] = []

    def view(artifact: Artifact) -> str:
        views.append(artifact.version)
        return artifact.version

    open_newest = store.open_newest

    def counted() -> Artifact | None:
        opened.append(None)
        return open_newest()

    monkeypatch.setattr(store, "open_newest", counted)
    latest = Latest(lambda: store, view, look_every_seconds=0)

    assert [latest.get() for _ in range(3)] == [good] * 3
    assert len(opened) == 1
    monkeypatch.setattr(in_service, "DAMAGED_AGAIN_AFTER_SECONDS", 0.0)
    latest._open_again_at = 0.0
    assert [latest.get(), latest.get()] == [good, good]
    shutil.copy(tmp_path / "whole" / "numbers.npy", store.directory / bad)
    assert [latest.get(), latest.get()] == [bad, bad]
    assert (views, len(opened)) == ([good, bad], 4)


def test_latest_looks_again_only_now_and_then_or_when_told(store: ArtifactStore) -> None:
    latest = Latest(lambda: store, lambda artifact: artifact.version, look_every_seconds=3_600)
    latest.get()

    version = store.publish(ARRAYS, {})

    assert latest.get() is None
    latest.forget()
    assert latest.get() == version


def test_files_are_published_as_arrays_are(store: ArtifactStore) -> None:
    version = store.publish_files(lambda folder: _write(folder, "words", b"abc"), {"films": 6})

    artifact = store.open(version)

    assert (artifact.files, artifact.arrays, artifact.notes) == (("words",), {}, {"films": 6})
    assert (artifact.folder / "words").read_bytes() == b"abc"


def test_a_file_that_is_linked_from_an_earlier_version_is_read_once(
    store: ArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = store.directory / store.publish_files(lambda folder: _write(folder, "words", b"abc"), {})
    read: list[str] = []

    def sha256(path: Path) -> str:
        read.append(path.name)
        return "a digest"

    monkeypatch.setattr(artifacts, "_sha256", sha256)

    def link_and_write(folder: Path) -> None:
        (folder / "words").hardlink_to(first / "words")
        _write(folder, "more", b"def")

    store.open(store.publish_files(link_and_write, {}))

    assert read == ["more"]


@pytest.mark.parametrize("damage", [b"abd", b"ab", None])
def test_a_file_that_changed_after_it_was_published_is_refused(store: ArtifactStore, damage: bytes | None) -> None:
    version = store.publish_files(lambda folder: _write(folder, "words", b"abc"), {})
    file = store.directory / version / "words"
    file.unlink()
    if damage is not None:
        file.write_bytes(damage)

    with pytest.raises(DamagedArtifact):
        ArtifactStore(store.directory.parent, "kind").open(version)


def test_one_refreshes_at_a_time(store: ArtifactStore) -> None:
    order: list[str] = []

    def second() -> None:
        with store.one_refresher():
            order.append("second")

    with store.one_refresher():
        other = threading.Thread(target=second)
        other.start()
        other.join(0.2)
        order.append("first")
    other.join()

    assert order == ["first", "second"]


def _write(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)


@pytest.mark.usefixtures("no_collections")
def test_a_kind_that_nobody_holds_any_more_is_let_go_at_once(tmp_path: Path) -> None:
    kind = ArtifactKind(tmp_path, "numbers", layout=1, view=lambda artifact: artifact)
    kind.store.publish({"numbers": np.arange(3)}, {"layout": 1})
    view = kind.latest.get()
    assert view is not None
    mapped = weakref.ref(view)
    del kind, view

    assert mapped() is None
