"""One plausible event of every type, always the same: what golden files and documents are made of.

Values are by field of the newest release; an older release's models take those that they know.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from atmr_common.contracts.catalogue import CATALOGUE
from atmr_common.contracts.envelope import Envelope, Event

DAY = "2026-03-16"
DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def an_id(name: str) -> UUID:
    return uuid5(NAMESPACE_URL, f"urn:atmr:sample:{name}")


def at(clock: str) -> str:
    return f"{DAY}T{clock}:00+00:00"


BOOKING, ALLER, DUTY, RUN = (an_id(name) for name in ("booking", "aller", "duty", "run"))
REASON = {"code": "departure_delay", "amount": 11.5, "unit": "min"}
FIX = {
    "kind": "reassign",
    "proposal_id": an_id("proposal"),
    "booking_id": BOOKING,
    "duty_id": an_id("other duty"),
    "saved_min": 9.0,
}
ARRIVAL = {
    "promised_at": at("08:30"),
    "earliest_at": at("08:40"),
    "latest_at": at("08:52"),
    "late_probability": 0.93,
}
PLANNED = {
    "booking_id": BOOKING,
    "duty_id": DUTY,
    "day": DAY,
    "plan_version": 4,
    "planned_pickup_at": at("08:05"),
    "planned_dropoff_at": at("08:31"),
}
OF_RUN = {"run_id": RUN, "day": DAY}

VALUES: dict[str, dict[str, Any]] = {
    "BookingRequested": {
        "booking_id": BOOKING,
        "patient_id": an_id("patient"),
        "direction": "RETOUR",
        "linked_booking_id": ALLER,
        "pickup_from": at("08:00"),
        "pickup_to": at("08:20"),
        "appointment_at": None,
        "mobility": "wheelchair",
        "state": "confirmed",
    },
    "BookingChanged": {
        "booking_id": BOOKING,
        "changed": ["notes", "pickup_from"],
        "state": "assigned",
    },
    "BookingReady": {"booking_id": BOOKING, "ready_at": at("08:02")},
    "BookingCancelled": {
        "booking_id": BOOKING,
        "by": "dispatcher",
        "reason": "at_the_door",
        "late": True,
    },
    "BookingNoShow": {"booking_id": ALLER, "held_booking_ids": [BOOKING]},
    "AssignmentProposed": PLANNED
    | {
        "proposal_id": an_id("proposal"),
        "expires_at": at("08:00"),
        "source": "insertion",
        "added_cost": 14.25,
        "degraded": "model_unavailable",
    },
    "AssignmentCommitted": PLANNED,
    "AssignmentReleased": {
        "booking_id": BOOKING,
        "day": DAY,
        "plan_version": 4,
        "reason": "left out by a new plan",
    },
    "AssignmentProgressed": {
        "booking_id": BOOKING,
        "duty_id": DUTY,
        "state": "on_board",
        "at": at("08:07"),
    },
    "PlanCommitted": OF_RUN
    | {
        "version": 4,
        "assigned": [BOOKING],
        "released": [ALLER],
        "served": 118,
        "unserved": 2,
        "routes": [
            {
                "duty_id": DUTY,
                "begins_at": at("07:45"),
                "legs": [
                    {"kind": "start", "drive_s": 0, "wait_s": 0, "service_s": 0},
                    {
                        "kind": "pickup",
                        "booking_id": BOOKING,
                        "drive_s": 840,
                        "wait_s": 360,
                        "service_s": 300,
                    },
                ],
            }
        ],
        "kpis": {"served": 118, "lateness_min": 3.5, "ride_over_direct": None},
    },
    "RunRequested": OF_RUN | {"mode": "auto"},
    "RunCompleted": OF_RUN
    | {"plan_version": 4, "served": 118, "unserved": 2, "degraded": "osrm_unavailable"},
    "RunFailed": OF_RUN | {"reason": "TimeoutError"},
    "PositionReported": {
        "driver_id": an_id("driver"),
        "duty_id": DUTY,
        "recorded_at": at("08:03"),
        "lat": 46.2044,
        "lon": 6.1432,
        "accuracy_m": 8.0,
        "next_stop": {
            "kind": "pickup",
            "booking_id": BOOKING,
            "remaining_s": 410.0,
            "source": "osrm",
        },
    },
    "DecisionRecorded": {
        "decision_id": an_id("decision"),
        "booking_id": BOOKING,
        "run_id": RUN,
        "day": DAY,
        "decided_at": at("07:40"),
        "trigger": "booking_arrived",
        "codec_version": 1,
        "state_hash": DIGEST,
        "context": [0.25, 1.0],
        "candidates": [
            {
                "kind": "insertion",
                "duty_id": DUTY,
                "pickup_position": 0,
                "dropoff_position": 1,
                "added_cost": 14.25,
                "features": [0.5, -1.0],
            },
            {"kind": "outsource", "features": [0.0, 0.0]},
            {"kind": "wait", "features": [0.0, 1.0]},
        ],
        "mask": [True, True, False],
        "scores": [2.5, 0.5, None],
        "propensities": [0.95, 0.05, 0.0],
        "chosen": 0,
        "by": "policy",
        "model": {"name": "dispatch-policy", "version": 3},
    },
    "OutcomeObserved": {
        "decision_id": an_id("decision"),
        "booking_id": BOOKING,
        "observed_at": at("08:33"),
        "outcome": "completed",
        "overridden": False,
        "pickup_lateness_s": -120.0,
        "appointment_lateness_s": None,
        "ride_s": 1440.0,
        "cost": 15.0,
    },
    "ModelPublished": {
        "model": "dispatch-policy",
        "version": 3,
        "codec_version": 1,
        "checksum": DIGEST,
        "data_fingerprint": DIGEST,
        "git_revision": "0123abc",
        "synthetic": True,
        "metrics": {"gap_closed": 0.34},
    },
    "ModelPromoted": {
        "model": "dispatch-policy",
        "version": 3,
        "alias": "champion",
        "previous_version": 2,
    },
    "ModelRolledBack": {
        "model": "dispatch-policy",
        "version": 2,
        "alias": "champion",
        "previous_version": 3,
        "reason": "guard_rail",
    },
    "AlertRaised": {
        "alert_id": an_id("alert"),
        "fingerprint": DIGEST,
        "kind": "late_pickup",
        "severity": "warning",
        "day": DAY,
        "booking_id": BOOKING,
        "duty_id": DUTY,
        "arrival": ARRIVAL,
        "reasons": [REASON],
        "fix": FIX,
        "model_version": 2,
    },
    "AlertUpdated": {
        "alert_id": an_id("alert"),
        "severity": "critical",
        "arrival": ARRIVAL,
        "reasons": [REASON],
    },
    "AlertAcknowledged": {
        "alert_id": an_id("alert"),
        "by": "dispatcher",
        "at": at("08:12"),
        "snoozed_until": at("08:22"),
    },
    "AlertResolved": {
        "alert_id": an_id("alert"),
        "at": at("08:35"),
        "outcome": "on_time",
        "treated": True,
        "lateness_min": 1.0,
    },
}


def sample(model: type[Event]) -> Event:
    """The sample of one event of the catalogue."""
    return model.model_validate(VALUES[model.__name__])


def envelope_of(model: type[Event]) -> Envelope:
    """The envelope as the outbox writes it for the sample."""
    entry = CATALOGUE[model]
    return Envelope(
        id=an_id(entry.type),
        source="/atmr/dispatch-api",
        type=entry.type,
        subject=str(BOOKING),
        time=datetime(2026, 3, 16, 8, 2, 30, tzinfo=UTC),
        dataschema=f"urn:atmr:{entry.type}",
        company_id=an_id("company"),
        aggregate_version=7,
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        epoch=1,  # release 0.1.0 knows none, and takes no notice
    )
