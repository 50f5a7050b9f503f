"""One behaviour suite for every session, and what is ONNX Runtime's alone."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper
from support.inference_models import (
    identity,
    linear,
    onnx_file,
    torchscript_linear,
    with_external_data,
)

from rl_inference.errors import ComputationError
from rl_inference.models.onnx_file import require_self_contained
from rl_inference.models.onnx_session import OnnxSession
from rl_inference.models.refusals import ProviderError, RefusedModelError
from rl_inference.models.session import Session
from rl_inference.models.torch_session import TorchSession
from rl_inference.tensors import NUMPY, TensorSpec

pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")  # still loaded
WIDE = TensorSpec("x", "FP32", (-1, 3))


def onnx_linear() -> Session:
    return OnnxSession(linear())


def torch_linear() -> Session:
    outputs = [TensorSpec(name, "FP32", (-1, 3)) for name in ("y", "z")]
    return TorchSession(torchscript_linear(), [WIDE], outputs)


@pytest.fixture(params=[onnx_linear, torch_linear], ids=["onnx", "torch"])
def session(request: pytest.FixtureRequest) -> Session:
    make: Callable[[], Session] = request.param
    return make()


def rows(count: int) -> dict[str, Any]:
    return {"x": np.arange(count * 3, dtype=np.float32).reshape(count, 3)}


def test_outputs_come_in_the_order_asked_for(session: Session) -> None:
    z, y = session.run(rows(2), ("z", "y"))
    assert np.array_equal(y, rows(2)["x"] * 2)
    assert np.array_equal(z, rows(2)["x"] + 2)
    assert len(session.run(rows(1), ["y"])) == 1


def test_a_session_says_what_it_takes_and_where_it_runs(session: Session) -> None:
    assert session.inputs == (WIDE,)
    assert [spec.name for spec in session.outputs] == ["y", "z"]
    assert session.provider == "CPUExecutionProvider"
    assert session.platform in ("onnxruntime_onnx", "pytorch_libtorch")


@pytest.mark.parametrize(
    ("inputs", "outputs"),
    [
        ({"x": np.zeros((2, 5), np.float32)}, ["y"]),
        ({"other": np.zeros((2, 3), np.float32)}, ["y"]),
        (rows(1), ["nothing"]),
    ],
)
def test_what_does_not_fit_is_a_computation_error(
    session: Session, inputs: Any, outputs: list[str]
) -> None:
    if "x" in inputs and inputs["x"].shape[1] == 5 and session.platform != "onnxruntime_onnx":
        pytest.skip("TorchScript knows no shapes: the doors check them")
    with pytest.raises(ComputationError):
        session.run(inputs, outputs)
    assert len(session.run(rows(1), ["y"])) == 1


def test_a_closed_session_computes_nothing(session: Session) -> None:
    session.close()
    session.close()
    with pytest.raises(ComputationError):
        session.run(rows(1), ["y"])


def test_torch_that_is_not_installed_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ProviderError, match="torch is not installed"):
        TorchSession(b"", [WIDE], [])


@pytest.mark.parametrize("datatype", ["BOOL", "UINT8", "INT64", "FP16", "FP32", "FP64"])
def test_every_number_comes_back_as_it_went(datatype: str) -> None:
    session = OnnxSession(identity(datatype))
    given_ = np.array([[1, 0, 1]], dtype=NUMPY[datatype])
    (found,) = session.run({"x": given_}, ["y"])
    assert found.dtype == given_.dtype
    assert np.array_equal(found, given_)
    assert not np.shares_memory(found, given_)


def test_texts_are_bytes_on_both_sides() -> None:
    session = OnnxSession(identity("BYTES"))
    given_ = np.array([[b"a", "é".encode(), b""]], dtype=np.object_)
    (found,) = session.run({"x": given_}, ["y"])
    assert found.tolist() == given_.tolist()
    with pytest.raises(ComputationError):
        session.run({"x": np.array([[b"\xff", b"", b""]], dtype=np.object_)}, ["y"])


def test_cuda_that_is_not_there_is_never_the_cpu_in_silence() -> None:
    providers = ("CUDAExecutionProvider", "CPUExecutionProvider")
    import onnxruntime  # noqa: PLC0415

    if providers[0] in onnxruntime.get_available_providers():
        pytest.skip("this machine may have CUDA")
    with pytest.raises(ProviderError, match="CUDAExecutionProvider is not there"):
        OnnxSession(linear(), providers)
    assert OnnxSession(linear(), providers, allow_degraded=True).provider == providers[1]


def test_a_provider_that_is_not_there_gives_way_to_the_next() -> None:
    import onnxruntime  # noqa: PLC0415

    later = "AzureExecutionProvider"
    available = onnxruntime.get_available_providers()
    if later not in available or "CUDAExecutionProvider" in available:
        pytest.skip("ONNX Runtime is built with other providers here")
    providers = (
        "CUDAExecutionProvider",
        "TensorrtExecutionProvider",
        later,
        "CPUExecutionProvider",
    )
    assert OnnxSession(linear(), providers, allow_degraded=True).provider == later
    with pytest.raises(ProviderError):
        OnnxSession(linear(), providers)


def test_weights_in_another_file_are_refused() -> None:
    with pytest.raises(RefusedModelError) as caught:
        OnnxSession(with_external_data(linear()))
    assert caught.value.reason == "external_data"


def test_weights_in_another_file_are_found_within_a_branch() -> None:
    branch = onnx.load_from_string(with_external_data(linear())).graph
    node = helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch)
    content = onnx_file([node], {"c": ("BOOL", [1])}, {"y": ("FP32", [1])})
    with pytest.raises(RefusedModelError) as caught:
        require_self_contained(content)
    assert caught.value.reason == "external_data"


def test_a_request_that_fails_writes_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    node = helper.make_node("Gather", ["table", "x"], ["y"])
    table = {"table": np.array([7.0], np.float32)}
    shape = ["rows", 1]
    session = OnnxSession(onnx_file([node], {"x": ("INT64", shape)}, {"y": ("FP32", shape)}, table))
    with pytest.raises(ComputationError, match="out of data bounds"):
        session.run({"x": np.array([[5]])}, ["y"])
    assert capfd.readouterr() == ("", "")


def test_a_datatype_that_is_not_known_is_refused() -> None:
    model = onnx.load_from_string(identity())
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.elem_type = onnx.TensorProto.BFLOAT16
    with pytest.raises(RefusedModelError):
        OnnxSession(model.SerializeToString())


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_refused_as_corrupt(content: bytes) -> None:
    with pytest.raises(RefusedModelError) as caught:
        OnnxSession(content)
    assert caught.value.reason in ("corrupt", "external_data")


@settings(deadline=None)
@given(st.data())
def test_a_damaged_file_is_refused_or_still_computes(data: st.DataObject) -> None:
    content = bytearray(linear())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] = data.draw(st.integers(0, 255))
    try:
        session = OnnxSession(bytes(content))
    except RefusedModelError:
        return
    assert session.provider == "CPUExecutionProvider"


@settings(deadline=None)
@given(st.integers(0, 10_000))
def test_a_file_cut_short_is_refused(length: int) -> None:
    content = linear()
    with pytest.raises(RefusedModelError):
        OnnxSession(content[: length % len(content)])
