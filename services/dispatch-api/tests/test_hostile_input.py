"""Whatever is sent to the door gets the right problem, quickly, and never a 500."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import jwt
import pytest
from support.booking_world import BookingWorld
from support.dispatch_client import DispatchApi
from support.tokens import TokenSigner

from atmr_common.web.identity import Role
from atmr_common.web.pagination import encode_cursor
from dispatch_api.openapi_command import document

JSON = {"Content-Type": "application/json"}
LISTS = sorted(
    path
    for path, methods in document()["paths"].items()
    if any(each["name"] == "cursor" for each in methods.get("get", {}).get("parameters", ()))
)
MEGABYTES = 10 * 1024 * 1024
AT_MOST_S = 3.0


@pytest.fixture
async def client(dispatch_api: DispatchApi, company_id: UUID) -> AsyncIterator[httpx.AsyncClient]:
    """Of an admin, who may call every list."""
    transport = httpx.ASGITransport(dispatch_api.app, raise_app_exceptions=False)
    async with (
        dispatch_api.client(company_id, Role.ADMIN) as admin,
        httpx.AsyncClient(
            transport=transport, base_url="http://dispatch", headers=admin.headers
        ) as client,
    ):
        yield client


def problem(answer: httpx.Response) -> tuple[int, str]:
    """Status and code, if the answer is a problem as every other one."""
    body = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["status"] == answer.status_code
    assert body["request_id"] == answer.headers["x-request-id"]
    assert {"type", "title", "detail"} <= body.keys()
    return answer.status_code, body["code"]


UNREADABLE, INVALID = (400, "json_unreadable"), (422, "invalid")
BODIES: dict[str, tuple[bytes, tuple[int, str]]] = {
    "deep arrays": (b"[" * 10_000 + b"]" * 10_000, UNREADABLE),
    "deep objects": (b'{"name":' * 10_000 + b"1" + b"}" * 10_000, UNREADABLE),
    "a deep field": (b'{"name": ' + b"[" * 200 + b"]" * 200 + b"}", UNREADABLE),
    "deep and cut off": (b"[" * 100_000, UNREADABLE),
    "NaN": (b'{"name": "V", "seats": NaN}', UNREADABLE),
    "Infinity": (b'{"name": "V", "seats": -Infinity}', UNREADABLE),
    "a name twice": (b'{"name": "V", "seats": 1, "seats": 9}', UNREADABLE),
    "half a surrogate pair": (b'{"name": "\\ud800"}', UNREADABLE),
    "half a pair as a name": (b'{"\\udfff": 1}', UNREADABLE),
    "beyond floats": (b'{"name": "V", "seats": 1e999}', INVALID),
    "a huge integer": (b'{"name": "V", "seats": ' + b"9" * 4_000 + b"}", INVALID),
    "an integer too long": (b'{"name": "V", "seats": ' + b"9" * 5_000 + b"}", (400, "bad_request")),
    "a long name": (b'{"name": "' + b"x" * 100_000 + b'"}', INVALID),
    "NUL": (b'{"name": "V\\u0000", "seats": 1}', INVALID),
    "invalid UTF-8": (b'{"name": "\xff\xfe"}', (400, "bad_request")),
    "no JSON": (b"seats=1&name=V", INVALID),
    "an array": (b"[]", INVALID),
    "null": (b"null", INVALID),
    "nothing": (b"", INVALID),
    "a number": (b"1", INVALID),
    "5,000 elements": (
        json.dumps({"name": "V", "seats": 1, "equipment": ["oxygen"] * 5_000}).encode(),
        INVALID,
    ),
    "5,000 fields": (json.dumps({f"f{n}": n for n in range(5_000)}).encode(), INVALID),
    "a script": (b'{"name": "V", "seats": "<script>alert(1)</script>"}', INVALID),
    "a prototype": (b'{"name": "V", "seats": 1, "__proto__": {"admin": true}}', INVALID),
}


async def test_bodies(client: httpx.AsyncClient) -> None:
    answered = {}
    for name, (body, _) in BODIES.items():
        started = time.perf_counter()
        answer = await client.post("/v1/vehicles", content=body, headers=JSON)
        answered[name] = problem(answer)
        assert time.perf_counter() - started < AT_MOST_S, name
        assert "alert(1)" not in answer.text
        assert len(answer.content) < 1_000_000, name
    assert answered == {name: wanted for name, (_, wanted) in BODIES.items()}


@pytest.mark.parametrize("name", ["deep arrays", "NaN", "half a surrogate pair", "nothing", "null"])
async def test_a_body_at_every_operation_that_takes_one(
    client: httpx.AsyncClient, name: str
) -> None:
    """Each with its own model; what is ambiguous never reaches any."""
    body, _ = BODIES[name]
    odd = {}
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            if "application/json" in operation.get("requestBody", {}).get("content", {}):
                filled = path.replace("{day}", "2026-03-16").replace("{", "").replace("_id}", "")
                for part in ("company", "patient", "place", "vehicle", "driver", "shift"):
                    filled = filled.replace(f"/{part}/", f"/{uuid4()}/")
                answer = await client.request(method, filled, content=body, headers=JSON)
                if not 400 <= answer.status_code < 500:
                    odd[operation["operationId"]] = answer.status_code
    assert odd.keys() <= {"mark_booking_ready"}, odd


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "multipart/form-data", ""])
async def test_another_content_type(client: httpx.AsyncClient, kind: str) -> None:
    body = b'{"name": "V", "seats": 1}'
    answer = await client.post("/v1/vehicles", content=body, headers={"Content-Type": kind})
    assert problem(answer) == INVALID


@pytest.mark.parametrize("path", ["/v1/vehicles", "/v1/bookings", "/v1/imports/bookings"])
@pytest.mark.parametrize("chunked", [False, True])
async def test_ten_megabytes(client: httpx.AsyncClient, path: str, chunked: bool) -> None:  # noqa: FBT001 (a case)
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(160):
            yield b" " * (MEGABYTES // 160)

    content = chunks() if chunked else b" " * MEGABYTES
    kind = {"Content-Type": "text/csv"} if "imports" in path else JSON
    answer = await client.post(path, content=content, headers=kind)
    assert problem(answer) == (413, "body_too_large")


@pytest.mark.parametrize("path", LISTS)
async def test_a_page(client: httpx.AsyncClient, path: str) -> None:
    url = path.replace("{", "").replace("}", "")
    for part in ("patient_id", "vehicle_id", "driver_id"):
        url = url.replace(part, str(uuid4()))
    for limit in ("1000000", "0", "-1", "501", "1e3", "NaN", "9" * 400, "ten", ""):
        answer = await client.get(url, params={"limit": limit})
        assert problem(answer) == INVALID, limit


CURSORS = {
    "garbage": "%%%",
    "no base64": "!!!!",
    "no JSON": base64.urlsafe_b64encode(b"hello").decode(),
    "other keys": encode_cursor("2026-03-16", str(uuid4())),
    "no id": encode_cursor("x"),
    "an object": base64.urlsafe_b64encode(b'{"id": 1}').decode(),
    "a number": base64.urlsafe_b64encode(b"[1]").decode(),
    "deep": base64.urlsafe_b64encode(b"[" * 300).decode(),
    "SQL": encode_cursor("' OR 1=1 --"),
    "long": "A" * 501,
    "not ASCII": "é",
    "NUL": "\0",
    "cut off": encode_cursor(str(uuid4()))[:-3],
    "empty": "",
}


async def test_cursors(client: httpx.AsyncClient) -> None:
    for name, cursor in CURSORS.items():
        for path in LISTS:
            if "{" not in path:
                answer = await client.get(path, params={"cursor": cursor})
                assert problem(answer) == INVALID, (name, path)


async def test_a_cursor_of_elsewhere_shows_nothing_of_there(
    dispatch_api: DispatchApi, company_id: UUID, client: httpx.AsyncClient
) -> None:
    """An old one, or another company's: it is only a place in the order of ids."""
    elsewhere = BookingWorld(dispatch_api, await dispatch_api.company("Elsewhere"))
    async with dispatch_api.client(elsewhere.company_id) as other:
        for _ in range(2):
            await elsewhere.booked(other)
        cursor = (await other.get("/v1/bookings", params={"limit": 1})).json()["next_cursor"]
    own = await BookingWorld(dispatch_api, company_id).booked(client)
    for path in LISTS:
        if "{" not in path:
            answer = await client.get(path, params={"cursor": cursor})
            assert answer.status_code == 200
            assert {item.get("id") for item in answer.json()["items"]} <= {own["id"], *()} | {
                item["id"] for item in (await client.get(path)).json()["items"]
            }


