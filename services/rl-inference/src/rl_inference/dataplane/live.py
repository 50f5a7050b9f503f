"""The live versions of one model at one moment, and which of them a request means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rl_inference.dataplane.seen import Seen
from rl_inference.models.loaded import LoadedModel

CHAMPION = "champion"
"""The alias that answers where none is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """Never changed: the registry puts another in its place."""

    versions: Mapping[int, LoadedModel]
    aliases: Mapping[str, int]
    """Those that point to a live version."""
    wanted: Mapping[str, int]
    """Those of the repository, live or not."""
    aliases_known: bool = True
    """False: they could never be read, so nobody can say which version is meant."""
    problem: str | None = None
    """Why the aliases cannot be read now."""
    default: LoadedModel | None = field(init=False)
    """The champion; the highest version where the repository names no champion."""

    def __post_init__(self) -> None:
        default: LoadedModel | None = None
        if CHAMPION in self.aliases:
            default = self.versions[self.aliases[CHAMPION]]
        elif CHAMPION not in self.wanted and self.aliases_known and self.versions:
            default = self.versions[max(self.versions)]
        object.__setattr__(self, "default", default)

    def by_alias(self, alias: str) -> LoadedModel | None:
        """The version that the alias points to; None where it is not live."""
        version = self.aliases.get(alias)
        return None if version is None else self.versions[version]


NOTHING = Live(versions={}, aliases={}, wanted={})


def settled(before: Live, loaded: Mapping[int, LoadedModel], seen: Seen) -> Live:
    """What is live now that `loaded` are the versions of the repository that passed.

    What answered so far goes on while its successor is refused: an alias that points to a version
    that is not live stays where it was, and when nothing passed, everything stays.
    """
    candidates = {**before.versions, **loaded}
    wanted = before.wanted if seen.aliases is None else seen.aliases
    aliases: dict[str, int] = {}
    for alias, version in wanted.items():
        if version in loaded:
            aliases[alias] = version
        elif before.aliases.get(alias) in candidates:
            aliases[alias] = before.aliases[alias]
    if seen.versions and not loaded:
        versions = candidates
    else:
        kept = set(loaded) | (set(aliases.values()) if seen.versions else set())
        versions = {number: candidates[number] for number in sorted(kept)}
    aliases = {alias: version for alias, version in aliases.items() if version in versions}
    return Live(
        versions=versions,
        aliases=aliases,
        wanted=dict(wanted),
        aliases_known=seen.aliases is not None or (bool(before.versions) and before.aliases_known),
        problem=seen.problem,
    )
