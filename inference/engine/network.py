"""A network in an ONNX runtime session: one thread, any number of callers."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as runtime

from inference.engine import outside
from inference.engine.faults import ModelFailed, ModelUnfit
from inference.engine.nights import Doubles, Floats, Ints
from inference.engine.windows import Window
from recordings.grid import MAX_EPOCHS

LARGEST = float(np.finfo(np.float32).max)

# The runtime's exceptions have no base of their own.
FAILED = (
    runtime.DeviceReset,
    runtime.EngineError,
    runtime.EPFail,
    runtime.Fail,
    runtime.InvalidArgument,
    runtime.InvalidGraph,
    runtime.InvalidProtobuf,
    runtime.ModelLoadCanceled,
    runtime.ModelLoaded,
    runtime.ModelRequiresCompilation,
    runtime.NoModel,
    runtime.NoSuchFile,
    runtime.NotFound,
    runtime.NotImplemented,
    runtime.RuntimeException,
    UnicodeDecodeError,  # of a name within the file
)


@dataclass(frozen=True)
class Network:
    session: onnxruntime.InferenceSession  # (batch, epochs, columns) -> (batch, epochs, labels)
    kind: ClassVar[str] = "onnx"

    def logits(self, columns: Doubles, index: Ints, window: Window, last: int) -> Doubles:
        given = np.clip(columns, -LARGEST, LARGEST).astype(np.float32, order="C")
        found = self._answer(given)
        return np.asarray(found[:, columns.shape[1] - last :], dtype=np.float64)

    def _answer(self, given: Floats) -> Floats:
        """(batch, epochs, columns) -> (batch, epochs, labels); a bug of a network is its own."""
        try:
            (found,) = self.session.run(None, {self.session.get_inputs()[0].name: given})
        except FAILED as error:
            raise ModelFailed(f"The network does not run on {given.shape}: {error}") from error
        if not (isinstance(found, np.ndarray) and found.ndim == 3):
            raise ModelFailed(f"The network answers {given.shape} with no such array.")
        if found.shape[:2] != given.shape[:2]:
            raise ModelFailed(f"The network answers {given.shape} with {found.shape}.")
        return found

    def check(self, columns: int, labels: int, window: Window) -> None:
        """What a graph declares of its shapes may be less than it takes: so the shortest night is
        run and the longest, and two batches of two lengths."""
        inputs, outputs = self.session.get_inputs(), self.session.get_outputs()
        if len(inputs) != 1 or len(outputs) != 1 or len(inputs[0].shape) != 3:
            raise ModelUnfit("A network takes one array (batch, epochs, columns) and gives one.")
        lengths = (1, 1), (1, window.length), (2, window.length + 1), (1, MAX_EPOCHS)
        for batch, epochs in lengths:
            blank = np.zeros((batch, epochs, columns), dtype=np.float32)
            try:
                found = self._answer(blank)
            except ModelFailed as error:
                raise ModelUnfit(str(error)) from error
            if found.shape != (batch, epochs, labels) or found.dtype != np.float32:
                raise ModelUnfit(
                    f"The network answers {blank.shape} with {found.shape} of {found.dtype}, "
                    f"not {(batch, epochs, labels)} of float32."
                )


def load(onnx: bytes) -> Network:
    """Open a session on the bytes of a `model.onnx`, which hold all its weights, or refuse it."""
    _check_whole(onnx)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    # Memory goes back after a run and after a swap, instead of staying at its highest.
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 4
    # Else the bytes say which format they are of, and another one is not looked into for weights.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    try:
        session = onnxruntime.InferenceSession(
            onnx, options, providers=["CPUExecutionProvider"], enable_fallback=0
        )
        # Texts of the file are decoded when they are asked for.
        for value in (*session.get_inputs(), *session.get_outputs()):
            _ = value.name, value.shape
    except FAILED as error:
        raise ModelUnfit(f"The network cannot be opened: {error}") from error
    return Network(session)


def _check_whole(onnx: bytes) -> None:
    """The runtime reads what is outside from wherever the process stands, whatever is there."""
    try:
        has_outside = outside.has_outside(onnx)
    except outside.Malformed as error:
        raise ModelUnfit(f"The network cannot be opened: {error}.") from None
    if has_outside:
        raise ModelUnfit("The network has weights outside of its file.")
