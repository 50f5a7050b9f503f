"""The vault: versions of the master key, sealing, the blind index, and the file of keys."""

from __future__ import annotations

import base64
import secrets
import stat
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch_api.patients.master_key import PatientKeyError, add_key, parsed_keys
from dispatch_api.patients.vault import (
    MasterKeys,
    PatientVault,
    SealError,
    UnknownKeyVersionError,
    version_of,
)

OLD, NEW = bytes(range(32)), bytes(range(32, 64))
BOTH = MasterKeys({1: OLD, 2: NEW}, 2)
FIRST = PatientVault(MasterKeys({1: OLD}, 1))
SECOND = PatientVault(MasterKeys({2: NEW}, 2))
EITHER = PatientVault(BOTH)
OWNER = UUID(int=7)
COMPANY = UUID(int=9)
DATA_KEY_0_1_0 = (
    "0162afc49faa769d8e6e7e644b77de49827de31fc353fb720384bae597694895dcfb4a34a280f21ef0db"
    "5988ca02274dd9b90c623fab735158e112f3e8"
)
SEALED_0_1_0 = (
    "a53727cff67056bb865bda6b517f6f42c8a68183cbe427410cb87a1758b0324d6422f310af9b326e36aa"
    "763533b637a949569b348fffaaa8eb35"
)
INDEXED_0_1_0 = "6b35cc0b84d9405966d7b244f1a66bdf"


def text(key: bytes) -> str:
    return base64.b64encode(key).decode()


@given(st.dictionaries(st.text(), st.none() | st.integers() | st.text()))
def test_what_is_sealed_is_opened_again_by_every_vault_with_its_version(
    value: dict[str, object],
) -> None:
    data_key = FIRST.new_data_key(OWNER)
    sealed = FIRST.seal(data_key, OWNER, value)
    assert EITHER.open(data_key, OWNER, sealed) == value
    rewrapped = EITHER.rewrapped(data_key, OWNER)
    assert SECOND.open(rewrapped, OWNER, sealed) == value


def test_new_keys_are_wrapped_by_the_current_version() -> None:
    assert version_of(EITHER.new_data_key(OWNER)) == 2
    waiting = PatientVault(MasterKeys({1: OLD, 2: NEW}, 1))
    assert version_of(waiting.new_data_key(OWNER)) == 1


def test_a_process_that_waits_does_not_turn_a_newer_version_back() -> None:
    waiting = PatientVault(MasterKeys({1: OLD, 2: NEW}, 1))
    data_key = SECOND.new_data_key(OWNER)
    assert waiting.rewrapped(data_key, OWNER) == data_key


def test_a_version_that_is_not_there_is_named() -> None:
    data_key = FIRST.new_data_key(OWNER)
    sealed = FIRST.seal(data_key, OWNER, {})
    with pytest.raises(UnknownKeyVersionError, match="Version 1 of the patient key"):
        SECOND.open(data_key, OWNER, sealed)
    with pytest.raises(UnknownKeyVersionError, match="Version 1"):
        SECOND.token(COMPANY, "name mercier", 1)


def test_a_value_moved_to_another_row_or_key_is_not_opened() -> None:
    data_key = FIRST.new_data_key(OWNER)
    sealed = FIRST.seal(data_key, OWNER, {"name": "Élise"})
    with pytest.raises(SealError):
        FIRST.open(data_key, uuid4(), sealed)
    with pytest.raises(SealError):
        FIRST.open(FIRST.new_data_key(OWNER), OWNER, sealed)
    with pytest.raises(SealError):
        FIRST.open(data_key, OWNER, sealed[:-1] + bytes([sealed[-1] ^ 1]))


def test_a_word_has_one_token_per_version_and_company() -> None:
    old, new = EITHER.tokens(COMPANY, "name mercier")
    assert old == FIRST.token(COMPANY, "name mercier", 1)
    assert new == SECOND.token(COMPANY, "name mercier", 2)
    assert len({old, new, EITHER.token(OWNER, "name mercier", 1)}) == 3


def test_what_release_0_1_0_wrapped_and_indexed_is_understood() -> None:
    """Made by that release's vault with the key 00 01 .. 1f for the owner 7, company 9."""
    data_key = bytes.fromhex(DATA_KEY_0_1_0)
    assert FIRST.open(data_key, OWNER, bytes.fromhex(SEALED_0_1_0)) == {"name": "Élise Mercier"}
    assert FIRST.token(COMPANY, "name mercier", 1).hex() == INDEXED_0_1_0


def test_one_key_alone_is_version_one() -> None:
    assert parsed_keys(text(OLD) + "\n") == MasterKeys({1: OLD}, 1)


def test_the_highest_version_that_does_not_wait_is_current() -> None:
    lines = f"# keys\n1 {text(OLD)}\n\n2 {text(NEW)}"
    assert parsed_keys(lines) == BOTH
    assert parsed_keys(lines + " waiting").current == 1


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("", "no key"),
        (f"1 {text(OLD)} waiting", "no key that may be used"),
        (f"1 {text(OLD)}\n1 {text(NEW)}", "Version 1 stands twice"),
        (f"{text(OLD)}\n{text(NEW)}", "Version 1 stands twice"),
        (f"0 {text(OLD)}", "Line 1 .* VERSION from 1 to 255"),
        (f"256 {text(OLD)}", "VERSION from 1 to 255"),
        (f"one {text(OLD)}", "Line 1"),
        ("1 a b c", "Line 1"),
        ("waiting", "Line 1"),
        ("not base64!", "Line 1"),
        (f"1 {text(OLD)}\n2 {text(b'short')}", "Line 2 .* 32 bytes"),
        ("secret-that-is-no-base64", "not base64"),
    ],
)
def test_a_wrong_file_is_told_by_its_line_and_shows_no_key(lines: str, said: str) -> None:
    with pytest.raises(PatientKeyError, match=said) as told:
        parsed_keys(lines)
    assert "secret-that" not in str(told.value)
    assert text(OLD) not in str(told.value)


def test_keys_are_not_shown_by_repr() -> None:
    assert repr(BOTH) == "MasterKeys(versions=[1, 2], current=2)"


def test_a_key_is_appended_with_the_next_version(tmp_path: Path) -> None:
    file = tmp_path / "patient.key"
    file.write_text(text(OLD))  # as standalone makes it: without a newline
    assert add_key(file, waiting=True) == 2
    first = parsed_keys(file.read_text())
    assert (first.current, first.by_version[1], len(first.by_version)) == (1, OLD, 2)
    assert add_key(file, waiting=False) == 3
    second = parsed_keys(file.read_text())
    assert second.current == 3
    assert second.by_version[2] == first.by_version[2]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_there_is_a_last_version(tmp_path: Path) -> None:
    file = tmp_path / "patient.key"
    file.write_text(f"255 {text(secrets.token_bytes(32))}")
    with pytest.raises(PatientKeyError, match="255"):
        add_key(file, waiting=False)
