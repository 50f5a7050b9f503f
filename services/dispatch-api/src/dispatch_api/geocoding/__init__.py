"""Addresses become points: the geocoding port and the offline index behind it."""

from dispatch_api.geocoding.port import GeocodeHit, Geocoder, Precision, dispatchable

__all__ = ["GeocodeHit", "Geocoder", "Precision", "dispatchable"]
