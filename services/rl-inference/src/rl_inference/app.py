"""rl-inference's doors, and what runs beside them while they serve."""

from __future__ import annotations

import asyncio
import sys
from importlib.metadata import version

from fastapi import FastAPI
from starlette.middleware import Middleware

from atmr_common.observability.logs import configure_logs
from atmr_common.runtime.lifecycle import Lifecycle, Part, lifespan_of, task_part
from atmr_common.runtime.service_process import run_service, settings_of_service
from atmr_common.web.access import service_with
from atmr_common.web.identity import Identity, Role
from atmr_common.web.scopes import Scope
from atmr_common.web.server import server_part
from atmr_common.web.service_app import Check, ServiceDescription, create_service_app
from rl_inference.composition import Parts, hear_of_models, make_parts
from rl_inference.doors.admission import TokenAdmission
from rl_inference.doors.fast_protocol import FastProtocol
from rl_inference.doors.hot_route import HotRoutes, hot_paths
from rl_inference.doors.inference_exchange import InferenceExchange
from rl_inference.doors.open_inference import OpenInference, open_inference_router
from rl_inference.doors.outbox import Outbox
from rl_inference.doors.protocol_openapi import BODIES
from rl_inference.doors.rpc_services import policy_router, risk_router
from rl_inference.doors.scoring_exchange import ScoringExchange
from rl_inference.doors.tensor_bodies import TensorBodies
from rl_inference.settings import InferenceSettings


class Doors:
    """The application and the protocol class, which answer the same requests alike."""

    def __init__(
        self, settings: InferenceSettings, parts: Parts, lifecycle: Lifecycle | None = None
    ) -> None:
        now, longest_s = asyncio.get_running_loop().time, settings.deadline_ms / 1000
        self._settings = settings
        self._parts = parts
        self._inference = InferenceExchange(
            parts.plane,
            now=now,
            max_body_bytes=settings.max_body_bytes,
            longest_s=longest_s,
        )
        self._scoring = ScoringExchange(parts.plane, now=now, longest_s=longest_s)
        self.app = self._application(lifecycle)
        self.protocol = self._protocol()

    def _application(self, lifecycle: Lifecycle | None) -> FastAPI:
        settings, parts = self._settings, self._parts
        users, longest_s = [service_with(Scope.MODELS_INFER)], settings.deadline_ms / 1000
        readiness: dict[str, Check] = {
            "models": self._models_ready,
            "identity": parts.identity.verifier.keys.ready,
        }
        if lifecycle is not None:
            readiness["process"] = lifecycle.readiness

        open_inference = OpenInference(
            plane=parts.plane,
            exchange=self._inference,
            server_ready=self._has_models,
            version=version("atmr-rl-inference"),
            name=settings.server_name,
            users=users,
            operators=[service_with(Scope.MODELS_CONTROL)],
        )
        app = create_service_app(
            ServiceDescription(
                name="rl-inference",
                title="ATMR rl-inference",
                summary="Serves the models of ATMR Dispatch.",
                version=version("atmr-rl-inference"),
                routers=[
                    policy_router(parts.plane, users, longest_s=longest_s),
                    risk_router(parts.plane, users, longest_s=longest_s),
                    open_inference_router(open_inference),
                ],
                lifespan=lifespan_of(
                    lambda: parts_beside(settings, parts), deadline_s=settings.drain_seconds
                ),
                registry=parts.metrics,
                max_body_bytes=settings.max_body_bytes,
                readiness=readiness,
                tracer=parts.tracer,
                bodies=BODIES,
                innermost=(Middleware(TensorBodies),),
            )
        )
        parts.identity.install(app)
        app.state.limits = parts.limits
        return app

    def _protocol(self) -> type[FastProtocol]:
        outbox = Outbox()
        self._parts.plane.batcher.tell(outbox)
        return FastProtocol.with_routes(
            HotRoutes(
                plane=self._parts.plane,
                routes=hot_paths(self._inference, self._scoring),
                admits=TokenAdmission(self._parts.identity.verifier.verify, may_infer),
                max_body_bytes=self._settings.max_body_bytes,
                metrics=self.app.state.request_metrics,
                outbox=outbox,
                tracer=self._parts.tracer,
            )
        )

    def _has_models(self) -> bool:
        return any(entry.state == "READY" for entry in self._parts.models.index())

    async def _models_ready(self) -> str | None:
        return None if self._has_models() else "no model is live"


def may_infer(identity: Identity) -> bool:
    """Whether the ordinary way would let this caller ask, as often as it likes.

    A company's requests are limited, and counted there.
    """
    return (
        identity.role is Role.SERVICE
        and identity.company_id is None
        and Scope.MODELS_INFER in identity.granted
    )


def parts_beside(settings: InferenceSettings, parts: Parts) -> list[Part]:
    """What works beside the doors, in the order in which it starts."""
    return [
        task_part("keys", parts.identity.verifier.keys.run),
        task_part("models", lambda: follow_models(settings, parts), flush=parts.plane.drain),
    ]


async def follow_models(settings: InferenceSettings, parts: Parts) -> None:
    """Keep in agreement with the repository: at each event, and at an interval."""
    await hear_of_models(parts)
    await parts.models.watch(settings.model_poll_s)


SWITCH_S = 0.000_5
"""A thread that loads a model lets the loop go on after this, and not after five milliseconds."""


def serve() -> None:
    """`atmr serve rl-inference`."""
    settings = settings_of_service(InferenceSettings)
    sys.setswitchinterval(SWITCH_S)
    configure_logs(settings.log_level, settings.log_format)

    async def start(lifecycle: Lifecycle) -> None:
        parts = await lifecycle.enter("parts", make_parts(settings))
        for part in parts_beside(settings, parts):
            await lifecycle.start(part)
        doors = Doors(settings, parts, lifecycle)
        server = server_part(
            doors.app,
            host=settings.host,
            port=settings.port,
            drain_s=settings.drain_seconds,
            http=doors.protocol,
        )
        await lifecycle.start(server)

    run_service(start, drain_seconds=settings.drain_seconds, drain_delay_s=settings.drain_delay_s)
