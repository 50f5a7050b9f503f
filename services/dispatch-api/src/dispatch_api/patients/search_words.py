"""Names and phone numbers as words that can be looked up one by one in the blind index.

A name is found by its words and by their beginnings, without regard to case and accents; a phone
number as it is dialled at home and from abroad (E.164).
"""

from __future__ import annotations

import re
import unicodedata

SHORTEST_BEGINNING = 3
FEWEST_DIGITS = 6
MOST_WORDS = 20

PHONE = re.compile(r"\+?\(?\d[\d\s./()\-\u00a0]*\d")
FOREIGN = re.compile(r"^(?:\+|00)")
TRUNK_ZERO = re.compile(r"\(0\)")
UNACCENTED = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "\u0131": "i"}
)

COUNTRY_CODE = re.compile(r"^(?:[17]|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|\d{3})")
"""Country codes of one and two digits (ITU-T E.164, list of 2016); all others have three."""


def name_words(name: str) -> set[str]:
    """The words of a name, folded: 'Zoé D'Angelo' has zoe, d and angelo."""
    folded = unicodedata.normalize("NFKD", name).casefold().translate(UNACCENTED)
    plain = unicodedata.normalize("NFKD", folded)
    kept = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return set(re.findall(r"[^\W_]+", kept))


def index_words(name: str | None, phone: str | None) -> set[str]:
    """All words under which a patient is found."""
    words: set[str] = set()
    for word in name_words(name or ""):
        words.add("name " + word)
        words.update("name " + word[:size] for size in range(SHORTEST_BEGINNING, len(word)))
    return words | phone_words(phone or "")


def phone_words(phone: str) -> set[str]:
    """A number as it is dialled at home, without its zero, and where known from abroad."""
    dialled = TRUNK_ZERO.sub("", phone).strip()
    digits = "".join(letter for letter in dialled if letter.isascii() and letter.isdigit())
    if len(digits) < FEWEST_DIGITS:
        return set()
    if not FOREIGN.match(dialled.lstrip("(")):
        return {"phone " + digits.lstrip("0")}
    abroad = digits.lstrip("0")
    at_home = COUNTRY_CODE.sub("", abroad, count=1).lstrip("0")
    return {"phone +" + abroad, "phone " + at_home}


def wanted_words(text: str) -> list[set[str]]:
    """What a search asks for: every entry must be found, by any one of its words."""
    numbers = [number for number in PHONE.findall(text) if phone_words(number)]
    rest = text
    for number in numbers:
        rest = rest.replace(number, " ")
    names = [{"name " + word} for word in sorted(name_words(rest))]
    return ([_number_asked(number) for number in numbers] + names)[:MOST_WORDS]


def _number_asked(number: str) -> set[str]:
    """The number from abroad or, where it was stored as dialled at home, that one."""
    words = phone_words(number)
    if len(words) == 1:  # perhaps from abroad, without its plus
        words |= {"phone +" + word.removeprefix("phone ") for word in words}
    return words
