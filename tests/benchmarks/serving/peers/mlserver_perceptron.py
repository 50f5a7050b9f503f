"""The model as MLServer's users write it: its codecs, and ONNX Runtime."""

from __future__ import annotations

from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse
from session import open_session


class Perceptron(MLModel):
    """Answers with the scores of a state."""

    async def load(self) -> bool:
        """Open the file that the settings name."""
        self._session = open_session(self.settings.parameters.uri)
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """The scores of the first input."""
        state = NumpyCodec.decode_input(payload.inputs[0])
        [scores] = self._session.run(["scores"], {"features": state})
        output = NumpyCodec.encode_output("scores", scores)
        return InferenceResponse(model_name=self.name, outputs=[output])
