"""What is live follows the repository; what is refused changes nothing but the index."""

from __future__ import annotations

import asyncio
import gc
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
from support.inference_models import linear, publish
from support.inference_sessions import DoublingSession, fake_model

from atmr_common.contracts.models import ModelPromoted, ModelPublished, ModelRolledBack
from rl_inference.dataplane.registry import Registry
from rl_inference.errors import NotReadyError, UnknownModelError
from rl_inference.models.loaded import LoadedModel
from rl_inference.models.loading import LoadOptions
from rl_inference.models.refusals import RefusedModelError
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


async def test_versions_and_aliases_are_found(tmp_path: Path) -> None:
    for version in (1, 2, 10):
        publish(tmp_path, version)
    Repository(tmp_path).write_alias("linear", "champion", 2)
    Repository(tmp_path).write_alias("linear", "shadow", 1)
    registry = await live(tmp_path)
    assert registry.model("linear").version == 2
    assert registry.model("linear", 10).version == 10
    assert registry.model("linear", alias="shadow").version == 1
    assert registry.ready("linear")
    assert registry.ready("linear", 1)
    assert states(registry) == {("linear", number): "READY" for number in (1, 2, 10)}


async def test_without_a_champion_the_highest_version_answers(tmp_path: Path) -> None:
    publish(tmp_path, 9)
    publish(tmp_path, 10)
    assert (await live(tmp_path)).model("linear").version == 10


async def test_what_is_not_there_is_unknown(tmp_path: Path) -> None:
    publish(tmp_path)
    registry = await live(tmp_path)
    for name, version, alias in (
        ("other", None, None),
        ("other", 1, None),
        ("../linear", None, None),
        ("linear", 2, None),
        ("linear", None, "shadow"),
    ):
        with pytest.raises(UnknownModelError, match="Request for unknown model"):
            registry.model(name, version, alias)
        assert not registry.ready(name, version) or alias is not None


async def test_a_new_version_is_loaded_beside_the_old_one(tmp_path: Path) -> None:
    publish(tmp_path, 1)
    registry = await live(tmp_path)
    first = registry.model("linear", 1)
    publish(tmp_path, 2, linear(3.0))
    await registry.refresh()
    assert registry.model("linear").version == 2
    assert registry.model("linear", 1) is first


async def test_what_did_not_change_is_not_loaded_again(tmp_path: Path) -> None:
    publish(tmp_path, 1)
    registry = await live(tmp_path)
    before = registry.model("linear")
    await registry.refresh()
    assert registry.model("linear") is before


async def test_a_removed_version_goes_when_another_is_there(tmp_path: Path) -> None:
    publish(tmp_path, 1)
    publish(tmp_path, 2)
    registry = await live(tmp_path)
    shutil.rmtree(tmp_path / "linear" / "2")
    await registry.refresh()
    assert registry.model("linear").version == 1
    assert states(registry) == {("linear", 1): "READY"}
    shutil.rmtree(tmp_path / "linear")
    await registry.refresh()
    assert states(registry) == {}
    with pytest.raises(UnknownModelError):
        registry.model("linear")


async def test_a_refused_version_leaves_the_present_one(tmp_path: Path) -> None:
    publish(tmp_path, 1)
    Repository(tmp_path).write_alias("linear", "champion", 1)
    registry = await live(tmp_path)
    publish(tmp_path, 2, b"corrupt")
    Repository(tmp_path).write_alias("linear", "champion", 2)
    await registry.refresh()
    assert registry.model("linear").version == 1
    assert registry.aliases("linear") == {"champion": 1}
    assert states(registry) == {("linear", 1): "READY", ("linear", 2): "UNAVAILABLE"}
    assert reason(registry, 2).startswith("corrupt: ")
    with pytest.raises(NotReadyError, match="version 2 is refused: corrupt"):
        registry.model("linear", 2)


async def test_the_present_one_goes_on_when_its_own_file_breaks(tmp_path: Path) -> None:
    publish(tmp_path, 1)
    registry = await live(tmp_path)
    before = registry.model("linear")
    (tmp_path / "linear" / "1" / "model.onnx").write_bytes(b"half")
    await registry.refresh()
    assert registry.model("linear") is before
    assert reason(registry, 1).startswith("checksum_mismatch: ")
    shutil.rmtree(tmp_path / "linear" / "1")
    publish(tmp_path, 1, linear(5.0))
    await registry.refresh()
    assert registry.model("linear") is not before
    assert reason(registry, 1) == ""


