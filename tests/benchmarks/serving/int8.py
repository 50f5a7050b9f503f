"""The same network in 32 and in 8 bits: how much faster, and does it choose alike?"""

from __future__ import annotations

import argparse
import asyncio
import time
from pathlib import Path
from statistics import median

import numpy as np
from benchmarks.serving.goals import at_least, say
from benchmarks.serving.perceptron import INPUT, OUTPUT, WIDE, perceptron
from support.progress_bar import ProgressBar

from rl_inference.models.onnx_session import OnnxSession
from rl_inference.models.quantising import agreement_of, quantised
from rl_inference.models.recordings import read_recordings

ROWS = 16
CALLS = 2_000
STATES = 4_000


async def compare_int8(options: argparse.Namespace, folder: Path) -> bool:
    """Both in turn, on states drawn at random: half of them calibrate, half are compared."""
    return await asyncio.to_thread(_compared, options.rounds, folder)


def _compared(rounds: int, folder: Path) -> bool:
    whole = OnnxSession(content := perceptron(WIDE, seed=0))
    states = np.random.default_rng(7).standard_normal((STATES, WIDE[0]), dtype=np.float32)
    np.savez(folder / "states.npz", **{INPUT: states})
    recorded = read_recordings(folder / "states.npz", whole.inputs, grouped=False)
    eighth = OnnxSession(quantised(content, recorded.part(0, STATES // 2)))
    took: dict[OnnxSession, list[float]] = {whole: [], eighth: []}
    bar = ProgressBar(rounds, "rounds")
    for _ in range(rounds):
        for session, found in took.items():
            found.append(_call_us(session, states[:ROWS]))
        bar.advance()
    ratio = median(a / b for a, b in zip(took[whole], took[eighth], strict=True))
    agreement = agreement_of(whole, eighth, recorded.part(STATES // 2, STATES))
    say(f"{ROWS} rows: {median(took[whole]):.1f} us in FP32, {median(took[eighth]):.1f} in INT8")
    say(
        f"random weights: {agreement.share:.2%} of {agreement.states} random states choose the same"
        " of 201; a version is written and served from 99.5 % only"
    )
    return at_least("times faster in INT8", ratio, 1.6)


def _call_us(session: OnnxSession, rows: np.ndarray) -> float:
    inputs = {INPUT: rows}
    for _ in range(CALLS // 10):
        session.run(inputs, [OUTPUT])
    started = time.process_time()
    for _ in range(CALLS):
        session.run(inputs, [OUTPUT])
    return 1e6 * (time.process_time() - started) / CALLS
