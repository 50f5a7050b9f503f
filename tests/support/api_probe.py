"""Sends ids where they do not belong, at every place that OpenAPI knows, and compares answers.

A caller must be answered alike whether an id is another company's or nobody's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
from support.tenants import DAY, Tenant

from atmr_common.web.identity import Role

OF_KIND = {
    "patient": ("patient_id", "clinic_patient_id"),
    "place": ("place_id", "home_id", "clinic_home_id"),
    "booking": ("booking_id", "clinic_booking_id"),
    "driver": ("driver_id", "idle_driver_id"),
}
"""The ids of a tenant that fit where an id of this kind is wanted."""
OWN_OF_CLINIC = {
    "patient": "clinic_patient_id",
    "place": "clinic_home_id",
    "booking": "clinic_booking_id",
}
NOT_FOUND = 404
BODIES: dict[str, dict[str, Any]] = {"edit_booking": {"companions": 1}}
"""Where the example of OpenAPI is about another day than the tenants' rows."""


@dataclass(frozen=True)
class Slot:
    """A place of a request where an id can stand: in its `path`, `query` or `body`."""

    where: str
    name: str
    many: bool = False

    @property
    def kind(self) -> str:
        """What the id is of; `pickup_place_id` is a place's, `crew` are drivers'."""
        if self.name == "crew":
            return "driver"
        return self.name.removesuffix("_id").rsplit("_", 1)[-1]


@dataclass(frozen=True)
class Operation:
    """One operation of the API, with the places for ids and an example of its body."""

    name: str
    method: str
    path: str
    slots: tuple[Slot, ...]
    body: dict[str, Any] | None
    query: dict[str, str]
    cursor: bool


@dataclass
class Findings:
    """What a probe found, and how often it asked."""

    probes: int = 0
    leaks: list[str] = field(default_factory=list)


def operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    """Those of the versioned API that companies call."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if path.startswith("/v1") and not path.startswith("/v1/companies"):
                yield _operation(document, path, method, operation)


def _operation(
    document: Mapping[str, Any], path: str, method: str, operation: Mapping[str, Any]
) -> Operation:
    parameters = operation.get("parameters", ())
    slots = [Slot(each["in"], each["name"]) for each in parameters if _of_ids(each["schema"])]
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    body = None
    if content:
        schema = _resolved(document, content["schema"])
        body = BODIES.get(operation["operationId"], schema.get("examples", [{}])[0])
        for name, of in schema["properties"].items():
            if _of_ids(of) or _of_ids(of.get("items", {})):
                slots.append(Slot("body", name, many="items" in of))
    names = {each["name"] for each in parameters}
    needed = {each["name"] for each in parameters if each.get("required")}
    query = {"day": str(DAY)} if "day" in needed and "{day}" not in path else {}
    return Operation(
        operation["operationId"], method.upper(), path, tuple(slots), body, query, "cursor" in names
    )


def _of_ids(schema: Mapping[str, Any]) -> bool:
    """Whether UUIDs stand there; arrays of them have them in `items`."""
    choices = [schema, *schema.get("anyOf", ())]
    return any(
        each.get("format") == "uuid" or each.get("items", {}).get("format") == "uuid"
        for each in choices
    )


def _resolved(document: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    choices = [each for each in (schema, *schema.get("anyOf", ())) if "$ref" in each]
    name = choices[0]["$ref"].rsplit("/", 1)[1]
    return dict(document["components"]["schemas"][name])


def fitting(slot: Slot) -> tuple[str, ...]:
    """The names of a tenant's ids that could stand there."""
    return OF_KIND.get(slot.kind, (f"{slot.kind}_id",))


def own_id(tenant: Tenant, role: Role, kind: str) -> str:
    """An id that the role may know, where one of this kind is wanted."""
    if role is Role.CLINIC and kind in OWN_OF_CLINIC:
        return tenant.ids[OWN_OF_CLINIC[kind]]
    return tenant.ids[OF_KIND.get(kind, (f"{kind}_id",))[0]]


