"""Every operation of the API needs a scope, and OpenAPI, roles and answers agree on which."""

from __future__ import annotations

import re
from uuid import uuid4

import httpx
import pytest
from support.dispatch_client import DispatchApi
from support.tokens import TokenSigner

from atmr_common.web.identity import Role
from atmr_common.web.scopes import SCOPES_OF, Scope
from dispatch_api.openapi_command import document

OPERATIONS = {
    operation["operationId"]: (method.upper(), path, operation)
    for path, methods in document()["paths"].items()
    for method, operation in methods.items()
    if path.startswith("/v1")
}
NAMES = sorted(OPERATIONS)


def scopes_of(name: str) -> list[str]:
    (requirement,) = OPERATIONS[name][2]["security"]
    return list(requirement["HTTPBearer"])


def address(name: str) -> tuple[str, str]:
    method, path, _ = OPERATIONS[name]
    return method, re.sub(r"\{\w+\}", str(uuid4()), path)


@pytest.mark.parametrize("name", NAMES)
def test_an_operation_names_one_scope_that_some_role_has(name: str) -> None:
    (scope,) = scopes_of(name)
    assert any(scope in scopes for scopes in SCOPES_OF.values())


async def test_a_token_without_the_scope_is_refused(
    dispatch_api: DispatchApi, development_issuer: TokenSigner
) -> None:
    transport = httpx.ASGITransport(dispatch_api.app)
    answered = {}
    async with httpx.AsyncClient(transport=transport, base_url="http://dispatch") as client:
        for name in NAMES:
            (scope,) = scopes_of(name)
            headers = {"Authorization": f"Bearer {token_but_for(development_issuer, scope)}"}
            answer = await client.request(*address(name), headers=headers)
            answered[name] = (answer.status_code, answer.json().get("scope"))
    assert answered == {name: (403, scopes_of(name)[0]) for name in NAMES}


def token_but_for(issuer: TokenSigner, scope: str) -> str:
    """A token of a role that may, with every scope but this one."""
    platform = scope == Scope.COMPANIES_MANAGE
    return issuer.issue(
        role=Role.SERVICE if platform else Role.ADMIN,
        company_id=None if platform else uuid4(),
        scope=" ".join(sorted(each.value for each in Scope if each.value != scope)),
    )


async def test_a_repeated_request_is_answered_to_the_scope_only(
    dispatch_api: DispatchApi, development_issuer: TokenSigner
) -> None:
    transport = httpx.ASGITransport(dispatch_api.app)
    whole = development_issuer.issue(role=Role.SERVICE, company_id=None)
    less = token_but_for(development_issuer, Scope.COMPANIES_MANAGE)
    answers = []
    async with httpx.AsyncClient(transport=transport, base_url="http://dispatch") as client:
        for token in (whole, less):
            headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "one"}
            answers.append(await client.post("/v1/companies", json={"name": "A"}, headers=headers))
    assert [answer.status_code for answer in answers] == [201, 403], answers[1].text
