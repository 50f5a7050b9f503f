"""Twice as much as the server can do: what is answered, and how soon the rest is refused."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.serving.goals import at_least, at_most, say
from benchmarks.serving.load import put_load
from benchmarks.serving.messages import binary_request, state
from benchmarks.serving.paced import put_paced_load
from benchmarks.serving.perceptron import HEAVY, perceptron, publish_perceptron
from benchmarks.serving.servers import ours

ROWS = 16
CONNECTIONS = 512
SECONDS = 10.0
DEADLINE_MS = 200
ON_THE_WAY_MS = 10
"""From the server's deadline to what the load's loop sees: the last batch, the wire, its turn."""
REFUSED = (429, 503)
EXPIRED = 504


async def overload(_: argparse.Namespace, folder: Path) -> bool:
    """The peak with all connections busy, then twice of it at its own pace."""
    publish_perceptron(folder / "models", 1, perceptron(HEAVY, seed=0), HEAVY)
    with ours(folder / "models", folder, ATMR_DEADLINE_MS=str(DEADLINE_MS)) as server:
        request = binary_request(state(HEAVY[0], ROWS), server.token)
        peak = await put_load(server.port, request, connections=32, seconds=SECONDS / 2)
        per_second = peak.done / peak.seconds
        found = await put_paced_load(
            server.port,
            request,
            per_second=2 * per_second,
            connections=CONNECTIONS,
            seconds=SECONDS,
        )
    goodput = found.count(200) / found.seconds
    statuses = {status: len(each) for status, each in sorted(found.latencies_s.items())}
    say(f"peak {per_second:.0f}/s; then {2 * per_second:.0f}/s were due: {statuses}")
    p50, p99 = (found.percentile_ms(share, 200) for share in (0.5, 0.99))
    say(f"answered: p50 {p50:.1f} ms, p99 {p99:.1f} ms")
    oldest_ms = found.percentile_ms(1.0, 200)
    return all(
        (
            at_least("goodput over the peak", goodput / per_second, 0.9),
            at_most("refusals, p99 in ms", found.percentile_ms(0.99, *REFUSED), 5.0),
            at_most("refusals without Retry-After", found.without_retry_after, 0),
            at_most("oldest answer in ms", oldest_ms, DEADLINE_MS + ON_THE_WAY_MS),
            at_most("broken connections and requests not sent", found.broken + found.unsent, 0),
            at_most("other answers", found.failed - found.count(*REFUSED, EXPIRED), 0),
        )
    )