def claims_of(issuer: TokenSigner, company_id: UUID) -> dict[str, Any]:
    token = issuer.issue(role=Role.ADMIN, company_id=company_id)
    return dict(jwt.decode(token, options={"verify_signature": False}))


def by_hand(claims: dict[str, Any], secret: bytes = b"", **header: Any) -> str:
    """A token that no library makes: unsigned, or with what is public as the secret."""
    parts = ({"typ": "JWT", "kid": "tests"} | header, claims)
    signed = b".".join(in_base64(json.dumps(each).encode()) for each in parts)
    seal = in_base64(hmac.digest(secret, signed, "sha256")) if secret else b""
    return b".".join([signed, seal]).decode()


def in_base64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


TOKENS: dict[str, Callable[[TokenSigner, dict[str, Any]], str]] = {
    "alg none": lambda _, claims: by_hand(claims, alg="none"),
    "alg None": lambda _, claims: by_hand(claims, alg="NoNe"),
    "no alg": lambda _, claims: by_hand(claims),
    "signed with the public key": lambda issuer, claims: by_hand(
        claims, json.dumps(issuer.jwks()).encode(), alg="HS256"
    ),
    "another key of the same name": lambda _, claims: jwt.encode(
        claims, TokenSigner(key_id="other")._key, "RS256", headers={"kid": "tests"}
    ),
    "an unknown key": lambda _, claims: TokenSigner(key_id="other").sign(claims),
    "a key in the header": lambda issuer, claims: TokenSigner(key_id="other").sign(
        claims, jwk=TokenSigner(key_id="other").jwks()["keys"][0], kid=issuer.key_id
    ),
    "expired": lambda issuer, claims: issuer.sign(claims | {"exp": claims["iat"] - 60}),
    "never expires": lambda issuer, claims: issuer.sign(
        {name: value for name, value in claims.items() if name != "exp"}
    ),
    "not yet": lambda issuer, claims: issuer.sign(claims | {"nbf": claims["exp"]}),
    "another issuer": lambda issuer, claims: issuer.sign(claims | {"iss": "https://evil"}),
    "another audience": lambda issuer, claims: issuer.sign(claims | {"aud": "others"}),
    "another role": lambda issuer, claims: issuer.sign(claims | {"role": "root"}),
    "many companies": lambda issuer, claims: issuer.sign(claims | {"company_id": ["a", "b"]}),
    "no company id": lambda issuer, claims: issuer.sign(claims | {"company_id": "*"}),
    "scope of another shape": lambda issuer, claims: issuer.sign(claims | {"scope": ["x"]}),
    "NUL": lambda issuer, claims: issuer.sign(claims | {"sub": "a\0b"}),
    "changed": lambda issuer, claims: issuer.sign(claims)[:-9] + "AAAAAAAAA",
    "not a token": lambda *_: "null",
    "long": lambda *_: "a" * 60_000,
    "empty": lambda *_: "",
}


