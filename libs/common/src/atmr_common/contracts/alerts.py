"""Events of alerts; the key is the alert's id.

Reasons are codes with a figure each: the words are made where they are shown.
"""

from __future__ import annotations

from datetime import date
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict

from atmr_common.contracts.envelope import Event
from atmr_common.contracts.vocabulary import Code, Finite, Probability, Sha256, Version


class AlertReason(BaseModel):
    """One cause, as `departure_delay` with its size in `unit` (`min`, `km`, `count`)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    code: Code
    amount: Finite | None = None
    unit: Code | None = None


class AlertFix(BaseModel):
    """A change that the engine found feasible; one call applies the proposal."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: Code
    proposal_id: UUID
    booking_id: UUID
    duty_id: UUID
    saved_min: Finite | None = None


class Arrival(BaseModel):
    """When a vehicle is expected: 80 of 100 such intervals hold the true moment.

    `late_probability` is that of being later than the tolerance after `promised_at`.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    promised_at: AwareDatetime
    earliest_at: AwareDatetime
    latest_at: AwareDatetime
    late_probability: Probability | None = None


class AlertRaised(Event):
    """Something needs a person. One fingerprint (company, booking, kind) has one open alert."""

    alert_id: UUID
    fingerprint: Sha256
    kind: Code
    severity: Code
    day: date
    booking_id: UUID | None = None
    duty_id: UUID | None = None
    arrival: Arrival | None = None
    reasons: tuple[AlertReason, ...] = ()
    fix: AlertFix | None = None
    model_version: Version | None = None
    degraded: Code | None = None


class AlertUpdated(Event):
    """An open alert is judged anew; the values replace those of before."""

    alert_id: UUID
    severity: Code
    arrival: Arrival | None = None
    reasons: tuple[AlertReason, ...] = ()
    fix: AlertFix | None = None
    degraded: Code | None = None


class AlertAcknowledged(Event):
    """A person took the alert; `by` is the role, `snoozed_until` when it may speak again."""

    alert_id: UUID
    by: Code
    at: AwareDatetime
    snoozed_until: AwareDatetime | None = None


class AlertResolved(Event):
    """The alert has ended. `treated` is true where somebody acted on it: then it is no label."""

    alert_id: UUID
    at: AwareDatetime
    outcome: Code
    treated: bool
    lateness_min: Finite | None = None
