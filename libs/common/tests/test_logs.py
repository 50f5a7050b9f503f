"""What is written to the log, what never is, and that one event is one line."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from atmr_common.observability.logs import OWN, configure_logs, neutralise
from atmr_common.observability.redaction import REDACTED, is_sensitive, redacted, traceback_of
from atmr_common.observability.work_context import (
    TraceContext,
    WorkContext,
    note_company,
    working,
)

MARK = "ZZSECRET"


class Address(BaseModel):
    street: str
    floor: int


class Sealed(BaseModel):
    sensitive: ClassVar[bool] = True
    floor: str


@dataclass
class Stop:
    place_id: UUID
    lat: float
    minutes: int


class Opaque:
    def __repr__(self) -> str:
        return MARK


Written = Callable[[], str]


@pytest.fixture
def log_state() -> Iterator[None]:
    """Everything that configure_logs changes, put back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in (*OWN, "uvicorn", "httpx")}
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)


@pytest.fixture
def written(log_state: None, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Written]:
    del log_state

    def configured(level: str = "DEBUG", log_format: str = "json") -> Written:
        stream = io.StringIO()
        monkeypatch.setattr(sys, "stderr", stream)
        configure_logs(level, log_format)
        return stream.getvalue

    return configured


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def log() -> Any:
    return structlog.get_logger("atmr_common.tests")


def test_a_line_is_json_and_names_the_work_it_belongs_to(written: Callable[..., Written]) -> None:
    text = written()
    trace = TraceContext("a" * 32, "b" * 16, sampled=True)
    with working(WorkContext(trace, request_id="r-1")):
        note_company(UUID(int=7))
        log().info("run finished", run_id=str(UUID(int=1)), seconds=1.5)
    log().info("idle")
    inside, outside = lines(text())
    assert inside["event"] == "run finished"
    assert inside["level"] == "info"
    assert inside["seconds"] == 1.5
    assert inside["run_id"] == str(UUID(int=1))
    assert (inside["trace_id"], inside["span_id"]) == ("a" * 32, "b" * 16)
    assert (inside["request_id"], inside["company_id"]) == ("r-1", str(UUID(int=7)))
    assert datetime.fromisoformat(inside["timestamp"]).tzinfo == UTC
    assert not {"trace_id", "request_id", "company_id"} & outside.keys()


@pytest.mark.parametrize(
    "name",
    [
        *("name", "patient_name", "firstName", "phone", "phone_number", "address", "notes", "lat"),
        *("lon", "home", "pickup_address", "label", "email", "password", "access_token", "cookie"),
        *("Authorization", "x-api-key", "patient_key", "client_secret", "birth_date", "url"),
        *("set-cookie", "query", "payload", "body", "DATABASE_URL", "searchWords"),
    ],
)
def test_names_that_may_tell_of_a_person_or_a_secret(name: str) -> None:
    assert is_sensitive(name)


@pytest.mark.parametrize(
    "name",
    ["key", "topic", "run_id", "patient_id", "seconds", "part", "status", "route", "latency"],
)
def test_names_that_tell_nothing(name: str) -> None:
    assert not is_sensitive(name)


HIDDEN: list[object] = [
    {"name": MARK},
    {"deep": [{"deeper": {"phone": MARK}}]},
    [{"lat": MARK}, ({"notes": MARK},)],
    SecretStr(MARK),
    {"plain": SecretStr(MARK)},
    Address(street=MARK, floor=3),
    [Sealed(floor=MARK)],
    MARK.encode(),
    Opaque(),
    ValueError(MARK),
    {"cause": RuntimeError(f"patient {MARK}", {"x": MARK})},
    Stop(UUID(int=1), lat=46.2, minutes=5),
    {"a": {"b": {"c": {"d": {"e": {"f": {"g": MARK}}}}}}},
]


