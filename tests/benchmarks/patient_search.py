"""`make bench-patients`: searching patients among 50,000 of one company, through the API.

Row-level security, blind index, opening, and the log of reads are all in the time; the network is
not (the application is called in process). "Processor" is the application's mean time on it, with
the client's: it does not grow when other programs use the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from statistics import quantiles
from uuid import UUID

import httpx
import sqlalchemy as sa
from support.databases import SERVICE_SCHEMAS
from support.tokens import TokenSigner

from atmr_common.database.migrations import upgrade
from atmr_common.database.tenancy import OWNER, of_company
from atmr_common.runtime.clock import SystemClock
from atmr_common.runtime.identifiers import new_id
from atmr_common.web.identity import Role
from dispatch_api.app import create_app
from dispatch_api.composition import make_ports
from dispatch_api.patients.domain import PatientIdentity, StoredPatient
from dispatch_api.patients.repository import PatientRepository
from dispatch_api.ports import Ports
from dispatch_api.settings import DispatchSettings
from standalone.embedded_postgres import EmbeddedPostgres

BATCH = 1000
SYLLABLES = [consonant + vowel for consonant in "bdfglmnr" for vowel in "aeio"]
GOAL_MS = 100.0
KINDS = ("full name", "prefix of 3", "prefix of 5", "two prefixes", "phone", "a name of thousands")


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


class Synthetic:
    """Made people: some 10,000 surnames, 700 first names, one surname that is everybody's."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.surnames = [self._word(4) for _ in range(10_000)]
        self.first_names = [self._word(3) for _ in range(700)]

    def _word(self, syllables: int) -> str:
        return "".join(self._random.choice(SYLLABLES) for _ in range(syllables)).capitalize()

    def identity(self, number: int) -> PatientIdentity:
        common = "Synthetic" if number % 10 == 0 else ""
        surname = self._random.choice(self.surnames)
        first = self._random.choice(self.first_names)
        return PatientIdentity(
            name=f"{first} {surname} {common}".strip(),
            phone=f"+41 22 {number:07d}",
            birth_year=1920 + number % 80,
            notes="synthetic",
        )

    def wanted(self, kind: str, among: int) -> str:
        surname = self._random.choice(self.surnames)
        first = self._random.choice(self.first_names)
        return {
            "full name": f"{first} {surname}",
            "prefix of 3": surname[:3],
            "prefix of 5": surname[:5],
            "two prefixes": f"{first[:3]} {surname[:4]}",
            "phone": f"022 {self._random.randrange(among):07d}",
            "a name of thousands": f"synthetic {first[:4]}",
        }[kind]


async def fill(ports: Ports, company_id: UUID, people: Synthetic, count: int) -> None:
    started = time.perf_counter()
    for first in range(0, count, BATCH):
        patients = [
            StoredPatient(
                id=new_id(),
                reference=f"SYNTHETIC-{number}",
                identity=people.identity(number),
                mobility="ambulatory",
                created_at=ports.clock.now(),
                created_by="clinic" if number % 50 == 0 else "bench",
            )
            for number in range(first, min(first + BATCH, count))
        ]
        async with ports.database.transaction(of_company(company_id)) as session:
            await PatientRepository(session, ports.vault).add_all(company_id, patients)
    async with ports.database.transaction(OWNER) as session:  # as autovacuum does within a minute
        await session.execute(sa.text("ANALYZE"))
    say(f"{count} synthetic patients stored in {time.perf_counter() - started:.1f} s")


async def measured(client: httpx.AsyncClient, text: str) -> tuple[float, int]:
    """Milliseconds of one search, and how many it found on its page."""
    started = time.perf_counter()
    answer = await client.post("/v1/patients/search", json={"text": text, "limit": 20})
    elapsed = (time.perf_counter() - started) * 1000
    if answer.is_error:
        raise RuntimeError(answer.text)
    return elapsed, len(answer.json()["items"])


async def report(
    client: httpx.AsyncClient, people: Synthetic, who: str, among: int, n: int
) -> bool:
    good = True
    for kind in KINDS:
        began = time.process_time()
        samples = [await measured(client, people.wanted(kind, among)) for _ in range(n)]
        cpu = (time.process_time() - began) / n * 1000
        cuts = quantiles([elapsed for elapsed, _ in samples], n=100)
        found = sum(count for _, count in samples) / n
        good &= cuts[98] <= GOAL_MS
        times = f"p50 {cuts[49]:5.1f} ms  p99 {cuts[98]:5.1f} ms  processor {cpu:4.1f} ms"
        say(f"{who:<10} {kind:<18} {times}  {found:.1f} hits")
    return good


@asynccontextmanager
async def service(folder: Path) -> AsyncIterator[tuple[Ports, TokenSigner, httpx.ASGITransport]]:
    issuer = TokenSigner()
    async with EmbeddedPostgres(folder / "postgres", announce=say) as postgres:
        for package, schema in SERVICE_SCHEMAS:
            await upgrade(postgres.url, package=package, schema=schema)
        settings = DispatchSettings(
            _env_file=None,
            DATABASE_URL=postgres.url,
            patient_key=b64encode(os.urandom(32)).decode(),
        )
        async with make_ports(settings, clock=SystemClock(), jwks=issuer.jwks()) as ports:
            yield ports, issuer, httpx.ASGITransport(create_app(settings, ports))


async def bench(folder: Path, options: argparse.Namespace) -> int:
    async with service(folder) as (ports, issuer, transport):

        def client(role: Role, subject: str, company: UUID | None) -> httpx.AsyncClient:
            token = issuer.issue(
                subject=subject,
                role=role,
                company_id=company,
                audience="atmr",
                lifetime=timedelta(hours=1),
            )
            headers = {"Authorization": f"Bearer {token}"}
            return httpx.AsyncClient(transport=transport, base_url="http://bench", headers=headers)

        async with client(Role.SERVICE, "platform", None) as platform:
            created = await platform.post("/v1/companies", json={"name": "SYNTHETIC bench"})
        company_id = UUID(created.json()["id"])
        people = Synthetic(options.seed)
        await fill(ports, company_id, people, options.patients)
        good = True
        for role, subject in ((Role.DISPATCHER, "bench"), (Role.CLINIC, "clinic")):
            async with client(role, subject, company_id) as caller:
                await measured(caller, "warm up")
                good &= await report(caller, people, role, options.patients, options.searches)
    say(f"goal: p99 <= {GOAL_MS:g} ms: {'reached' if good else 'MISSED'}")
    return 0 if good else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=50_000)
    parser.add_argument("--searches", type=int, default=200, help="of each kind")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="atmr-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        return asyncio.run(bench(Path(folder), options))


if __name__ == "__main__":
    sys.exit(main())
