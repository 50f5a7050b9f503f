"""The process of one service: its signals, its configuration errors in a sentence, its end."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, NoReturn, TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings

from atmr_common.runtime.leaving import leave

Settings = TypeVar("Settings", bound=BaseSettings)


class ConfigurationError(Exception):
    """A setting that the service cannot start without; the message names the remedy."""


def read_settings(kind: type[Settings], **chosen: object) -> Settings:
    """Settings of `kind`, `chosen` ones by their field's name.

    Raises:
        ConfigurationError: naming each variable that is wrong.

    """
    try:
        return kind.model_validate(chosen)
    except ValidationError as error:
        wrong = "; ".join(f"{_variable(each['loc'][0])}: {each['msg']}" for each in error.errors())
        raise ConfigurationError(f"A setting is wrong: {wrong}.") from error


def settings_of_service(kind: type[Settings]) -> Settings:
    """The settings; where one is wrong, a sentence on stderr and exit code 1."""
    try:
        return read_settings(kind)
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        leave(1)


def _variable(field: object) -> str:
    name = str(field).upper()
    return name if name == "DATABASE_URL" else f"ATMR_{name}"


def run_service(work: Coroutine[Any, Any, None]) -> NoReturn:
    """Run `work` until it ends, or until SIGINT or SIGTERM cancels it; then exit.

    Exit code 0 after a signal, 1 after a configuration error, which is told in one sentence.
    """
    try:
        asyncio.run(_until_signalled(work))
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        leave(1)
    leave(0)


async def _until_signalled(work: Coroutine[Any, Any, None]) -> None:
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    with suppress(asyncio.CancelledError):
        await task
