"""Which Kafka a command talks to: the option `--bootstrap`, else the settings of the services."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Annotated, Any, NoReturn, TypeVar

import typer

from atmr_common.bus.kafka_records import TROUBLE
from atmr_common.bus.port import BusUnavailableError, TopicMissingError
from atmr_common.bus.settings import BusSettings, KafkaSettings
from atmr_common.runtime.service_process import ConfigurationError, read_settings

Bootstrap = Annotated[
    str | None,
    typer.Option(
        help="Kafka's brokers, host:port,... (ATMR_KAFKA_BOOTSTRAP); the login is set there too."
    ),
]
Answer = TypeVar("Answer")


def cluster(bootstrap: str | None) -> KafkaSettings:
    """The settings; where they are wrong or there are none, a sentence and exit code 2."""
    try:
        chosen = {} if bootstrap is None else {"kafka_bootstrap": bootstrap}
        settings = read_settings(BusSettings, **chosen).kafka
    except ConfigurationError as error:
        refuse(str(error))
    if settings is None:
        refuse("No Kafka is named: give --bootstrap HOST:PORT, or set ATMR_KAFKA_BOOTSTRAP.")
    return settings


def answered(settings: KafkaSettings, work: Coroutine[Any, Any, Answer]) -> Answer:
    """What `work` returns; a broker that is away, or refuses, is a sentence and exit code 2."""
    try:
        return asyncio.run(work)
    except TopicMissingError as error:
        refuse(str(error))
    except (BusUnavailableError, *TROUBLE) as error:
        refuse(f"Kafka at {settings.bootstrap} did not do it ({type(error).__name__}: {error}).")


def refuse(sentence: str) -> NoReturn:
    """Say why on stderr; exit code 2."""
    typer.echo(sentence, err=True)
    raise typer.Exit(2)
