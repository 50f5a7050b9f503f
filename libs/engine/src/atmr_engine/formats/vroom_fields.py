"""Fields of VROOM's JSON, read by name and type; what is not understood is refused by its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LARGEST = 2**32 - 1
"""Times, amounts and matrix entries are unsigned numbers of 32 bits in VROOM."""
LARGEST_ID = 2**64 - 1
SHOWN = 40
"""Characters of a wrong value that a message repeats."""


class VroomError(ValueError):
    """A document that cannot be read as VROOM's; `field` names the part (`vehicles[0].breaks`)."""

    def __init__(self, field_name: str, message: str, remedy: str) -> None:
        self.field, self.message = _printable(field_name), _printable(message)
        super().__init__(f"{self.field} {self.message}; {remedy}")
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Fields:
    """One JSON object and its name in the document; a field that is null counts as absent."""

    name: str
    values: Mapping[str, Any]

    def path(self, key: str) -> str:
        """The full name of a field."""
        return f"{self.name}.{key}" if self.name else key

    def has(self, key: str) -> bool:
        return self.values.get(key) is not None

    def error(self, key: str, message: str, remedy: str) -> VroomError:
        """What is wrong with a field."""
        return VroomError(self.path(key), message, remedy)

    def only(self, known: Iterable[str], unsupported: Mapping[str, str]) -> None:
        """Refuse the fields of `unsupported` with their remedy, and all that are not `known`."""
        allowed = set(known)
        for key in self.values:
            if key in unsupported and self.has(key):
                raise self.error(key, "is not supported", unsupported[key])
            if key not in allowed and key not in unsupported:
                raise self.error(key[:SHOWN], "is no field of the format", "correct it or drop it")

    def whole(
        self, key: str, default: int | None = None, *, low: int = 0, high: int = LARGEST
    ) -> int:
        """A whole number within bounds; without `default` the field must be there."""
        if not self.has(key) and default is not None:
            return default
        return whole_number(self.path(key), self.values.get(key), low=low, high=high)

    def text(self, key: str) -> str:
        """A string, empty where there is none."""
        value = self.values.get(key)
        if value is not None and not isinstance(value, str):
            raise self.error(key, f"is {_shown(value)}", "give a string")
        return value or ""

    def flag(self, key: str) -> bool:
        """True or false, false where there is none."""
        value = self.values.get(key)
        if value is not None and not isinstance(value, bool):
            raise self.error(key, f"is {_shown(value)}", "give true or false")
        return bool(value)

    def number(self, key: str, default: float, *, low: float, high: float) -> float:
        """A number within bounds."""
        value = self.values.get(key, default)
        if value is None:
            return default
        if type(value) not in {int, float} or not low <= value <= high:
            raise self.error(key, f"is {_shown(value)}", f"give a number from {low:g} to {high:g}")
        return float(value)

    def items(self, key: str) -> list[Any]:
        """A list, empty where there is none."""
        value = self.values.get(key)
        if value is not None and not isinstance(value, list):
            raise self.error(key, f"is {_shown(value)}", "give an array")
        return value or []

    def wholes(self, key: str) -> list[int]:
        """A list of whole numbers."""
        path = self.path(key)
        return [
            whole_number(f"{path}[{index}]", value) for index, value in enumerate(self.items(key))
        ]

    def part(self, key: str) -> Fields:
        """An object, an empty one where there is none."""
        return _object(self.path(key), self.values.get(key, {}) or {})

    def parts(self, key: str) -> list[Fields]:
        """A list of objects."""
        path = self.path(key)
        return [_object(f"{path}[{index}]", entry) for index, entry in enumerate(self.items(key))]

    def window(self, key: str) -> tuple[int, int] | None:
        """A `[start, end]`, or None where there is none."""
        return self._window(self.path(key), self.values[key]) if self.has(key) else None

    def windows(self, key: str) -> tuple[int, int] | None:
        """The one window of `time_windows`; several are refused, the engine knows one per stop."""
        if not self.has(key):
            return None
        entries = self.items(key)
        if len(entries) != 1:
            raise self.error(
                key, f"has {len(entries)} windows", "give one; or leave it out for any time"
            )
        return self._window(f"{self.path(key)}[0]", entries[0])

    @staticmethod
    def _window(path: str, value: object) -> tuple[int, int]:
        if not isinstance(value, list) or len(value) != 2:  # noqa: PLR2004 (start and end)
            raise VroomError(path, f"is {_shown(value)}", "give [start, end] in seconds")
        opens, closes = (whole_number(f"{path}[{k}]", value[k]) for k in (0, 1))
        if closes < opens:
            raise VroomError(path, f"closes ({closes}) before it opens ({opens})", "swap the two")
        return opens, closes

    def place(self, key: str) -> tuple[float, float] | None:
        """Coordinates `[lon, lat]`, kept for the answer only."""
        values = self.items(key)
        numbers = [v for v in values if type(v) in {int, float} and abs(v) <= LARGEST]
        if not self.has(key):
            return None
        if len(values) < 2 or len(numbers) != len(values):  # noqa: PLR2004 (lon and lat)
            raise self.error(key, f"is {_shown(values)}", "give [lon, lat]")
        return float(numbers[0]), float(numbers[1])


def whole_number(path: str, value: object, *, low: int = 0, high: int = LARGEST) -> int:
    """A whole number within bounds, of whatever name.

    Raises:
        VroomError: where it is anything else, or missing.

    """
    if value is None:
        raise VroomError(path, "is missing", f"give a whole number from {low} to {high}")
    if type(value) is not int or not low <= value <= high:
        raise VroomError(path, f"is {_shown(value)}", f"give a whole number from {low} to {high}")
    return value


def _object(path: str, value: object) -> Fields:
    if not isinstance(value, dict):
        raise VroomError(path, f"is {_shown(value)}", "give an object")
    return Fields(path, value)


def _shown(value: object) -> str:
    """The beginning of a value, whatever it is."""
    if isinstance(value, list | dict):
        return "an object" if isinstance(value, dict) else f"an array of {len(value)}"
    return repr(value)[:SHOWN] if not isinstance(value, int) or abs(value) < 1 << 64 else "huge"


def _printable(text: str) -> str:
    """Text of a document as a log or a terminal may show it."""
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in text)
