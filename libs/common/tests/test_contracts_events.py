"""The events: CloudEvents headers there and back, and a catalogue that is whole."""

from __future__ import annotations

import importlib
import pkgutil
import typing
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atmr_common import contracts
from atmr_common.contracts.catalogue import CATALOGUE, TOPICS
from atmr_common.contracts.envelope import Envelope, Event

INBOX_HOURS = 14 * 24


@given(
    identifier=st.uuids(),
    subject=st.text(min_size=1, max_size=60),
    version=st.integers(min_value=0, max_value=2**53),
    moment=st.datetimes(timezones=st.just(UTC)),
    trace=st.none() | st.text(min_size=1, max_size=55),
    epoch=st.integers(min_value=0, max_value=2**31),
)
def test_an_envelope_survives_its_headers(
    identifier: UUID, subject: str, version: int, moment: datetime, trace: str | None, epoch: int
) -> None:
    envelope = Envelope(
        id=identifier,
        source="/atmr/tests",
        type="dispatch.run.v1.RunRequested",
        subject=subject,
        time=moment,
        dataschema="urn:atmr:x",
        company_id=identifier,
        aggregate_version=version,
        traceparent=trace,
        tracestate=trace,
        epoch=epoch,
    )
    assert Envelope.from_headers(envelope.headers()) == envelope


def test_a_missing_header_is_an_error() -> None:
    with pytest.raises(KeyError):
        Envelope.from_headers({"ce_id": str(UUID(int=1))})


def test_every_event_of_the_contracts_is_in_the_catalogue() -> None:
    names = [module.name for module in pkgutil.iter_modules(contracts.__path__)]
    modules = [importlib.import_module(f"{contracts.__name__}.{name}") for name in names]
    defined = {
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Event) and value is not Event
    }
    assert len(modules) > 5
    assert defined == set(CATALOGUE)


def test_a_topic_forgets_before_an_inbox_does() -> None:
    assert {entry.topic for entry in CATALOGUE.values()} == TOPICS.keys()
    for name, topic in TOPICS.items():
        assert topic.partitions >= 1
        if topic.longest_hours is not None:
            assert topic.longest_hours < INBOX_HOURS, name


@pytest.mark.parametrize("model", CATALOGUE, ids=lambda model: model.__name__)
def test_fields_of_a_newer_release_are_ignored(model: type[Event]) -> None:
    assert model.model_config["extra"] == "ignore"
    assert typing.get_type_hints(model)
