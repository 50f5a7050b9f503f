"""Which versions of a model are made live, by `version_policy` in `config.pbtxt` as Triton has it.

Without one these are the latest three. What an alias points to is live under every policy: an
alias is moved on purpose, and a champion that is not loaded would answer nobody.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TypeAlias

from rl_inference.models.pbtxt import Entry, Message, PbtxtError

LATEST = 3
_KINDS = ("latest", "all", "specific")


@dataclass(frozen=True, slots=True)
class Latest:
    """The highest versions, so many of them."""

    num_versions: int

    def chosen(self, versions: Collection[int]) -> set[int]:
        return set(sorted(versions)[-self.num_versions :])

    def __str__(self) -> str:
        return f"latest {{ num_versions: {self.num_versions} }}"


@dataclass(frozen=True, slots=True)
class Every:
    """All versions."""

    def chosen(self, versions: Collection[int]) -> set[int]:
        return set(versions)

    def __str__(self) -> str:
        return "all { }"


@dataclass(frozen=True, slots=True)
class Specific:
    """These versions, where they are there."""

    versions: tuple[int, ...]

    def chosen(self, versions: Collection[int]) -> set[int]:
        return set(versions) & set(self.versions)

    def __str__(self) -> str:
        return f"specific {{ versions: [ {', '.join(map(str, self.versions))} ] }}"


VersionPolicy: TypeAlias = Latest | Every | Specific
USUAL: VersionPolicy = Latest(LATEST)


def read_policy(entry: Entry | None) -> VersionPolicy | None:
    """The policy that the field names; None where there is no field.

    Raises:
        PbtxtError: for a policy that Triton would not read either.

    """
    if entry is None:
        return None
    fields = entry.value if isinstance(entry.value, dict) else {}
    if len(fields) != 1 or next(iter(fields)) not in _KINDS:
        raise PbtxtError(f"line {entry.line}: a version_policy is one of {', '.join(_KINDS)}")
    ((kind, (choice, *others)),) = fields.items()
    if others or not isinstance(choice.value, dict):
        raise PbtxtError(f"line {choice.line}: `{kind}` stands once, and has braces")
    if kind == "latest":
        return _latest(choice.value, choice.line)
    if kind == "specific":
        numbers = _numbers(choice.value, "versions", choice.line)
        if not numbers:
            raise PbtxtError(f"line {choice.line}: `specific` names no `versions`")
        return Specific(tuple(numbers))
    _numbers(choice.value, "", choice.line)
    return Every()


def written_policy(policy: VersionPolicy) -> str:
    """The field in the text of a `config.pbtxt`."""
    return f"version_policy {{ {policy} }}"


def _latest(fields: Message, line: int) -> Latest:
    numbers = _numbers(fields, "num_versions", line)
    if len(numbers) > 1:
        raise PbtxtError(f"line {line}: `num_versions` is there twice")
    return Latest(*(numbers or [1]))


def _numbers(fields: Message, name: str, line: int) -> list[int]:
    """The field's whole numbers from 1; it is the only one that may be there."""
    unknown = sorted(fields.keys() - {name})
    if unknown:
        raise PbtxtError(f"line {line}: `{unknown[0]}` is not known in a version_policy")
    values = [entry.value for entry in fields.get(name, [])]
    numbers = [value for value in values if isinstance(value, int) and value > 0]
    if len(numbers) != len(values):
        raise PbtxtError(f"line {line}: `{name}` holds numbers from 1")
    return numbers
