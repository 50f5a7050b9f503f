"""What breaks or goes: it stops no other model, is tried again, and nothing of it is kept."""

from __future__ import annotations

import errno
import gc
import shutil
import sys
import weakref
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from support.inference_models import config, publish
from support.inference_sessions import fake_model

from rl_inference.dataplane.registry import Registry
from rl_inference.errors import NotReadyError
from rl_inference.models.config_pbtxt import Platform
from rl_inference.models.loaded import LoadedModel
from rl_inference.models.loading import LoadOptions
from rl_inference.models.repository import Repository


async def live(root: Path) -> Registry:
    registry = Registry(Repository(root), LoadOptions())
    await registry.refresh()
    return registry


def states(registry: Registry) -> dict[tuple[str, int | None], str]:
    return {(each.name, each.version): each.state for each in registry.index()}


def reason(registry: Registry, version: int) -> str:
    (entry,) = [each for each in registry.index() if each.version == version]
    return entry.reason


@dataclass(frozen=True)
class SickRepository(Repository):
    """A disk that cannot read some things for a while."""

    folders: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)

    error: Exception = field(default_factory=lambda: OSError(errno.EIO, "the disk is sick"))

    def versions(self, name: str) -> tuple[int, ...]:
        if name in self.folders:
            raise self.error
        return super().versions(name)

    def model(self, name: str, version: int, platform: Platform, most_bytes: int) -> bytes:
        if name in self.files:
            raise self.error
        return super().model(name, version, platform, most_bytes)


async def test_a_folder_that_cannot_be_read_does_not_stop_the_others(tmp_path: Path) -> None:
    publish(tmp_path, configuration=config("bad"))
    publish(tmp_path, configuration=config("zebra"))
    repository = SickRepository(tmp_path, folders={"bad"})
    registry = Registry(repository, LoadOptions())
    await registry.refresh()
    assert registry.model("zebra").version == 1
    with pytest.raises(NotReadyError, match="the disk is sick"):
        registry.model("bad")
    (entry, _) = registry.index()
    assert (entry.name, entry.version, entry.state) == ("bad", None, "UNAVAILABLE")
    assert "the disk is sick" in entry.reason
    repository.folders.clear()
    await registry.refresh()
    assert states(registry) == {("bad", 1): "READY", ("zebra", 1): "READY"}
    repository.folders.add("bad")
    await registry.refresh()
    assert registry.model("bad").version == 1
    shutil.rmtree(tmp_path / "bad")
    repository.folders.clear()
    await registry.refresh()
    assert states(registry) == {("zebra", 1): "READY"}


async def test_a_fault_of_ours_with_one_model_does_not_stop_the_others(tmp_path: Path) -> None:
    publish(tmp_path, configuration=config("bad"))
    publish(tmp_path, configuration=config("zebra"))
    repository = SickRepository(tmp_path, folders={"bad"}, error=ZeroDivisionError("ours"))
    registry = Registry(repository, LoadOptions())
    await registry.refresh()
    assert registry.ready("zebra")
    with pytest.raises(NotReadyError, match="ZeroDivisionError"):
        registry.model("bad")


async def test_a_file_that_could_not_be_read_for_a_while_is_tried_again(tmp_path: Path) -> None:
    publish(tmp_path, 1)
    repository = SickRepository(tmp_path, files={"linear"})
    registry = Registry(repository, LoadOptions())
    with capture_logs() as logs:
        await registry.refresh()
        await registry.refresh()
    assert reason(registry, 1).startswith("unreadable: ")
    assert [each["event"] for each in logs] == ["model_refused"]
    repository.files.clear()
    await registry.refresh()
    assert (registry.model("linear").version, reason(registry, 1)) == (1, "")


async def test_what_was_unloaded_and_is_gone_is_forgotten(tmp_path: Path) -> None:
    publish(tmp_path, 1)
    publish(tmp_path, 2, b"corrupt")
    publish(tmp_path, configuration=config("other"))
    registry = await live(tmp_path)
    await registry.unload("linear")
    await registry.refresh()
    assert states(registry)["linear", 1] == "UNAVAILABLE"
    shutil.rmtree(tmp_path / "linear")
    await registry.refresh()
    assert states(registry) == {("other", 1): "READY"}
    ledger = registry._ledger
    assert {key[0] for key in (*ledger.fingerprints, *ledger.refused)} == {"other"}
    assert (ledger.unloaded, set(ledger.seen)) == ({}, {"other"})


async def test_nothing_is_kept_of_versions_that_came_and_went(tmp_path: Path) -> None:
    registry = await live(tmp_path)
    for version in range(1, 12):
        publish(tmp_path, version, b"corrupt" if version % 3 == 0 else None)
        await registry.refresh()
        if version > 4:
            shutil.rmtree(tmp_path / "linear" / str(version - 4))
    await registry.refresh()
    ledger = registry._ledger
    assert set(ledger.fingerprints) | set(ledger.refused) == {
        ("linear", each) for each in (9, 10, 11)
    }
    assert set(ledger.seen["linear"].versions) == {9, 10, 11}


async def test_what_is_swapped_out_goes_without_the_collector(tmp_path: Path) -> None:
    publish(tmp_path, 1)
    read: list[bytes] = []

    class Watched(Repository):
        def model(self, *asked: Any) -> bytes:
            read.append(super().model(*asked))
            return read[-1]

    registry = Registry(Watched(tmp_path), LoadOptions())
    gc.disable()
    try:
        await registry.refresh()
        before = weakref.ref(registry.model("linear"))
        shutil.rmtree(tmp_path / "linear" / "1")
        publish(tmp_path, 2)
        publish(tmp_path, 3, b"corrupt")
        await registry.refresh()
        assert registry.model("linear").version == 2
        assert before() is None
        assert [sys.getrefcount(read[each]) for each in range(3)] == [2, 2, 2]  # list and argument
    finally:
        gc.enable()


async def test_one_broken_model_does_not_stop_the_others(tmp_path: Path) -> None:
    def loading(_: Repository, name: str, version: int, __: LoadOptions) -> LoadedModel:
        if name == "bad":
            raise MemoryError
        return fake_model(version=version)

    publish(tmp_path, configuration=config("bad"))
    publish(tmp_path, configuration=config("zebra"))
    registry = Registry(Repository(tmp_path), LoadOptions(), loading=loading)
    await registry.refresh()
    assert states(registry) == {("bad", 1): "UNAVAILABLE", ("zebra", 1): "READY"}
