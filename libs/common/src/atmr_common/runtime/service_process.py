"""The process of one service: its signals, its configuration errors in a sentence, its end."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn, TypeVar

import structlog
import uvloop
from pydantic import ValidationError
from pydantic_settings import BaseSettings

from atmr_common.runtime.leaving import leave, leave_at_once
from atmr_common.runtime.lifecycle import Lifecycle

log = structlog.get_logger(__name__)

Settings = TypeVar("Settings", bound=BaseSettings)
Start = Callable[[Lifecycle], Coroutine[Any, Any, None]]
"""Starts the parts of a service, and returns when all of them work."""


COLLECTOR = (10_000, 20, 20)
"""Rounds of the collector: requests make and drop many objects, hardly any in cycles."""


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


def run_service(
    start: Start, *, drain_seconds: float = 20.0, drain_delay_s: float = 0.0
) -> NoReturn:
    """Start the parts and serve until SIGINT or SIGTERM, or until a part ends; then stop and exit.

    The first signal drains: readiness is refused for `drain_delay_s`, then the parts stop in
    order. A second one hurries. After `drain_seconds` the process ends anyway.

    Exit code 0 after a signal; 1 when a part ended by itself or did not stop, and after a
    configuration error, which is told in one sentence.
    """
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            code = runner.run(_serve(start, drain_seconds, drain_delay_s))
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        leave(1)
    leave(code)


async def _serve(start: Start, drain_seconds: float, drain_delay_s: float) -> int:
    lifecycle = Lifecycle(deadline_s=drain_seconds, delay_s=drain_delay_s)
    asyncio.get_running_loop().set_exception_handler(log_stray_error)
    signalled = _listen_to_signals(lifecycle)
    serving = asyncio.ensure_future(_start_and_serve(start, lifecycle))
    waiting = asyncio.ensure_future(signalled.wait())
    await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    serving.cancel()
    await asyncio.wait({serving}, timeout=drain_seconds)
    await lifecycle.stop()
    if lifecycle.left_behind:
        leave_at_once(1)  # what is left would hold the loop's end for ever
    return 0 if signalled.is_set() else _failure_of(serving)


def _failure_of(serving: asyncio.Task[None]) -> int:
    error = serving.exception()
    if isinstance(error, ConfigurationError):
        raise error
    if error is not None:
        log.error("the service failed", exc_info=error)
    return 1


async def _start_and_serve(start: Start, lifecycle: Lifecycle) -> None:
    await start(lifecycle)
    settle_memory()
    log.info("ready")
    part = await lifecycle.a_part_ended()
    log.error("a part ended by itself", part=part)


def settle_memory() -> None:
    """What was made until now stays: the collector need not walk it again in every full round."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTOR)


def _listen_to_signals(lifecycle: Lifecycle) -> asyncio.Event:
    signalled = asyncio.Event()

    def hear(number: signal.Signals) -> None:
        again = signalled.is_set()
        log.info("signal", signal=number.name, hurry=again)
        if again:
            lifecycle.hurry()
        signalled.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, hear, number)
    return signalled


def log_stray_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what no task waited for; asyncio's own text would show the error's message."""
    del loop
    log.error("stray error", exc_info=context.get("exception"))
