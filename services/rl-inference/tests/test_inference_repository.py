"""The repository on disk: versions are there whole or not at all, and names stay inside."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.inference_models import config, linear, publish

from rl_inference.models.bounded_reading import read_bounded
from rl_inference.models.repository import Repository, RepositoryError


def test_what_is_published_is_listed(tmp_path: Path) -> None:
    publish(tmp_path, 2)
    card = publish(tmp_path, 10)
    repository = Repository(tmp_path)
    assert repository.names() == ("linear",)
    assert repository.versions("linear") == (2, 10)
    assert repository.config("linear") == config()
    assert repository.model("linear", 10, "onnxruntime_onnx", 10_000) == linear()
    assert card.checksum.encode() in repository.card("linear", 10)
    assert sorted(path.name for path in (tmp_path / "linear").iterdir()) == [
        "10",
        "2",
        "config.pbtxt",
    ]


def test_a_folder_without_a_card_is_still_copied(tmp_path: Path) -> None:
    publish(tmp_path, 1)
    half = tmp_path / "linear" / "2"
    half.mkdir()
    (half / "model.onnx").write_bytes(linear())
    assert Repository(tmp_path).versions("linear") == (1,)


def test_what_is_no_version_is_left_alone(tmp_path: Path) -> None:
    publish(tmp_path, 1)
    for name in ("0", "01", "1a", "-1", "99999999999", "tmp"):
        folder = tmp_path / "linear" / name
        folder.mkdir()
        (folder / "model.json").write_text("{}")
    (tmp_path / "linear" / "7").write_text("a file")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "Loud").mkdir()
    (tmp_path / "file").write_text("")
    repository = Repository(tmp_path)
    assert repository.names() == ("linear",)
    assert repository.versions("linear") == (1,)


@pytest.mark.parametrize("name", ["..", ".", "", "../linear", "a/b", "a\\b", "a\n", "/etc", "A"])
def test_names_cannot_leave_the_folder(tmp_path: Path, name: str) -> None:
    repository = Repository(tmp_path / "models")
    for read in (repository.versions, repository.config, repository.aliases):
        with pytest.raises(RepositoryError, match="is no name"):
            read(name)
    with pytest.raises(RepositoryError, match="is no version"):
        repository.card("linear", -1)


def test_a_version_is_never_overwritten(tmp_path: Path) -> None:
    publish(tmp_path, 1)
    with pytest.raises(RepositoryError, match="already"):
        publish(tmp_path, 1, linear(3.0))
    assert Repository(tmp_path).model("linear", 1, "onnxruntime_onnx", 10_000) == linear()


def test_nothing_is_left_of_what_could_not_be_published(tmp_path: Path) -> None:
    publish(tmp_path, 1)
    with pytest.raises(RepositoryError, match="another configuration"):
        publish(tmp_path, 2, configuration=config(max_batch_size=4))
    card = publish(tmp_path, 3)
    with pytest.raises(RepositoryError, match="checksum"):
        Repository(tmp_path).publish(card, b"other", config())
    with pytest.raises(RepositoryError, match="the configuration is of"):
        Repository(tmp_path).publish(card.model_copy(update={"version": 4}), linear(), config("x"))
    assert Repository(tmp_path).versions("linear") == (1, 3)
    assert not list((tmp_path / "linear").glob(".*"))


def test_an_alias_points_to_what_is_there(tmp_path: Path) -> None:
    publish(tmp_path, 1)
    publish(tmp_path, 2)
    repository = Repository(tmp_path)
    assert repository.aliases("linear") == {}
    assert repository.write_alias("linear", "champion", 1) is None
    assert repository.write_alias("linear", "shadow", 2) is None
    assert repository.write_alias("linear", "champion", 2) == 1
    assert repository.aliases("linear") == {"champion": 2, "shadow": 2}
    with pytest.raises(RepositoryError, match="no version 3"):
        repository.write_alias("linear", "champion", 3)
    with pytest.raises(RepositoryError, match="no alias"):
        repository.write_alias("linear", "3", 2)


@pytest.mark.parametrize(
    "text", ["", "[]", '{"champion": "3"}', '{"champion": true}', '{"A b": 1}', "[" * 9999, "\xff"]
)
def test_aliases_that_cannot_be_read_are_an_error(tmp_path: Path, text: str) -> None:
    publish(tmp_path, 1)
    (tmp_path / "linear" / "aliases.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(RepositoryError, match=r"aliases\.json is"):
        Repository(tmp_path).aliases("linear")


def test_a_fingerprint_follows_the_files(tmp_path: Path) -> None:
    publish(tmp_path, 1)
    repository = Repository(tmp_path)
    before = repository.fingerprint("linear", 1)
    assert repository.fingerprint("linear", 1) == before
    (tmp_path / "linear" / "1" / "model.onnx").write_bytes(linear(9.0) + b" ")
    assert repository.fingerprint("linear", 1) != before


def test_reading_stops_after_the_limit(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 100)
    assert len(read_bounded(tmp_path / "file", 10, within=tmp_path)) == 11
