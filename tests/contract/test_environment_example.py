"""`.env.example` lists every setting that is read, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from atmr_common.runtime.settings import ServiceSettings
from dispatch_api.settings import DispatchSettings
from rl_inference.settings import InferenceSettings
from standalone.settings import StandaloneSettings

EXAMPLE = Path(__file__).parents[2] / ".env.example"
SETTINGS: tuple[type[BaseSettings], ...] = (
    ServiceSettings,
    DispatchSettings,
    InferenceSettings,
    StandaloneSettings,
)


def _variables(kind: type[BaseSettings]) -> set[str]:
    """The names under which the environment may set the fields."""
    prefix = kind.model_config["env_prefix"]
    return {
        str(field.validation_alias or f"{prefix}{name}").upper()
        for name, field in kind.model_fields.items()
    }


def _listed() -> list[str]:
    return re.findall(r"^# ([A-Z_]+)=", EXAMPLE.read_text(encoding="utf-8"), flags=re.MULTILINE)


@pytest.mark.parametrize("kind", SETTINGS)
def test_every_setting_is_listed(kind: type[BaseSettings]) -> None:
    assert _variables(kind) - set(_listed()) == set()


def test_no_other_name_is_listed_and_none_twice() -> None:
    listed = _listed()
    assert set(listed) - set().union(*map(_variables, SETTINGS)) == set()
    assert len(listed) == len(set(listed))


def test_a_copy_changes_nothing() -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == []
