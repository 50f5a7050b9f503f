"""The median of the seeds, the mean over the instances, and what counts in neither."""

from __future__ import annotations

import pytest
from support.bench_runs import made_run, refused_run

from atmr_engine.bench.figures import Figure, figure, middle_run, references_of
from atmr_engine.bench.groups import groups_of
from atmr_engine.bench.run import Run, Verdict


def figure_of(runs: list[Run]) -> Figure:
    return figure(runs, references_of(runs))


def seeds_of(instance: str, distances: list[float]) -> list[Run]:
    return [
        made_run(instance=instance, seed=seed, distance=distance)
        for seed, distance in enumerate(distances)
    ]


def test_the_gap_is_the_mean_over_instances_of_the_median_over_seeds() -> None:
    runs = seeds_of("a2-2", [150.0, 104.0, 101.0]) + seeds_of("a2-4", [100.0, 190.0, 102.0])
    figure = figure_of(runs)
    assert figure.gap_percent == pytest.approx((4.0 + 2.0) / 2)
    assert (figure.instances, figure.valid, figure.compared, figure.runs) == (2, 2, 2, 6)


def test_of_an_even_number_of_seeds_the_worse_of_the_middle_counts() -> None:
    assert middle_run(seeds_of("a", [104.0, 101.0])).distance == 104.0
    assert middle_run(seeds_of("a", [1.0, 2.0, 3.0, 4.0])).distance == 3.0


def test_a_plan_that_breaks_a_rule_is_a_breach_and_no_figure() -> None:
    runs = [made_run(instance="a2-2"), refused_run(instance="a2-4")]
    figure = figure_of(runs)
    assert figure.gap_percent == pytest.approx(10.0)
    assert (figure.instances, figure.valid, figure.refused) == (2, 1, 1)


def test_a_breach_is_worse_than_any_plan_and_half_of_them_are_enough() -> None:
    mostly = [*seeds_of("a", [101.0, 150.0]), refused_run(seed=2)]
    assert middle_run(mostly).distance == 150.0
    half = [*seeds_of("a", [101.0]), refused_run(seed=1)]
    assert middle_run(half).verdict is Verdict.BREACH


def test_without_a_valid_plan_there_is_no_gap() -> None:
    unanswered = {"verdict": Verdict.NO_ANSWER, "distance": None, "seconds": None, "unserved": 2}
    figure = figure_of([made_run(**unanswered)])
    assert figure.gap_percent is None
    assert (figure.unanswered, figure.unserved, figure.seconds) == (1, 2, None)


def test_an_incomplete_plan_counts_as_unserved_and_has_no_gap() -> None:
    short = {"verdict": Verdict.INCOMPLETE, "unserved": 3, "distance": 10.0}
    figure = figure_of([made_run(**short), made_run(instance="a2-4")])
    assert (figure.unserved, figure.valid) == (3, 1)
    assert figure.gap_percent == pytest.approx(10.0)


def test_where_vehicles_come_first_gaps_are_of_plans_with_as_many() -> None:
    counted = {"vehicles_first": True, "best_vehicles": 9, "best_distance": 100.0}
    runs = [
        made_run(instance="lc101", vehicles=9, distance=101.0, **counted),
        made_run(instance="lc102", vehicles=11, distance=90.0, **counted),
        made_run(instance="lc103", vehicles=8, distance=120.0, **counted),
    ]
    figure = figure_of(runs)
    assert figure.extra_vehicles == 2 - 1
    assert figure.gap_percent == pytest.approx(1.0)
    assert (figure.valid, figure.compared) == (3, 1)


def test_the_median_prefers_fewer_vehicles_only_where_they_come_first() -> None:
    short = {"vehicles": 3, "distance": 90.0}
    few = {"vehicles": 2, "distance": 95.0}
    many = {"vehicles": 4, "distance": 80.0}
    for first, middle in ((False, 90.0), (True, 90.0)):
        runs = [made_run(vehicles_first=first, **kind) for kind in (short, few, many)]
        assert middle_run(runs).distance == middle
    pair = [made_run(vehicles_first=True, **kind) for kind in (few, many)]
    assert middle_run(pair).vehicles == 4


def test_without_a_best_value_the_best_of_the_runs_is_compared_with() -> None:
    unknown = {"set_name": "synthetic", "instance": "s5-50", "best_distance": None}
    runs = [
        made_run(peer="ours", distance=200.0, **unknown),
        made_run(peer="pyvrp", distance=220.0, **unknown),
        refused_run(peer="vroom", **unknown),
    ]
    assert references_of(runs)["synthetic", "s5-50"].distance == 200.0
    (group,) = groups_of(runs)
    assert not group.published
    assert group.figures["pyvrp"][1.0].gap_percent == pytest.approx(10.0)
    assert group.figures["vroom"][1.0].gap_percent is None


def test_tuning_and_held_out_instances_are_apart_and_a_and_b_also_together() -> None:
    runs = [
        made_run(),
        made_run(part="held out", instance="a6-2", distance=120.0),
        made_run(set_name="b", part="held out", instance="b2-2", distance=130.0),
        made_run(peer="pyvrp"),
    ]
    groups = {group.title: group for group in groups_of(runs)}
    assert list(groups) == [
        "a, tuning (1 instance)",
        "a, held out (1 instance)",
        "b, held out (1 instance)",
        "a and b, all (3 instances)",
    ]
    together = groups["a and b, all (3 instances)"].figures["ours"][1.0]
    assert together.gap_percent == pytest.approx(20.0)
    assert list(groups["a, tuning (1 instance)"].figures) == ["ours", "pyvrp"]


def test_the_first_full_plan_is_that_of_the_last_instance_to_have_one() -> None:
    runs = [made_run(first_full_plan_s=0.2), made_run(instance="b", first_full_plan_s=0.7)]
    assert figure_of(runs).first_full_plan_s == 0.7
