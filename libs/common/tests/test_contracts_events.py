"""The events: CloudEvents headers there and back, and nothing personal in any of them."""

from __future__ import annotations

import re
import typing
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atmr_common.contracts.catalogue import CATALOGUE
from atmr_common.contracts.envelope import Envelope, Event

PERSONAL = re.compile(
    r"(^|_)(name|phone|mail|birth|notes?|address|street|city|lat|lon|door|floor)(_|$)|coordinate"
)


@given(
    identifier=st.uuids(),
    subject=st.text(min_size=1, max_size=60),
    version=st.integers(min_value=0, max_value=2**53),
    moment=st.datetimes(timezones=st.just(UTC)),
    trace=st.none() | st.text(min_size=1, max_size=55),
)
def test_an_envelope_survives_its_headers(
    identifier: UUID, subject: str, version: int, moment: datetime, trace: str | None
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
    )
    assert Envelope.from_headers(envelope.headers()) == envelope


def test_a_missing_header_is_an_error() -> None:
    with pytest.raises(KeyError):
        Envelope.from_headers({"ce_id": str(UUID(int=1))})


@pytest.mark.parametrize("model", CATALOGUE, ids=lambda model: model.__name__)
def test_no_event_carries_personal_data(model: type[Event]) -> None:
    personal = [name for name in model.model_fields if PERSONAL.search(name)]
    assert not personal


def test_every_event_of_the_contracts_is_in_the_catalogue() -> None:
    from atmr_common.contracts import bookings, dispatch  # noqa: PLC0415 (read as modules)

    defined = {
        value
        for module in (bookings, dispatch)
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Event) and value is not Event
    }
    assert defined == set(CATALOGUE)


@pytest.mark.parametrize("model", CATALOGUE, ids=lambda model: model.__name__)
def test_fields_of_a_newer_release_are_ignored(model: type[Event]) -> None:
    assert model.model_config["extra"] == "ignore"
    assert typing.get_type_hints(model)
