"""`docs/settings.md` is what the settings classes say, and shows no secret."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import Field, HttpUrl, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from typer.testing import CliRunner

from atmr_common.runtime.command_line import app
from atmr_common.runtime.settings_command import page
from atmr_common.runtime.settings_table import document

ROOT = Path(__file__).parents[2]


class Pace(StrEnum):
    SLOW = "slow"
    QUICK = "quick"


class KettleSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="TEA_")

    cups: int = Field(3, ge=1, le=9_000, description="How many | at once.")
    key: SecretStr = Field(SecretStr("ZZSECRET"), description="Opens the pot.")
    spare: SecretStr | None = Field(None, validation_alias="SPARE_KEY", description="Another.")
    home: Path = Field(default_factory=Path.cwd, description="Where.")
    source: HttpUrl | None = Field(None, description="Water.")
    pace: Pace = Field(Pace.SLOW, description="How.")
    kind: Literal["green", "black"] = Field("green", description="Which.")
    loud: bool = Field(default=False, description="Whistle.")
    heat: float = Field(gt=0, description="Degrees.")
    word: str = Field("", pattern="^(a|b)$", max_length=3, description="Say it.")


TABLE = """
| `SPARE_KEY` | secret | not set |  | Another. |
| `TEA_CUPS` | whole number | `3` | ≥ 1; ≤ 9,000 | How many \\| at once. |
| `TEA_HEAT` | number | **required** | > 0 | Degrees. |
| `TEA_HOME` | path | found at the start |  | Where. |
| `TEA_KEY` | secret | hidden |  | Opens the pot. |
| `TEA_KIND` | `green` or `black` | `green` |  | Which. |
| `TEA_LOUD` | true or false | `false` |  | Whistle. |
| `TEA_PACE` | `slow` or `quick` | `slow` |  | How. |
| `TEA_SOURCE` | URL | not set |  | Water. |
| `TEA_WORD` | text | not set | 3 characters or fewer; `^(a\\|b)$` | Say it. |
"""


def test_every_kind_of_setting_is_told() -> None:
    written = document({"kettle": KettleSettings})
    assert "## kettle" in written
    assert TABLE in written
    assert "ZZSECRET" not in written


def test_the_committed_page_is_up_to_date() -> None:
    committed = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert committed == page(), "run `make settings-docs` and commit the result"


def test_every_service_has_its_table_and_every_setting_its_meaning() -> None:
    lines = page().splitlines()
    assert [line for line in lines if line.startswith("## ")] == [
        "## dispatch-api",
        "## dispatch-worker",
        "## rl-inference",
        "## standalone",
    ]
    assert [line for line in lines if line.startswith("| `") and line.endswith("|  |")] == []


def test_the_command_writes_the_page(tmp_path: Path) -> None:
    target = tmp_path / "docs" / "settings.md"
    assert CliRunner().invoke(app, ["settings", "--out", str(target)]).exit_code == 0
    assert target.read_text(encoding="utf-8") == page()
    assert CliRunner().invoke(app, ["settings"]).stdout == page() + "\n"
