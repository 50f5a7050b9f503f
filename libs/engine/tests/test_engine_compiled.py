from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from atmr_engine import compiled, warmup
from atmr_engine.random_numbers import below, random_state, uniform

if TYPE_CHECKING:
    from pathlib import Path


def xorshift(state: int) -> tuple[int, float]:
    """Vigna's xorshift64* on Python's own integers."""
    state ^= state >> 12
    state ^= (state << 25) % 2**64
    state ^= state >> 27
    return state, ((state * 0x2545F4914F6CDD1D) % 2**64 >> 11) / 2**53


def test_random_numbers_are_the_same_everywhere() -> None:
    random = random_state(1)
    expected = int(random[0])
    for _ in range(50):
        expected, number = xorshift(expected)
        assert uniform(random) == number
    counts = [0] * 5
    for _ in range(5000):
        counts[below(random, 5)] += 1
    assert min(counts) > 900


def test_seeds_differ() -> None:
    assert len({float(uniform(random_state(seed))) for seed in range(100)}) == 100


def test_warmup_compiles_without_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    warmup()
    assert capsys.readouterr().out == ""


def test_where_no_folder_can_be_written_code_is_compiled_in_memory(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(function: object) -> None:
        raise RuntimeError(f"cannot cache {function}")

    monkeypatch.setattr(compiled, "PackageCache", refuse)
    compiled.warn_of_no_folder.cache_clear()

    def double(value: int) -> int:
        return 2 * value

    with caplog.at_level("WARNING"):
        for _ in range(2):
            assert compiled.compiled(double)(21) == 42
    [record] = caplog.records
    assert "NUMBA_CACHE_DIR" in record.message


def test_compiled_code_is_kept_where_the_environment_says(tmp_path: Path) -> None:
    program = "from atmr_engine.random_numbers import *; print(below(random_state(3), 10))"
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    for _ in range(2):
        run = subprocess.run(
            [sys.executable, "-c", program], env=environment, check=True, capture_output=True
        )
        assert run.stdout.strip().isdigit()
    assert list(tmp_path.rglob("random_numbers.below*.nbc"))


def test_what_only_compiled_code_calls_is_called_by_it_and_refused_to_python() -> None:
    @compiled.inner
    def doubled(value: int) -> int:
        return 2 * value

    @compiled.inner_allocating
    def counted(value: int) -> int:
        return len(np.zeros(value))

    @compiled.allocating
    def both(value: int) -> int:
        return counted(doubled(value))

    assert both(21) == 42
    with pytest.raises(TypeError, match="bad argument"):
        doubled(21)
