"""Keeps the check of JSON bodies away from inferences, whose bodies may hold binary tensors.

A header may say JSON where numbers follow; brackets among their bytes are no nesting. The reader
of an inference bounds nesting and kinds itself (pure ASGI; stands before `LimitJson`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


class TensorBodies:
    """Hides the content type of inferences from what stands behind it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _is_inference(scope["path"]):
            kept = [header for header in scope["headers"] if header[0] != b"content-type"]
            scope["headers"] = kept  # in place: who stands before reads the route out of it later
        await self._app(scope, receive, send)


def _is_inference(path: str) -> bool:
    return path.startswith("/v2/models/") and path.endswith("/infer")
