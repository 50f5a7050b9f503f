from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chaos.check import figures, findings
from chaos.children import TESTS

Row = dict[str, Any]
Change = Callable[[list[Row], Row], object]


def line(told: str, kind: str, mark: str, at: float, **more: Any) -> Row:
    operation = f"{mark} {kind}"
    return {"told": told, "kind": kind, "mark": mark, "at": at, "operation": operation, **more}


def a_kept_promise() -> tuple[list[Row], Row]:
    """Two bookings: `one` is held and cancelled, `two` was never answered, and one came again."""
    history = [
        line("invoked", "book", "one", 1.0),
        line("invoked", "book", "two", 1.1),
        line("acknowledged", "book", "one", 1.2, booking_id="b1", version=1, statuses=[0, 201]),
        line("invoked", "hold", "one", 1.3),
        line("acknowledged", "hold", "one", 1.4, booking_id="b1", version=2, statuses=[200]),
        line("invoked", "cancel", "one", 1.5),
        line("acknowledged", "cancel", "one", 1.6, booking_id="b1", version=3, statuses=[200]),
        line("unknown", "book", "two", 1.7, statuses=[0, 503]),
    ]
    told = [("b1", 1), ("b1", 2), ("b2", 1), ("b1", 1), ("b1", 2), ("b1", 3)]
    topic = [
        {
            "partition": 0,
            "offset": at,
            "key": key,
            "version": version,
            "event_id": f"{key}-{version}",
        }
        for at, (key, version) in enumerate(told)
    ]
    applied = [
        {"place": at, "booking_id": key, "version": version, "event_id": f"{key}-{version}"}
        for at, (key, version) in enumerate([("b1", 1), ("b1", 2), ("b2", 1), ("b1", 3)])
    ]
    one = {"id": "b1", "mark": "one", "version": 3, "state": "cancelled", "on_hold": False}
    two = {"id": "b2", "mark": "two", "version": 1, "state": "confirmed", "on_hold": False}
    state = {"bookings": [one, two], "outbox": [], "applied": applied, "topic": topic}
    return history, state | {"dead_letters": [], "deliveries": 7}


def test_nothing_is_found_where_every_promise_was_kept() -> None:
    history, state = a_kept_promise()
    assert findings(history, state) == []
    counted = figures(history, state)
    assert (counted["events"], counted["published_again"], counted["delivered_again"]) == (4, 2, 3)
    assert (counted["unknown"], counted["asked_again"]) == (1, 2)


def test_what_was_never_answered_may_be_missing() -> None:
    history, state = a_kept_promise()
    state["bookings"].pop()
    for name, key in (("topic", "key"), ("applied", "booking_id")):
        state[name] = [row for row in state[name] if row[key] != "b2"]
    assert findings(history, state) == []


def refused(history: list[Row], _: Row) -> None:
    history[-1] |= {"told": "failed", "statuses": [422], "problem": "no"}


BROKEN: dict[str, tuple[Change, str]] = {
    "lost": (lambda _, s: s["bookings"].pop(0), "acknowledged bookings are lost"),
    "another's": (lambda _, s: s["bookings"][0].update(mark="two"), "are lost"),
    "doubled": (
        lambda _, s: s["bookings"].append(s["bookings"][1] | {"id": "b3"}),
        "exists more than once",
    ),
    "invented": (lambda _, s: s["bookings"][1].update(mark="three"), "nobody asked for"),
    "change lost": (lambda _, s: s["bookings"][0].update(version=2), "changes are lost"),
    "not cancelled": (lambda _, s: s["bookings"][0].update(state="confirmed"), "changes are lost"),
    "one version twice": (lambda h, _: h[4].update(version=1), "given twice"),
    "refused": (refused, "should not be"),
    "never told": (lambda _, s: s["topic"].pop(), "never arrived"),
    "told out of order": (lambda _, s: s["topic"].insert(0, s["topic"].pop()), "out of order"),
    "told with a gap": (
        lambda _, s: s.update(topic=[each for each in s["topic"] if each["version"] != 2]),
        "have a gap",
    ),
    "no effect": (lambda _, s: s["applied"].pop(2), "never took effect"),
    "two effects": (
        lambda _, s: s["applied"].append(dict(s["applied"][2])),
        "took effect more than once",
    ),
    "effects out of order": (lambda _, s: s["applied"].reverse(), "effects are out of order"),
    "waiting": (lambda _, s: s["outbox"].append({"position": 9}), "rows stay in the outbox"),
    "dead letter": (lambda _, s: s["dead_letters"].append({"event_id": "b1-1"}), "dead letters"),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_every_broken_promise_is_found(broken: str) -> None:
    change, sentence = BROKEN[broken]
    history, state = copy.deepcopy(a_kept_promise())
    change(history, state)
    assert any(sentence in each for each in findings(history, state))


@pytest.mark.parametrize(("rows", "code"), [(0, 0), (1, 1)])
def test_it_is_a_command_of_its_own(tmp_path: Path, rows: int, code: int) -> None:
    history, state = a_kept_promise()
    state["outbox"] = [{"position": 1}] * rows
    lines = "".join(json.dumps(each) + "\n" for each in history)
    (tmp_path / "history.jsonl").write_text(lines + '{"told": "ackno')  # cut off by a kill
    (tmp_path / "state.json").write_text(json.dumps(state))
    done = subprocess.run(
        [sys.executable, "-m", "chaos.check", str(tmp_path)],
        env=os.environ | {"PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == code, done.stderr
    assert len(json.loads(done.stdout)["broken"]) == rows
