"""Names and phone numbers as words of the blind index."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch_api.patients.search_words import index_words, name_words, wanted_words


def is_found(text: str, name: str | None = None, phone: str | None = None) -> bool:
    indexed = index_words(name, phone)
    wanted = wanted_words(text)
    return bool(wanted) and all(words & indexed for words in wanted)


@pytest.mark.parametrize(
    "text",
    ["elise", "ÉLISE", "mer", "mercier éli", "d'Angelo", "Angelo Mercier-D", "soren", "Weiss"],
)
def test_a_name_is_found_without_case_and_accents(text: str) -> None:
    assert is_found(text, "Élise Søren Mercier-D'Angelo Weiß")


@pytest.mark.parametrize("text", ["me", "rcier", "elise dupont", "79 555"])
def test_what_a_name_does_not_have_is_not_found(text: str) -> None:
    assert not is_found(text, "Élise Mercier", "+41 79 555 12 34")


STORED = ["+41 79 555 12 34", "0041795551234", "+41 (0)79 555 12 34", "(+41) 79 555 12 34"]
ASKED = [*STORED, "079 555 12 34", "079/555.12.34", "079-555-12-34", "41795551234"]


@pytest.mark.parametrize("phone", STORED)
@pytest.mark.parametrize("text", ASKED)
def test_a_phone_number_is_found_however_it_is_dialled(phone: str, text: str) -> None:
    assert is_found(text, "Anyone", phone)


@pytest.mark.parametrize("text", ["+41 79 555 12 34", "079 555 12 34", "0795551234"])
def test_a_number_stored_as_dialled_at_home_is_found(text: str) -> None:
    assert is_found(text, None, "079 555 12 34")


def test_name_and_number_together_must_both_match() -> None:
    assert is_found("mercier 079 555 12 34", "Élise Mercier", "+41795551234")
    assert not is_found("dupont 079 555 12 34", "Élise Mercier", "+41795551234")


@pytest.mark.parametrize("text", ["", "  ", "'-/", "+"])
def test_a_text_without_words_asks_for_nothing(text: str) -> None:
    assert wanted_words(text) == []


words = st.text(st.characters(categories=["Ll", "Lu"]), min_size=1, max_size=12)


@given(st.lists(words, min_size=1, max_size=3), st.data())
def test_every_beginning_of_three_letters_or_more_finds_its_name(
    name: list[str], data: st.DataObject
) -> None:
    word = data.draw(st.sampled_from(sorted(name_words(" ".join(name))) or ["x"]))
    size = data.draw(st.integers(3, max(3, len(word))))
    if name_words(" ".join(name)):
        assert is_found(word[:size] if len(word) >= 3 else word, " ".join(name))


@given(st.text(max_size=60))
def test_any_text_is_read_and_composition_of_letters_makes_no_difference(text: str) -> None:
    composed = unicodedata.normalize("NFC", text)
    apart = unicodedata.normalize("NFD", text)
    assert name_words(composed) == name_words(apart)
    wanted_words(text)


@given(st.integers(10**8, 10**9 - 1))
def test_a_swiss_number_abroad_and_at_home_is_the_same(number: int) -> None:
    assert is_found(f"0{number}", None, f"+41{number}")
    assert is_found(f"+41 {number}", None, f"0{number}")
