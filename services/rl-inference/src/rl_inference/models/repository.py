"""The model repository on disk, in Triton's layout, with a card beside each file and aliases.

dispatch-policy/config.pbtxt   dispatch-policy/aliases.json   {"champion": 3, "shadow": 4}
dispatch-policy/3/model.onnx   dispatch-policy/3/model.json   (the card)
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from rl_inference.models.bounded_reading import read_bounded
from rl_inference.models.card import ModelCard
from rl_inference.models.config_pbtxt import ModelConfig, Platform, read_config, written
from rl_inference.models.durable_files import flush_folder, replace_file, write_through
from rl_inference.models.pbtxt import MOST_BYTES

CARD, CONFIG, ALIASES = "model.json", "config.pbtxt", "aliases.json"
MODEL_FILES: dict[Platform, str] = {
    "onnxruntime_onnx": "model.onnx",
    "pytorch_libtorch": "model.pt",
}
_NAME = re.compile(r"[a-z][a-z0-9._-]{0,63}")
_VERSION = re.compile(r"[1-9][0-9]{0,9}")
_WORD = re.compile(r"[a-z][a-z0-9_]{0,63}")
_HIGHEST = 2**31 - 1

MOST_CARD_BYTES = 2**20

Trace = tuple[int, int, int]
"""Inode, length and time of change: of the content and its attributes, which nobody can set."""
Fingerprint = tuple[Trace, ...]
"""The traces of the files that make a version."""


class RepositoryError(Exception):
    """The repository does not hold what was asked for, or would not be sound afterwards."""


@dataclass(frozen=True, slots=True)
class Repository:
    """A folder of models; every method reads or writes the disk, so call them in a thread."""

    root: Path

    def names(self) -> tuple[str, ...]:
        """The models' names, in order.

        Raises:
            OSError: when the folder is absent or cannot be read.

        """
        return tuple(
            sorted(
                entry.name
                for entry in self.root.iterdir()
                if _NAME.fullmatch(entry.name) and entry.is_dir()
            )
        )

    def versions(self, name: str) -> tuple[int, ...]:
        """The versions that are there whole, in order: a folder without a card is still copied."""
        folder = self._folder(name)
        if not folder.is_dir():
            return ()
        return tuple(
            sorted(
                int(entry.name)
                for entry in folder.iterdir()
                if _VERSION.fullmatch(entry.name)
                and int(entry.name) <= _HIGHEST
                and (entry / CARD).is_file()
            )
        )

    def fingerprint(self, name: str, version: int) -> Fingerprint:
        """What changes when a file of the version does; absent files leave a trace, too."""
        folder = self._version_folder(name, version)
        files = (self._folder(name) / CONFIG, folder / CARD)
        models = (folder / file for file in MODEL_FILES.values())
        return tuple(_trace(path) for path in (*files, *models))

    def config_trace(self, name: str) -> Trace:
        """What changes when the configuration does."""
        return _trace(self._folder(name) / CONFIG)

    def config(self, name: str) -> ModelConfig:
        """The model's configuration.

        Raises:
            OSError, ConfigError: when it cannot be read.

        """
        return read_config(self._read(self._folder(name) / CONFIG, MOST_BYTES))

    def card(self, name: str, version: int) -> bytes:
        """The text of the version's card.

        Raises:
            OSError, RepositoryError: when it cannot be read, or is longer than 1 MiB.

        """
        text = self._read(self._version_folder(name, version) / CARD, MOST_CARD_BYTES)
        if len(text) > MOST_CARD_BYTES:
            raise RepositoryError(f"{CARD} is longer than {MOST_CARD_BYTES} bytes")
        return text

    def model(self, name: str, version: int, platform: Platform, most_bytes: int) -> bytes:
        """The version's file, or its first `most_bytes` and one more where it is longer."""
        path = self._version_folder(name, version) / MODEL_FILES[platform]
        return self._read(path, most_bytes)

    def aliases(self, name: str) -> dict[str, int]:
        """The versions that the aliases point to, whether they are there or not.

        Raises:
            OSError, RepositoryError: when the file is there and cannot be read.

        """
        path = self._folder(name) / ALIASES
        if not os.path.lexists(path):  # a link that leads nowhere is a fault, and not "no aliases"
            return {}
        try:
            found = json.loads(self._read(path, MOST_BYTES))
        except (ValueError, RecursionError) as error:
            raise RepositoryError(f"{name}/{ALIASES} is no JSON: {error}") from error
        if not isinstance(found, dict) or not all(
            _WORD.fullmatch(alias) and type(version) is int and 1 <= version <= _HIGHEST
            for alias, version in found.items()
        ):
            raise RepositoryError(f'{name}/{ALIASES} is not of the form {{"champion": 3}}')
        return found

    def write_alias(self, name: str, alias: str, version: int) -> int | None:
        """Point the alias to a version, in one step; gives the version that it pointed to.

        Raises:
            RepositoryError: when the version is not there, or the alias is no word.

        """
        if not _WORD.fullmatch(alias):
            raise RepositoryError(f"{alias!r} is no alias: a word of small letters is one")
        if version not in self.versions(name):
            raise RepositoryError(f"{name} has no version {version}")
        aliases = self.aliases(name)
        previous = aliases.get(alias)
        text = json.dumps(aliases | {alias: version}, sort_keys=True)
        replace_file(self._folder(name) / ALIASES, text.encode() + b"\n")
        return previous

    def publish(self, card: ModelCard, model: bytes, config: ModelConfig) -> Path:
        """Add a version, whole or not at all; gives its folder.

        Raises:
            RepositoryError: when it is there already, or card, file and configuration disagree.

        """
        if hashlib.sha256(model).hexdigest() != card.checksum:
            raise RepositoryError("the card's checksum is not that of the file")
        folder = self._folder(card.model)
        target = self._version_folder(card.model, card.version)
        if target.exists():
            raise RepositoryError(f"{card.model} has a version {card.version} already")
        folder.mkdir(parents=True, exist_ok=True)
        self._keep_config(card.model, config)
        incoming = folder / f".incoming-{secrets.token_hex(4)}"
        incoming.mkdir()
        try:
            write_through(incoming / MODEL_FILES[config.platform], model)
            write_through(incoming / CARD, card.model_dump_json(indent=2).encode() + b"\n")
            flush_folder(incoming)
            incoming.rename(target)
        finally:
            shutil.rmtree(incoming, ignore_errors=True)
        flush_folder(folder)
        flush_folder(self.root)
        return target

    def _keep_config(self, name: str, config: ModelConfig) -> None:
        """Write the configuration where there is none; all versions share one."""
        if config.name != name:
            raise RepositoryError(f"the configuration is of {config.name!r}, the card of {name!r}")
        path = self._folder(name) / CONFIG
        if not path.exists():
            replace_file(path, written(config).encode())
        elif self.config(name) != config:
            raise RepositoryError(f"{name} has another configuration; use another name")

    def _read(self, path: Path, most_bytes: int) -> bytes:
        return read_bounded(path, most_bytes, within=self.root)

    def _folder(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise RepositoryError(f"{name!r} is no name of a model")
        return self.root / name

    def _version_folder(self, name: str, version: int) -> Path:
        if not 1 <= version <= _HIGHEST:
            raise RepositoryError(f"{version} is no version")
        return self._folder(name) / str(version)


def _trace(path: Path) -> Trace:
    try:
        found = path.stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_ino, found.st_size, found.st_ctime_ns)
