"""The picture of a plan, drawn without a screen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from atmr_engine import (
    Budget,
    Capacity,
    Duty,
    Plan,
    Problem,
    Request,
    TimeWindow,
    Travel,
    Visit,
    plot,
    solve,
)

POINTS = np.array([[0.0, 0.0], [3.0, 0.0], [3.0, 4.0], [0.0, 4.0], [0.0, 2.0]])
DRAWN = pytest.mark.skipif(not plot.INSTALLED, reason="matplotlib is absent: atmr-engine[plot]")


def day() -> Problem:
    apart = np.sqrt(((POINTS[:, None] - POINTS[None]) ** 2).sum(axis=2))
    shift = TimeWindow(0, 36_000)
    return Problem(
        requests=(
            Request(id="one", pickup=Visit(place=1), dropoff=Visit(place=2)),
            Request(id="two", pickup=Visit(place=3), dropoff=Visit(place=4)),
        ),
        duties=(
            Duty(id="van", capacity=Capacity(seats=2), shift=shift, start_place=0, end_place=0),
        ),
        travel=Travel(time_s=apart * 60, distance_km=apart),
    )


@DRAWN
def test_each_route_is_a_line_from_its_start_to_its_end() -> None:
    problem = day()
    plan = solve(problem, Budget(iterations=20))
    axes = plot.plot_routes(problem, plan, POINTS)
    way, pickups, dropoffs = axes.get_lines()
    stops = [stop.place for stop in plan.routes[0].stops]
    assert np.array_equal(way.get_xydata(), POINTS[stops])
    assert {tuple(point) for point in pickups.get_xydata()} == {(3.0, 0.0), (0.0, 4.0)}
    assert {tuple(point) for point in dropoffs.get_xydata()} == {(3.0, 4.0), (0.0, 2.0)}
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["van: 2"]


@DRAWN
def test_who_is_not_served_is_drawn_as_a_dotted_line() -> None:
    problem = day()
    axes = plot.plot_routes(problem, Plan(routes=()), POINTS)
    assert [line.get_linestyle() for line in axes.get_lines()] == [":", ":"]
    assert [line.get_label() for line in axes.get_lines()] == ["unserved: one", "unserved: two"]


@DRAWN
def test_a_picture_is_drawn_into_the_axes_that_are_given() -> None:
    problem = day()
    axes = plot.plot_routes(problem, Plan(routes=()), POINTS)
    plan = solve(problem, Budget(iterations=20))
    assert plot.plot_routes(problem, plan, POINTS, axes) is axes
    assert len(axes.get_lines()) == 5


@DRAWN
def test_a_vehicle_that_starts_nowhere_is_drawn_from_its_first_stop() -> None:
    problem = day()
    nowhere = replace(problem.duties[0], start_place=None, end_place=None)
    problem = replace(problem, duties=(nowhere,))
    plan = solve(problem, Budget(iterations=20))
    way = plot.plot_routes(problem, plan, POINTS).get_lines()[0]
    assert len(way.get_xydata()) == 4


@pytest.mark.parametrize("points", [POINTS[:4], POINTS.T, np.zeros((5, 3))])
def test_points_that_are_not_one_for_each_place_are_refused(points: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"\(places, 2\) is \(5, 2\) here"):
        plot.plot_routes(day(), Plan(routes=()), points)


def test_without_matplotlib_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plot, "INSTALLED", False)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'atmr-engine\[plot\]'"):
        plot.plot_routes(day(), Plan(routes=()), POINTS)
