"""Places through the API: located by an address or not, sealed homes, corrected pins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import httpx
import pytest
from prometheus_client import CollectorRegistry
from support.booking_world import BookingWorld
from support.dispatch_client import DispatchApi

from atmr_common.web.identity import Role
from dispatch_api.app import create_app
from dispatch_api.geocoding.errors import IndexUnusableError
from dispatch_api.geocoding.port import GeocodeHit, Precision
from dispatch_api.settings import DispatchSettings

HOUSE = GeocodeHit(
    label="Rue de Lausanne 12, 1201 Genève",
    street="Rue de Lausanne",
    house_number="12",
    postcode="1201",
    city="Genève",
    lat=46.21,
    lon=6.14,
    precision=Precision.HOUSE,
    score=0.97,
    source="© OpenStreetMap contributors, ODbL",
)
ELSEWHERE = replace(HOUSE, label="Rue de Lausanne 12, 1290 Versoix", lat=46.28, lon=6.16)
STREET = replace(HOUSE, label="Rue de Lausanne", house_number="", precision=Precision.STREET)


@dataclass(frozen=True)
class FakeGeocoder:
    """Answers every search with the same hits, or with a damaged index."""

    hits: Sequence[GeocodeHit] = ()
    damaged: bool = False

    def search(
        self, text: str, limit: int = 5, near: tuple[float, float] | None = None
    ) -> list[GeocodeHit]:
        del text, near
        if self.damaged:
            raise IndexUnusableError("places.sqlite is damaged; build it again")
        return list(self.hits)[:limit]


def with_geocoder(
    api: DispatchApi, settings: DispatchSettings, geocoder: FakeGeocoder
) -> DispatchApi:
    ports = replace(api.ports, geocoder=geocoder, registry=CollectorRegistry())
    return replace(api, app=create_app(settings, ports), ports=ports)


async def create(client: httpx.AsyncClient, **fields: object) -> dict[str, Any]:
    answer = await client.post("/v1/places", json=fields)
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created


async def home_of_a_patient(client: httpx.AsyncClient) -> dict[str, Any]:
    patient = await client.post("/v1/patients", json={"name": "Élise Mercier"})
    return await create(
        client,
        patient_id=patient.json()["id"],
        address="Rue des Bains 4",
        lat=46.2,
        lon=6.1,
        door_code="4711",
    )


async def test_coordinates_are_taken_as_given(dispatcher: httpx.AsyncClient) -> None:
    created = await create(dispatcher, label="HUG", lat=46.19, lon=6.15, floor="2")
    assert (created["location"], created["precision"]) == ("given", "house")
    assert created["dispatchable"]
    read = (await dispatcher.get(f"/v1/places/{created['id']}")).json()
    assert read.items() <= created.items()
    assert (read["lat"], read["lon"], read["floor"]) == (46.19, 6.15, "2")


async def test_coordinates_of_a_street_are_not_dispatchable(dispatcher: httpx.AsyncClient) -> None:
    created = await create(dispatcher, lat=46.19, lon=6.15, precision="street")
    assert not created["dispatchable"]


@pytest.mark.parametrize(
    ("hits", "location", "precision", "lat", "alternatives"),
    [
        ((HOUSE,), "found", "house", 46.21, 0),
        ((HOUSE, STREET), "found", "house", 46.21, 1),
        ((HOUSE, replace(ELSEWHERE, score=0.8)), "found", "house", 46.21, 1),
        ((HOUSE, ELSEWHERE), "uncertain", None, None, 2),
        ((replace(HOUSE, score=0.6),), "uncertain", None, None, 1),
        ((STREET,), "coarse", "street", 46.21, 1),
        ((), "not_found", None, None, 0),
    ],
)
async def test_an_address_is_dispatched_to_when_it_means_one_house(
    dispatch_api: DispatchApi,
    dispatch_settings: DispatchSettings,
    company_id: UUID,
    hits: tuple[GeocodeHit, ...],
    location: str,
    precision: str | None,
    lat: float | None,
    alternatives: int,
) -> None:
    api = with_geocoder(dispatch_api, dispatch_settings, FakeGeocoder(hits))
    async with api.client(company_id) as client:
        created = await create(client, address="rue de lausane 12")
    assert (created["location"], created["precision"]) == (location, precision)
    assert created["lat"] == lat
    assert created["dispatchable"] == (location == "found")
    assert len(created["alternatives"]) == alternatives


async def test_without_an_index_an_address_is_kept_and_said_not_to_be_located(
    dispatcher: httpx.AsyncClient,
) -> None:
    created = await create(dispatcher, address="rue de lausanne 12")
    assert (created["location"], created["dispatchable"]) == ("no_geocoder", False)
    answer = await dispatcher.get("/v1/geocode", params={"text": "rue de lausanne"})
    assert (answer.status_code, answer.json()["code"]) == (503, "geocoder_unavailable")
    assert "ATMR_PLACES_INDEX" in answer.json()["detail"]


async def test_the_search_answers_hits_and_says_when_the_index_is_damaged(
    dispatch_api: DispatchApi, dispatch_settings: DispatchSettings, company_id: UUID
) -> None:
    api = with_geocoder(dispatch_api, dispatch_settings, FakeGeocoder((HOUSE, STREET)))
    async with api.client(company_id) as client:
        answer = await client.get("/v1/geocode", params={"text": "lausane 12", "limit": 1})
        half = await client.get("/v1/geocode", params={"text": "x", "lat": 46})
    assert [hit["label"] for hit in answer.json()["hits"]] == [HOUSE.label]
    assert half.status_code == 422
    broken = with_geocoder(dispatch_api, dispatch_settings, FakeGeocoder(damaged=True))
    async with broken.client(company_id) as client:
        answer = await client.get("/v1/geocode", params={"text": "lausane 12"})
    assert answer.status_code == 503
    assert "build it again" in answer.json()["detail"]


async def test_a_corrected_pin_keeps_who_and_when(
    dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient, company_id: UUID
) -> None:
    place = await create(dispatcher, address="nowhere 1", entrance="old", lat=46.1, lon=6.1)
    world = BookingWorld(dispatch_api, company_id)
    await world.carried(dispatcher, "driver-7", dropoff_place_id=place["id"])
    async with dispatch_api.client(company_id, Role.DRIVER, "driver-7") as driver:
        answer = await driver.patch(
            f"/v1/places/{place['id']}/pin", json={"lat": 46.2, "lon": 6.1, "entrance": "ramp"}
        )
    corrected = answer.json()
    assert answer.status_code == 200
    assert (corrected["lat"], corrected["entrance"]) == (46.2, "ramp")
    assert (corrected["precision"], corrected["dispatchable"]) == ("entrance", True)
    assert corrected["pin_corrected_by"] == "driver-7"
    assert corrected["pin_corrected_at"].startswith("2026-03-16T06:00")
    assert corrected["version"] == 2


async def test_how_to_get_in_can_be_changed(dispatcher: httpx.AsyncClient) -> None:
    place = await create(dispatcher, lat=46.2, lon=6.1, floor="2", door_code="1")
    answer = await dispatcher.patch(
        f"/v1/places/{place['id']}", json={"floor": "3", "door_code": None}
    )
    assert (answer.json()["floor"], answer.json()["door_code"]) == ("3", None)
    assert answer.json()["lat"] == 46.2


async def test_a_home_is_masked_for_a_driver_who_may_still_correct_its_pin(
    dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient, company_id: UUID
) -> None:
    home = await home_of_a_patient(dispatcher)
    path = f"/v1/places/{home['id']}"
    world, trip = BookingWorld(dispatch_api, company_id), {"pickup_place_id": home["id"]}
    await world.carried(dispatcher, "driver-1", patient_id=home["patient_id"], **trip)
    async with dispatch_api.client(company_id, Role.DRIVER, "driver-1") as driver:
        read = (await driver.get(path)).json()
        pinned = (await driver.patch(f"{path}/pin", json={"lat": 46.3, "lon": 6.2})).json()
    async with dispatch_api.client(company_id, Role.DRIVER, "driver-2") as colleague:
        unknown = await colleague.get(path)
        missing = await colleague.patch(f"{path}/pin", json={"lat": 46.3, "lon": 6.2})
    assert (unknown.status_code, missing.status_code) == (404, 404)
    for seen in (read, pinned):
        assert seen["masked"]
        assert [seen[name] for name in ("lat", "lon", "address", "door_code")] == [None] * 4
    after = (await dispatcher.get(path)).json()
    assert (after["lat"], after["door_code"], after["precision"]) == (46.3, "4711", "entrance")


async def test_homes_are_listed_by_patient_only_and_their_reading_is_on_record(
    dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient, company_id: UUID
) -> None:
    home = await home_of_a_patient(dispatcher)
    shared = await create(dispatcher, label="HUG_50%", lat=46.2, lon=6.1)
    listed = (await dispatcher.get("/v1/places")).json()["items"]
    by_text = (await dispatcher.get("/v1/places", params={"text": "g_50%"})).json()["items"]
    wildcard = (await dispatcher.get("/v1/places", params={"text": "h%g"})).json()["items"]
    homes = await dispatcher.get("/v1/places", params={"patient_id": home["patient_id"]})
    assert [place["id"] for place in listed] == [shared["id"]]
    assert [place["id"] for place in by_text] == [shared["id"]]
    assert wildcard == []
    assert [place["address"] for place in homes.json()["items"]] == ["Rue des Bains 4"]
    async with dispatch_api.client(company_id, Role.ADMIN) as admin:
        log = (await admin.get(f"/v1/patients/{home['patient_id']}/accesses")).json()["items"]
    assert [entry["fields"] for entry in log] == [["home"], ["home"], ["name"]]


@pytest.mark.parametrize(
    "fields",
    [{}, {"label": "x"}, {"lat": 46.0}, {"lat": 91, "lon": 6}, {"address": "x", "colour": 1}],
)
async def test_a_place_without_address_or_point_is_refused(
    dispatcher: httpx.AsyncClient, fields: dict[str, object]
) -> None:
    answer = await dispatcher.post("/v1/places", json=fields)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


async def test_another_companys_places_are_not_found(
    dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient
) -> None:
    place = await create(dispatcher, lat=46.2, lon=6.1)
    path = f"/v1/places/{place['id']}"
    async with dispatch_api.client(await dispatch_api.company("B")) as stranger:
        answers = [
            await stranger.get(path),
            await stranger.patch(path, json={"floor": "1"}),
            await stranger.patch(f"{path}/pin", json={"lat": 1, "lon": 1}),
        ]
        assert (await stranger.get("/v1/places")).json()["items"] == []
    assert [answer.status_code for answer in answers] == [404] * 3
    assert (await dispatcher.get(path)).json()["version"] == 1
