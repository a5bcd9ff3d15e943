"""Whatever is wrong with a new version of the model, no request fails, the one before serves, and it is counted."""

from __future__ import annotations

import json
import os
import pickle
import random
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from prometheus_client import REGISTRY

from matinee.accounts.models import User
from matinee.core import artifacts
from matinee.recommendations.freshness import MODEL_KIND, model_store
from matinee.recommendations.pool import look_for_newer_model, newest_model
from tests.recommendations.conftest import ids, rate, recommended
from tests.rounds import rounds

Damage = Callable[[Path, random.Random], None]
OPENED = "somebody-unpickled-it"


class Payload:
    """Leaves a trace when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(settings.ARTIFACTS_DIR / OPENED),)


def truncate(version: Path, lots: random.Random) -> None:
    file = some_file(version, lots)
    os.truncate(file, lots.randrange(file.stat().st_size))


def flip_a_bit(version: Path, lots: random.Random) -> None:
    file = some_file(version, lots)
    content = bytearray(file.read_bytes())
    content[lots.randrange(len(content))] ^= 1 << lots.randrange(8)
    file.write_bytes(content)


def claim_another_hash(version: Path, lots: random.Random) -> None:
    manifest = json.loads((version / "manifest.json").read_text())
    manifest["files"][lots.choice([*manifest["files"]])]["sha256"] = "0" * 64
    (version / "manifest.json").write_text(json.dumps(manifest))


def claim_another_version(version: Path, lots: random.Random) -> None:
    put_in_service(version, version.with_name(f"{version.name[:-12]}{lots.getrandbits(48):012x}"))


def name_nothing_that_there_is(version: Path, lots: random.Random) -> None:
    names = (b"", b"../..", b"\xff\xfe", b"000000-0", b"999999-" + b"9" * 5_000, version.name.encode() + b"0")
    (version.parent / "CURRENT").write_bytes(lots.choice(names))
    shutil.rmtree(version)


def lose_a_file(version: Path, lots: random.Random) -> None:
    some_file(version, lots).unlink()


def nest_the_manifest_deeply(version: Path, lots: random.Random) -> None:
    (version / "manifest.json").write_text("[" * lots.choice((5_000, 500_000)))


def shape_an_array_otherwise(version: Path, lots: random.Random) -> None:
    file = some_array(version, lots)
    array = np.load(file)
    ways = [array[:-1], array.reshape(1, -1), array.astype("U4"), np.zeros(0)]
    if array.dtype == np.int64 or file.stem.endswith("_columns"):  # of other numbers any is possible
        ways.append(array * -7)
    np.save(file, lots.choice(ways))
    seal_again(version)


def pickle_an_array(version: Path, lots: random.Random) -> None:
    file = some_array(version, lots)
    if lots.random() < 0.5:
        file.write_bytes(pickle.dumps(Payload()))
    else:
        np.save(file, np.array([Payload()], dtype=object), allow_pickle=True)
    seal_again(version)


def empty_an_array(version: Path, lots: random.Random) -> None:
    some_array(version, lots).write_bytes(b"")
    seal_again(version)


def claim_a_huge_array(version: Path, lots: random.Random) -> None:
    file = some_array(version, lots)
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({2 ** lots.choice((40, 63, 70))},), }}\n".encode()
    file.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    seal_again(version)


def forget_a_note(version: Path, lots: random.Random) -> None:
    manifest = json.loads((version / "manifest.json").read_text())
    manifest["notes"] = lots.choice(({}, {"config": None}, {"config": {"content_doubt": "much"}}, [], 7))
    (version / "manifest.json").write_text(json.dumps(manifest))
    seal_again(version)


def swap_files_while_it_is_read(version: Path, lots: random.Random) -> None:
    file, other = some_array(version, lots), version / "other"
    sound, damaged = file.read_bytes(), file.read_bytes()[:-1]

    def swap() -> None:
        for content in [damaged, sound] * 20 + [damaged]:
            other.write_bytes(content)
            other.replace(file)

    swapping = threading.Thread(target=swap)
    swapping.start()
    for _ in range(10):
        look_for_newer_model()
        newest_model()
    swapping.join()
    shutil.rmtree(version)
    (version.parent / "CURRENT").write_text("nothing")  # so that it is looked at once more


DAMAGES: tuple[Damage, ...] = (
    truncate,
    flip_a_bit,
    claim_another_hash,
    claim_another_version,
    name_nothing_that_there_is,
    lose_a_file,
    nest_the_manifest_deeply,
    shape_an_array_otherwise,
    pickle_an_array,
    empty_an_array,
    claim_a_huge_array,
    forget_a_note,
    swap_files_while_it_is_read,
)
UNCOUNTED = {name_nothing_that_there_is, swap_files_while_it_is_read}
"""There is no version that could be counted, or it may be there for a moment."""


def some_file(version: Path, lots: random.Random) -> Path:
    return lots.choice(sorted(version.iterdir()))


def some_array(version: Path, lots: random.Random) -> Path:
    return lots.choice(sorted(version.glob("*.npy")))


def seal_again(version: Path) -> None:
    """As its maker would have, so that nothing but what it holds is wrong."""
    manifest = json.loads((version / "manifest.json").read_text())
    for name, entry in manifest["files"].items():
        entry["sha256"] = artifacts._sha256(version / f"{name}.npy")
    (version / "manifest.json").write_text(json.dumps(manifest))
    digest = artifacts._digest(manifest["files"], manifest["notes"])
    put_in_service(version, version.with_name(f"{version.name[:-12]}{digest}"))


def put_in_service(version: Path, name: Path) -> None:
    version.rename(name)
    (version.parent / "CURRENT").write_text(name.name)


def counted() -> float:
    return REGISTRY.get_sample_value("matinee_damaged_artifacts_total", {"kind": MODEL_KIND}) or 0.0


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: str(damage.__name__))
def test_a_damaged_model_leaves_the_one_before_in_service(alice: User, model: str, damage: Damage) -> None:
    lots = random.Random(damage.__name__)
    rate(alice, {101: 5})
    before = ids(recommended(alice))
    store = model_store()
    sound = store.open(model)

    for turn in range(rounds(2)):
        version = store.publish(sound.arrays, {**sound.notes, "turn": turn})
        damaged_before = counted()
        damage(store.directory / version, lots)
        look_for_newer_model()

        ranking = recommended(alice)

        assert (ranking.model_version, ids(ranking)) == (model, before), turn
        assert damage in UNCOUNTED or counted() > damaged_before, turn
        for left in store.versions():
            if left != model:
                shutil.rmtree(store.directory / left)
    assert not (settings.ARTIFACTS_DIR / OPENED).exists()


def test_a_model_whose_every_version_is_damaged_on_disk_goes_on_from_memory(alice: User, model: str) -> None:
    rate(alice, {101: 5})
    assert recommended(alice).model_version == model
    store = model_store()
    sound = store.open(model)
    newer = store.publish(sound.arrays, {**sound.notes, "turn": 1})
    for version in (model, newer):
        (store.directory / version / "manifest.json").write_text("{}")
    look_for_newer_model()

    assert recommended(alice).model_version == model
