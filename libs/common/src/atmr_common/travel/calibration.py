r"""Fits the great-circle model to an OSRM server, reproducibly.

python -m atmr_common.travel.calibration --osrm http://127.0.0.1:5000 \
    --box 46.194,6.098,46.229,6.160
Half of the tables fit the model, the other half says how far it is off.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from itertools import pairwise
from typing import TYPE_CHECKING

import httpx
import numpy as np

from atmr_common.travel.detour_fit import PairSample, fit, residual
from atmr_common.travel.great_circle import great_circle_km
from atmr_common.travel.port import Coordinate

if TYPE_CHECKING:
    from collections.abc import Sequence

POINTS_PER_TABLE = 100
SHORTEST_KM = 0.1  # below it the snapping decides, not the road
BANDS_KM = (SHORTEST_KM, 0.5, 1.0, 2.0, 3.0, 4.0, np.inf)

Box = tuple[float, float, float, float]


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    with httpx.Client(base_url=options.osrm, timeout=30.0) as client:
        tables = draw_tables(client, options.box, options.tables, options.seed, options.max_snap_m)
    model = fit(join(tables[::2]))
    held_out = join(tables[1::2])
    print(  # noqa: T201 - a command's answer
        json.dumps(
            {
                "model": asdict(model),
                "pairs": {"fitted": len(join(tables[::2])), "held_out": len(held_out)},
                "time": asdict(residual(model.time_s(held_out.direct_km), held_out.time_s)),
                "distance": asdict(residual(model.road_km(held_out.direct_km), held_out.road_km)),
                "bands": bands(held_out),
            },
            indent=2,
        )
    )
    return 0


def draw_tables(
    client: httpx.Client, box: Box, count: int, seed: int, max_snap_m: float
) -> list[PairSample]:
    """`count` tables between points drawn evenly in `box` (south, west, north, east)."""
    random = np.random.default_rng(seed)
    south, west, north, east = box
    draws = random.uniform((south, west), (north, east), (count, POINTS_PER_TABLE, 2))
    return [_ask_table(client, points.tolist(), max_snap_m) for points in draws]


def join(samples: Sequence[PairSample]) -> PairSample:
    return PairSample(
        direct_km=np.concatenate([sample.direct_km for sample in samples]),
        road_km=np.concatenate([sample.road_km for sample in samples]),
        time_s=np.concatenate([sample.time_s for sample in samples]),
    )


def bands(sample: PairSample) -> list[dict[str, float]]:
    """Detour and speed by great-circle distance: what the model has to follow."""
    rows = []
    for low_km, high_km in pairwise(BANDS_KM):
        inside = (sample.direct_km >= low_km) & (sample.direct_km < high_km)
        if inside.any():
            direct_km, hours = sample.direct_km[inside].sum(), sample.time_s[inside].sum() / 3600
            rows.append(
                {
                    "from_km": low_km,
                    "pairs": int(inside.sum()),
                    "detour": round(float(sample.road_km[inside].sum() / direct_km), 2),
                    "direct_kmh": round(float(direct_km / hours), 1),
                }
            )
    return rows


def _ask_table(
    client: httpx.Client, points: list[tuple[float, float]], max_snap_m: float
) -> PairSample:
    """Between the points on the road that OSRM found, so that no walk to it is counted."""
    places = ";".join(f"{lon:.5f},{lat:.5f}" for lat, lon in points)
    answer = client.get(
        f"/table/v1/driving/{places}?annotations=duration,distance&generate_hints=false"
    )
    content = answer.raise_for_status().json()
    near = [i for i, found in enumerate(content["sources"]) if found["distance"] <= max_snap_m]
    found = [content["sources"][i]["location"] for i in near]
    direct_km = great_circle_km([Coordinate(lat=lat, lon=lon) for lon, lat in found])
    road_km = np.array(content["distances"], dtype=np.float64)[np.ix_(near, near)] / 1000
    time_s = np.array(content["durations"], dtype=np.float64)[np.ix_(near, near)]
    usable = (direct_km >= SHORTEST_KM) & np.isfinite(time_s) & (time_s > 0) & (road_km > 0)
    return PairSample(direct_km[usable], road_km[usable], time_s[usable])


def _box(text: str) -> Box:
    south, west, north, east = (float(part) for part in text.split(","))
    if not (south < north and west < east):
        raise argparse.ArgumentTypeError(f"{text} is not south,west,north,east")
    return south, west, north, east


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="atmr_common.travel.calibration", description=__doc__)
    parser.add_argument("--osrm", required=True, help="address of osrm-routed")
    parser.add_argument("--box", required=True, type=_box, help="south,west,north,east in degrees")
    parser.add_argument("--tables", type=int, default=200, help="tables of 100 points to draw")
    parser.add_argument("--seed", type=int, default=0, help="of the draw")
    parser.add_argument(
        "--max-snap-m", type=float, default=50.0, help="points farther are left out"
    )
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
