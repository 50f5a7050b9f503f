"""Open Inference Protocol v2 over HTTP, with its repository and other extensions, as routes.

A version in a path is a number, or an alias such as champion.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Request, Response, params
from fastapi.responses import JSONResponse

from rl_inference.doors import model_words
from rl_inference.doors.data_plane import DataPlane, chosen
from rl_inference.doors.departure import unless_gone
from rl_inference.doors.exchange import outcome_of
from rl_inference.doors.inference_exchange import InferenceExchange
from rl_inference.doors.open_inference_route import OpenInferenceRoute, add_unknown_paths
from rl_inference.doors.protocol_openapi import (
    ADMITTED,
    INFERENCE_ANSWERS,
    OF_MODEL,
    Answers,
    errors,
    inference_operation,
)
from rl_inference.doors.protocol_schemas import (
    ModelConfiguration,
    ModelMetadata,
    ModelReady,
    ServerLive,
    ServerMetadata,
    ServerReady,
    Statistics,
)
from rl_inference.doors.repository_routes import add_repository_routes
from rl_inference.errors import NotReadyError

if TYPE_CHECKING:
    from rl_inference.models.loaded import LoadedModel

NOT_READY = 503


Target = dict[str, str | None]
"""What a path names."""


async def _target(name: str, request: Request) -> Target:
    return {"name": name} | {
        key: value for key, value in request.path_params.items() if key == "version"
    }


Named = Annotated[Target, Depends(_target)]


@dataclass(frozen=True, slots=True)
class ModelPaths:
    """Where a model's routes begin, and what OpenAPI says of the path besides the name."""

    prefix: str
    suffix: str
    described: dict[str, Any]


VERSION = {
    "name": "version",
    "in": "path",
    "required": True,
    "description": "A number, or an alias.",
    "schema": {"type": "string", "examples": ["3", "champion"]},
}
DEFAULT = ModelPaths("/v2/models/{name}", "", {})
VERSIONED = ModelPaths(
    "/v2/models/{name}/versions/{version}", "_version", {"parameters": [VERSION]}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenInference:
    """What the protocol's routes need; `users` and `operators` are FastAPI dependencies.

    Users ask for inferences and statistics, operators load and unload. Metadata and health are
    open to all, as probes have no token.
    """

    plane: DataPlane
    exchange: InferenceExchange
    server_ready: Callable[[], bool]
    version: str
    name: str = "atmr-rl-inference"
    users: Sequence[params.Depends] = ()
    operators: Sequence[params.Depends] = ()


def open_inference_router(door: OpenInference) -> APIRouter:
    """Every route of /v2."""
    router = APIRouter(
        tags=["open inference protocol"], route_class=OpenInferenceRoute, responses=errors()
    )
    _add_server_routes(router, door)
    add_repository_routes(router, door.plane, door.users, door.operators)
    for paths in (DEFAULT, VERSIONED):
        _add_metadata_routes(router, door, paths)
        _add_statistics_route(router, door, paths)
        _add_inference_route(router, door, paths)
    add_unknown_paths(router)
    return router


def _add_server_routes(router: APIRouter, door: OpenInference) -> None:
    @router.get("/v2", response_model=ServerMetadata)
    async def server_metadata() -> JSONResponse:
        """Name, version and extensions."""
        return JSONResponse(
            {"name": door.name, "version": door.version, "extensions": model_words.EXTENSIONS}
        )

    @router.get("/v2/health/live", response_model=ServerLive)
    async def server_live() -> JSONResponse:
        """The process answers."""
        return JSONResponse({"live": True})

    not_ready: Answers = {NOT_READY: {"model": ServerReady, "description": "No model answers"}}

    @router.get("/v2/health/ready", response_model=ServerReady, responses=not_ready)
    async def server_ready() -> JSONResponse:
        """Inferences can be asked for."""
        ready = door.server_ready()
        return JSONResponse({"ready": ready}, 200 if ready else NOT_READY)


def _add_metadata_routes(router: APIRouter, door: OpenInference, paths: ModelPaths) -> None:
    plane, prefix, suffix = door.plane, paths.prefix, paths.suffix

    @router.get(
        prefix,
        response_model=ModelMetadata,
        responses=errors(*OF_MODEL),
        operation_id=f"model_metadata{suffix}",
        openapi_extra=paths.described,
    )
    async def model_metadata(target: Named) -> JSONResponse:
        """Tensors, versions, and what really computes."""
        model = _asked(plane, target)
        return JSONResponse(model_words.metadata(model, _ready_versions(plane, model.name)))

    @router.get(
        f"{prefix}/ready",
        response_model=ModelReady,
        responses=errors(404) | {NOT_READY: {"model": ModelReady, "description": "Not now"}},
        operation_id=f"model_ready{suffix}",
        openapi_extra=paths.described,
    )
    async def model_ready(target: Named) -> JSONResponse:
        """Whether this version answers inferences."""
        try:
            _asked(plane, target)
        except NotReadyError:
            return JSONResponse({"name": target["name"], "ready": False}, NOT_READY)
        return JSONResponse({"name": target["name"], "ready": True})

    @router.get(
        f"{prefix}/config",
        response_model=ModelConfiguration,
        responses=errors(*OF_MODEL),
        operation_id=f"model_config{suffix}",
        openapi_extra=paths.described,
    )
    async def model_config(target: Named) -> JSONResponse:
        """The configuration in Triton's JSON."""
        return JSONResponse(model_words.configuration(_asked(plane, target)))


def _add_statistics_route(router: APIRouter, door: OpenInference, paths: ModelPaths) -> None:
    @router.get(
        f"{paths.prefix}/stats",
        dependencies=door.users,
        response_model=Statistics,
        responses=errors(*ADMITTED, *OF_MODEL),
        operation_id=f"model_statistics{paths.suffix}",
        openapi_extra=paths.described,
    )
    async def model_statistics(target: Named) -> JSONResponse:
        """Counts and times since the version was loaded."""
        model = _asked(door.plane, target)
        version = model.version if "version" in target else None
        counted = door.plane.statistics.snapshot(model.name, version)
        return JSONResponse(model_words.statistics(counted))


def _add_inference_route(router: APIRouter, door: OpenInference, paths: ModelPaths) -> None:
    @router.post(
        f"{paths.prefix}/infer",
        dependencies=door.users,
        responses=INFERENCE_ANSWERS,
        openapi_extra=inference_operation(paths.described),
        response_class=Response,
        operation_id=f"infer{paths.suffix}",
    )
    async def infer(request: Request, target: Named) -> Response:
        """Compute the outputs for the inputs of the body."""
        headers = dict(request.scope["headers"])
        prepared = door.exchange.prepare(target, headers, await request.body())
        outcome = await unless_gone(request.receive, outcome_of(door.plane, prepared.ask))
        return prepared.told(outcome).response()


def _asked(plane: DataPlane, target: Target) -> LoadedModel:
    """The version that the path names."""
    return chosen(plane, target["name"] or "", target.get("version"))


def _ready_versions(plane: DataPlane, name: str) -> list[int]:
    return sorted(
        entry.version
        for entry in plane.registry.index()
        if entry.name == name and entry.state == model_words.READY and entry.version is not None
    )