async def test_it_goes_on_when_it_was_replaced_by_a_refused_one(tmp_path: Path) -> None:
    publish(tmp_path, 1)
    registry = await live(tmp_path)
    shutil.rmtree(tmp_path / "linear" / "1")
    publish(tmp_path, 2, b"corrupt")
    await registry.refresh()
    assert registry.model("linear").version == 1


async def test_a_champion_that_was_never_live_is_not_replaced_in_silence(tmp_path: Path) -> None:
    publish(tmp_path, 1)
    publish(tmp_path, 2, b"corrupt")
    Repository(tmp_path).write_alias("linear", "champion", 2)
    registry = await live(tmp_path)
    with pytest.raises(NotReadyError, match="the champion of 'linear' is not ready"):
        registry.model("linear")
    assert not registry.ready("linear")
    assert registry.model("linear", 1).version == 1


async def test_a_model_of_refused_versions_only_is_not_ready(tmp_path: Path) -> None:
    publish(tmp_path, 1, b"corrupt")
    registry = await live(tmp_path)
    with pytest.raises(NotReadyError, match="version 1: corrupt"):
        registry.model("linear")


async def test_a_refused_version_is_tried_again_when_it_changes(tmp_path: Path) -> None:
    tries: list[int] = []

    def counted(repository: Repository, name: str, version: int, options: Any) -> LoadedModel:
        from rl_inference.models.loading import load  # noqa: PLC0415

        tries.append(version)
        return load(repository, name, version, options)

    publish(tmp_path, 1, b"corrupt")
    registry = Registry(Repository(tmp_path), LoadOptions(), loading=counted)
    for _ in range(3):
        await registry.refresh()
    assert tries == [1]
    shutil.rmtree(tmp_path / "linear" / "1")
    publish(tmp_path, 1)
    await registry.refresh()
    assert (tries, registry.model("linear").version) == ([1, 1], 1)


async def test_a_load_by_hand_tries_a_refused_version_again(tmp_path: Path) -> None:
    refusing = [True]

    def loading(_: Repository, __: str, version: int, ___: LoadOptions) -> LoadedModel:
        if refusing.pop():
            raise RefusedModelError("provider_unavailable", "the GPU is away")
        return fake_model(version=version)

    publish(tmp_path, 1)
    registry = Registry(Repository(tmp_path), LoadOptions(), loading=loading)
    await registry.refresh()
    await registry.refresh()
    assert reason(registry, 1) == "provider_unavailable: the GPU is away"
    refusing.append(False)
    await registry.load("linear")
    assert (registry.model("linear").version, reason(registry, 1)) == (1, "")


async def test_a_half_copied_version_is_not_noticed(tmp_path: Path) -> None:
    publish(tmp_path, 1)
    publish(tmp_path, 2)
    card = tmp_path / "linear" / "2" / "model.json"
    card.rename(tmp_path / "card")
    registry = await live(tmp_path)
    assert states(registry) == {("linear", 1): "READY"}
    (tmp_path / "card").rename(card)
    await registry.refresh()
    assert registry.model("linear").version == 2


async def test_aliases_that_cannot_be_read_leave_the_present_ones(tmp_path: Path) -> None:
    publish(tmp_path, 1)
    publish(tmp_path, 2)
    Repository(tmp_path).write_alias("linear", "champion", 1)
    registry = await live(tmp_path)
    (tmp_path / "linear" / "aliases.json").write_text("{")
    await registry.refresh()
    assert registry.model("linear").version == 1
    await registry.refresh()
    assert registry.model("linear").version == 1
    fresh = await live(tmp_path)
    await fresh.refresh()
    with pytest.raises(NotReadyError, match=r"aliases\.json"):
        fresh.model("linear")
    assert fresh.model("linear", 2).version == 2


async def test_the_highest_version_goes_on_when_aliases_break(tmp_path: Path) -> None:
    publish(tmp_path, 1)
    registry = await live(tmp_path)
    (tmp_path / "linear" / "aliases.json").write_text("{")
    await registry.refresh()
    assert registry.model("linear").version == 1


