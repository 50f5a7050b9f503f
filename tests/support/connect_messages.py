"""Messages of protobuf for the official Connect client, made without a compiler."""

from __future__ import annotations

from typing import Any

from connectrpc.method import IdempotencyLevel, MethodInfo, StreamType
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

KINDS = descriptor_pb2.FieldDescriptorProto
FIELDS = {
    "Tensor": {"shape": (KINDS.TYPE_INT32, True), "values": (KINDS.TYPE_DOUBLE, True)},
    "ScoreCandidatesRequest": {
        "codec_version": (KINDS.TYPE_INT64, False),
        "model": (KINDS.TYPE_STRING, False),
        "candidates": ("Tensor", False),
        "context": ("Tensor", False),
        "mask": (KINDS.TYPE_BOOL, True),
    },
    "ServedModel": {
        "name": (KINDS.TYPE_STRING, False),
        "version": (KINDS.TYPE_INT64, False),
        "provider": (KINDS.TYPE_STRING, False),
    },
    "ScoreCandidatesResponse": {
        "scores": (KINDS.TYPE_DOUBLE, True),
        "codec_version": (KINDS.TYPE_INT64, False),
        "model": ("ServedModel", False),
        "degraded": (KINDS.TYPE_STRING, False),
    },
    "PredictRequest": {
        "feature_version": (KINDS.TYPE_INT64, False),
        "rows": ("Tensor", False),
    },
    "PredictResponse": {
        "levels": (KINDS.TYPE_DOUBLE, True),
        "delay_s": ("Tensor", False),
        "late_probabilities": (KINDS.TYPE_DOUBLE, True),
        "calibrated": (KINDS.TYPE_BOOL, False),
        "model": ("ServedModel", False),
    },
    "FailRequest": {"code": (KINDS.TYPE_STRING, False), "text": (KINDS.TYPE_STRING, False)},
    "WaitRequest": {"seconds": (KINDS.TYPE_DOUBLE, False)},
    "WaitResponse": {"remaining_ms": (KINDS.TYPE_DOUBLE, False)},
}


def messages() -> dict[str, Any]:
    """Classes of protobuf messages, as a compiler would make them of a .proto file."""
    file = descriptor_pb2.FileDescriptorProto(name="trial.proto", package="trial", syntax="proto3")
    for name, fields in FIELDS.items():
        message = file.message_type.add(name=name)
        for number, (field, (kind, repeated)) in enumerate(fields.items(), 1):
            label = KINDS.LABEL_REPEATED if repeated else KINDS.LABEL_OPTIONAL
            one = message.field.add(name=field, number=number, label=label)
            if isinstance(kind, str):
                one.type, one.type_name = KINDS.TYPE_MESSAGE, f".trial.{kind}"
            else:
                one.type = kind
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"trial.{name}"))
        for name in FIELDS
    }


M = messages()


def method(service: str, name: str, request: str, response: str) -> MethodInfo[Any, Any]:
    return MethodInfo(
        name=name,
        service_name=service,
        input=M[request],
        output=M[response],
        idempotency_level=IdempotencyLevel.UNKNOWN,
        stream_type=StreamType.UNARY,
    )
