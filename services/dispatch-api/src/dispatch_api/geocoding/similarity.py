"""How alike a search and a name are, from 0 to 1: letters first, then words in any order.

Letters are compared by optimal string alignment (Damerau-Levenshtein without substrings
edited twice), so that a slip of two fingers costs one edit.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Final

from rapidfuzz.distance import OSA

from dispatch_api.geocoding.spelling import without_particles

WITHOUT_PARTICLES: Final = 0.98
"""'rue gare' for 'rue de la gare' is nearly the full name."""
ANY_ORDER: Final = 0.9
"""Words found in another order, or among others, tell less than the whole string."""
LEAST_ALIKE: Final = 0.6
"""Two words less alike than this are different words."""
NAME_UNASKED: Final = 0.3
"""The share of the any-order likeness lost when the search has none of the name's words."""


class Asked:
    """The words of a search in the forms in which they are compared."""

    def __init__(self, words: str) -> None:
        self.words = words

    @cached_property
    def core(self) -> str:
        return without_particles(self.words)

    @cached_property
    def tokens(self) -> list[str]:
        return self.core.split() or self.words.split()

    def likeness(self, name: str, cities: Sequence[str]) -> float:
        """Similarity to a canonical name, alone or with one of its cities before or after."""
        letters = self._by_letters(name, cities)
        return letters if letters >= ANY_ORDER else max(letters, self._by_words(name, cities))

    def name_likeness(self, name: str) -> float:
        """Similarity to the name alone, whatever else the search holds: to sort candidates."""
        tokens = name.split()
        covered = _covered(tokens, self.words.split())
        return max(OSA.normalized_similarity(self.words, name), covered)

    def _by_letters(self, name: str, cities: Sequence[str]) -> float:
        forms = [name]
        for city in cities:
            forms += [f"{name} {city}", f"{city} {name}"]
        full = max(OSA.normalized_similarity(self.words, form) for form in forms)
        if full == 1.0:
            return full
        core = max(OSA.normalized_similarity(self.core, without_particles(form)) for form in forms)
        return max(full, core * WITHOUT_PARTICLES)

    def _by_words(self, name: str, cities: Sequence[str]) -> float:
        name_tokens = (without_particles(name) or name).split()
        city_tokens = [token for city in cities for token in city.split()]
        covered = _covered(self.tokens, [*name_tokens, *city_tokens])
        of_name = _covered(name_tokens, self.tokens)
        return ANY_ORDER * covered * (1 - NAME_UNASKED * (1 - of_name)) if of_name else 0.0


def _covered(tokens: Sequence[str], by: Sequence[str]) -> float:
    """The share of the tokens' letters that have a like word in `by`, weighted by likeness."""
    letters = sum(len(token) for token in tokens)
    if not letters or not by:
        return 0.0
    covered = 0.0
    for token in tokens:
        best = max(OSA.normalized_similarity(token, other) for other in by)
        covered += len(token) * best if best >= LEAST_ALIKE else 0.0
    return covered / letters
