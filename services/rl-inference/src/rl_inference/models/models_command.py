"""`atmr models`: write a model with random weights or in 8 bits; check a repository."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from atmr_common.web.openapi_file import tell
from rl_inference.models.loading import LoadOptions, load
from rl_inference.models.onnx_session import CPU
from rl_inference.models.quantising import QuantisingError, publish_quantised
from rl_inference.models.recordings import RecordingsError
from rl_inference.models.refusals import RefusedModelError
from rl_inference.models.repository import Repository, RepositoryError
from rl_inference.models.untrained import PolicySizes, publish_untrained

Folder = Annotated[Path, typer.Argument(help="The model repository.")]
Codecs = Annotated[
    list[int], typer.Option("--codec", min=1, help="A codec version that is spoken.")
]

REFUSALS = (OSError, RepositoryError, RefusedModelError, RecordingsError, QuantisingError)
"""What a person is told in a sentence."""

command = typer.Typer(
    add_completion=False, no_args_is_help=True, help="The models that the inference server serves."
)


@command.command("make-untrained")
def make_untrained(
    folder: Folder,
    name: Annotated[str, typer.Option(help="The model's name.")] = "dispatch-policy",
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same file.")] = 0,
    version: Annotated[int, typer.Option(min=1, help="The version to add.")] = 1,
    codec: Annotated[int, typer.Option(min=1, help="The codec version of its inputs.")] = 1,
    candidate: Annotated[int, typer.Option(min=1, help="Features of a candidate.")] = 40,
    context: Annotated[int, typer.Option(min=1, help="Features of the context.")] = 24,
) -> None:
    """Write a policy with random weights, for tests: its card says that it was never trained."""
    sizes = PolicySizes(candidate=candidate, context=context)
    try:
        card = publish_untrained(
            Repository(folder), name, version=version, seed=seed, codec_version=codec, sizes=sizes
        )
    except REFUSALS as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(f"{folder / name / str(version)}: sha256 {card.checksum}")


@command.command("quantise")
def quantise(
    folder: Folder,
    name: Annotated[str, typer.Argument(help="The model's name.")],
    version: Annotated[int, typer.Argument(min=1, help="The float version.")],
    recordings: Annotated[
        Path, typer.Option(help="Recorded inputs: .npz with an array for each, and `state`.")
    ],
    to: Annotated[
        int | None, typer.Option(min=1, help="The version to add; else the next.")
    ] = None,
    codec: Codecs = [1],  # noqa: B006 (as below)
) -> None:
    """Write a version in 8 bits, if it chooses as the float one on recorded states."""
    options = LoadOptions(codec_versions=tuple(codec))
    try:
        card = publish_quantised(
            Repository(folder), name, version, recordings, options=options, to=to
        )
    except REFUSALS as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
    agreement = card.agreement
    measured = f"agreement {agreement.share:.2%} of {agreement.states} states" if agreement else ""
    typer.echo(f"{folder / name / str(card.version)}: sha256 {card.checksum}, {measured}")


@command.command("check")
def check(
    folder: Folder,
    codec: Codecs = [1],  # noqa: B006 (typer's way to say a default; nobody changes it)
    provider: Annotated[str, typer.Option(help="ONNX Runtime's execution provider.")] = CPU,
) -> None:
    """Load every version as the server would; exit with 1 when one is refused."""
    options = LoadOptions(codec_versions=tuple(codec), providers=(provider,))
    repository = Repository(folder)
    table = Table("model", "version", "kind", "trained", "state", box=None)
    refused = 0
    for name, version in _versions(repository):
        kind, trained, state = _tried(repository, name, version, options)
        refused += state != "ready"
        table.add_row(name, str(version), kind, trained, state)
    console = Console(width=None if Console().is_terminal else 160, markup=False)
    console.print(table if table.row_count else f"There is no model in {folder}.")
    if refused:
        raise typer.Exit(1)


@command.command("openapi")
def openapi(
    out: Annotated[
        Path | None, typer.Option(help="Folder to write rl-inference.json to; else print it.")
    ] = None,
) -> None:
    """Print the OpenAPI document of the inference server, or write it into a folder."""
    from rl_inference.openapi_document import document  # noqa: PLC0415 (slow)

    tell(document(), "rl-inference.json", out)


def _versions(repository: Repository) -> list[tuple[str, int]]:
    try:
        return [(name, each) for name in repository.names() for each in repository.versions(name)]
    except OSError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error


def _tried(
    repository: Repository, name: str, version: int, options: LoadOptions
) -> tuple[str, str, str]:
    """Kind, whether it was trained, and the state: `ready`, or why it is refused."""
    try:
        model = load(repository, name, version, options)
    except RefusedModelError as error:
        return "", "", f"{error.reason}: {error}"
    model.session.close()
    return model.card.kind, "yes" if model.card.trained else "no", "ready"
