"""Prints figures beside their goals."""

from __future__ import annotations

import sys


def say(line: str = "") -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def at_most(words: str, found: float, goal: float) -> bool:
    """Whether the goal is met; says so."""
    return _told(words, found, "at most", goal, met=found <= goal)


def at_least(words: str, found: float, goal: float) -> bool:
    """Whether the goal is met; says so."""
    return _told(words, found, "at least", goal, met=found >= goal)


def _told(words: str, found: float, bound: str, goal: float, *, met: bool) -> bool:
    say(f"{'met   ' if met else 'MISSED'} {words}: {found:.3g} ({bound} {goal:g})")
    return met
