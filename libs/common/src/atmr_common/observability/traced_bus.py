"""A bus whose messages continue the trace of the change that they tell.

A publication and a reception are spans of that trace; the receiver's logs and events belong to it.
"""

from __future__ import annotations

from collections.abc import Sequence

from atmr_common.bus.port import Bus, Lag, Message, Receiver
from atmr_common.observability.tracing import EVENT_HEADER, Attributes, Span, SpanKind, Tracer
from atmr_common.observability.work_context import TraceContext


class TracedBus:
    """`inner` with spans; what is published and received is the same."""

    def __init__(self, inner: Bus, tracer: Tracer) -> None:
        self.inner = inner
        self._tracer = tracer

    async def publish(self, messages: Sequence[Message]) -> None:
        if not self._tracer.exporting:
            await self.inner.publish(messages)
            return
        spans = [span for message in messages if (span := self._publication(message)) is not None]
        try:
            await self.inner.publish(messages)
        except BaseException as error:
            self._end(spans, error)
            raise
        self._end(spans)

    async def subscribe(self, topics: Sequence[str], group: str, receiver: Receiver) -> None:
        await self.inner.subscribe(topics, group, self._traced(receiver, group))

    async def tail(self, topics: Sequence[str], receiver: Receiver) -> None:
        await self.inner.tail(topics, self._traced(receiver, "tail"))

    async def lag(self, group: str) -> Lag:
        return await self.inner.lag(group)

    async def aclose(self) -> None:
        await self.inner.aclose()

    def _publication(self, message: Message) -> Span | None:
        header = message.headers.get(EVENT_HEADER)
        parent: TraceContext | None = self._tracer.wants(header)
        if parent is None:
            return None
        attributes: Attributes = {"messaging.destination.name": message.topic}
        return self._tracer.begin(
            f"publish {message.topic}",
            kind=SpanKind.PRODUCER,
            parent=parent,
            attributes=attributes,
        )

    def _end(self, spans: list[Span], error: BaseException | None = None) -> None:
        for span in spans:
            self._tracer.end(span, error)

    def _traced(self, receiver: Receiver, group: str) -> Receiver:
        async def receive(message: Message) -> None:
            attributes: Attributes = {
                "messaging.destination.name": message.topic,
                "messaging.consumer.group.name": group,
            }
            name = f"receive {message.topic}"
            with self._tracer.continued(message.headers, name, attributes):
                await receiver(message)

        return receive
