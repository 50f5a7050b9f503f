"""Reads a search text: which of its numbers may be the house, which is the postcode.

'Rue du 31-Décembre 8, 1207 Genève' has three numbers. Each that may be the house's makes one
reading of the text; the index decides which of them exists.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from dispatch_api.geocoding import house_number
from dispatch_api.geocoding.house_number import HouseNumber
from dispatch_api.geocoding.spelling import canonical

MAX_TEXT = 200
"""Characters of a search that are read."""
MAX_READINGS = 4

_NUMBER = re.compile(
    r"(?<![0-9])[0-9]{1,5}(?![0-9])"
    r"(?:\s?(?:bis|ter|quater)(?![^\W_])|[a-z](?![^\W_])|\s[a-h](?![\w.'\u2019]))?"
    r"(?:\s?[-\u2013/]\s?[0-9]{1,4}(?![0-9])(?:[a-z](?![^\W_]))?)?",
    re.IGNORECASE,
)
_COUNTRY_MARK = re.compile(r"\b(?:CH|FI|F|D|I|A)\s?-\s?(?=[0-9]{4,5}\b)", re.IGNORECASE)
_COUNTRY_AT_END = re.compile(
    r"(?:(?<=\w)[\s,(]+CH|[,(]\s*(?:Suisse|Schweiz|Svizzera|Switzerland|Suomi|Finland|France"
    r"|Deutschland|Germany|Allemagne|Italia|Italie|Italy|Österreich|Austria))[\s).]*$",
    re.IGNORECASE,
)
"""After a comma, or 'CH': without them it may be the street's name, as in Avenue de France."""
_LONG_NUMBER = re.compile(r"[0-9]{4,5}")


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a search: canonical words, house number and postcode ('' if none)."""

    words: str
    number: HouseNumber | None
    postcode: str
    numbered_name: bool = False
    """The text holds a number, and this reading takes it for a part of the street's name."""


def readings(text: str, is_postcode: Callable[[str], bool]) -> list[Reading]:
    """The ways to read a text, at most four; none where it has no letter.

    `is_postcode` tells whether the index knows a code of four or five digits.
    """
    cut = _COUNTRY_AT_END.sub("", _COUNTRY_MARK.sub("", text[:MAX_TEXT]))
    spans = list(_NUMBER.finditer(cut))
    postcode = next(
        (
            found.group()
            for found in reversed(spans)
            if _LONG_NUMBER.fullmatch(found.group()) and is_postcode(found.group())
        ),
        "",
    )
    houses = [found for found in spans if found.group() != postcode]
    left_out = [found for found in spans if _LONG_NUMBER.fullmatch(found.group())]
    found_readings = {
        Reading(
            words=_words(cut, [*left_out, house]),
            number=house_number.parse(house.group()),
            postcode=postcode,
        ): None
        for house in houses[: MAX_READINGS - 1]
    }
    found_readings[Reading(_words(cut, left_out), None, postcode, bool(houses))] = None
    return [one for one in found_readings if any(char.isalpha() for char in one.words)]


def _words(text: str, left_out: list[re.Match[str]]) -> str:
    """The canonical words of a text without the spans left out."""
    characters = list(text)
    for found in left_out:
        for at in range(*found.span()):
            characters[at] = " "
    return canonical("".join(characters))
