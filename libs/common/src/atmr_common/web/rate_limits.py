"""How much a company may ask of a door, and how often an address may fail to say who it is.

Answers tell with the fields of draft-ietf-httpapi-ratelimit-headers-10 (RateLimit-Policy and
RateLimit); `RateLimit-Local: ?1` says that only this process counted, because Redis is away.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prometheus_client import Counter

from atmr_common.web.client_address import client_address
from atmr_common.web.problems import ProblemError

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping
    from uuid import UUID

    from prometheus_client import CollectorRegistry

    from atmr_common.cache.limiter import Limit, Limiter, Taken
    from atmr_common.web.identity import Identity

COMPANY = "company"
FAILURES = "failed-authentications"
ANSWER_HEADERS = "answer_headers"
"""Where in a scope's state the door finds headers to add to its answer."""
Headers = list[tuple[bytes, bytes]]


class RateLimitedError(ProblemError):
    status = 429
    code = "rate_limited"
    title = "Too many requests"

    def __init__(self, detail: str, *, retry_after_s: float, **extra: Any) -> None:
        wait = max(1, math.ceil(retry_after_s))
        super().__init__(f"{detail}; try again in {wait} s.", retry_after_s=wait, **extra)
        self._wait = wait

    def answer_headers(self) -> dict[str, str]:
        return {"Retry-After": str(self._wait)}


@dataclass(frozen=True, kw_only=True)
class DoorLimitSettings:
    """Of one service's door."""

    company: Limit
    failures: Limit
    proxies: int = 0
    """How many of our own proxies write X-Forwarded-For; 0: it is not believed."""


class DoorLimits:
    """One per process; `limiter` makes the limiter of a name (`atmr_common.cache.build`)."""

    def __init__(
        self,
        settings: DoorLimitSettings,
        limiter: Callable[[str, Limit], Limiter],
        registry: CollectorRegistry,
    ) -> None:
        self._settings = settings
        self._companies = limiter(COMPANY, settings.company)
        self._failures = limiter(FAILURES, settings.failures)
        self._policies = {
            COMPANY: _policy(COMPANY, settings.company),
            FAILURES: _policy(FAILURES, settings.failures),
        }
        self._counts = _counts(registry)

    def try_admit(self, company_id: UUID) -> Taken | None:
        """Admit or refuse a request of a company, without waiting; None: await `take`.

        For code that is no FastAPI operation; it answers a refusal with `refusal`, and anything
        with `headers`.
        """
        taken = self._companies.try_take_local(str(company_id))
        if taken is not None:
            self._count(COMPANY, taken)
        return taken

    async def take(self, company_id: UUID) -> Taken:
        """The same, where it may wait for Redis."""
        taken = await self._companies.take(str(company_id))
        self._count(COMPANY, taken)
        return taken

    async def admit(self, scope: MutableMapping[str, Any], identity: Identity) -> None:
        """Let an authenticated request in; those of a platform's service are its own to bound.

        Raises:
            RateLimitedError: when its company asks too much.

        """
        state = scope.setdefault("state", {})
        if identity.company_id is None or ANSWER_HEADERS in state:
            return  # a request is counted once, however many dependencies authenticate it
        taken = self.try_admit(identity.company_id) or await self.take(identity.company_id)
        state[ANSWER_HEADERS] = self.headers(taken)
        if not taken.allowed:
            raise self.refusal(taken)

    async def count_failure(self, scope: MutableMapping[str, Any]) -> None:
        """An authentication failed; a valid token is never refused for the failures of others.

        Raises:
            RateLimitedError: when too many failed at this address.

        """
        address = client_address(scope, proxies=self._settings.proxies)
        taken = await self._failures.take(address)
        self._count(FAILURES, taken)
        if not taken.allowed:
            scope.setdefault("state", {})[ANSWER_HEADERS] = self.headers(taken, FAILURES)
            raise RateLimitedError(
                "Too many authentications failed from this address",
                retry_after_s=taken.retry_after_s,
                limit=FAILURES,
            )

    def refusal(self, taken: Taken) -> RateLimitedError:
        """The problem that a company's refused request is."""
        limit = self._settings.company
        return RateLimitedError(
            f"The company may send {limit.rate_per_s:g} requests per second, {limit.burst} at once",
            retry_after_s=taken.retry_after_s,
            limit=COMPANY,
        )

    def headers(self, taken: Taken, name: str = COMPANY) -> Headers:
        """What an answer tells of the limit that its request met."""
        seconds = taken.reset_after_s if taken.allowed else taken.retry_after_s
        state = f'"{name}";r={taken.remaining};t={math.ceil(seconds)}'
        headers = [(b"ratelimit-policy", self._policies[name]), (b"ratelimit", state.encode())]
        if taken.local:
            headers.append((b"ratelimit-local", b"?1"))
        return headers

    def _count(self, name: str, taken: Taken) -> None:
        self._counts[name, taken.allowed, taken.local].inc()


def _policy(name: str, limit: Limit) -> bytes:
    """The burst as quota `q`, which is whole again after the window `w`."""
    return f'"{name}";q={limit.burst};w={math.ceil(limit.full_after_s)}'.encode()


def _counts(registry: CollectorRegistry) -> dict[tuple[str, bool, bool], Counter]:
    requests = Counter(
        "atmr_rate_limit_requests",
        "Requests that met a rate limit, by limit, outcome (admitted, refused) and who counted:"
        " shared, or local where Redis is away",
        ("limit", "outcome", "counted"),
        registry=registry,
    )
    return {
        (name, allowed, local): requests.labels(
            name, "admitted" if allowed else "refused", "local" if local else "shared"
        )
        for name in (COMPANY, FAILURES)
        for allowed in (True, False)
        for local in (True, False)
    }
