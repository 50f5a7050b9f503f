"""Swiss LV95 metres to WGS84 degrees.

Source: swisstopo, "Approximate formulas for the transformation between Swiss projection
coordinates and WGS84" (2016), section 3. Good to about 1 m on the ground.
"""

from __future__ import annotations

from typing import Final

_EASTINGS: Final = (2_450_000, 2_850_000)
_NORTHINGS: Final = (1_050_000, 1_320_000)


def wgs84(easting: float, northing: float) -> tuple[float, float]:
    """(lat, lon) in degrees of an LV95 point in metres.

    Raises ValueError for a point outside Switzerland's frame, which is what swapped columns
    or the older LV03 frame (six digits) look like.
    """
    in_frame = (
        _EASTINGS[0] <= easting <= _EASTINGS[1] and _NORTHINGS[0] <= northing <= _NORTHINGS[1]
    )
    if not in_frame:
        raise ValueError(
            f"easting {easting}, northing {northing} is no LV95 point; LV95 has an easting of"
            " 2.48 to 2.84 million and a northing of 1.07 to 1.30 million metres"
        )
    y = (easting - 2_600_000) / 1_000_000
    x = (northing - 1_200_000) / 1_000_000
    lon = 2.6779094 + 4.728982 * y + 0.791484 * y * x + 0.1306 * y * x**2 - 0.0436 * y**3
    lat = (
        16.9023892
        + 3.238272 * x
        - 0.270978 * y**2
        - 0.002528 * x**2
        - 0.0447 * y**2 * x
        - 0.0140 * x**3
    )
    return lat * 100 / 36, lon * 100 / 36
