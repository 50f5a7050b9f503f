"""Where a request comes from, as far as that can be known."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

UNKNOWN = "unknown"
ONE_CUSTOMER = 64
"""Bits of an IPv6 address that stand for one customer, who has all addresses below."""


def client_address(scope: Mapping[str, Any], *, proxies: int) -> str:
    """The client's address; of IPv6 the network that one customer has.

    `proxies` of our own stand before this service: the last so many entries of X-Forwarded-For
    are theirs to write, and the earliest of those is the client. Whatever stands before it the
    client wrote itself, so it proves nothing.
    """
    client = scope.get("client")
    address = client[0] if client else UNKNOWN
    if proxies:
        forwarded = _forwarded(scope)
        if len(forwarded) >= proxies:
            address = forwarded[-proxies]
    return _network(address)


def _forwarded(scope: Mapping[str, Any]) -> list[str]:
    values = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
    text = b",".join(values).decode("latin-1")
    return [part.strip() for part in text.split(",") if part.strip()]


def _network(address: str) -> str:
    try:
        parsed = ip_address(address)
    except ValueError:
        return UNKNOWN
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ip_network((parsed.packed, ONE_CUSTOMER), strict=False))
