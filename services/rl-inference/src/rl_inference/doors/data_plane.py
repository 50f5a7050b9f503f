"""The data plane as the doors see it; `dataplane/` has the real one, tests a small fake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from rl_inference.errors import UnknownModelError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rl_inference.dataplane.asking import Ask
    from rl_inference.models.loaded import LoadedModel

LONGEST_VERSION = 10
LONGEST_NAME = 64
"""Of models and aliases in the repository; a longer one is not repeated in an answer."""


class IndexEntry(Protocol):
    """A version in the repository, loaded or not; `state` is READY, UNAVAILABLE or LOADING."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> int | None: ...
    @property
    def state(self) -> str: ...
    @property
    def reason(self) -> str: ...


class Registry(Protocol):
    """Which versions there are."""

    def index(self) -> Sequence[IndexEntry]:
        """Every version of every model."""
        ...

    async def load(self, name: str) -> object:
        """Load what the repository holds of a model; raises a DataPlaneError that says why not."""
        ...

    async def unload(self, name: str) -> object:
        """Let go of every version of a model."""
        ...


class BatchCounts(Protocol):
    """Batches of one size."""

    count: int
    compute_ns: int


class Counts(Protocol):
    """What a version did since the start; times in nanoseconds, summed over requests."""

    inference_count: int
    execution_count: int
    success_count: int
    success_ns: int
    fail_count: int
    fail_ns: int
    queue_ns: int
    input_ns: int
    compute_ns: int
    output_ns: int

    @property
    def batches(self) -> Mapping[int, BatchCounts]: ...


class Statistics(Protocol):
    """The counts of all versions."""

    def snapshot(
        self, name: str | None = None, version: int | None = None
    ) -> Iterable[tuple[str, int, Counts]]:
        """Name, version and counts of all, of one model, or of one version."""
        ...


class DataPlane(Protocol):
    """What answers; the errors of `rl_inference.errors` are raised."""

    @property
    def registry(self) -> Registry: ...
    @property
    def statistics(self) -> Statistics: ...

    def model(self, name: str, version: int | None = None, alias: str | None = None) -> LoadedModel:
        """The live version asked for."""
        ...

    def submit(self, ask: Ask) -> None:
        """Queue an ask; `ask.done` is called later, never from within."""
        ...


def chosen(plane: DataPlane, name: str, version: str | None) -> LoadedModel:
    """The version that a path names by number or by alias, or else the default one.

    Raises:
        UnknownModelError: when there is none.

    """
    check_name(name)
    if version is None:
        return plane.model(name)
    check_name(version)
    if not (version.isascii() and version.isdigit()):
        return plane.model(name, alias=version)
    if len(version) > LONGEST_VERSION:
        raise UnknownModelError(f"'{name}' has no such version")
    return plane.model(name, version=int(version))


def check_name(name: str) -> None:
    """Refuse what is longer than any name.

    Raises:
        UnknownModelError: without the name.

    """
    if len(name) > LONGEST_NAME:
        raise UnknownModelError(f"no name is longer than {LONGEST_NAME} characters")
