"""`ScoreCandidates` on the hot way: the same reading and wording, without the framework.

Whatever is unusual is refused here and met again on the ordinary way, which words it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import structlog
from fastapi.responses import JSONResponse

from atmr_common.contracts.policy import ScoreCandidatesRequest
from atmr_common.web.json_limits import DEEPEST
from atmr_common.web.rpc import LONGEST_S, MAX_MESSAGE_BYTES
from atmr_common.web.rpc_errors import InternalError, RpcError
from atmr_common.web.rpc_reading import check_protocol, timeout_s
from rl_inference.doors.error_answers import UNFORESEEN, rpc_error
from rl_inference.doors.exchange import Headers, Outcome, Prepared
from rl_inference.doors.http_answer import JSON, HttpAnswer
from rl_inference.doors.parts import rows_at_once
from rl_inference.doors.policy_scoring import scoring_ask, scoring_response
from rl_inference.errors import DataPlaneError, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rl_inference.doors.data_plane import DataPlane

log = structlog.get_logger(__name__)


class ScoringExchange:
    """Reads and writes scores; `now` is the loop's clock, in seconds."""

    def __init__(
        self, plane: DataPlane, *, now: Callable[[], float], longest_s: float = LONGEST_S
    ) -> None:
        self._plane = plane
        self._now = now
        self._longest_s = longest_s

    def takes(self, headers: Headers) -> bool:
        """Whether it is an unpacked message of this protocol with time to answer it."""
        try:
            check_protocol(_words(headers))
            return b"content-encoding" not in headers and self._within_s(headers) > 0
        except RpcError:
            return False

    def prepare(
        self,
        target: Mapping[str, str | None],  # noqa: ARG002 (the path names nothing)
        headers: Headers,
        body: bytes | bytearray,
    ) -> Prepared:
        """The ask in a plain message.

        Raises:
            Exception: of any kind, for what the ordinary way has to look at.

        """
        within_s = self._within_s(headers)
        message = ScoreCandidatesRequest.model_validate(plain_json(body))
        if message.deadline_ms is not None:
            within_s = min(within_s, message.deadline_ms / 1000)
        ask = scoring_ask(self._plane, message, self._now() + within_s)
        if ask.rows > rows_at_once(ask.model):
            raise InvalidInputError("to be asked in parts")
        return Prepared(ask, _told)

    def _within_s(self, headers: Headers) -> float:
        if b"connect-timeout-ms" not in headers:
            return self._longest_s
        return timeout_s(_words(headers), self._longest_s)


def _words(headers: Headers) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in headers.items()}


def plain_json(body: bytes | bytearray) -> Any:
    """The value, if no reader could take it otherwise; see `atmr_common.web.json_limits`.

    A name that stands twice is lost in reading, and its quotation marks are not: when there are
    exactly as many marks as the names and texts that were read need, nothing was lost.
    """
    if len(body) > MAX_MESSAGE_BYTES or body.count(b"[") + body.count(b"{") > DEEPEST:
        raise InvalidInputError("not a plain message")
    value = orjson.loads(body)
    if body.count(b'"') != 2 * _texts(value):
        raise InvalidInputError("not a plain message")
    return value


def _texts(value: Any) -> int:
    """Names and texts, those in lists not counted: a plain message has none."""
    if isinstance(value, dict):
        return len(value) + sum(map(_texts, value.values()))
    return isinstance(value, str)


def _told(outcome: Outcome) -> HttpAnswer:
    try:
        message = scoring_response(outcome)
        return HttpAnswer.of(200, message.model_dump_json().encode(), JSON)
    except DataPlaneError as error:
        return _worded(rpc_error(error))
    except Exception as error:  # a batch must not fail for the wording of one answer
        log.exception("unforeseen error", exc_info=error)
        return _worded(InternalError(UNFORESEEN))


def _worded(error: RpcError) -> HttpAnswer:
    """The error as the framework's answer would be."""
    response = JSONResponse(error.body(), error.status, error.headers)
    return HttpAnswer(error.status, list(response.raw_headers), bytes(response.body))
