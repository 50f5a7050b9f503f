"""What a client asks of `/authorize`, and what a developer chooses there; both are checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from atmr_common.web.identity import Role
from standalone.issuer.codes import Grant
from standalone.issuer.page import CHOICES

__all__ = ["CLIENT_ID", "Asked", "ChoiceError", "RefusedError", "asked_of", "grant_of"]

CLIENT_ID = "atmr-board"
PASSED_ON = (
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
)
CHALLENGE_LENGTH = 43  # base64url of SHA-256


class RefusedError(Exception):
    """The client or its address is unknown: the browser must not be sent there."""


class ChoiceError(Exception):
    """The developer chose something that cannot be; the message says what to do."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request of a known client; `error` where it is told so by its own address."""

    values: Mapping[str, str]
    error: str | None

    @property
    def redirect_uri(self) -> str:
        return self.values["redirect_uri"]

    def back(self, **answer: str) -> str:
        """The client's address with the answer."""
        state = self.values.get("state")
        return f"{self.redirect_uri}?{urlencode(answer | ({'state': state} if state else {}))}"


def asked_of(parameters: Mapping[str, str], redirect_uris: frozenset[str]) -> Asked:
    """The request behind the parameters.

    Raises:
        RefusedError: for another client, or an address that is not the client's.

    """
    if parameters.get("client_id") != CLIENT_ID:
        raise RefusedError(f"The client is unknown; here there is only {CLIENT_ID}.")
    if parameters.get("redirect_uri") not in redirect_uris:
        raise RefusedError("The client may not be answered at this redirect_uri.")
    values = {name: parameters[name] for name in PASSED_ON if name in parameters}
    return Asked(values=values, error=_error(values))


def grant_of(asked: Asked, chosen: Mapping[str, str]) -> Grant:
    """What the developer's choice gives the client.

    Raises:
        ChoiceError: where the choice is incomplete.

    """
    subject = chosen.get("subject", "").strip()
    if not subject or not subject.isprintable():
        raise ChoiceError("Give a name.")
    role = next((each for each in CHOICES if each.value == chosen.get("role")), None)
    if role is None:
        raise ChoiceError("Choose a role.")
    return Grant(
        client_id=CLIENT_ID,
        redirect_uri=asked.redirect_uri,
        challenge=asked.values["code_challenge"],
        nonce=asked.values.get("nonce"),
        subject=subject,
        role=role,
        company_id=_company(chosen, role),
    )


def _error(values: Mapping[str, str]) -> str | None:
    if values.get("response_type") != "code":
        return "unsupported_response_type"
    with_proof = (
        values.get("code_challenge_method") == "S256"
        and len(values.get("code_challenge", "")) == CHALLENGE_LENGTH
    )
    if not with_proof:
        return "invalid_request"
    return None if "openid" in values.get("scope", "").split() else "invalid_scope"


def _company(chosen: Mapping[str, str], role: Role) -> UUID | None:
    text = chosen.get("company", "").strip() or chosen.get("known_company", "")
    if not text:
        if role is Role.SERVICE:
            return None
        raise ChoiceError(f"A {role} acts within a company: choose one, or give its id.")
    try:
        return UUID(text)
    except ValueError:
        raise ChoiceError(
            "A company's id looks like 0193b082-4d1c-7c2e-9a55-1f6f0f3c9d10."
        ) from None
