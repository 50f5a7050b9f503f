"""The HTTP door that every service has: problems, request ids, metrics, limits, health."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from pydantic import BaseModel
from starlette.middleware import Middleware

from atmr_common.observability.request_metrics import RequestMetrics
from atmr_common.observability.requests import ObserveRequests, register_process_metrics
from atmr_common.observability.tracing import Tracer
from atmr_common.web.body_limit import LimitBody
from atmr_common.web.json_limits import LimitJson
from atmr_common.web.problem_handlers import install_problem_handlers
from atmr_common.web.problems import Problem, responses
from atmr_common.web.rpc import install_rpc_errors

Check = Callable[[], Awaitable[str | None]]
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


@dataclass(kw_only=True)
class ServiceDescription:
    """What distinguishes one service's door from another's."""

    name: str
    title: str
    summary: str
    version: str
    routers: list[APIRouter]
    lifespan: Lifespan
    registry: CollectorRegistry
    max_body_bytes: int
    readiness: dict[str, Check] = field(default_factory=dict)
    tracer: Tracer = field(default_factory=Tracer)
    bodies: tuple[type[BaseModel], ...] = ()
    """Bodies that are read without pydantic, for OpenAPI to refer to."""
    innermost: tuple[Middleware, ...] = ()
    """Stand before the framework and its reading of JSON: what they answer never reaches it."""


def create_service_app(service: ServiceDescription) -> FastAPI:
    """A FastAPI application with everything that is alike at every door."""
    app = FastAPI(
        title=service.title,
        summary=service.summary,
        version=service.version,
        lifespan=service.lifespan,
        openapi_url="/openapi.json",
        redirect_slashes=False,  # a redirect would repeat the Host that the client sent
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        middleware=[*service.innermost, Middleware(LimitJson)],
    )
    install_problem_handlers(app)
    install_rpc_errors(app)
    for router in [_health(service), *service.routers]:
        app.include_router(router)
    app.add_middleware(LimitBody, max_bytes=service.max_body_bytes)
    register_process_metrics(service.registry, service=service.name, version=service.version)
    app.state.request_metrics = RequestMetrics(service.registry)
    app.add_middleware(ObserveRequests, metrics=app.state.request_metrics, tracer=service.tracer)
    _describe_problems(app, service.bodies)
    return app


def _health(service: ServiceDescription) -> APIRouter:
    router = APIRouter(tags=["health"])

    @router.get("/livez", operation_id="livez")
    async def livez() -> dict[str, str]:
        """The process runs."""
        return {"status": "ok"}

    @router.get("/readyz", operation_id="readyz", responses={503: {"description": "Not ready"}})
    async def readyz() -> JSONResponse:
        """Everything that an answer needs is there; 503 names what is missing."""
        missing = {name: await check() for name, check in service.readiness.items()}
        failed = {name: reason for name, reason in missing.items() if reason}
        body = {"status": "not ready" if failed else "ok", "failed": failed}
        return JSONResponse(body, 503 if failed else 200)

    @router.get("/startupz", operation_id="startupz")
    async def startupz() -> dict[str, str]:
        """The service has started (it answers only after its start is done)."""
        return {"status": "ok", "service": service.name, "version": service.version}

    @router.get("/metrics", operation_id="metrics", response_class=Response)
    async def metrics() -> Response:
        """Prometheus metrics."""
        return Response(generate_latest(service.registry), media_type=CONTENT_TYPE_LATEST)

    return router


def _describe_problems(app: FastAPI, bodies: tuple[type[BaseModel], ...]) -> None:
    """Let OpenAPI say what FastAPI's 422 really looks like here, and what `bodies` hold."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = generate()
            schemas = schema.setdefault("components", {}).setdefault("schemas", {})
            models: tuple[type[BaseModel], ...] = (Problem, *bodies)
            for model in models:
                described = model.model_json_schema(ref_template="#/components/schemas/{model}")
                schemas[model.__name__] = described
                schemas.update(described.pop("$defs", {}))
            for dead in ("HTTPValidationError", "ValidationError"):
                schemas.pop(dead, None)
            _replace_validation_answers(schema)
            _add_answers_of_every_door(schema)
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _replace_validation_answers(schema: dict[str, Any]) -> None:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for operations in schema["paths"].values():
        for operation in operations.values():
            answer = operation.get("responses", {}).get("422")
            if answer and "application/json" in answer.get("content", {}):
                answer.update(description="The request is not valid", content=content)


def _add_answers_of_every_door(schema: dict[str, Any]) -> None:
    """What the door itself answers, before or around an operation of the service."""
    with_body = {str(status): answer for status, answer in responses(400, 413).items()}
    anywhere = {str(status): answer for status, answer in responses(429, 503).items()}
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            answers = operation["responses"]
            if "default" in answers:
                continue  # it has its own form of errors, and words those of the door in it
            if path.startswith("/v"):
                operation["responses"] = anywhere | answers
            if "requestBody" in operation:
                operation["responses"] = with_body | operation["responses"]
