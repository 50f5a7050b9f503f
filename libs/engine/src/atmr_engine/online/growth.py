"""Room for requests that are not known yet, so that a booking joins compiled arrays in place.

Reserved rows stand behind the real ones: no duty may carry them and nothing is owed for them. A
request that arrives is compiled by itself and written over the next one.
"""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from atmr_engine.compilation import Excess, compatibility, compile_nodes, compile_requests
from atmr_engine.problem import Problem, Request, Visit
from atmr_engine.state import fresh_version
from atmr_engine.windows import shortest_rides, tighten
from atmr_engine.wishes import serve_costs

if TYPE_CHECKING:
    from atmr_engine.arrays import Arrays
    from atmr_engine.state import State

AMONG_OTHERS = ("after", "first_follower", "next_follower", "group")
"""What of a request's row is said by position among the other requests."""


def with_requests(problem: Problem, requests: tuple[Request, ...]) -> Problem:
    """The problem with other requests, which the caller has validated; O(requests)."""
    changed = copy(problem)
    object.__setattr__(changed, "requests", requests)
    changed.__dict__.pop("request_index", None)
    return changed


def with_reserve(problem: Problem, count: int) -> Problem:
    """The problem with `count` requests more that stand for nobody."""
    visit = Visit(place=0)
    nobody = (Request(id=f"\0{k}", pickup=visit, dropoff=visit) for k in range(count))
    return with_requests(problem, (*problem.requests, *nobody))


def bar_reserve(arrays: Arrays, first: int) -> None:
    """Let no duty carry the requests from `first` on, and owe nothing for them."""
    arrays.compatible[first:] = 0
    arrays.requests["unserved_cost"][first:] = 0.0


def write_request(arrays: Arrays, state: State, problem: Problem, index: int) -> Arrays:
    """Write the request that `problem` has at `index` over a reserved row, link and group included.

    It is unserved afterwards, and whatever was remembered for the row is outdated. Returns the
    arrays, which may say now that there are links.
    """
    alone = by_itself(problem, index)
    excess = Excess(problem)
    own = arrays.nodes[2 * index : 2 * index + 2]
    own[:] = compile_nodes(alone, excess)[:2]
    row = compile_requests(alone, excess)[0]
    row["least_ride_s"] = shortest_rides(arrays.time_s, own["place"])[0]
    for name in arrays.requests.dtype.names or ():
        if name not in AMONG_OTHERS:
            arrays.requests[name][index] = row[name]
    arrays.requests["group"][index] = group_of(arrays, problem, index)
    arrays.compatible[index] = compatibility(alone)[0]
    arrays.serve_cost[index] = serve_costs(alone)[0]
    follow(arrays, problem, index)
    tighten(own, arrays.requests[index : index + 1])
    state.request_version[index] = fresh_version(state)
    eager = arrays.eager or bool((own["prefer_s"] < np.inf).any())
    linked = arrays.linked or problem.requests[index].link is not None
    return arrays._replace(linked=linked, eager=eager, timed=arrays.timed or eager)


def by_itself(problem: Problem, index: int) -> Problem:
    """The problem with one request, and the leg that it follows behind it, nothing committed."""
    request = problem.requests[index]
    requests: tuple[Request, ...] = (request,)
    if request.link is not None:
        before = problem.requests[problem.request_index[request.link.after]]
        requests = (request, replace(before, link=None))
    alone = with_requests(problem, requests)
    duties = tuple(replace(duty, committed=()) for duty in problem.duties)
    object.__setattr__(alone, "duties", duties)
    return alone


def group_of(arrays: Arrays, problem: Problem, index: int) -> int:
    """The number of a request's share group: that of another member, or a new one."""
    group = problem.requests[index].share_group
    for other, request in enumerate(problem.requests):
        if other != index and request.share_group == group:
            return int(arrays.requests["group"][other])
    return int(arrays.requests["group"].max()) + 1


def follow(arrays: Arrays, problem: Problem, index: int) -> None:
    """Tie a new request to the leg that it follows; nobody follows it yet."""
    rows, link = arrays.requests, problem.requests[index].link
    rows["after"][index] = rows["first_follower"][index] = rows["next_follower"][index] = -1
    if link is not None:
        after = problem.request_index[link.after]
        rows["after"][index] = after
        rows["next_follower"][index] = rows["first_follower"][after]
        rows["first_follower"][after] = index
