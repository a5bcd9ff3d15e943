"""Arrays in temporary files, from which they are mapped: none of them is ever all in memory of its own."""

from __future__ import annotations

import contextlib
import math
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

Room: TypeAlias = Callable[[tuple[int, ...], DTypeLike], NDArray[Any]]
"""Gives zeros of a shape and a type, to be written in place."""
ZEROS = bytes(2**18)


class ArrayFiles:
    """By name one array of one dimension each."""

    def __init__(self, folder: Path, stack: contextlib.ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._files: dict[str, tuple[IO[bytes], np.dtype[Any]]] = {}
        self._ends: dict[str, int] = {}

    def append(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        for name, array in arrays.items():
            if name not in self._files:
                file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - the stack closes it
                self._files[name] = self._stack.enter_context(file), array.dtype
            self._files[name][0].write(np.ascontiguousarray(array).view(np.uint8).data)

    def append_offsets(self, name: str, offsets: NDArray[np.int64]) -> None:
        """Of rows that are counted from 0: (n + 1,) where each begins and the last one ends."""
        if name not in self._ends:
            self._ends[name] = 0
            self.append({name: offsets[:1]})
        self.append({name: offsets[1:] + self._ends[name]})
        self._ends[name] += int(offsets[-1])

    def mapped(self) -> dict[str, NDArray[Any]]:
        """All of them, as they are now."""
        arrays: dict[str, NDArray[Any]] = {}
        for name, (file, dtype) in self._files.items():
            file.flush()
            length = file.tell() // dtype.itemsize
            is_empty = length == 0  # of which no system maps anything
            arrays[name] = np.empty(0, dtype) if is_empty else np.memmap(file, dtype=dtype, mode="r", shape=(length,))
        return arrays


@contextlib.contextmanager
def array_files(folder: Path) -> Iterator[ArrayFiles]:
    """In nameless files below `folder`; what was mapped stays readable after the block."""
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        yield ArrayFiles(folder, stack)


def room_in(folder: Path) -> Room:
    """Of arrays that are mapped, each from a nameless file below `folder`, which is there as long as its array."""

    def room(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Raises OSError where the disk is full."""
        size = math.prod(shape) * np.dtype(dtype).itemsize
        if size == 0:  # of which no system maps anything
            return np.zeros(shape, dtype)
        with tempfile.TemporaryFile(dir=folder) as file:
            for start in range(0, size, len(ZEROS)):  # a full disk says so here; to a page it would end the process
                file.write(memoryview(ZEROS)[: size - start])
            return np.memmap(file, dtype=dtype, mode="r+", shape=shape).view(np.ndarray)

    return room


def room_in_memory(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Where all there is fits."""
    return np.zeros(shape, dtype)
