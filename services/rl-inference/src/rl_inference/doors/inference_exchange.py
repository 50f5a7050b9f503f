"""`POST /v2/models/{name}/infer`: bytes to an ask, and its outcome to bytes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import structlog

from rl_inference.dataplane.asking import Answer, Ask
from rl_inference.doors.content_encoding import encoding_wanted, unpacked
from rl_inference.doors.data_plane import chosen
from rl_inference.doors.error_answers import UNFORESEEN, protocol_answer, protocol_error
from rl_inference.doors.exchange import Headers, Outcome, Prepared, unanswered
from rl_inference.doors.inference_answer import write_answer
from rl_inference.doors.inference_request import InferenceRequest
from rl_inference.doors.remembered_heads import RememberedHeads
from rl_inference.doors.remembered_json import RememberedJson
from rl_inference.errors import DataPlaneError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rl_inference.doors.data_plane import DataPlane
    from rl_inference.doors.http_answer import HttpAnswer

log = structlog.get_logger(__name__)

LONGEST_S = 30.0


class InferenceExchange:
    """Reads and writes inferences; `now` is the loop's clock, in seconds."""

    def __init__(
        self,
        plane: DataPlane,
        *,
        now: Callable[[], float],
        max_body_bytes: int,
        longest_s: float = LONGEST_S,
    ) -> None:
        self._plane = plane
        self._now = now
        self._max_body_bytes = max_body_bytes
        self._longest_s = longest_s
        self._heads = RememberedHeads()
        self._plain = RememberedJson()

    def takes(self, headers: Headers) -> bool:  # noqa: ARG002 (no header is looked at alone)
        """Any request: it is judged with its body."""
        return True

    def prepare(
        self, target: Mapping[str, str | None], headers: Headers, body: bytes | bytearray
    ) -> Prepared:
        """The ask in the body, for the model that `target` names.

        Raises:
            DataPlaneError: when the model does not answer, or the request does not fit it.

        """
        model = chosen(self._plane, target["name"] or "", target.get("version"))
        if b"content-encoding" in headers:
            body = unpacked(body, headers[b"content-encoding"], self._max_body_bytes)
        header_length = headers.get(b"inference-header-content-length")
        if header_length is None:
            request = self._plain.read(body, model)
        else:
            request = self._heads.read(body, header_length, model)
        ask = Ask(
            model=model,
            inputs=request.inputs,
            outputs=request.outputs,
            rows=request.rows,
            done=unanswered,
            ends_at=self._now() + min(request.timeout_s or self._longest_s, self._longest_s),
            priority=request.priority,
        )
        encoding = encoding_wanted(headers.get(b"accept-encoding"))
        return Prepared(ask, partial(_told, request, encoding))


def _told(request: InferenceRequest, encoding: str | None, outcome: Outcome) -> HttpAnswer:
    """The answer or the error; what cannot be written is an error too."""
    if not isinstance(outcome, Answer):
        return protocol_answer(outcome)
    try:
        return write_answer(outcome, request, encoding)
    except DataPlaneError as error:
        return protocol_answer(error)
    except Exception as error:  # a batch must not fail for the wording of one answer
        log.exception("unforeseen error", exc_info=error)
        return protocol_error(500, UNFORESEEN)
