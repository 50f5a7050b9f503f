"""Searching the offline index of an invented village."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch_api.geocoding import Geocoder, Precision, dispatchable
from dispatch_api.geocoding.index_building import build_index
from dispatch_api.geocoding.offline_index import OfflineGeocoder

VILLAGE = Path(__file__).parent / "geocoding_village.osm"


@pytest.fixture(scope="module")
def geocoder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OfflineGeocoder]:
    index = tmp_path_factory.mktemp("village") / "places.sqlite"
    build_index(VILLAGE, index, built_at=datetime(2026, 1, 1, tzinfo=UTC))
    opened = OfflineGeocoder(index)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    "text",
    [
        "Rue de la Fontaine 12, 1299 Valbourg",
        "12 rue de la fontaine valbourg",
        "r. de la Fontaine 12 Valbourg",
        "RUE DE LA FONTIANE 12, VALBOURG",
        "rue fontaine 12 1299",
        "Brunnengasse 12, CH-1299 Valbourg",
        "ruede la Fontaine 12, Valbourg, Suisse",
        "Valbourg, rue de la Fontaine12",
    ],
)
def test_one_address_in_many_spellings_is_the_first_hit(
    geocoder: OfflineGeocoder, text: str
) -> None:
    first = geocoder.search(text)[0]
    assert first.label == "Rue de la Fontaine 12, 1299 Valbourg"
    assert (first.lat, first.lon) == (46.2001, 6.1002)
    assert first.precision is Precision.ENTRANCE


def test_the_same_address_of_another_municipality_comes_second(geocoder: OfflineGeocoder) -> None:
    here, there = geocoder.search("Rue de la Fontaine 12, Montclair", limit=2)
    assert (here.city, there.city) == ("Montclair", "Valbourg")
    assert here.score == 1.0 > there.score


@pytest.mark.parametrize(("near", "city"), [((46.2, 6.1), "Valbourg"), ((46.4, 6.4), "Montclair")])
def test_equal_hits_are_ordered_by_distance_where_it_is_known(
    geocoder: OfflineGeocoder, near: tuple[float, float], city: str
) -> None:
    assert geocoder.search("Rue de la Fontaine 12", near=near)[0].city == city


@pytest.mark.parametrize(
    ("asked", "written", "score"),
    [("14", "14", 1.0), ("16 A", "16a", 1.0), ("22", "20-24", 0.98), ("20-24", "20-24", 1.0)],
)
def test_numbers_with_letters_lists_and_ranges_are_houses(
    geocoder: OfflineGeocoder, asked: str, written: str, score: float
) -> None:
    first = geocoder.search(f"Rue de la Fontaine {asked}, Valbourg")[0]
    assert (first.house_number, first.precision) == (written, Precision.HOUSE)
    assert first.score == score


@pytest.mark.parametrize("text", ["av. general etienne 3bis", "3 bis, avenue Général Étienne"])
def test_bis_is_part_of_the_number(geocoder: OfflineGeocoder, text: str) -> None:
    assert geocoder.search(text)[0].house_number == "3 bis"


@pytest.mark.parametrize(
    ("asked", "offered"),
    [("18", ["16a", "20-24", "14"]), ("21", ["20-24", "16a", "14"]), ("12c", ["12", "14", "16a"])],
)
def test_a_number_that_is_not_there_offers_the_nearest_and_pretends_no_house(
    geocoder: OfflineGeocoder, asked: str, offered: list[str]
) -> None:
    hits = geocoder.search(f"Rue de la Fontaine {asked}, Valbourg", limit=3)
    assert [hit.house_number for hit in hits] == offered
    assert {hit.precision for hit in hits} == {Precision.STREET}
    assert {hit.score for hit in hits} == {0.85}
    assert not any(dispatchable(hit.precision) for hit in hits)


def test_a_found_house_has_no_stand_ins_of_its_own_street(geocoder: OfflineGeocoder) -> None:
    hits = geocoder.search("Rue de la Fontaine 14")
    found = [(hit.house_number, hit.city, hit.precision.value) for hit in hits]
    assert found[0] == ("14", "Valbourg", "house")
    assert found[1:] == [("12", "Montclair", "street")]


def test_a_postcode_tells_one_municipality_from_another(geocoder: OfflineGeocoder) -> None:
    here, there = geocoder.search("Rue de la Fontaine 12, 1298", limit=2)
    assert (here.city, here.score) == ("Montclair", 1.0)
    assert (there.city, there.score) == ("Valbourg", 0.9)


@pytest.mark.parametrize(
    ("text", "score"),
    [("rue fontaine 14 valbourg", 0.98), ("rue de la fontaine 14 4, valbourg", 0.95)],
)
def test_words_left_out_and_a_flats_number_cost_little(
    geocoder: OfflineGeocoder, text: str, score: float
) -> None:
    first = geocoder.search(text)[0]
    assert (first.house_number, first.score) == ("14", score)


@pytest.mark.parametrize(
    ("number", "at", "precision"),
    [
        ("31", (46.20105, 6.1011), Precision.HOUSE),
        ("33", (46.2012, 6.1015), Precision.ENTRANCE),
    ],
)
def test_a_building_has_the_place_of_its_door_only_beyond_doubt(
    geocoder: OfflineGeocoder, number: str, at: tuple[float, float], precision: Precision
) -> None:
    first = geocoder.search(f"Rue de la Fontaine {number}, Valbourg")[0]
    assert (first.lat, first.lon) == pytest.approx(at)
    assert first.precision is precision


def test_a_number_in_a_streets_name_is_not_the_house(geocoder: OfflineGeocoder) -> None:
    first = geocoder.search("rue du 31 decembre 8")[0]
    assert (first.street, first.house_number) == ("Rue du 31-Décembre", "8")
    street = geocoder.search("rue du 31 decembre")[0]
    assert (street.street, street.precision) == ("Rue du 31-Décembre", Precision.STREET)


def test_a_street_without_number_is_a_street_with_a_point_on_it(geocoder: OfflineGeocoder) -> None:
    first = geocoder.search("rue de la fontaine valbourg")[0]
    assert (first.label, first.precision) == ("Rue de la Fontaine, 1299 Valbourg", "street")
    assert (first.lat, first.lon) == (46.20005, 6.1001)


def test_a_street_without_any_house_answers_for_a_number_as_street(
    geocoder: OfflineGeocoder,
) -> None:
    first = geocoder.search("Sentier Perdu 4")[0]
    assert (first.street, first.house_number, first.precision) == ("Sentier Perdu", "", "street")


@pytest.mark.parametrize("text", ["hopital trois vallees", "Spital Dreitaeler", "hôpital"])
def test_a_hospital_is_found_by_its_names_as_a_place(geocoder: OfflineGeocoder, text: str) -> None:
    first = geocoder.search(text)[0]
    assert first.label == "Hôpital des Trois-Vallées, Chemin du Parc 1"
    assert first.precision is Precision.PLACE


def test_the_middle_of_wide_grounds_is_no_house_even_with_a_number(
    geocoder: OfflineGeocoder,
) -> None:
    assert geocoder.search("Chemin du Parc 1")[0].precision is Precision.PLACE


def test_a_pharmacy_with_an_address_is_a_house(geocoder: OfflineGeocoder) -> None:
    first = geocoder.search("pharmacie du soliel")[0]
    assert first.label == "Pharmacie du Soleil, Rue de la Fontaine 12, Valbourg"
    assert first.precision is Precision.HOUSE


def test_every_hit_names_its_source(geocoder: OfflineGeocoder) -> None:
    hits = geocoder.search("rue de la fontaine 12")
    assert {hit.source for hit in hits} == {"© OpenStreetMap contributors, ODbL"}


@pytest.mark.parametrize("text", ["", "   ", ",;.", "1299", "12", "\x00", "\ud800", "qqqqqqqqqqqq"])
def test_what_holds_no_address_has_no_hits(geocoder: OfflineGeocoder, text: str) -> None:
    assert geocoder.search(text) == []


def test_only_the_first_200_characters_are_read(geocoder: OfflineGeocoder) -> None:
    text = "Rue de la Fontaine 12, Valbourg" + " " * 180
    assert geocoder.search(text + "Montclair " * 1000) == geocoder.search(text)


@pytest.mark.parametrize(("limit", "count"), [(-1, 0), (0, 0), (1, 1), (2, 2)])
def test_no_more_hits_than_asked_for(geocoder: OfflineGeocoder, limit: int, count: int) -> None:
    assert len(geocoder.search("rue de la fontaine 18", limit=limit)) == count


STREETS = st.sampled_from(["rue", "de la fontaine", "12", "1299", "31-", "hôpital", "bis", "ch. "])


@settings(deadline=None, max_examples=150)
@given(text=st.one_of(st.text(max_size=300), st.lists(st.one_of(STREETS, st.text(max_size=5)))))
def test_any_text_is_answered_with_bounded_sorted_distinct_hits(
    geocoder: OfflineGeocoder, text: str | list[str]
) -> None:
    hits = geocoder.search(text if isinstance(text, str) else " ".join(text), limit=4)
    assert len(hits) <= 4
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert all(0.5 <= score <= 1.0 for score in scores)
    assert len({(hit.label, hit.lat, hit.lon) for hit in hits}) == len(hits)


def test_the_offline_index_is_a_geocoder(geocoder: OfflineGeocoder) -> None:
    port: Geocoder = geocoder
    assert port.search("rue de la fontaine 14", 1)[0].house_number == "14"


def test_only_entrance_and_house_are_dispatched_by_themselves() -> None:
    assert [one for one in Precision if dispatchable(one)] == [Precision.ENTRANCE, Precision.HOUSE]
