"""Fields of a parsed inference request, each checked for its kind and bound."""

from __future__ import annotations

from typing import Any

from rl_inference.errors import InvalidInputError

MOST_ENTRIES = 256
LONGEST_NAME = 256
BATCH_LESS_ROWS = 1
PLAIN = (str, int, float, bool)
NO_PARAMETERS: dict[str, Any] = {}


def entries(head: dict[str, Any], field: str) -> list[dict[str, Any]]:
    """The tensors under `inputs` or `outputs`, at least one."""
    value = head.get(field)
    if not isinstance(value, list) or not value:
        raise InvalidInputError(f"{field} must be a list of at least one tensor")
    if len(value) > MOST_ENTRIES:
        raise InvalidInputError(f"{field} holds more than {MOST_ENTRIES} tensors")
    for entry in value:
        if not isinstance(entry, dict):
            raise InvalidInputError(f"each of {field} must be an object")
    return value


def name_of(entry: dict[str, Any], kind: str) -> str:
    """The name of a tensor."""
    name = entry.get("name")
    if not isinstance(name, str) or not name.strip():
        raise InvalidInputError(f"each {kind} must have a name")
    if len(name) > LONGEST_NAME:
        raise InvalidInputError(f"the name of an {kind} is longer than {LONGEST_NAME} characters")
    return name


def parameters_of(entry: dict[str, Any], where: str) -> dict[str, Any]:
    """The parameters, each a text, a number or a truth value."""
    parameters = entry.get("parameters", NO_PARAMETERS)
    if not isinstance(parameters, dict):
        raise InvalidInputError(f"parameters of {where} must be an object")
    for name, value in parameters.items():
        if not isinstance(value, PLAIN):
            raise InvalidInputError(
                f"parameter '{name[:LONGEST_NAME]}' of {where} must be a text, number or boolean"
            )
    return parameters


def refuse_shared_memory(parameters: dict[str, Any], where: str) -> None:
    """Tensors come in the body alone; a region that was ignored would be an answer to nothing."""
    if any(name.startswith("shared_memory_") for name in parameters):
        raise InvalidInputError(f"{where}: shared memory is not supported; send the tensor's data")


def boolean(parameters: dict[str, Any], name: str, where: str, *, usual: bool = False) -> bool:
    """A parameter that is true or false."""
    value = parameters.get(name, usual)
    if not isinstance(value, bool):
        raise InvalidInputError(f"parameter '{name}' of {where} must be true or false")
    return value


def whole(parameters: dict[str, Any], name: str, most: int) -> int:
    """A parameter that counts; 0 where it is missing."""
    value = parameters.get(name, 0)
    if type(value) is not int or not 0 <= value <= most:
        raise InvalidInputError(f"parameter '{name}' must be a whole number of 0 to {most}")
    return value


def text(head: dict[str, Any], field: str, longest: int) -> str | None:
    """An optional text."""
    value = head.get(field)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > longest:
        raise InvalidInputError(f"{field} must be a text of at most {longest} characters")
    return value
