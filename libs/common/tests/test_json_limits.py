"""JSON is refused where it is too deep, or where two readers could disagree about it."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atmr_common.web.json_limits import DEEPEST, UnreadableJsonError, check_json

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(JSON, st.booleans())
def test_what_is_plain_json_passes(value: Any, ascii_only: bool) -> None:  # noqa: FBT001 (drawn)
    check_json(json.dumps(value, ensure_ascii=ascii_only).encode())


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": 1, "a": 1}',
        b'{"a": 1, "\\u0061": 2}',
        b'{"a": {"b": [{"c": 1, "c": 2}]}}',
        b'{"a": NaN}',
        b"[-Infinity]",
        b'"\\ud800"',
        b'{"\\udfff": 1}',
        b'["\\udc00\\ud800"]',
        b"[" * 33 + b"]" * 33,
        b'{"a":' * 10_000,
        b"[" * 10_000,
        b'{"a": [' * 17 + b"]}" * 17,
    ],
)
def test_what_is_ambiguous_or_deep_is_refused(body: bytes) -> None:
    with pytest.raises(UnreadableJsonError):
        check_json(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"a"',
        b"\xff\xfe\x00",
        b"9" * 5_000,
        b'{"a": 1e999}',
        b'"\\ud83d\\ude00"',
        b"[" * DEEPEST + b"]" * DEEPEST,
        json.dumps(["[{" * 100, '"[["', "\\" * 9 + "[" * 50]).encode(),
        b"[" + b"[]," * 5_000 + b"[]]",
    ],
)
def test_the_rest_is_left_to_the_framework(body: bytes) -> None:
    check_json(body)


@given(st.integers(1, 60))
def test_the_bound_is_exact(depth: int) -> None:
    body = b'[{"]}":' * (depth // 2) + b"[" * (depth % 2)
    body += b"1" + b"]" * (depth % 2) + b"}]" * (depth // 2)
    if depth <= DEEPEST:
        check_json(body)
        return
    with pytest.raises(UnreadableJsonError):
        check_json(body)


def test_a_hostile_body_costs_little() -> None:
    """Quotes that never end are where a careless pattern would search quadratically."""
    for body in (b'["' * 500_000, b'"\\' * 500_000 + b"[" * 40, b"[" + b'"a",' * 250_000):
        started = time.process_time()
        with suppress(UnreadableJsonError):
            check_json(body)
        assert time.process_time() - started < 2