async def test_a_version_that_is_being_loaded_says_so(tmp_path: Path) -> None:
    begun, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def loading(*_: Any) -> LoadedModel:
        loop.call_soon_threadsafe(begun.set)
        assert go_on.wait(10)
        return fake_model()

    publish(tmp_path, 1)
    registry = Registry(Repository(tmp_path), LoadOptions(), loading=loading)
    refreshing = asyncio.create_task(registry.refresh())
    await begun.wait()
    assert states(registry) == {("linear", 1): "LOADING"}
    with pytest.raises(NotReadyError, match="being loaded"):
        registry.model("linear", 1)
    with pytest.raises(NotReadyError, match="being loaded"):
        registry.model("linear")
    go_on.set()
    await refreshing
    assert registry.ready("linear", 1)


async def test_unload_and_load(tmp_path: Path) -> None:
    publish(tmp_path, 1)
    registry = await live(tmp_path)
    await registry.unload("linear")
    await registry.refresh()
    assert states(registry) == {("linear", 1): "UNAVAILABLE"}
    assert reason(registry, 1) == "unloaded"
    with pytest.raises(NotReadyError, match="unloaded"):
        registry.model("linear")
    await registry.load("linear")
    assert registry.ready("linear")
    with pytest.raises(UnknownModelError):
        await registry.unload("other")


async def test_a_load_that_fails_says_why(tmp_path: Path) -> None:
    publish(tmp_path, 1)
    publish(tmp_path, 2, b"corrupt")
    registry = await live(tmp_path)
    with pytest.raises(NotReadyError, match="failed to load 'linear', version 2: corrupt"):
        await registry.load("linear")
    for name in ("other", "../linear"):
        with pytest.raises(UnknownModelError, match="failed to load"):
            await registry.load(name)
    assert registry.model("linear").version == 1


async def test_events_promote_and_roll_back(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    publish(tmp_path, 1)
    registry = await live(tmp_path)
    card = publish(tmp_path, 2)
    await registry.on_model_event(
        ModelPublished(model="linear", version=2, checksum=card.checksum, synthetic=True)
    )
    assert registry.ready("linear", 2)
    repository.write_alias("linear", "champion", 2)
    await registry.on_model_event(ModelPromoted(model="linear", version=2, alias="champion"))
    assert registry.model("linear").version == 2
    repository.write_alias("linear", "champion", 1)
    await registry.on_model_event(
        ModelRolledBack(
            model="linear", version=1, alias="champion", previous_version=2, reason="gate"
        )
    )
    assert registry.model("linear").version == 1
    assert registry.model("linear", alias="champion") is registry.model("linear", 1)


async def test_an_event_ahead_of_the_repository_changes_nothing(tmp_path: Path) -> None:
    publish(tmp_path, 1)
    registry = await live(tmp_path)
    await registry.on_model_event(ModelPromoted(model="linear", version=7, alias="champion"))
    await registry.on_model_event(ModelPromoted(model="other", version=1, alias="champion"))
    assert registry.model("linear").version == 1


async def test_watching_finds_what_is_new_and_survives_an_absent_repository(
    tmp_path: Path,
) -> None:
    publish(tmp_path / "models", 1)
    found = asyncio.Event()

    def loading(_: Repository, __: str, version: int, ___: LoadOptions) -> LoadedModel:
        if version == 2:
            loop.call_soon_threadsafe(found.set)
        return fake_model(version=version)

    loop = asyncio.get_running_loop()
    registry = Registry(Repository(tmp_path / "models"), LoadOptions(), loading=loading)
    await registry.refresh()
    (tmp_path / "models").rename(tmp_path / "away")
    with pytest.raises(OSError, match="models"):
        await registry.refresh()
    assert registry.ready("linear")
    watching = asyncio.create_task(registry.watch(0.001))
    publish(tmp_path / "away", 2)
    (tmp_path / "away").rename(tmp_path / "models")
    await asyncio.wait_for(found.wait(), 20)
    watching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watching


async def test_sessions_are_closed_with_the_last_who_holds_them(tmp_path: Path) -> None:
    sessions = [DoublingSession(), DoublingSession()]
    fresh = iter(sessions)

    def loading(_: Repository, __: str, version: int, ___: LoadOptions) -> LoadedModel:
        return fake_model(next(fresh), version=version)

    publish(tmp_path, 1)
    registry = Registry(Repository(tmp_path), LoadOptions(), loading=loading)
    await registry.refresh()
    held = [registry.model("linear")]
    shutil.rmtree(tmp_path / "linear" / "1")
    publish(tmp_path, 2)
    await registry.refresh()
    gc.collect()
    assert not sessions[0].closed
    held.clear()
    gc.collect()
    assert (sessions[0].closed, sessions[1].closed) == (True, False)
    await registry.close()
    assert sessions[1].closed
