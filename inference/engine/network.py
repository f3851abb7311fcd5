"""A network in an ONNX runtime session: one thread, any number of callers, bounded runs."""

from dataclasses import dataclass

import onnxruntime


@dataclass(frozen=True)
class Network:
    session: onnxruntime.InferenceSession  # (batch, epochs, columns) -> (batch, epochs, labels)
    kind: str = "onnx"


def load(onnx: bytes) -> Network:
    """Open a session on the bytes of a `model.onnx`."""
    raise NotImplementedError
