"""Spellings and house numbers made comparable."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch_api.geocoding.house_number import parse, parse_list
from dispatch_api.geocoding.outline import centroid
from dispatch_api.geocoding.question import readings
from dispatch_api.geocoding.similarity import Asked
from dispatch_api.geocoding.spelling import canonical, grams


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("Av. du Gén. Guisan", "avenue du general guisan"),
        ("RTE DE MEYRIN", "route de meyrin"),
        ("ch. de l'Étang", "chemin de l etang"),
        ("Bd Carl-Vogt", "boulevard carl vogt"),
        ("pl. St-Gervais", "place saint gervais"),
        ("Bahnhofstr. / Bahnhofstr", "bahnhofstrasse bahnhofstrasse"),
        ("Weißensteinstraße", "weissensteinstrasse"),
        ("Annank.", "annankatu"),
        ("Mannerheimint.", "mannerheimintie"),
        ("Unionsg.", "unionsgatan"),
        ("Yrjönkatu", "yrjonkatu"),
    ],
)
def test_abbreviations_and_accents_become_one_form(short: str, full: str) -> None:
    assert canonical(short) == full


@given(st.text(max_size=80))
def test_a_canonical_form_stays_as_it_is_and_has_grams_when_it_has_words(text: str) -> None:
    once = canonical(text)
    assert canonical(once).split() == [canonical(word) for word in once.split()]
    assert bool(grams(once)) == bool(once)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("12", "12"),
        ("12A", "12a"),
        ("12 bis", "12bis"),
        ("12-16", "12-16"),
        ("12 \u2013 16", "12-16"),
        ("11 B 9", "11b"),
        ("12a-c", "12a"),
        ("16-12", "16"),
    ],
)
def test_house_numbers_have_one_spelling(text: str, folded: str) -> None:
    number = parse(text)
    assert number is not None
    assert number.folded == folded


@pytest.mark.parametrize("text", ["", "bis", "s/n", "123456", "A12"])
def test_what_is_no_house_number_is_none(text: str) -> None:
    assert parse(text) is None


def test_a_list_holds_each_of_its_houses() -> None:
    assert [written for written, _ in parse_list("12;14a, 16-18; x")] == ["12", "14a", "16-18"]


@given(low=st.integers(1, 500), span=st.integers(0, 40), asked=st.integers(1, 600))
def test_a_range_holds_its_own_side_of_the_street(low: int, span: int, asked: int) -> None:
    whole, one = parse(f"{low}-{low + span}"), parse(str(asked))
    assert whole is not None
    assert one is not None
    step = 2 if span % 2 == 0 and span else 1
    assert whole.holds(one) == (asked in range(low, low + span + 1, step))


def test_each_number_that_may_be_the_house_makes_a_reading() -> None:
    found = readings("Rue du 31-Décembre 8, CH-1207 Genève", lambda code: code == "1207")
    assert {one.postcode for one in found} == {"1207"}
    numbers = [(one.number.folded if one.number else "", one.words) for one in found]
    assert ("8", "rue du 31 decembre geneve") in numbers
    assert ("31", "rue du decembre 8 geneve") in numbers
    assert found[-1].numbered_name


def test_the_last_of_two_possible_postcodes_is_the_postcode() -> None:
    assert readings("Rue 1000 5, 1207 Genève", lambda _: True)[0].postcode == "1207"


def test_a_letter_after_the_number_is_its_suffix_unless_a_word_or_an_accent_follows() -> None:
    def first(text: str) -> str:
        number = readings(text, lambda _: False)[0].number
        return number.folded if number else ""

    assert first("12 b rue du Lac") == "12b"
    assert first("rue du Lac 12 à Genève") == "12"
    assert first("12 r. du Lac") == "12"
    assert first("12 r du Lac") == "12"
    assert first("rue du Lac 12 b, Genève") == "12b"


@given(st.text(max_size=30), st.text(max_size=30))
def test_likeness_is_between_none_and_full(one: str, other: str) -> None:
    asked, name = canonical(one), canonical(other)
    assert 0.0 <= Asked(asked).likeness(name, ["geneve"]) <= 1.0
    assert Asked(asked).likeness(asked, []) == 1.0


def test_the_name_wins_over_the_word_that_many_names_share() -> None:
    asked = Asked("rue de lausane geneve")
    assert asked.likeness("rue de lausanne", ["geneve"]) > asked.likeness("rue de geneve", [])


def test_the_middle_of_an_l_shaped_house_is_its_centroid() -> None:
    corners = [(0.0, 0.0), (0.0, 2.0), (1.0, 2.0), (1.0, 1.0), (2.0, 1.0), (2.0, 0.0), (0.0, 0.0)]
    assert centroid(corners) == pytest.approx((5 / 6, 5 / 6))


def test_the_middle_of_a_line_is_the_mean_of_its_points() -> None:
    assert centroid([(46.0, 6.0), (46.0, 6.2), (46.0, 6.0)]) == pytest.approx((46.0, 6.1))
