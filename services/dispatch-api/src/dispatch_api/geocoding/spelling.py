"""Spellings of street names made comparable: case, accents, punctuation, abbreviations.

Names in the index and words of a search go through the same `canonical`, so a comparison
never depends on who wrote "av." and who wrote "Avenue".
"""

from __future__ import annotations

import re
import unicodedata

MAX_CHARACTERS = 300
"""Bound after folding: one character can unfold into many (Unicode compatibility forms)."""

_LETTERS_NFKD_LEAVES = str.maketrans(
    {
        "ß": "ss",
        "æ": "ae",
        "ø": "o",
        "œ": "oe",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "\u0131": "i",
    }
)

_WORDS = {
    # French
    "r": "rue", "av": "avenue", "ave": "avenue", "aven": "avenue", "ch": "chemin",
    "chem": "chemin", "che": "chemin", "rte": "route", "bd": "boulevard", "bld": "boulevard",
    "blvd": "boulevard", "boul": "boulevard", "bvd": "boulevard", "pl": "place", "imp": "impasse",
    "all": "allee", "sq": "square", "prom": "promenade", "crs": "cours", "pass": "passage",
    "pas": "passage", "qu": "quai", "fg": "faubourg", "fbg": "faubourg", "crt": "court",
    "sent": "sentier", "st": "saint", "ste": "sainte", "sankt": "saint", "gd": "grand",
    "gde": "grande", "hop": "hopital", "dr": "docteur", "prof": "professeur", "gen": "general",
    # German, Italian
    "str": "strasse", "pltz": "platz", "v": "via", "vle": "viale", "pza": "piazza",
    "pzza": "piazza", "vic": "vicolo",
}  # fmt: skip

_DOTTED_ENDINGS = (
    ("str", "strasse"),
    ("pl", "platz"),
    ("g", "gatan"),
    ("v", "vagen"),
    ("k", "katu"),
    ("t", "tie"),
)
"""Compounds with a full stop: Bahnhofstr., Bahnhofpl., Annank., Mannerheimint., Annag."""

PARTICLES = frozenset(
    (
        *("de", "du", "des", "la", "le", "les", "l", "d", "a", "au", "aux", "et", "sur", "sous"),
        *("der", "die", "das", "dem", "den", "am", "im", "an", "auf", "zum", "zur", "in", "von"),
        *("di", "da", "del", "della", "dei", "delle", "al", "alla"),
    )
)
"""Words that people leave out: they count less when names are compared."""

SHORTEST_STEM = 4
"""Letters before an abbreviated ending: 'Annank.' is a street, 'k.' alone is not."""

_WORD = re.compile(r"[^\W_]+\.?", re.UNICODE)


def fold(text: str) -> str:
    """Lower case, no accents, no punctuation but single spaces; full stops end a word."""
    return " ".join(word.rstrip(".") for word in dotted_words(text))


def dotted_words(text: str) -> list[str]:
    """The folded words of a text, each with its full stop where one follows it."""
    lowered = text.casefold().translate(_LETTERS_NFKD_LEAVES)
    decomposed = unicodedata.normalize("NFKD", lowered)[:MAX_CHARACTERS]
    plain = "".join(char for char in decomposed if not unicodedata.combining(char))
    return _WORD.findall(plain)


def expand(word: str) -> str:
    """The full form of one folded word, which may still carry its full stop."""
    bare = word.rstrip(".")
    if bare in _WORDS:
        return _WORDS[bare]
    for ending, full in _DOTTED_ENDINGS:
        stem = bare.removesuffix(ending)
        if stem != bare and len(stem) >= SHORTEST_STEM and (word.endswith(".") or ending == "str"):
            return stem + full
    return bare


def canonical(text: str) -> str:
    """The form in which names are stored and compared.

    >>> canonical("Av. du Général-Guisan")
    'avenue du general guisan'
    """
    return " ".join(expand(word) for word in dotted_words(text))


def without_particles(canonical_text: str) -> str:
    """The words that carry the name: 'rue de la gare' -> 'rue gare'."""
    return " ".join(word for word in canonical_text.split() if word not in PARTICLES)


def grams(canonical_text: str) -> set[str]:
    """Letter triples of each word, its edges included; the index finds candidates by them."""
    found: set[str] = set()
    for word in canonical_text.split():
        padded = f" {word} "
        found.update(padded[at : at + 3] for at in range(len(padded) - 2))
    return found
