"""Cursors: opaque, faithful, and never a reason for an error 500."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atmr_common.web.pagination import (
    decode_cursor,
    decode_id_cursor,
    encode_cursor,
    page_by_id,
)
from atmr_common.web.problems import InvalidError


@given(st.lists(st.text(max_size=50), min_size=1, max_size=4))
def test_a_cursor_holds_what_was_put_in(keys: list[str]) -> None:
    assert decode_cursor(encode_cursor(*keys), len(keys)) == tuple(keys)


@given(st.text(max_size=80))
def test_any_other_text_is_a_problem_and_nothing_worse(text: str) -> None:
    keys = None
    with suppress(InvalidError):
        keys = decode_cursor(text, 1)
    assert keys is None or decode_cursor(encode_cursor(*keys), 1) == keys


@pytest.mark.parametrize("text", ["", "é", "WzFd", "e30", "W10", "!!!!", "null"])
def test_a_forged_cursor_is_a_problem_with_a_pointer(text: str) -> None:
    with pytest.raises(InvalidError) as refused:
        decode_cursor(text, 1)
    assert refused.value.errors[0].pointer == "#/query/cursor"


@pytest.mark.parametrize("keys", [("not an id",), ("1", "2")])
def test_a_cursor_of_another_list_is_refused(keys: tuple[str, ...]) -> None:
    with pytest.raises(InvalidError):
        decode_id_cursor(encode_cursor(*keys))


def test_pages_follow_each_other() -> None:
    @dataclass(frozen=True)
    class Item:
        id: UUID

    items = [Item(UUID(int=number)) for number in range(5)]
    page = page_by_id(items[:3], 2)
    assert page.items == items[:2]
    assert decode_id_cursor(page.next_cursor) == items[1].id
    assert page_by_id(items[3:], 2).next_cursor is None
    assert decode_id_cursor(None) is None
