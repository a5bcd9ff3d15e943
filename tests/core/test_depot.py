"""The depot of several nodes: whole versions or none, whatever store it is in and whatever happens to that."""

from __future__ import annotations

import errno
import io
import os
import shutil
import socket
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pytest_django.fixtures import Settings

from matinee.core import depot as module
from matinee.core.artifacts import STANDS_ALONE, ArtifactStore, DamagedArtifact
from matinee.core.depot import KEPT_VERSIONS, Depot, DepotAway, NotInDepot, unless_away
from tests.core.s3 import BUCKET, s3

VERSION = "000001-0123456789ab"
ARRAYS: dict[str, NDArray[Any]] = {"numbers": np.arange(6)}


@pytest.fixture(scope="module")
def bucket() -> Iterator[Depot]:
    with s3() as environment, pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        yield Depot(f"s3://{BUCKET}/a/prefix")


@pytest.fixture
def directory(tmp_path: Path, settings: Settings) -> Depot:
    (tmp_path / "depot").mkdir()
    settings.DEPOT_URL = f"file://{tmp_path}/depot"
    return Depot(settings.DEPOT_URL)


@pytest.fixture(params=["directory", "bucket"])
def shared(request: pytest.FixtureRequest) -> Iterator[Depot]:
    found: Depot = request.getfixturevalue(request.param)
    yield found
    for kind, versions in found.versions().items():
        for version in versions:
            found._files.rm_file(found._path(kind, version))


def version_in(root: Path, name: str = VERSION) -> Path:
    folder = root / "kind" / name
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text("{}")
    (folder / "words").write_bytes(b"abc")
    return folder


