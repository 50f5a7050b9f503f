"""Events of the model repository; the key is the model's name.

A model belongs to no single company: these events stand under the nil UUID.
"""

from __future__ import annotations

from pydantic import Field

from atmr_common.contracts.envelope import Event
from atmr_common.contracts.vocabulary import Code, Finite, GitRevision, ModelName, Sha256, Version


class ModelPublished(Event):
    """A version lies in the repository, whole; no alias points to it yet.

    `checksum` is the model file's; `metrics` were measured on held-out days.
    """

    model: ModelName
    version: Version
    codec_version: Version | None = None
    checksum: Sha256
    data_fingerprint: Sha256 | None = None
    git_revision: GitRevision | None = None
    synthetic: bool
    metrics: dict[Code, Finite] = Field(default_factory=dict)


class ModelPromoted(Event):
    """An alias (`champion`, `shadow`) points to another version now."""

    model: ModelName
    version: Version
    alias: Code
    previous_version: Version | None = None


class ModelRolledBack(Event):
    """An alias points to an earlier version again; `reason` says which gate or person asked."""

    model: ModelName
    version: Version
    alias: Code
    previous_version: Version
    reason: Code
