"""The table of a service's settings, made from the settings class itself, so that it is true.

Secrets are named and their defaults are not shown.
"""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import AnyUrl, SecretBytes, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

HEAD = (
    "# Settings\n\n"
    "Made by `make settings-docs` from the code; a test compares the two. Values come from the\n"
    "environment or from `.env` (`.env.example` has every name); an empty one is not set.\n"
)
COLUMNS = ("| variable | type | default | bounds | meaning |", "| --- | --- | --- | --- | --- |")
KINDS: tuple[tuple[tuple[type, ...], str], ...] = (
    ((SecretStr, SecretBytes), "secret"),
    ((bool,), "true or false"),
    ((int,), "whole number"),
    ((float,), "number"),
    ((Path,), "path"),
    ((AnyUrl,), "URL"),
    ((str,), "text"),
)


def document(services: Mapping[str, type[BaseSettings]]) -> str:
    """The whole page: a table for each service, in the order of their names."""
    sections = [_section(name, services[name]) for name in sorted(services)]
    return "\n".join([HEAD, *sections])


def variable_of(kind: type[BaseSettings], name: str, field: FieldInfo) -> str:
    """The name under which the environment may set the field."""
    return str(field.validation_alias or f"{kind.model_config['env_prefix']}{name}").upper()


def _section(service: str, kind: type[BaseSettings]) -> str:
    rows = [_row(kind, name, field) for name, field in kind.model_fields.items()]
    return "\n".join([f"## {service}\n", *COLUMNS, *sorted(rows)]) + "\n"


def _row(kind: type[BaseSettings], name: str, field: FieldInfo) -> str:
    cells = (
        f"`{variable_of(kind, name, field)}`",
        _kind(field.annotation),
        _default(field),
        "; ".join(_bounds(field.metadata)),
        (field.description or "").replace("|", "\\|"),
    )
    return "| " + " | ".join(cells) + " |"


def _kind(annotation: Any) -> str:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _kind(get_args(annotation)[0])
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in get_args(annotation))
    if origin in {Union, types.UnionType}:
        return " or ".join(_kind(each) for each in get_args(annotation) if each is not type(None))
    return _plain_kind(annotation)


def _plain_kind(annotation: Any) -> str:
    if not isinstance(annotation, type):
        return str(annotation)
    if issubclass(annotation, Enum):
        return " or ".join(f"`{member.value}`" for member in annotation)
    names = (name for kinds, name in KINDS if issubclass(annotation, kinds))
    return next(names, annotation.__name__)


def _default(field: FieldInfo) -> str:
    if field.default_factory is not None:
        return "found at the start"
    if field.default is PydanticUndefined:
        return "**required**"
    if field.default is None or field.default == "":
        return "not set"
    if isinstance(field.default, SecretStr | SecretBytes):
        return "hidden"
    value = str(field.default).lower() if isinstance(field.default, bool) else field.default
    return f"`{value}`"


def _bounds(metadata: Iterable[Any]) -> Iterable[str]:
    for bound in metadata:
        for name, sign in (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<")):
            if isinstance(bound, getattr(annotated_types, name.capitalize())):
                yield f"{sign} {getattr(bound, name):,}"
        if isinstance(bound, annotated_types.MinLen):
            yield f"{bound.min_length} characters or more"
        if isinstance(bound, annotated_types.MaxLen):
            yield f"{bound.max_length} characters or fewer"
        pattern = getattr(bound, "pattern", None)
        if pattern:
            yield f"`{pattern}`".replace("|", "\\|")
