"""rl-inference's settings: what every door has, and what serving models needs."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from atmr_common.runtime.settings import DoorSettings

MIB = 1024 * 1024


class InferenceSettings(DoorSettings):
    """Read from the environment; every name starts with ATMR_."""

    port: int = Field(8001, ge=0, le=65535, description="Port of rl-inference.")
    model_repository: Path = Field(
        Path("models"), description="Folder of models in Triton's layout."
    )
    model_poll_s: float = Field(
        5.0, ge=0.1, le=3600, description="How often the folder is looked at, beside events."
    )
    model_max_bytes: int = Field(256 * MIB, ge=1024, description="A larger model file is refused.")
    model_providers: str = Field(
        "CPUExecutionProvider",
        pattern=r"^[A-Za-z]+ExecutionProvider(,[A-Za-z]+ExecutionProvider)*$",
        description="ONNX Runtime's providers in the order in which they are tried.",
    )
    model_allow_degraded: bool = Field(
        False,
        description="Serve on the CPU where a GPU was asked for and is not there, and say so.",
    )
    queue_rows: int = Field(
        4096, ge=1, le=1_000_000, description="Rows that may wait for one model; then 429."
    )
    deadline_ms: int = Field(
        1000,
        ge=1,
        le=60_000,
        description="Longest time for an answer; a request may name a shorter one.",
    )
    server_name: str = Field(
        "atmr-rl-inference",
        pattern=r"^[a-z][a-z0-9-]*$",
        description="What GET /v2 says; `triton` for clients that insist.",
    )

    @property
    def providers(self) -> tuple[str, ...]:
        """The providers in their order."""
        return tuple(self.model_providers.split(","))
