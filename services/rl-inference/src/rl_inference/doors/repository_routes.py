"""The repository extension: what there is, load, unload; and the statistics of all models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Request, Response, params
from fastapi.responses import JSONResponse

from rl_inference.doors import model_words, protocol_schemas
from rl_inference.doors.data_plane import DataPlane, check_name
from rl_inference.doors.protocol_openapi import ADMITTED, errors, json_body
from rl_inference.errors import DataPlaneError, InvalidInputError

OVERRIDES = ("config", "file:")
INSTRUCTIONS = json_body(protocol_schemas.Instructions, required=False)


async def _instructions(request: Request) -> dict[str, Any]:
    """The body as an object, whatever its type is said to be: clients of Triton send none."""
    body = await request.body()
    try:
        value = orjson.loads(body) if body else {}
    except orjson.JSONDecodeError as error:
        raise InvalidInputError(f"failed to parse the request as JSON: {error}") from error
    if not isinstance(value, dict):
        raise InvalidInputError("the request must be a JSON object")
    return value


Instructions = Annotated[dict[str, Any], Depends(_instructions)]


def add_repository_routes(
    router: APIRouter,
    plane: DataPlane,
    users: Sequence[params.Depends],
    operators: Sequence[params.Depends],
) -> None:
    """Add the routes to `router`, before those that take a model's name at the same place."""

    @router.get(
        "/v2/models/stats",
        dependencies=users,
        response_model=protocol_schemas.Statistics,
        responses=errors(*ADMITTED),
    )
    async def all_statistics() -> JSONResponse:
        """The statistics of every live version."""
        return JSONResponse(model_words.statistics(plane.statistics.snapshot()))

    @router.post(
        "/v2/repository/index",
        dependencies=users,
        response_model=list[protocol_schemas.IndexedVersion],
        responses=errors(400, *ADMITTED, 413),
        openapi_extra=json_body(protocol_schemas.IndexQuestion, required=False),
    )
    async def repository_index(instructions: Instructions) -> list[dict[str, str]]:
        """Every version in the repository, and why it is not ready; or the ready ones alone."""
        ready_only = instructions.get("ready", False)
        if not isinstance(ready_only, bool):
            raise InvalidInputError("ready must be true or false")
        return model_words.index(plane.registry.index(), ready_only=ready_only)

    _add_control_routes(router, plane, operators)


def _add_control_routes(
    router: APIRouter, plane: DataPlane, operators: Sequence[params.Depends]
) -> None:
    @router.post(
        "/v2/repository/models/{name}/load",
        dependencies=operators,
        response_class=Response,
        responses=errors(400, *ADMITTED, 404, 413),
        openapi_extra=INSTRUCTIONS,
    )
    async def load_model(name: str, instructions: Instructions) -> Response:
        """Load what the repository holds of the model; what answered before goes on if it fails."""
        check_name(name)
        _refuse_overrides(name, instructions)
        try:
            await plane.registry.load(name)
        except DataPlaneError as error:
            raise InvalidInputError(_failed(name, str(error))) from error
        return Response()

    @router.post(
        "/v2/repository/models/{name}/unload",
        dependencies=operators,
        response_class=Response,
        responses=errors(400, *ADMITTED, 404, 413),
        openapi_extra=INSTRUCTIONS,
    )
    async def unload_model(name: str, instructions: Instructions) -> Response:
        """Unload every version, each after the requests that it has."""
        del instructions  # `unload_dependents`: no model depends on another
        check_name(name)
        await plane.registry.unload(name)
        return Response()


def _refuse_overrides(name: str, instructions: dict[str, Any]) -> None:
    """A model comes out of the repository with its checksum, never out of a request."""
    parameters = instructions.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise InvalidInputError("parameters must be an object")
    if any(key.startswith(OVERRIDES) for key in parameters):
        raise InvalidInputError(_failed(name, "a request cannot bring config or files"))


def _failed(name: str, reason: str) -> str:
    """Triton's words: its clients compare them."""
    begins = f"failed to load '{name}', "
    return reason if reason.startswith(begins) else begins + reason
