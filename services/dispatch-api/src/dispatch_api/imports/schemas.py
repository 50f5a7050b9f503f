"""What an import answers: a report per row, and what came of the whole file."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class RowResult(StrEnum):
    """What became of a row, or would become of it in a dry run."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    CONFLICT = "conflict"  # what is here cannot become what the row says
    REFUSED = "refused"  # the row is wrong, or belongs to one that is
    LEFT_OUT = "left_out"  # the row is good, but strict refused the whole file


class RowProblem(BaseModel):
    """One thing that is wrong with a row; without a column it is about the row as a whole."""

    column: str | None = Field(examples=["pickup_to"])
    message: str = Field(examples=["the window closes (08:00) before it opens (08:10)"])
    remedy: str = Field(examples=["correct pickup_from or pickup_to"])


class ImportRow(BaseModel):
    """The report of one row; the header is row 1, as in a spreadsheet."""

    row: int = Field(examples=[2])
    reference: str = Field(examples=["B-1042"])
    result: RowResult
    id: UUID | None = Field(None, description="null in a dry run, and where nothing is.")
    state: str | None = Field(None, examples=["confirmed"])
    errors: list[RowProblem] = []
    warnings: list[str] = []


class ImportReport(BaseModel):
    """What became of a file; `applied` is false for a dry run and where nothing was imported."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "applied": True,
                    "day": "2026-03-16",
                    "counts": {"created": 1, "refused": 1},
                    "rows": [
                        {"row": 2, "reference": "B-1", "result": "created", "state": "confirmed"},
                        {
                            "row": 3,
                            "reference": "B-2",
                            "result": "refused",
                            "errors": [
                                {
                                    "column": "pickup_to",
                                    "message": "the window closes (08:00) before it opens (08:10)",
                                    "remedy": "correct pickup_from or pickup_to",
                                }
                            ],
                        },
                    ],
                    "errors": [],
                    "warnings": ["unknown column 'colour' is not read"],
                }
            ]
        }
    )

    applied: bool
    day: dt.date | None
    counts: dict[RowResult, int]
    rows: list[ImportRow]
    errors: list[RowProblem] = Field([], description="About the file as a whole.")
    warnings: list[str] = Field([], description="About the file as a whole.")
