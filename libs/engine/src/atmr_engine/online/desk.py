"""A dispatcher's desk: offers for a booking, and the plan changed by them one step at a time.

Problem and plan are compiled once; every change touches one route, and is priced by the same
objective and bound by the same rules as the plan itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from atmr_engine.journal import commit, rollback
from atmr_engine.online.held_plan import RESERVE, HeldPlan
from atmr_engine.online.quotes import insert_moving_breaks, quotes, versions
from atmr_engine.placement import insert, retime
from atmr_engine.removal import pick, remove_picked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from atmr_engine.online.offer import Offer
    from atmr_engine.plan import Plan
    from atmr_engine.problem import Problem


class RefusedError(ValueError):
    """A change that cannot be made; the message says why, and nothing was changed."""


class Desk(HeldPlan):
    """A plan that is asked for offers and changed by them.

    `told` are the pickup times (seconds) that patients were told, by request; it may be changed
    between calls.
    """

    told: Mapping[str, float]

    @classmethod
    def open(
        cls,
        problem: Problem,
        plan: Plan | None = None,
        told: Mapping[str, float] | None = None,
        reserve: int = RESERVE,
    ) -> Desk:
        """Compile a problem and take a plan over; without one, what is committed is served.

        `reserve` bookings can be added before all is compiled anew.

        Raises:
            CommitmentError: where a duty's commitments cannot be kept.

        """
        desk = cls(problem, plan, reserve)
        desk.told = {} if told is None else told
        return desk

    def offers(self, request_id: str, k: int = 5) -> tuple[Offer, ...]:
        """What the `k` duties offer that serve an unserved request at the least cost.

        The scan over all duties is exact for insertion between the stops as they stand; duties that
        have to take their breaks elsewhere are asked only when fewer than `k` others can.

        Raises:
            KeyError: for a request that the problem does not know.
            RefusedError: for one that is served.
            ValueError: for `k` below 1.

        """
        if k < 1:
            raise ValueError(f"at least one offer must be asked for, not {k}")
        request = self._unserved(request_id)
        return quotes(self, request, k, self.told)

    def offer_of(self, request_id: str, duty_id: str) -> Offer | None:
        """What one duty offers an unserved request; None where it cannot serve it."""
        every = self.offers(request_id, max(1, len(self.problem.duties)))
        return next((offer for offer in every if offer.duty == duty_id), None)

    def _unserved(self, request_id: str) -> int:
        request = self.index(request_id)
        if self.state.route_of[request] >= 0:
            raise RefusedError(f"{request_id!r} is served by duty {self.duty_of(request_id)!r}")
        return request

    def insert(self, request_id: str, offer: Offer | None = None) -> Offer:
        """Serve a request as an offer says; without one, as the cheapest offer says.

        Raises:
            KeyError: for a request that the problem does not know.
            RefusedError: where the request is served, the offer is another's, the duty has changed
                since it was made, or no duty can serve it.

        """
        request = self._unserved(request_id)
        if offer is None:
            offers = self.offers(request_id, 1)
            if not offers:
                raise RefusedError(f"no duty can serve {request_id!r} as things stand")
            offer = offers[0]
        if offer.request != request_id:
            raise RefusedError(f"the offer is for {offer.request!r}, not for {request_id!r}")
        duty, placement = self.problem.duty_index[offer.duty], offer.placement
        if placement.versions != versions(self, request, duty):
            raise RefusedError(f"duty {offer.duty!r} has changed since the offer was made")
        if placement.gaps is None:
            done = insert_moving_breaks(self, request, duty)
        else:
            done = bool(insert(self.arrays, self.state, request, duty, *placement.gaps))
        if not done:
            raise RuntimeError(f"the offer of duty {offer.duty!r} cannot be carried out: a defect")
        commit(self.state)
        return offer

    def remove(self, request_id: str) -> None:
        """Leave a request unserved.

        Raises:
            KeyError: for a request that the problem does not know.
            RefusedError: where it is unserved already, committed, or the rest of its route has no
                timetable without it (a direct way may be longer than a way round).

        """
        request = self.index(request_id)
        if self.state.route_of[request] < 0:
            raise RefusedError(f"{request_id!r} is not served")
        if not pick(self.arrays, self.state, request):
            raise RefusedError(f"{request_id!r} is committed")
        remove_picked(self.arrays, self.state)
        if self.state.route_of[request] >= 0 or retime(self.arrays, self.state) >= 0:
            rollback(self.arrays, self.state)
            raise RefusedError(f"without {request_id!r} its duty could not drive the rest in time")
        commit(self.state)
