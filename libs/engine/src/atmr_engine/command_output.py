"""What `atmr-engine` prints: JSON for programs, tables and a progress line for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from atmr_engine.objective import evaluate

if TYPE_CHECKING:
    from atmr_engine.command_files import Subject
    from atmr_engine.plan import Plan
    from atmr_engine.rules import Violation
    from atmr_engine.solver import Progress

MOST_VIOLATIONS = 20


def figures(subject: Subject, plan: Plan) -> dict[str, Any]:
    """What a comparison needs: cost in the format's units, vehicles, who is left out."""
    cost = evaluate(subject.problem, plan)
    return {
        "cost": subject.cost(plan),
        "vehicles": cost.duties_used,
        "unserved": cost.unserved,
    }


def figures_if_known(subject: Subject, plan: Plan) -> dict[str, Any]:
    """The figures, unless the plan uses vehicles that the instance does not have."""
    known = subject.problem.duty_index
    return figures(subject, plan) if all(route.duty in known for route in plan.routes) else {}


def result_document(subject: Subject, plan: Plan, violations: list[Violation]) -> dict[str, Any]:
    """The plan with its figures; what the format itself writes stands beside them."""
    return {
        "instance": subject.name,
        **figures(subject, plan),
        "valid": not violations,
        "iterations": plan.iterations,
        "seconds": plan.seconds,
        **({"warnings": list(subject.warnings)} if subject.warnings else {}),
        **subject.document(plan),
    }


def verdict_document(violations: list[Violation]) -> dict[str, Any]:
    """Whether a plan is valid, and every rule that it breaks."""
    return {
        "valid": not violations,
        "violations": [
            {
                "rule": violation.rule,
                "subject": violation.subject,
                "duty": violation.duty,
                "excess": violation.excess,
                "message": violation.message,
            }
            for violation in violations
        ],
    }


def print_plan(subject: Subject, plan: Plan, document: dict[str, Any]) -> None:
    """Routes, figures, who is left out, and what to be warned of."""
    console = Console(soft_wrap=True)
    table = Table("vehicle", subject.title, title=escape(subject.name), title_justify="left")
    for vehicle, stops in subject.rows(plan):
        table.add_row(shown(vehicle), shown(stops))
    console.print(table)
    console.print(
        f"cost {document['cost']:.2f}, {document['vehicles']} vehicles, "
        f"{document['unserved']} unserved, {document['iterations']} iterations "
        f"in {document['seconds']:.1f} s, valid"
    )
    for line in subject.left_out(plan):
        console.print(shown(line))
    for warning in subject.warnings:
        console.print(f"[yellow]Warning:[/yellow] {shown(warning)}")


def print_verdict(subject: Subject, plan: Plan, violations: list[Violation]) -> None:
    """Valid or refused, with the first violations."""
    console = Console(soft_wrap=True)
    known = figures_if_known(subject, plan)
    if known:
        console.print(
            f"cost {known['cost']:.2f}, {known['vehicles']} vehicles, {known['unserved']} unserved"
        )
    if not violations:
        console.print("[green]valid[/green]")
        return
    console.print(f"[red]refused[/red]: {len(violations)} violations")
    for violation in violations[:MOST_VIOLATIONS]:
        where = f" on {violation.duty}" if violation.duty else ""
        line = f"{violation.rule}: {violation.subject}{where}: {violation.message}"
        console.print(f"  {shown(line)}")
    if len(violations) > MOST_VIOLATIONS:
        console.print(f"  and {len(violations) - MOST_VIOLATIONS} more (all with --json)")


def shown(text: str) -> str:
    """Text from a file as a terminal may show it: no markup, no controls but new lines."""
    kept = (sign if sign.isprintable() or sign == "\n" else "\ufffd" for sign in text)
    return escape("".join(kept))


class ProgressLine:
    """One line on stderr that is written over, where stderr is a terminal."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._status = self._console.status("loading the engine ...")

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._status.stop()

    def show(self, progress: Progress) -> None:
        """Say how far the search is."""
        self._status.update(
            f"{progress.seconds:.1f} s, {progress.iterations} iterations, best {progress.cost:.2f}"
        )
