"""What can go wrong with geocoding; each message names the file, the fault and the remedy.

GeocodingError
├── ExtractUnusableError    the source (OSM extract, address CSV) cannot be read
└── IndexUnusableError      the index file is missing, foreign, damaged or of another version
"""

from __future__ import annotations


class GeocodingError(Exception):
    """Root of the tree: a person can repair it by another file or a new build."""


class ExtractUnusableError(GeocodingError):
    """The extract to build from is missing, not of a known kind, or broken."""


class IndexUnusableError(GeocodingError):
    """The index file cannot answer searches."""
