"""Answers that were given once, kept so that a repeated request gets them again.

The row is written with the effect. What it holds is sealed under the caller's own key together
with a secret of the service: the table alone tells nobody what was answered.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy.ext.asyncio import AsyncSession

from atmr_common.runtime.clock import Clock

NOBODY = UUID(int=0)
"""Stands for the company in requests of the platform, which concern no single one."""
NONCE_BYTES = 12
IDENTIFIERS = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
OPERATION, FINGERPRINT, STATUS, HEADERS, BODY = range(1, 6)


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatableRequest:
    """A request that its caller may send again: whose, under which key, asking for what."""

    company_id: UUID
    subject: str
    key: str
    operation: str
    fingerprint: bytes
    digest: str = field(init=False)
    """What stands in the table instead of the key."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", hashlib.sha256(self.key.encode()).hexdigest())

    @property
    def lock(self) -> int:
        """The advisory lock that one execution holds at a time."""
        whole = f"{self.company_id}\0{self.subject}\0{self.key}"
        return int.from_bytes(hashlib.sha256(whole.encode()).digest()[:8], "big", signed=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """What was answered; `body` is None where it can no longer be opened."""

    operation: str
    fingerprint: bytes
    status: int
    headers: Mapping[str, str]
    body: bytes | None


class AnswerStore:
    """Reads and writes the answers of one service; `secret` is 32 bytes that only it knows."""

    def __init__(self, table: sa.Table, *, secret: bytes, clock: Clock) -> None:
        self.table = table
        self._secret = secret
        self._clock = clock
        columns = table.c
        free = sa.func.pg_try_advisory_xact_lock(sa.bindparam("lock", type_=sa.BigInteger))
        one = sa.select(free.label("free")).subquery()
        kept = (columns.operation, columns.fingerprint, columns.status, columns.headers)
        same = sa.and_(
            columns.company_id == sa.bindparam("company_id"),
            columns.subject == sa.bindparam("subject"),
            columns.key == sa.bindparam("digest"),
        )
        self._find = sa.select(one.c.free, *kept, columns.body).select_from(
            one.outerjoin(table, same)
        )

    async def begin(
        self, session: AsyncSession, request: RepeatableRequest
    ) -> tuple[bool, KeptAnswer | None]:
        """Whether the request may be executed now, and the answer it had, if it had one.

        Another execution of the same request that is still open makes the first False.
        """
        own = {"company_id": request.company_id, "subject": request.subject}
        values = own | {"lock": request.lock, "digest": request.digest}
        row = (await session.execute(self._find, values)).one()
        if row[OPERATION] is None:
            return bool(row.free), None
        return True, KeptAnswer(
            operation=row[OPERATION],
            fingerprint=row[FINGERPRINT],
            status=row[STATUS],
            headers=row[HEADERS],
            body=self._open(request, row[BODY]),
        )

    async def keep(
        self,
        session: AsyncSession,
        request: RepeatableRequest,
        status: int,
        headers: Mapping[str, str],
        body: bytes,
    ) -> None:
        """Write the answer in the transaction of its effect."""
        row = self.row(request, status, headers, body)
        await session.execute(self.table.insert().inline(), row)

    def row(
        self,
        request: RepeatableRequest,
        status: int,
        headers: Mapping[str, str],
        body: bytes,
        mentions: Collection[UUID] | None = None,
    ) -> dict[str, Any]:
        """The row that keeps an answer, by column; without `mentions` every id in it is one."""
        if mentions is None:
            mentions = sorted(set(map(UUID, IDENTIFIERS.findall(body.decode()))))
        return {
            "company_id": request.company_id,
            "subject": request.subject,
            "key": request.digest,
            "operation": request.operation,
            "fingerprint": request.fingerprint,
            "status": status,
            "headers": dict(headers),
            "body": self._seal(request, body),
            "mentions": mentions,
            "created_at": self._clock.now(),
        }

    async def forget(self, session: AsyncSession, company_id: UUID, mentioned: UUID) -> None:
        """Empty the answers that name `mentioned`: it was erased. What was done stays done."""
        columns = self.table.c
        query = self.table.update().where(
            columns.company_id == company_id, columns.mentions.contains([mentioned])
        )
        await session.execute(query.values(body=b""))

    def _seal(self, request: RepeatableRequest, body: bytes) -> bytes:
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._cipher(request).encrypt(nonce, body, None)

    def _open(self, request: RepeatableRequest, sealed: bytes) -> bytes | None:
        try:
            return self._cipher(request).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], None)
        except (InvalidTag, ValueError):  # the service's secret was changed, or it was emptied
            return None

    def _cipher(self, request: RepeatableRequest) -> AESGCM:
        own = f"{request.company_id}\0{request.subject}\0{request.key}".encode()
        return AESGCM(hashlib.blake2b(own, key=self._secret, digest_size=32).digest())
