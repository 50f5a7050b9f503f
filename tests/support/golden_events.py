"""Writes what a release says on the wire: `make golden-events RELEASE=...` (see docs/events.md).

With the release's own code on PYTHONPATH, so that the files of a release stay as they are for ever.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from support.event_samples import envelope_of, sample

from atmr_common.contracts.catalogue import CATALOGUE, CatalogueEntry


def golden(entry: CatalogueEntry) -> dict[str, Any]:
    """The record of one sample: topic, headers and value."""
    value = json.loads(sample(entry.model).model_dump_json())
    return {"topic": entry.topic, "headers": envelope_of(entry.model).headers(), "value": value}


def write(folder: Path) -> list[Path]:
    """Write each event's record and its JSON schema; returns the files."""
    (folder / "schemas").mkdir(parents=True, exist_ok=True)
    written = []
    for entry in CATALOGUE.values():
        name = f"{entry.model.__name__}.json"
        for path, content in (
            (folder / name, golden(entry)),
            (folder / "schemas" / name, entry.model.model_json_schema()),
        ):
            path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")
            written.append(path)
    return written


if __name__ == "__main__":
    print(f"wrote {len(write(Path(sys.argv[1])))} files")  # noqa: T201 (a command prints)