async def test_tokens(
    development_issuer: TokenSigner, company_id: UUID, client: httpx.AsyncClient
) -> None:
    claims = claims_of(development_issuer, company_id)
    details = set()
    for name, make in TOKENS.items():
        headers = {"Authorization": f"Bearer {make(development_issuer, claims)}"}
        answer = await client.get("/v1/company", headers=headers)
        assert problem(answer) == (401, "unauthenticated"), name
        assert answer.headers["www-authenticate"].startswith("Bearer")
        details.add(answer.json()["detail"])
    assert len(details) == 2, "why a token is refused is not told, only that one is missing"


@pytest.mark.parametrize("credentials", ["Basic YTpi", "Bearer", "bearer  ", "Token x", "é"])
async def test_credentials_of_another_kind(client: httpx.AsyncClient, credentials: str) -> None:
    headers = {b"Authorization": credentials.encode("utf-8")}
    answer = await client.get("/v1/company", headers=headers)
    assert problem(answer) == (401, "unauthenticated")


async def test_an_expired_token_is_refused_at_every_operation(
    dispatch_api: DispatchApi, development_issuer: TokenSigner, company_id: UUID
) -> None:
    expired = development_issuer.issue(
        role=Role.ADMIN, company_id=company_id, lifetime=timedelta(hours=-1)
    )
    transport = httpx.ASGITransport(dispatch_api.app)
    headers = {"Authorization": f"Bearer {expired}"}
    wrong = {}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://dispatch", headers=headers
    ) as client:
        for path, methods in document()["paths"].items():
            for method in methods:
                if path.startswith("/v1"):
                    answer = await client.request(method, path.replace("{day}", "2026-03-16"))
                    if answer.status_code not in {401, 429}:
                        wrong[method, path] = answer.status_code
    assert wrong == {}


