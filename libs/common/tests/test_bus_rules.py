"""The rules beneath the buses: which errors wait, where keys belong, what the settings allow."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from aiokafka.partitioner import murmur2
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from atmr_common.bus.build import build_bus
from atmr_common.bus.delivery import DeliveryRules
from atmr_common.bus.dependencies import is_dependency_down
from atmr_common.bus.kafka import KafkaBus
from atmr_common.bus.memory import MemoryBus
from atmr_common.bus.partitions import partitions_of
from atmr_common.bus.port import (
    BusUnavailableError,
    DependencyDownError,
    Message,
    TopicMissingError,
    UndecodableError,
)
from atmr_common.bus.settings import BusSettings, KafkaSettings
from atmr_common.cache.port import CacheUnavailableError
from atmr_common.database.engine import asyncpg_url
from atmr_common.runtime.service_process import ConfigurationError, read_settings


@pytest.mark.parametrize(
    "error",
    [
        DependencyDownError("OSRM"),
        BusUnavailableError("Kafka"),
        TopicMissingError("a"),
        CacheUnavailableError(),
        ConnectionRefusedError(),
        TimeoutError(),
        socket.gaierror(),
        sa.exc.TimeoutError(),
    ],
)
def test_what_is_down_waits(error: Exception) -> None:
    assert is_dependency_down(error)


@pytest.mark.parametrize(
    "error",
    [ValueError(), KeyError(), OSError(), UndecodableError(), sa.exc.NoResultFound()],
)
def test_a_message_of_bad_content_does_not_wait(error: Exception) -> None:
    assert not is_dependency_down(error)


async def raised(engine: AsyncEngine, statement: str, **values: object) -> Exception:
    with pytest.raises((SQLAlchemyError, OSError)) as caught:
        async with engine.connect() as connection:
            await connection.execute(sa.text(statement), values)
    return caught.value


async def test_a_database_that_goes_away_waits_and_bad_values_do_not(database_url: str) -> None:
    engine = create_async_engine(asyncpg_url(database_url))
    try:
        ended = await raised(engine, "SELECT pg_terminate_backend(pg_backend_pid())")
        assert is_dependency_down(ended), repr(ended)
        bad = [
            await raised(engine, "SELECT CAST(:n AS integer)", n=2**40),
            await raised(engine, "SELECT CAST(:n AS integer)", n="no number"),
            await raised(engine, "SELECT 1/0"),
            await raised(engine, "SELECT * FROM there_is_no_such_table"),
            await raised(engine, "INSERT INTO pg_class (oid) VALUES (NULL)"),
        ]
        assert [error for error in bad if is_dependency_down(error)] == []
    finally:
        await engine.dispose()
    away = create_async_engine("postgresql+asyncpg://u:p@127.0.0.1:9/d")
    assert is_dependency_down(await raised(away, "SELECT 1"))
    await away.dispose()


def test_the_bus_loads_neither_sqlalchemy_nor_a_kafka_client_that_nobody_asked_for() -> None:
    program = (
        "import sys, atmr_common.bus.build, atmr_common.bus.settings, atmr_common.bus.dependencies;"
        "print([name for name in ('sqlalchemy', 'aiokafka', 'fastapi') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@given(keys=st.lists(st.binary(max_size=60), max_size=40), count=st.integers(1, 50))
def test_keys_belong_where_every_kafka_client_puts_them(keys: list[bytes], count: int) -> None:
    assert partitions_of(keys, count) == [(murmur2(key) & 0x7FFFFFFF) % count for key in keys]


@given(attempt=st.integers(0, 10**9))
def test_waits_grow_to_their_limit_and_no_further(attempt: int) -> None:
    rules = DeliveryRules(backoff_s=0.2, max_backoff_s=15.0)
    assert 0.2 <= rules.wait_s(attempt) <= rules.wait_s(attempt + 1) <= 15.0


async def test_a_full_memory_bus_refuses_whole_batches_until_there_is_room() -> None:
    bus, release, seen = MemoryBus(capacity=10), asyncio.Event(), asyncio.Semaphore(0)

    async def receiver(_: Message) -> None:
        await release.wait()
        seen.release()

    batch = [Message(topic="a", key=str(number), value=b"") for number in range(10)]
    await bus.subscribe(["a"], "group", receiver)
    await bus.publish(batch)
    with pytest.raises(BusUnavailableError, match="group"):
        await bus.publish(batch)
    release.set()
    async with asyncio.timeout(10):
        for _ in range(10):
            await seen.acquire()
    await asyncio.sleep(0)
    await bus.publish(batch)
    await bus.aclose()


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """No setting of the developer's is seen."""
    monkeypatch.chdir(tmp_path)
    for name in BusSettings.model_fields:
        monkeypatch.delenv(f"ATMR_{name.upper()}", raising=False)
    return monkeypatch


async def test_without_a_broker_named_events_stay_in_the_process(bare: pytest.MonkeyPatch) -> None:
    del bare
    bus = build_bus(BusSettings().kafka, CollectorRegistry())
    assert isinstance(bus, MemoryBus)
    await bus.aclose()


async def test_a_broker_named_by_the_environment_is_used(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("ATMR_KAFKA_BOOTSTRAP", "kafka-1:9092,kafka-2:9092")
    bare.setenv("ATMR_KAFKA_SECURITY_PROTOCOL", "SASL_SSL")
    bare.setenv("ATMR_KAFKA_USERNAME", "dispatch")
    password = "s3" + "cret"
    bare.setenv("ATMR_KAFKA_PASSWORD", password)
    settings = BusSettings()
    assert settings.kafka is not None
    connection = settings.kafka.connection()
    assert connection["bootstrap_servers"] == "kafka-1:9092,kafka-2:9092"
    assert connection["sasl_mechanism"] == "SCRAM-SHA-512"
    assert connection["sasl_plain_password"] == password
    assert connection["ssl_context"].check_hostname
    assert password not in repr(settings) + repr(settings.kafka)
    bus = build_bus(settings.kafka, CollectorRegistry())
    assert isinstance(bus, KafkaBus)
    await bus.aclose()


def test_sasl_without_a_login_is_a_sentence(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("ATMR_KAFKA_BOOTSTRAP", "kafka:9092")
    bare.setenv("ATMR_KAFKA_SECURITY_PROTOCOL", "SASL_SSL")
    with pytest.raises(ConfigurationError, match=r"ATMR_KAFKA_PASSWORD.*user name"):
        read_settings(BusSettings)


def test_certificates_that_cannot_be_read_are_an_error_at_the_start(tmp_path: Path) -> None:
    settings = KafkaSettings(
        bootstrap="kafka:9093", security_protocol="SSL", ssl_ca_file=tmp_path / "none.pem"
    )
    with pytest.raises(FileNotFoundError):
        settings.connection()