def fetched(shared: Depot, tmp_path: Path, name: str = VERSION) -> dict[str, bytes]:
    folder = tmp_path / "fetched"
    folder.mkdir()
    shared.fetch("kind", name, folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def put_bytes(shared: Depot, content: bytes, name: str = VERSION) -> None:
    """What somebody else left under the name of a version."""
    path = shared._path("kind", name)
    shared._files.makedirs(path.rpartition("/")[0], exist_ok=True)
    shared._files.pipe_file(path, content)


class TestDepot:
    def test_what_was_put_is_fetched(self, shared: Depot, tmp_path: Path) -> None:
        shared.put(version_in(tmp_path))

        assert fetched(shared, tmp_path) == {"manifest.json": b"{}", "words": b"abc"}
        assert shared.versions() == {"kind": [VERSION]}

    def test_the_last_versions_are_kept_newest_first_and_all_else_is_left_alone(
        self, shared: Depot, tmp_path: Path
    ) -> None:
        names = [f"{number:06}-0123456789ab" for number in range(1, KEPT_VERSIONS + 3)]
        put_bytes(shared, b"notes of somebody's", name="readme")
        for name in names:
            shared.put(version_in(tmp_path, name))

        assert shared.versions() == {"kind": names[: -KEPT_VERSIONS - 1 : -1]}
        assert fetched_bytes(shared, "readme") == b"notes of somebody's"

    def test_it_tells_when_a_version_was_put_there(self, shared: Depot, tmp_path: Path) -> None:
        shared.put(version_in(tmp_path))

        assert abs(time.time() - shared.put_at("kind", VERSION)) < 3600
        assert shared.put_at("kind", "000002-0123456789ab") == 0

    def test_an_empty_one_has_nothing(self, shared: Depot, tmp_path: Path) -> None:
        assert not shared.versions()
        with pytest.raises(NotInDepot, match=f"^The depot has no kind/{VERSION}.$"):
            fetched(shared, tmp_path)

    @pytest.mark.parametrize("content", [b"", b"no archive"])
    def test_what_is_no_archive_is_refused(self, shared: Depot, tmp_path: Path, content: bytes) -> None:
        put_bytes(shared, content)

        with pytest.raises(NotInDepot, match="is no artifact"):
            fetched(shared, tmp_path)


class TestWriting:
    """To a directory, where a file is written under another name first."""

    def test_two_that_write_the_same_version_at_once_do_not_meet(
        self, directory: Depot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        copy = shutil.copyfile
        folder = version_in(tmp_path)

        def meanwhile(local: Path, to: Path) -> None:
            monkeypatch.setattr(shutil, "copyfile", copy)
            copy(local, to)
            Depot(f"file://{tmp_path}/depot").put(folder)
            assert fetched(directory, tmp_path) == {"manifest.json": b"{}", "words": b"abc"}
            assert to.exists()

        monkeypatch.setattr(shutil, "copyfile", meanwhile)

        directory.put(folder)

        assert [path.name for path in (tmp_path / "depot" / "kind").iterdir()] == [f"{VERSION}.tar"]

    def test_what_could_not_be_written_whole_leaves_nothing(
        self, directory: Depot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(_local: Path, to: Path) -> None:
            to.write_bytes(b"a part")
            raise OSError(errno.ENOSPC, "the disk is full")

        monkeypatch.setattr(shutil, "copyfile", full)

        with pytest.raises(DepotAway, match="the disk is full"):
            directory.put(version_in(tmp_path))

        assert list((tmp_path / "depot" / "kind").iterdir()) == []

    def test_what_a_killed_writer_left_is_removed_and_what_is_being_written_is_not(
        self, directory: Depot, tmp_path: Path
    ) -> None:
        kind = tmp_path / "depot" / "kind"
        kind.mkdir()
        left, being_written = kind / f".{VERSION}.a.tar", kind / f".{VERSION}.b.tar"
        for path in (left, being_written):
            path.write_bytes(b"a part")
        os.utime(left, (0, 0))

        directory.put(version_in(tmp_path))

        assert not left.exists()
        assert being_written.exists()


def fetched_bytes(shared: Depot, name: str) -> bytes:
    return bytes(shared._files.cat_file(shared._path("kind", name)))


def archive_of(name: str, **facts: Any) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.size = 0 if facts else 3
        for fact, value in facts.items():
            setattr(member, fact, value)
        archive.addfile(member, None if facts else io.BytesIO(b"abc"))
    return content.getvalue()


@pytest.mark.parametrize(
    "archive",
    [
        archive_of("../words"),
        archive_of("/words"),
        archive_of("folder/words"),
        archive_of(".."),
        archive_of("words", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
        archive_of("words", type=tarfile.LNKTYPE, linkname="../../words"),
        archive_of("words", type=tarfile.FIFOTYPE),
        archive_of("words", type=tarfile.DIRTYPE),
        archive_of("words", mtime=2.0**80),
        archive_of("words", size=2**40),
        archive_of("w" * 300, mode=0o600),
    ],
    ids=[
        *("above", "absolute", "in a folder", "the folder above", "link", "hard link", "pipe", "folder"),
        *("of no time", "more than it is", "no file has such a name"),
    ],
)
def test_an_archive_of_anything_but_plain_files_is_refused(archive: bytes, directory: Depot, tmp_path: Path) -> None:
    put_bytes(directory, archive)

    with pytest.raises(NotInDepot, match="no artifact"):
        fetched(directory, tmp_path)

    assert not (tmp_path / "words").exists()
    assert all(path.is_file() and not path.is_symlink() for path in (tmp_path / "fetched").iterdir())


def test_a_full_disk_is_not_the_depots_fault(directory: Depot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "the disk is full")

    directory.put(version_in(tmp_path))
    monkeypatch.setattr(shutil, "copyfileobj", full)

    with pytest.raises(OSError, match="the disk is full"):
        fetched(directory, tmp_path)


class TestAway:
    @pytest.fixture
    def silent(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Depot]:
        """It takes connections and never answers."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.getsockname()[1]}")
            for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
                monkeypatch.setenv(name, "anything")
            monkeypatch.setattr(module, "ANSWERS_WITHIN_SECONDS", 0.2)
            yield Depot(f"s3://{BUCKET}")

    def test_one_that_never_answers_is_given_up_and_then_left_in_peace(
        self, silent: Depot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tries: list[Callable[[], Any]] = [
            silent.versions,
            lambda: silent.put(version_in(tmp_path)),
            lambda: fetched(silent, tmp_path),
        ]
        for ask in tries:
            monkeypatch.setattr(silent, "_rests_until", float("-inf"))
            with pytest.raises(DepotAway, match="FSTimeoutError"):
                ask()

        assert silent.is_resting
        monkeypatch.setattr(silent, "_files", None)  # nothing is asked any more
        with pytest.raises(DepotAway, match="FSTimeoutError"):
            silent.versions()

    def test_a_directory_that_is_not_mounted_is_away_and_not_made(self, tmp_path: Path) -> None:
        shared = Depot(f"file://{tmp_path}/nowhere")

        with pytest.raises(DepotAway, match="is not there"):
            shared.put(version_in(tmp_path))

        assert not (tmp_path / "nowhere").exists()

    def test_a_bucket_that_is_not_there_is_away(self, bucket: Depot, tmp_path: Path) -> None:
        for ask in (Depot.versions, lambda shared: shared.put(version_in(tmp_path))):
            with pytest.raises(DepotAway, match="bucket"):
                ask(Depot("s3://no-such-bucket/a/prefix"))

    def test_what_can_be_done_later_ends_early(self, caplog: pytest.LogCaptureFixture) -> None:
        @unless_away
        def refresh_something() -> None:
            raise DepotAway("The depot can't be read: it rains.")

        refresh_something()

        assert "refresh_something waits until the depot answers. The depot can't be read: it rains." in caplog.text


class TestNodes:
    """Two nodes are two directories and one depot."""

    @pytest.fixture
    def here(self, directory: Depot, tmp_path: Path) -> ArtifactStore:
        return ArtifactStore(tmp_path / "here", "kind")

    @pytest.fixture
    def there(self, directory: Depot, tmp_path: Path) -> ArtifactStore:
        return ArtifactStore(tmp_path / "there", "kind")

    def test_what_one_publishes_another_serves(self, here: ArtifactStore, there: ArtifactStore) -> None:
        version = here.publish(ARRAYS, {"films": 6})

        artifact = there.serve(version)

        assert there.current_version() == version
        assert artifact.notes == {"films": 6}
        np.testing.assert_array_equal(artifact.arrays["numbers"], ARRAYS["numbers"])
        made_at = (here.directory / version / "manifest.json").stat().st_mtime
        assert there.published_at() == pytest.approx(made_at, abs=0.01)

    def test_a_version_comes_after_those_of_every_node(self, here: ArtifactStore, there: ArtifactStore) -> None:
        versions = [store.publish(ARRAYS, {"by": name}) for store, name in ((here, "a"), (here, "b"), (there, "c"))]

        assert [version[:6] for version in versions] == ["000001", "000002", "000003"]

    def test_of_the_versions_before_one_that_stands_alone_none_is_kept_anywhere(
        self, here: ArtifactStore, there: ArtifactStore, directory: Depot
    ) -> None:
        for number in range(2):
            there.serve(here.publish(ARRAYS, {"number": number}))

        alone = here.publish({}, {STANDS_ALONE: True})
        there.serve(alone)

        assert directory.versions() == {"kind": [alone]}
        assert here.versions() == there.versions() == [alone]

    def test_it_is_fetched_once(
        self, here: ArtifactStore, there: ArtifactStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        version = here.publish(ARRAYS, {})
        there.serve(version)
        monkeypatch.setattr(Depot, "fetch", None)

        assert there.serve(version).version == version

    @pytest.mark.parametrize("damage", ["bit", "cut", "other", "gone"])
    def test_a_damaged_one_is_refused_and_the_one_before_stays(
        self, here: ArtifactStore, there: ArtifactStore, directory: Depot, damage: str
    ) -> None:
        good = here.publish(ARRAYS, {})
        there.serve(good)
        bad = here.publish(ARRAYS, {"newer": True})
        content = fetched_bytes(directory, bad)
        place = content.index(b"\x93NUMPY") + 130
        damaged = {
            "bit": content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :],
            "cut": content[:place],
            "other": fetched_bytes(directory, good),
        }
        if damage == "gone":
            directory._files.rm_file(directory._path("kind", bad))
        else:
            put_bytes(directory, damaged[damage], name=bad)

        with pytest.raises(DamagedArtifact):
            there.serve(bad)

        assert there.current_version() == good
        assert there.versions() == [good]
        assert [path.name for path in there.directory.iterdir() if path.name.startswith((".staging", ".depot"))] == []


class TestPublishingWhileItIsAway:
    @pytest.fixture(autouse=True)
    def _away(self, settings: Settings, tmp_path: Path) -> None:
        settings.DEPOT_URL = f"file://{tmp_path}/nowhere"

    def test_a_model_serves_on_its_own_node_and_is_offered_again(self, tmp_path: Path, settings: Settings) -> None:
        store = ArtifactStore(tmp_path, "kind")

        version = store.publish(ARRAYS, {})
        with pytest.raises(DepotAway):
            store.share_again()

        assert store.current_version() == version
        (tmp_path / "depot").mkdir()
        settings.DEPOT_URL = f"file://{tmp_path}/depot"
        store.share_again()
        assert Depot(settings.DEPOT_URL).versions() == {"kind": [version]}

    def test_a_projection_is_not_published_at_all(self, tmp_path: Path) -> None:
        store = ArtifactStore(tmp_path, "kind", serves_alone=False)

        with pytest.raises(DepotAway):
            store.publish(ARRAYS, {})

        assert store.current_version() is None
        assert store.versions() == []