@pytest.mark.parametrize("value", HIDDEN, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("log_format", ["json", "text"])
def test_what_is_hidden(written: Callable[..., Written], value: object, log_format: str) -> None:
    text = written(log_format=log_format)
    log().warning("something", thing=value)
    logging.getLogger("foreign").warning("something %s", value)
    assert text().count("something") == 2
    assert MARK not in text()
    assert "46.2" not in text()


def test_a_plain_value_is_written(written: Callable[..., Written]) -> None:
    """The control: the mark would be seen if it were let through."""
    text = written()
    log().warning("something", thing=MARK)
    logging.getLogger("foreign").warning("node %s of %d", MARK, 3)
    assert [line["event"] for line in lines(text())] == ["something", f"node {MARK} of 3"]
    assert lines(text())[0]["thing"] == MARK


def test_structure_stays_around_what_is_hidden() -> None:
    assert redacted(Stop(UUID(int=1), lat=46.2, minutes=5)) == {
        "place_id": str(UUID(int=1)),
        "lat": REDACTED,
        "minutes": 5,
    }
    assert redacted(Address(street="x", floor=3)) == {"street": REDACTED, "floor": 3}
    assert redacted({"name": "x", "ids": (1, 2)}) == {"name": REDACTED, "ids": [1, 2]}
    assert redacted(list(range(60)))[-1] == "[10 more]"


def fail_in_a_chain() -> None:
    try:
        dict[str, int]()[MARK]
    except KeyError as error:
        raise RuntimeError(f"told {MARK}") from error


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_an_error_is_told_by_type_and_place_only(
    written: Callable[..., Written], log_format: str
) -> None:
    text = written(log_format=log_format)
    try:
        fail_in_a_chain()
    except RuntimeError as error:
        log().exception("failed")
        logging.getLogger("asyncio").exception("failed")
        log().error("failed", exc_info=error)
    assert text().count("fail_in_a_chain") == 6
    assert "KeyError" in text()
    assert MARK not in text()


def test_the_errors_of_a_group_are_told_too() -> None:
    told = traceback_of(ExceptionGroup("several", [ValueError(MARK), KeyError(MARK)]))
    assert told == ["ExceptionGroup", "  | ValueError", "  | KeyError"]


def test_an_error_may_vouch_for_its_message() -> None:
    class PlainError(Exception):
        tells_no_personal_data = True

    assert redacted(PlainError("the day changed"))["says"] == "the day changed"


def test_facts_of_a_database_error_stay() -> None:
    class UniqueViolationError(Exception):
        sqlstate = "23505"
        constraint_name = "uq_patient_number"
        detail = MARK

    told = redacted(UniqueViolationError(MARK))
    assert told["sqlstate"] == "23505"
    assert told["constraint_name"] == "uq_patient_number"
    assert MARK not in str(told)


def test_foreign_libraries_are_heard_from_warning_up(written: Callable[..., Written]) -> None:
    text = written("DEBUG")
    for name in ("uvicorn.error", "foreign.conn", "sqlalchemy.engine", "httpx", "whatever"):
        logging.getLogger(name).info("chatter")
        logging.getLogger(name).warning("trouble")
    log().debug("detail")
    assert [line["event"] for line in lines(text())] == ["trouble"] * 5 + ["detail"]


def test_below_the_level_nothing_is_written(written: Callable[..., Written]) -> None:
    text = written("ERROR")
    log().warning("not now")
    logging.getLogger("foreign").warning("not now")
    log().error("now")
    assert [line["event"] for line in lines(text())] == ["now"]


def test_foreign_arguments_that_do_not_fit_lose_nothing(written: Callable[..., Written]) -> None:
    text = written()
    logging.getLogger("foreign").warning("%d nodes", "three")
    assert lines(text())[0]["event"] == "%d nodes"


@pytest.mark.parametrize("log_format", ["json", "text"])
@given(value=st.text(), name=st.text(min_size=1))
def test_one_event_is_one_line(log_format: str, value: str, name: str) -> None:
    """Whatever a client sends as a value or a name, it cannot write a line of its own."""
    event = {"event": value, "x" + name: value, "deep": {name: [value]}}
    if log_format == "json":
        rendered = structlog.processors.JSONRenderer()(None, "info", event)
    else:
        shown = neutralise(None, "info", dict(event))
        rendered = structlog.dev.ConsoleRenderer(colors=False)(None, "info", shown)
    assert str(rendered).isprintable() or log_format == "json"
    assert len(str(rendered).splitlines()) == 1


def test_escape_sequences_reach_no_terminal(written: Callable[..., Written]) -> None:
    text = written(log_format="text")
    log().info("asked", route="/x\n2026-01-01 [error] forged\x1b[2J\u2028")
    assert len(text().splitlines()) == 1
    assert "\\n2026" in text()
    assert "\x1b" not in text()


def test_a_broker_that_is_away_is_told_by_the_bus_alone(written: Callable[..., Written]) -> None:
    """aiokafka says it more than twenty times a second."""
    text = written()
    logging.getLogger("aiokafka.client").error("Unable connect to node with id 1")
    log().warning("something")
    assert [line["event"] for line in lines(text())] == ["something"]
