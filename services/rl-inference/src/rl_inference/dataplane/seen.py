"""What lies in the repository for one model at one look, and which of its versions are wanted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rl_inference.models.config_pbtxt import ConfigError
from rl_inference.models.repository import Fingerprint, Repository, RepositoryError, Trace
from rl_inference.models.version_policy import USUAL, VersionPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One look at a model's folder."""

    versions: Mapping[int, Fingerprint]
    """Those that are to be live: by the policy, or since an alias points to them."""
    aliases: Mapping[str, int] | None
    """None: the file cannot be read; `problem` says why."""
    problem: str | None = None
    outside: tuple[int, ...] = ()
    """The others."""
    policy: VersionPolicy = USUAL
    config: Trace | None = None
    """Of the file that the policy was read from; None: it could not be, and is tried again."""


NOTHING_SEEN = Seen(versions={}, aliases={})


def look(repository: Repository, name: str, before: Seen = NOTHING_SEEN) -> Seen:
    """Read what is there; in a thread. A policy that cannot be read stays as it was `before`.

    Raises:
        OSError, RepositoryError: when the folder cannot be read.

    """
    numbers = repository.versions(name)
    aliases: Mapping[str, int] | None = None
    problem = None
    try:
        aliases = repository.aliases(name)
    except (OSError, RepositoryError) as error:
        problem = str(error)
    trace = repository.config_trace(name)
    known = before.policy if trace == before.config else _policy(repository, name)
    policy = known or before.policy
    chosen = policy.chosen(numbers) | (set(numbers) & set((aliases or {}).values()))
    return Seen(
        versions={each: repository.fingerprint(name, each) for each in sorted(chosen)},
        aliases=aliases,
        problem=problem,
        outside=tuple(sorted(set(numbers) - chosen)),
        policy=policy,
        config=trace if known is not None else None,
    )


def _policy(repository: Repository, name: str) -> VersionPolicy | None:
    """The configuration's; None where that cannot be read, for which each version is refused."""
    try:
        return repository.config(name).version_policy or USUAL
    except (OSError, ConfigError):
        return None
