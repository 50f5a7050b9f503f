"""Which versions go live: what `version_policy` chooses, and always what an alias points to."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from support.inference_models import config, publish

from rl_inference.dataplane.registry import Registry
from rl_inference.errors import NotReadyError, UnknownModelError
from rl_inference.models.config_pbtxt import ConfigError, ModelConfig, read_config, written
from rl_inference.models.loading import LoadOptions
from rl_inference.models.repository import Repository
from rl_inference.models.version_policy import Every, Latest, Specific, VersionPolicy

TEXT = written(config())


def with_policy(root: Path, policy: str) -> None:
    (root / "linear" / "config.pbtxt").write_text(f"{TEXT}version_policy {{ {policy} }}\n")


async def live(root: Path) -> Registry:
    registry = Registry(Repository(root), LoadOptions())
    await registry.refresh()
    return registry


def ready(registry: Registry) -> list[int]:
    return [each.version or 0 for each in registry.index() if each.state == "READY"]


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        ("latest { num_versions: 2 }", Latest(2)),
        ("latest: { }", Latest(1)),
        ("all { }", Every()),
        ("specific { versions: [1, 3] }", Specific((1, 3))),
        ("specific { versions: 1 versions: 3 }", Specific((1, 3))),
    ],
)
def test_triton_s_policies_are_read_and_written(text: str, policy: VersionPolicy) -> None:
    found = read_config(f"{TEXT}version_policy: {{ {text} }}".encode())
    assert found.version_policy == policy
    assert read_config(written(found).encode()).version_policy == policy
    assert found == read_config(TEXT.encode())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "newest { }",
        "latest { } all { }",
        "all { } all { }",
        "all: 3",
        "all { num_versions: 1 }",
        "latest { num_versions: 0 }",
        "latest { num_versions: 1.5 }",
        "latest { num_versions: 1 num_versions: 2 }",
        "latest { num_versions: 1 versions: 2 }",
        "specific { }",
        "specific { versions: [ -1 ] }",
    ],
)
def test_a_policy_that_means_nothing_is_a_fault(text: str) -> None:
    with pytest.raises(ConfigError, match="line "):
        read_config(f"{TEXT}version_policy {{ {text} }}".encode())
    with pytest.raises(ConfigError, match="line "):
        read_config(f"{TEXT}version_policy: 3".encode())


async def test_without_a_policy_the_latest_three_and_the_aliases_are_live(tmp_path: Path) -> None:
    for version in range(1, 8):
        publish(tmp_path, version)
    Repository(tmp_path).write_alias("linear", "champion", 2)
    registry = await live(tmp_path)
    assert ready(registry) == [2, 5, 6, 7]
    outside = {each.version: each.reason for each in registry.index() if each.state != "READY"}
    assert outside.keys() == {1, 3, 4}
    assert all(reason.startswith("version_policy: ") for reason in outside.values())
    with pytest.raises(NotReadyError, match="version 3 is not loaded: version_policy"):
        registry.model("linear", 3)
    with pytest.raises(UnknownModelError):
        registry.model("linear", 8)


async def test_a_new_version_takes_the_oldest_one_s_place(tmp_path: Path) -> None:
    for version in (1, 2, 3):
        publish(tmp_path, version)
    registry = await live(tmp_path)
    publish(tmp_path, 4)
    await registry.refresh()
    assert ready(registry) == [2, 3, 4]
    Repository(tmp_path).write_alias("linear", "champion", 1)
    await registry.refresh()
    assert ready(registry) == [1, 2, 3, 4]
    assert registry.model("linear").version == 1


@pytest.mark.parametrize(
    ("policy", "versions"),
    [
        ("all { }", [1, 2, 3, 4, 5]),
        ("latest { num_versions: 1 }", [2, 5]),
        ("specific { versions: [ 1, 9 ] }", [1, 2]),
    ],
)
async def test_a_policy_chooses_and_an_alias_adds(
    tmp_path: Path, policy: str, versions: list[int]
) -> None:
    for version in range(1, 6):
        publish(tmp_path, version)
    Repository(tmp_path).write_alias("linear", "champion", 2)
    registry = await live(tmp_path)
    with_policy(tmp_path, policy)
    await registry.refresh()
    assert ready(registry) == versions


async def test_a_policy_that_cannot_be_read_takes_nothing_out(tmp_path: Path) -> None:
    for version in range(1, 6):
        publish(tmp_path, version)
    with_policy(tmp_path, "all { }")
    registry = await live(tmp_path)
    (tmp_path / "linear" / "config.pbtxt").write_text("version_policy {")
    await registry.refresh()
    assert ready(registry) == [1, 2, 3, 4, 5]


async def test_a_policy_that_could_not_be_read_for_a_while_is_read_later(tmp_path: Path) -> None:
    class Sick(Repository):
        def config(self, name: str) -> ModelConfig:
            if sick:
                raise OSError(errno.EIO, "the disk is sick")
            return super().config(name)

    sick = [True]
    for version in range(1, 6):
        publish(tmp_path, version)
    with_policy(tmp_path, "all { }")
    registry = Registry(Sick(tmp_path), LoadOptions())
    await registry.refresh()
    sick.clear()
    await registry.refresh()
    assert ready(registry) == [1, 2, 3, 4, 5]


async def test_aliases_that_cannot_be_read_take_nothing_out(tmp_path: Path) -> None:
    for version in range(1, 6):
        publish(tmp_path, version)
    Repository(tmp_path).write_alias("linear", "champion", 1)
    registry = await live(tmp_path)
    (tmp_path / "linear" / "aliases.json").write_text("{")
    for _ in range(3):
        await registry.refresh()
        assert ready(registry) == [1, 3, 4, 5]


async def test_what_is_outside_is_not_tried(tmp_path: Path) -> None:
    publish(tmp_path, 1, b"corrupt")
    for version in (2, 3, 4):
        publish(tmp_path, version)
    registry = await live(tmp_path)
    (first, *_) = registry.index()
    assert (first.version, first.state) == (1, "UNAVAILABLE")
    assert first.reason.startswith("version_policy: ")


async def test_a_load_of_none_says_so(tmp_path: Path) -> None:
    publish(tmp_path, 1)
    with_policy(tmp_path, "specific { versions: [ 7 ] }")
    registry = await live(tmp_path)
    with pytest.raises(UnknownModelError, match="its version_policy chooses none"):
        await registry.load("linear")


def test_a_policy_is_no_other_configuration(tmp_path: Path) -> None:
    publish(tmp_path, 1)
    with_policy(tmp_path, "all { }")
    publish(tmp_path, 2)
    assert Repository(tmp_path).config("linear").version_policy == Every()
