"""`atmr openapi`: the document on stdout or in a folder, and a sentence where it cannot go."""

from __future__ import annotations

import json
import re
from pathlib import Path

from typer.testing import CliRunner

from atmr_common.runtime.command_line import app


def test_it_prints_what_it_writes(tmp_path: Path) -> None:
    printed = CliRunner().invoke(app, ["openapi"])
    written = CliRunner().invoke(app, ["openapi", "--out", str(tmp_path / "new")])
    assert (printed.exit_code, written.exit_code) == (0, 0)
    document = json.loads(printed.stdout)
    assert json.loads((tmp_path / "new" / "dispatch-api.json").read_text("utf-8")) == document


def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    result = CliRunner().invoke(app, ["openapi", "--out", str(tmp_path / "taken")])
    assert result.exit_code == 2
    said = re.sub(r"[^a-z]", "", result.stderr)  # the frame breaks lines anywhere
    assert "taken" in said
    assert "chooseanotherfolder" in said