PATHS: dict[str, tuple[str, int]] = {
    "no id": ("/v1/patients/1", 422),
    "SQL": ("/v1/patients/' OR 1=1 --", 422),
    "percent-encoded": ("/v1/patients/%30%31", 422),
    "encoded slash": ("/v1/patients/..%2f..%2fcompany", 404),
    "dots": ("/v1/patients/%2e%2e/company", 404),
    "NUL": ("/v1/patients/%00", 422),
    "invalid UTF-8": ("/v1/patients/%ff%fe", 422),
    "half a percent": ("/v1/patients/%", 422),
    "long": ("/v1/patients/" + "a" * 60_000, 422),
    "many parts": ("/v1" + "/a" * 5_000, 404),
    "double slash": ("/v1//patients", 404),
    "another case": ("/V1/company", 404),
    "no day": ("/v1/plans/yesterday", 422),
    "a day out of time": ("/v1/plans/0000-00-00", 422),
    "the last day": ("/v1/plans/9999-12-31", 200),
    "an id in braces": ("/v1/patients/{0193b082-4d1c-7c2e-9a55-1f6f0f3c9d10}", 404),
    "unknown": ("/admin", 404),
}


async def test_paths(client: httpx.AsyncClient) -> None:
    answered = {}
    for name, (path, wanted) in PATHS.items():
        answer = await client.get(path)
        answered[name] = (path, answer.status_code)
        if wanted != 200:
            problem(answer)
    assert answered == PATHS


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("/v1/bookings", {"day": "2026-02-30"}),
        ("/v1/bookings", {"patient_id": "x" * 50_000}),
        ("/v1/bookings", {"state": "\0"}),
        ("/v1/patients", {"reference": "x" * 65}),
        ("/v1/patients", {"reference": "\0"}),
        ("/v1/places", {"text": "\0"}),
        ("/v1/places", {"text": "x" * 201}),
        ("/v1/shifts", {"day": "9999-12-31"}),
        ("/v1/company/usage", {"days": "1e9"}),
    ],
)
async def test_a_query(client: httpx.AsyncClient, path: str, params: dict[str, str]) -> None:
    assert problem(await client.get(path, params=params)) == INVALID


async def test_what_a_query_does_not_know_changes_nothing(client: httpx.AsyncClient) -> None:
    """A filter that is misspelt is not refused; ids that it names open nothing."""
    answer = await client.get("/v1/company", params={"company_id": str(uuid4()), "x": "1"})
    assert answer.status_code == 200
    many = "&".join(f"p{n}=1" for n in range(5_000))
    assert (await client.get(f"/v1/company?{many}")).status_code == 200


