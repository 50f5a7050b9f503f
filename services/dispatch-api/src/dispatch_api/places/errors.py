"""What can go wrong with places, as problems."""

from __future__ import annotations

from atmr_common.web.problems import ProblemError


class GeocoderUnavailableError(ProblemError):
    status = 503
    code = "geocoder_unavailable"
    title = "Addresses cannot be looked up"
