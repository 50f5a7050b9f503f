"""The checker: was every promise kept? It runs after a run, on what was written down, and alone.

`python -m chaos.check FOLDER` reads FOLDER/history.jsonl and FOLDER/state.json, prints one line per
kind of broken promise, and exits with 1 if there is any.
"""

from __future__ import annotations

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from chaos.history import ACKNOWLEDGED, FAILED, INVOKED, UNKNOWN, read

Row = dict[str, Any]
SHOWN = 3
SERVER_ERROR = 500


def findings(history: list[Row], state: Row) -> list[str]:
    """One sentence per kind of broken promise, with examples; none when all were kept."""
    checks = {
        "acknowledged bookings are lost": _lost(history, state),
        "a booking exists more than once": _doubled(state),
        "bookings that nobody asked for": _invented(history, state),
        "acknowledged changes are lost": _lost_changes(history, state),
        "versions were given twice": _versions_told_twice(history),
        "requests were refused that should not be": _refused(history),
        "events never arrived in Kafka": _untold(state),
        "events in Kafka are out of order, or have a gap": _disordered_topic(state),
        "events never took effect": _without_effect(state),
        "events took effect more than once": _more_than_once(state),
        "effects are out of order, or have a gap": _disordered_effects(state),
        "rows stay in the outbox": [str(row["position"]) for row in state["outbox"]],
        "dead letters": [row["event_id"] for row in state["dead_letters"]],
    }
    return [
        _sentence(what, sorted(which)) for what, each in checks.items() if (which := list(each))
    ]


def figures(history: list[Row], state: Row) -> dict[str, int]:
    """What was done, and how often something came again."""
    told = Counter((line["kind"], line["told"]) for line in history)
    statuses = [line.get("statuses", []) for line in history if line["told"] != INVOKED]
    events = {row["event_id"] for row in state["topic"]}
    return {
        "bookings_acknowledged": told["book", ACKNOWLEDGED],
        "changes_acknowledged": sum(
            count for (kind, what), count in told.items() if kind != "book" and what == ACKNOWLEDGED
        ),
        "unknown": sum(count for (_, what), count in told.items() if what == UNKNOWN),
        "asked_again": sum(len(each) - 1 for each in statuses if each),
        "server_errors": sum(status == SERVER_ERROR for each in statuses for status in each),
        "events": len(events),
        "published_again": len(state["topic"]) - len(events),
        "delivered_again": state["deliveries"] - len(events),
    }


def _acknowledged(history: list[Row]) -> list[Row]:
    return [line for line in history if line["told"] == ACKNOWLEDGED]


def _lost(history: list[Row], state: Row) -> Iterator[str]:
    marks = {row["id"]: row["mark"] for row in state["bookings"]}
    for line in _acknowledged(history):
        if line["kind"] == "book" and marks.get(line["booking_id"]) != line["mark"]:
            yield line["mark"]


def _doubled(state: Row) -> Iterator[str]:
    counts = Counter(row["mark"] for row in state["bookings"])
    return (mark for mark, count in counts.items() if count > 1)


def _invented(history: list[Row], state: Row) -> Iterator[str]:
    asked = {line["mark"] for line in history if line["told"] == INVOKED}
    return (row["mark"] for row in state["bookings"] if row["mark"] not in asked)


def _lost_changes(history: list[Row], state: Row) -> Iterator[str]:
    """The version that was acknowledged is there, and the last word of a client's own booking."""
    rows = {row["id"]: row for row in state["bookings"]}
    last: dict[str, Row] = {}
    uncertain = {line["mark"] for line in history if line["told"] == UNKNOWN}
    for line in _acknowledged(history):
        row = rows.get(line["booking_id"])
        if row is not None and row["version"] < line["version"]:
            yield line["mark"]
        last[line["booking_id"]] = line
    for booking_id, line in last.items():
        row = rows.get(booking_id)
        if row is None or line["mark"] in uncertain:
            continue
        if row["version"] != line["version"] or not _as_told(row, line["kind"]):
            yield line["mark"]


def _as_told(row: Row, kind: str) -> bool:
    expected: dict[str, bool] = {
        "book": row["state"] == "confirmed" and not row["on_hold"],
        "hold": row["on_hold"],
        "resume": not row["on_hold"],
        "cancel": row["state"] == "cancelled",
    }
    return expected[kind]


def _versions_told_twice(history: list[Row]) -> Iterator[str]:
    """Two changes of one booking never have one version."""
    counts = Counter((line["booking_id"], line["version"]) for line in _acknowledged(history))
    return (
        f"{booking_id} {version}" for (booking_id, version), count in counts.items() if count > 1
    )


def _refused(history: list[Row]) -> Iterator[str]:
    return (
        f"{line['kind']} {line['mark']}: {line['statuses']} {line['problem'][:120]}"
        for line in history
        if line["told"] == FAILED
    )


def _untold(state: Row) -> Iterator[str]:
    """Every version of every booking that exists is told."""
    told = {(row["key"], row["version"]) for row in state["topic"]}
    for row in state["bookings"]:
        for version in range(1, row["version"] + 1):
            if (row["id"], version) not in told:
                yield f"{row['id']} {version}"


def _disordered_topic(state: Row) -> set[str]:
    """What comes again may; what comes for the first time comes in order."""
    seen: set[str] = set()
    first = []
    for row in state["topic"]:
        if row["event_id"] not in seen:
            seen.add(row["event_id"])
            first.append((row["key"], row["version"]))
    return _disordered(first)


def _disordered_effects(state: Row) -> set[str]:
    return _disordered((row["booking_id"], row["version"]) for row in state["applied"])


def _disordered(told: Iterable[tuple[str, int]]) -> set[str]:
    """Keys whose versions are not 1, 2, 3 ..."""
    versions: dict[str, list[int]] = defaultdict(list)
    for key, version in told:
        versions[key].append(version)
    return {key for key, each in versions.items() if each != list(range(1, len(each) + 1))}


def _without_effect(state: Row) -> set[str]:
    applied = {row["event_id"] for row in state["applied"]}
    return {row["event_id"] for row in state["topic"]} - applied


def _more_than_once(state: Row) -> Iterator[str]:
    counts = Counter(row["event_id"] for row in state["applied"])
    return (event for event, count in counts.items() if count > 1)


def _sentence(what: str, which: list[str]) -> str:
    more = ", ..." if len(which) > SHOWN else ""
    return f"{len(which)}: {what} ({', '.join(which[:SHOWN])}{more})"


def main() -> None:
    if len(sys.argv) != 2 or sys.argv[1] in {"-h", "--help"}:
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    history = read(folder / "history.jsonl")
    state = json.loads((folder / "state.json").read_text())
    broken = findings(history, state)
    sys.stdout.write(json.dumps({"figures": figures(history, state), "broken": broken}) + "\n")
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
