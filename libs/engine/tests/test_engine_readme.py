"""The README does what it says: its file, its commands and its code are run in order."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from atmr_engine import plot
from atmr_engine.command_line import app

README = Path(__file__).parents[1] / "README.md"
FILES = {"text": "tiny.txt", "json": "day.json"}
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


def run_code(text: str) -> None:
    exec(compile(text, "README.md", "exec"), {})  # noqa: S102 (our own README)


def test_the_readme_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    printed = []
    for language, text in BLOCKS:
        if language in FILES:
            Path(FILES[language]).write_text(text)
        elif language == "bash":
            program, *arguments = shlex.split(text)
            assert program == "atmr-engine"
            result = CliRunner().invoke(app, arguments)
            assert result.exit_code == 0, result.output
            printed.append(result.output)
        elif "atmr_engine.plot" in text and not plot.INSTALLED:
            with pytest.raises(ModuleNotFoundError, match=r"atmr-engine\[plot\]"):
                run_code(text)
        else:
            run_code(text)
    languages = [language for language, _ in BLOCKS]
    assert languages == ["text", "bash", *["python"] * 3, "bash", "json", "bash", "bash", "python"]
    assert "0 unserved" in printed[0]
    assert "valid" in printed[1]
    assert "cost 2340.00, 1 vehicles, 0 unserved" in printed[2]
    assert "valid" in printed[3]
    assert not plot.INSTALLED or "<svg" in Path("routes.svg").read_text()
    out = capsys.readouterr().out
    assert "distance 31.40, routes 1" in out
    assert "if the request might be served 7 min late (from 01:21, to be there by 01:35)" in out
    assert "{<Lever.LATER: 'later'>: 370}" in out


def test_the_code_of_the_projects_readme_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (README.parents[2] / "README.md").read_text(encoding="utf-8")
    [code] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    Path("a2-16.txt").write_text(dict(BLOCKS)["text"])
    names: dict[str, Any] = {}
    exec(compile(code, "README.md", "exec"), names)  # noqa: S102 (our own README)
    assert len(names["plan"].routes) == 1
