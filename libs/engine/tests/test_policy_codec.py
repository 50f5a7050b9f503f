from __future__ import annotations

import ast
import hashlib
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atmr_engine.policy import (
    CANDIDATE_FEATURES,
    CONTEXT_FEATURES,
    VERSION,
    Candidate,
    Context,
    decode,
    encode,
)
from atmr_engine.policy.features import LIMIT, features_of

POLICY = Path(__file__).parents[1] / "src/atmr_engine/policy"
COLUMNS_V1 = "9351"
"""The beginning of the digest of the columns below: who changes them makes a new version."""


def rows(row: type, limit: float = LIMIT) -> st.SearchStrategy[object]:
    within = {
        column.name: st.floats(-limit * column.scale, limit * column.scale)
        for column in features_of(row)
    }
    return st.builds(row, **within)


CANDIDATES = st.lists(rows(Candidate), min_size=1, max_size=20)


def test_the_columns_are_those_of_version_1() -> None:
    columns = [(c.name, c.scale) for row in (Candidate, Context) for c in features_of(row)]
    digest = hashlib.sha256(repr((VERSION, columns)).encode()).hexdigest()
    assert (len(CANDIDATE_FEATURES), len(CONTEXT_FEATURES), VERSION) == (40, 24, 1)
    assert digest.startswith(COLUMNS_V1), f"a column changed: a new VERSION ({digest[:4]})"


@given(CANDIDATES, rows(Context))
def test_what_is_encoded_is_decoded(candidates: list[Candidate], context: Context) -> None:
    encoded = encode(candidates, context)
    again = decode(encoded)
    for before, after in zip([*candidates, context], [*again[0], again[1]], strict=True):
        for column in features_of(type(before)):
            given_value, found = getattr(before, column.name), getattr(after, column.name)
            assert found == pytest.approx(given_value, rel=1e-6, abs=1e-6 * column.scale)
    assert encode(again[0], again[1]).state_hash == encoded.state_hash


@given(CANDIDATES, rows(Context), st.randoms())
def test_candidates_keep_their_rows_in_any_order(
    candidates: list[Candidate], context: Context, random: object
) -> None:
    order = list(range(len(candidates)))
    random.shuffle(order)  # type: ignore[attr-defined]
    plain = encode(candidates, context)
    mixed = encode([candidates[k] for k in order], context)
    assert np.array_equal(mixed.candidates, plain.candidates[order])
    assert np.array_equal(mixed.context, plain.context)


def test_numbers_beyond_the_bounds_are_cut_off() -> None:
    encoded = encode([Candidate(added_driving_min=1e9, slack_left_min=-1e9)], Context())
    row = dict(zip(CANDIDATE_FEATURES, encoded.candidates[0], strict=True))
    assert (row["added_driving_min"], row["slack_left_min"]) == (LIMIT, -LIMIT)
    assert encoded.candidates.dtype == encoded.context.dtype == np.float32


def test_the_mask_is_no_column_and_is_part_of_the_state() -> None:
    both = [Candidate(is_wait=1.0), Candidate(is_insertion=1.0)]
    one = [both[0], replace(both[1], allowed=False)]
    assert encode(one, Context()).mask.tolist() == [True, False]
    assert np.array_equal(encode(one, Context()).candidates, encode(both, Context()).candidates)
    assert encode(one, Context()).state_hash != encode(both, Context()).state_hash


@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
def test_what_is_no_number_is_refused_by_name(wrong: float) -> None:
    with pytest.raises(ValueError, match=r"empty_after_km of row 1"):
        encode([Candidate(), Candidate(empty_after_km=wrong)], Context())
    with pytest.raises(ValueError, match="late_share"):
        encode([Candidate()], Context(late_share=wrong))


@pytest.mark.parametrize("candidates", [[], [Candidate(allowed=False)]])
def test_where_nothing_is_allowed_there_is_nothing_to_decide(candidates: list[Candidate]) -> None:
    with pytest.raises(ValueError, match="nothing to decide"):
        encode(candidates, Context())


def test_arrays_of_another_version_are_refused() -> None:
    encoded = encode([Candidate()], Context())
    with pytest.raises(ValueError, match="codec version 1"):
        decode(replace(encoded, context=encoded.context[:-1]))


def test_the_hash_is_the_same_on_every_machine() -> None:
    encoded = encode([Candidate(is_wait=1.0, added_cost=12.5)], Context(day_sine=0.5))
    assert encoded.state_hash.startswith("cf1af708")


def test_the_codec_imports_numpy_alone() -> None:
    known = {"numpy", "atmr_engine", *sys.stdlib_module_names}
    for path in POLICY.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                module = node.module or ""
                assert module.split(".")[0] in known, f"{path.name}: {module}"
                assert not module.startswith("atmr_engine") or "policy" in module, path.name
            elif isinstance(node, ast.Import):
                assert {name.name.split(".")[0] for name in node.names} <= known, path.name
