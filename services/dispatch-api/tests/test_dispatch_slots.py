"""A worker's slots: who holds one, who gave it on, and how many of them turn over."""

from __future__ import annotations

from uuid import uuid4

from dispatch_api.dispatch.slots import LONG_S, Slots


def test_as_many_runs_hold_a_slot_as_there_are() -> None:
    slots = Slots(2)
    slots.take(uuid4())
    assert slots.free
    slots.take(uuid4())
    assert not slots.free


def test_a_solved_run_gives_its_slot_on_before_it_leaves() -> None:
    slots, run = Slots(1), uuid4()
    slots.take(run)
    slots.solved(run)
    assert not slots.free, "as many as there are slots may be on their way into the database"
    slots.leave(run)
    assert slots.free


def test_two_on_their_way_leave_room_for_one_to_be_solved() -> None:
    slots, first, second = Slots(2), uuid4(), uuid4()
    slots.take(first)
    slots.take(second)
    slots.solved(first)
    assert slots.free
    slots.take(uuid4())
    assert not slots.free


def test_a_run_that_was_never_claimed_holds_nothing() -> None:
    slots = Slots(1)
    slots.solved(uuid4())
    slots.leave(uuid4())
    assert slots.free


def test_a_long_run_s_slot_is_not_counted_for_those_who_wait() -> None:
    now = [0.0]
    slots, long = Slots(3, lambda: now[0]), uuid4()
    slots.take(long)
    assert slots.in_turn == 3
    now[0] = LONG_S + 0.1
    slots.take(uuid4())
    assert slots.in_turn == 2
    slots.leave(long)
    assert slots.in_turn == 3


def test_one_slot_is_shared_even_if_all_are_held_for_long() -> None:
    now = [0.0]
    slots = Slots(1, lambda: now[0])
    slots.take(uuid4())
    now[0] = 10 * LONG_S
    assert slots.in_turn == 1
