"""What a worker and its solver's children say to each other, and how it travels.

Pickles, over pipes that only these two processes hold: nothing here comes from outside. Arrays
travel beside the pickle, so that a large matrix is neither copied nor holds the interpreter.
"""

from __future__ import annotations

import pickle
import struct
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from atmr_engine.budget import Budget
    from atmr_engine.plan import Plan
    from atmr_engine.problem import Problem

COUNT = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class Take:
    """Work on this problem from now on."""

    problem: Problem


@dataclass(frozen=True, slots=True)
class Construct:
    seed: int


@dataclass(frozen=True, slots=True)
class Improve:
    budget: Budget
    seed: int
    start: Plan


@dataclass(frozen=True, slots=True)
class Appraise:
    plan: Plan


@dataclass(frozen=True, slots=True)
class Done:
    """The answer to each message, and to none when the child is ready."""

    result: Any = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A duty's fixed beginning cannot be kept."""

    duty: str


@dataclass(frozen=True, slots=True)
class Failed:
    """An error of another kind; the child goes on."""

    kind: str
    message: str


def write_message(stream: IO[bytes], message: object) -> None:
    """The sizes of all parts, then the pickle, then each array's memory."""
    arrays: list[memoryview] = []
    head = pickle.dumps(message, protocol=5, buffer_callback=lambda it: arrays.append(it.raw()))
    sizes = [len(head), *(array.nbytes for array in arrays)]
    stream.write(COUNT.pack(len(sizes)) + struct.pack(f"<{len(sizes)}Q", *sizes) + head)
    for array in arrays:
        stream.write(array)
    stream.flush()


def read_message(stream: IO[bytes]) -> Any:
    """The next message.

    Raises:
        EOFError: when the other end is closed.

    """
    (count,) = COUNT.unpack(_read(stream, COUNT.size))
    sizes = struct.unpack(f"<{count}Q", _read(stream, 8 * count))
    head, *arrays = [_read(stream, size) for size in sizes]
    return pickle.loads(head, buffers=arrays)  # noqa: S301  our own process wrote it


def _read(stream: IO[bytes], size: int) -> bytearray:
    """Memory of its own, so that arrays may be written to."""
    data = bytearray(size)
    view, at = memoryview(data), 0
    while at < size:
        got = stream.readinto(view[at:])  # type: ignore[attr-defined]  # both ends are binary files
        if not got:
            raise EOFError
        at += got
    return data
