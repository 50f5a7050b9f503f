"""What keeps the demo from showing a planned day; the message is for the person at the terminal."""

from __future__ import annotations

from standalone.errors import StartError

__all__ = ["DemoError"]


class DemoError(StartError):
    """An answer of our own API that the demo cannot go on with."""
