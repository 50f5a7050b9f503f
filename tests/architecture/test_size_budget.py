"""The size budget, over every source file; a failure names the offender."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from statistics import quantiles

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    path
    for folder in ("libs", "services")
    for path in (ROOT / folder).glob("*/src/**/*.py")
    if "versions" not in path.parts  # Alembic's revisions are generated
    if path.read_text().strip()  # an empty package file is no file to read
)
FILE_P50, FILE_P90, FILE_MAX = 90, 300, 400
FUNCTION_P50, FUNCTION_P90, FUNCTION_MAX = 9, 30, 60
IGNORES_PER_1000_LINES = 1.0
MODULE_DOCSTRING_LINES = 5
SAYS_NOTHING = re.compile(r"^(utils?|helpers?|misc|base|managers?|handlers?|common|core)$")


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions() -> Iterator[tuple[int, str]]:
    """Length in lines (signature and docstring included) and place of every function."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                yield length, f"{name(path)}:{node.lineno} {node.name}"


def percentile(values: list[int], percent: int) -> float:
    return quantiles(values, n=100, method="inclusive")[percent - 1]


def test_there_are_sources_to_measure() -> None:
    assert len(SOURCES) > 50


def test_no_file_is_too_long() -> None:
    lengths = {name(path): len(path.read_text().splitlines()) for path in SOURCES}
    over = {path: lines for path, lines in lengths.items() if lines > FILE_MAX}
    assert not over, f"files over {FILE_MAX} lines: {over}"
    values = list(lengths.values())
    longest = sorted(lengths, key=lambda path: -lengths[path])[:5]
    assert percentile(values, 50) <= FILE_P50, f"half of all files are long, such as {longest}"
    assert percentile(values, 90) <= FILE_P90, f"a tenth of all files is long: {longest}"


def test_no_function_is_too_long() -> None:
    lengths = sorted(functions(), reverse=True)
    over = [place for length, place in lengths if length > FUNCTION_MAX]
    assert not over, f"functions over {FUNCTION_MAX} lines: {over}"
    values = [length for length, _ in lengths]
    longest = [place for _, place in lengths[:5]]
    assert percentile(values, 50) <= FUNCTION_P50, f"half of all functions are long: {longest}"
    assert percentile(values, 90) <= FUNCTION_P90, f"a tenth of all functions is long: {longest}"


def test_type_ignores_are_rare_and_carry_a_code() -> None:
    lines = [(path, line) for path in SOURCES for line in path.read_text().splitlines()]
    ignores = [(name(path), line) for path, line in lines if "type: ignore" in line]
    bare = [entry for entry in ignores if "type: ignore[" not in entry[1]]
    assert not bare, f"without a code: {bare}"
    allowed = IGNORES_PER_1000_LINES * len(lines) / 1000
    assert len(ignores) <= allowed, f"{len(ignores)} ignores in {len(lines)} lines: {ignores}"


def test_every_module_says_what_it_is_in_five_lines() -> None:
    silent, talkative = [], []
    for path in SOURCES:
        docstring = ast.get_docstring(ast.parse(path.read_text()))
        if docstring is None:
            silent.append(name(path))
        elif len(docstring.splitlines()) > MODULE_DOCSTRING_LINES and "├──" not in docstring:
            talkative.append(name(path))
    assert not silent, f"modules without a docstring: {silent}"
    assert not talkative, f"module docstrings over {MODULE_DOCSTRING_LINES} lines: {talkative}"


def test_names_say_something() -> None:
    nameless = [
        name(path)
        for path in SOURCES
        if any(
            SAYS_NOTHING.match(part) for part in (*path.relative_to(ROOT).parts[4:-1], path.stem)
        )
    ]
    assert not nameless, f"names that say nothing: {nameless}"