async def ask(
    client: httpx.AsyncClient,
    tenant: Tenant,
    role: Role,
    operation: Operation,
    wrong: tuple[Slot, str] | None = None,
) -> httpx.Response:
    """Call the operation with own ids, but for one slot with `wrong` in it."""
    values = {slot: own_id(tenant, role, slot.kind) for slot in operation.slots}
    if wrong is not None:
        values[wrong[0]] = wrong[1]
    body, query = deepcopy(operation.body), dict(operation.query)
    path = operation.path.replace("{day}", str(DAY))
    for slot, value in values.items():
        if slot.where == "path":
            path = path.replace(f"{{{slot.name}}}", value)
        elif slot.where == "body" and body is not None and (slot.name in body or _is(slot, wrong)):
            body[slot.name] = [value] if slot.many or slot.name == "crew" else value
        elif slot.where == "query" and _is(slot, wrong):
            query[slot.name] = value
    if body is not None:
        body |= _beside(wrong[0].name if wrong else "", operation.name)
    headers = {"If-Match": '"1"'} if operation.method != "GET" else {}
    return await client.request(operation.method, path, json=body, params=query, headers=headers)


def _beside(name: str, operation: str) -> dict[str, Any]:
    """What has to stand beside an id, so that it is looked up at all."""
    if name == "linked_booking_id":
        return {"direction": "RETOUR"}
    if (operation, name) == ("grant_waiver", "duty_id"):
        return {"rule": "shift", "booking_id": None}
    return {}


def _is(slot: Slot, wrong: tuple[Slot, str] | None) -> bool:
    return wrong is not None and wrong[0] == slot


async def probe_ids(
    client: httpx.AsyncClient,
    tenant: Tenant,
    role: Role,
    operation: Operation,
    forbidden: Mapping[str, str],
    traces: set[str],
) -> Findings:
    """Each of the `forbidden` ids in each place that it fits, beside an id that is nobody's."""
    findings = Findings()
    for slot in operation.slots:
        for name in fitting(slot):
            if name not in forbidden:
                continue
            unknown = str(uuid4())
            foreign = await ask(client, tenant, role, operation, (slot, forbidden[name]))
            nobodys = await ask(client, tenant, role, operation, (slot, unknown))
            findings.probes += 1
            fault = _difference(foreign, nobodys, forbidden[name], unknown, slot)
            shown = traces_in(foreign, traces - {forbidden[name]})
            if fault or shown:
                where = f"{role} {operation.name} {slot.where}.{slot.name}={name}"
                findings.leaks.append(f"{where}: {fault or shown}")
    return findings


def _difference(
    foreign: httpx.Response, nobodys: httpx.Response, sent: str, unknown: str, slot: Slot
) -> str | None:
    """How the answers differ, or why nothing was proved; None: they are alike."""
    if _plain(foreign, sent) != _plain(nobodys, unknown):
        return " / ".join(f"{each.status_code} {each.text[:200]}" for each in (foreign, nobodys))
    if slot.where == "query" or foreign.status_code in {403, NOT_FOUND}:
        return None
    return f"neither found nor refused: {foreign.status_code} {foreign.text[:200]}"


def _plain(answer: httpx.Response, sent: str) -> tuple[int, dict[str, str], Any]:
    """Status, headers and body, without what differs by nature."""
    headers = {
        name: value
        for name, value in answer.headers.items()
        if name not in {"x-request-id", "ratelimit", "content-length"}
    }
    body = json.loads(answer.text.replace(sent, "<id>") or "null")
    if isinstance(body, dict):
        body.pop("request_id", None)
    return answer.status_code, headers, body


def traces_in(answer: httpx.Response, traces: set[str]) -> set[str]:
    """What of another one stands in the answer."""
    text = answer.text + str(answer.headers)
    return {each for each in traces if each in text}