HEADERS = {
    "long": {"X-Anything": "a" * 100_000},
    "many": {f"X-{n}": "1" for n in range(2_000)},
    "not ASCII": {"X-Anything": b"\xff\xfe"},
    "forwarded": {"X-Forwarded-Host": "evil", "X-Forwarded-For": "1.2.3.4", "Forwarded": "for=x"},
    "another method": {"X-HTTP-Method-Override": "DELETE"},
    "another company": {"X-Company-Id": str(uuid4()), "X-Tenant": str(uuid4())},
    "a trace that is none": {"traceparent": "00-zz-zz-zz", "tracestate": "\\" * 1_000},
    "a strange id": {"X-Request-Id": "x" * 10_000},
    "a range": {"Range": "bytes=0-1, 2-3, 4-5"},
    "unacceptable": {"Accept": "application/xml", "Accept-Language": "*" * 500},
}


async def test_headers_that_mean_nothing_here(client: httpx.AsyncClient) -> None:
    plain = await client.get("/v1/company")
    for name, headers in HEADERS.items():
        answer = await client.get("/v1/company", headers=headers)  # type: ignore[arg-type]  # bytes too
        assert (answer.status_code, answer.json()) == (200, plain.json()), name
        assert "evil" not in str(answer.headers)


@pytest.mark.parametrize("seen", ["x", '"', "9" * 12, '"1", "2"', "W/", "٣", "1" * 100, "-1"])
async def test_if_match_that_is_no_version(client: httpx.AsyncClient, seen: str) -> None:
    answer = await client.patch(
        "/v1/company", json={"name": "X"}, headers={b"If-Match": seen.encode()}
    )
    assert problem(answer) == INVALID


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "é", "a\tb"])
async def test_a_key_that_is_none(client: httpx.AsyncClient, key: str) -> None:
    answer = await client.post(
        "/v1/vehicles",
        json={"name": "V", "seats": 1},
        headers={b"Idempotency-Key": key.encode("latin-1")},
    )
    assert problem(answer) == INVALID


async def test_a_key_with_another_body(client: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": str(uuid4())}
    first = await client.post("/v1/vehicles", json={"name": "V", "seats": 1}, headers=key)
    other = await client.post("/v1/vehicles", json={"name": "W", "seats": 1}, headers=key)
    assert first.status_code == 201
    assert problem(other) == (422, "idempotency_key_reused")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "BREW"])
async def test_a_method_that_is_not_there(client: httpx.AsyncClient, method: str) -> None:
    answer = await client.request(method, "/v1/bookings")
    assert problem(answer) == (405, "method_not_allowed")
    assert {"GET", "POST"} & {each.strip() for each in answer.headers["allow"].split(",")}


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
async def test_head_and_options_are_not_offered(client: httpx.AsyncClient, method: str) -> None:
    answer = await client.request(method, "/v1/bookings")
    assert answer.status_code == 405
    assert "access-control-allow-origin" not in answer.headers


async def test_a_trailing_slash_gives_no_other_host_away(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/bookings/", headers={"Host": "evil.example"})
    assert answer.status_code == 404


async def test_the_express_path_reads_json_as_the_usual_one(
    dispatch_api: DispatchApi, company_id: UUID, client: httpx.AsyncClient
) -> None:
    """A name that stands twice is refused there too, however it is written."""
    leg = json.dumps(await BookingWorld(dispatch_api, company_id).leg())
    assert dispatch_api.ports.express is not None
    writers = asyncio.create_task(dispatch_api.ports.express.run())
    async with asyncio.timeout(10):
        while not dispatch_api.ports.express.writing:  # noqa: ASYNC110 (it tells nobody)
            await asyncio.sleep(0.01)
    try:
        for more in ('"companions":1,"companions":2', '"companions":1,"companions" :2'):
            body = leg[:-1] + "," + more + "}"
            for compact in (body, body.replace(": ", ":")):
                answer = await client.post("/v1/bookings", content=compact, headers=JSON)
                assert problem(answer) == UNREADABLE
        fine = await client.post("/v1/bookings", content=leg, headers=JSON)
    finally:
        writers.cancel()
        await asyncio.gather(writers, return_exceptions=True)
    assert fine.status_code == 201
