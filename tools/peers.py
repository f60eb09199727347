"""Other engines for quantized and float LSTMs: each is a function that prepares a task and returns what runs it."""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

Floats = NDArray[np.float32]
Run = Callable[[], object]


class Absent(Exception):
    """An engine that is not installed, or cannot run the task."""


class Parameters(NamedTuple):
    """Weights of one layer in PyTorch's order of gates: (gates * units, inputs), (gates * units, units) and two biases."""

    weight_ih: Floats
    weight_hh: Floats
    bias_ih: Floats
    bias_hh: Floats

    @property
    def inputs(self) -> int:
        """Features."""
        return self.weight_ih.shape[1]

    @property
    def units(self) -> int:
        """Cells."""
        return self.weight_hh.shape[1]


class Task(NamedTuple):
    """A layer and random inputs for it. ``x`` is (batch, timesteps, inputs), uniform in -1..1."""

    parameters: Parameters
    batch: int
    timesteps: int
    threads: int
    seed: int = 1

    @property
    def x(self) -> Floats:
        """The inputs."""
        shape = (self.batch, self.timesteps, self.parameters.inputs)
        return np.random.default_rng(self.seed).uniform(-1, 1, shape).astype(np.float32)


def imported(name: str) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return __import__(name, fromlist=["_"])
    except ImportError as error:
        raise Absent(f"{name} is not installed") from error


# ---- PyTorch


def torch_layer(task: Task) -> tuple[Any, Any]:
    torch = imported("torch")
    torch.set_num_threads(task.threads)
    given = task.parameters
    layer = torch.nn.LSTM(given.inputs, given.units, batch_first=True).eval()
    with torch.no_grad():
        for name, values in zip(("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"), given, strict=True):
            getattr(layer, name).copy_(torch.from_numpy(values))
    return torch, layer


def torch_float(task: Task) -> Run:
    """PyTorch in float32."""
    torch, layer = torch_layer(task)
    return _torch_run(torch, layer, task)


def torch_dynamic(task: Task) -> Run:
    """PyTorch with 8-bit weights and activations quantized as they come."""
    torch, layer = torch_layer(task)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        quantized = torch.ao.quantization.quantize_dynamic(torch.nn.Sequential(layer), {torch.nn.LSTM}, torch.qint8)
    return _torch_run(torch, quantized, task)


def _torch_run(torch: Any, module: Any, task: Task) -> Run:
    x = torch.from_numpy(task.x)

    def run() -> object:
        torch.set_num_threads(task.threads)
        with torch.inference_mode():
            return module(x)[0].numpy()

    return run


# ---- ONNX


def onnx_model(task: Task, with_state: bool = False) -> Any:
    """The layer as an ONNX model of time-major inputs, gates as i, o, f, c; ``with_state``: it takes and gives h and c."""
    onnx = imported("onnx")
    given = task.parameters

    def ordered(values: Floats) -> Floats:
        i, f, c, o = np.split(values, 4)
        return np.concatenate([i, o, f, c])[np.newaxis]

    biases = np.concatenate([ordered(given.bias_ih), ordered(given.bias_hh)], axis=1)
    weights = {"W": ordered(given.weight_ih), "R": ordered(given.weight_hh), "B": biases}
    helper, number = onnx.helper, onnx.TensorProto.FLOAT
    before, after = (["h", "c"], ["next_h", "next_c"]) if with_state else ([], [])
    node = helper.make_node("LSTM", ["x", *weights, "", *before], ["y", *after], hidden_size=given.units)
    x = helper.make_tensor_value_info("x", number, [task.timesteps, task.batch, given.inputs])
    y = helper.make_tensor_value_info("y", number, [task.timesteps, 1, task.batch, given.units])
    states = [helper.make_tensor_value_info(name, number, [1, task.batch, given.units]) for name in before + after]
    constants = [onnx.numpy_helper.from_array(values, name) for name, values in weights.items()]
    graph = helper.make_graph([node], "lstm", [x, *states[: len(before)]], [y, *states[len(before) :]], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)


def quantized(model: Any) -> bytes:
    """An ONNX model with 8-bit weights and activations quantized as they come."""
    onnx, quantization = imported("onnx"), imported("onnxruntime.quantization")
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        plain, quantized = Path(folder, "plain.onnx"), Path(folder, "quantized.onnx")
        onnx.save(model, plain)
        logging.disable(logging.WARNING)
        quantization.quantize_dynamic(plain, quantized, weight_type=quantization.QuantType.QInt8)
        logging.disable(logging.NOTSET)
        return quantized.read_bytes()


def onnxruntime_session(model: bytes, threads: int) -> Any:
    """ONNX Runtime with a model."""
    runtime = imported("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = threads
    options.log_severity_level = 3
    return runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def onnxruntime_float(task: Task) -> Run:
    """ONNX Runtime in float32."""
    return _onnxruntime(task, onnx_model(task).SerializeToString())


def onnxruntime_dynamic(task: Task) -> Run:
    """ONNX Runtime with 8-bit weights and activations."""
    return _onnxruntime(task, quantized(onnx_model(task)))


def _onnxruntime(task: Task, model: bytes) -> Run:
    session = onnxruntime_session(model, task.threads)
    feed = {"x": np.ascontiguousarray(task.x.swapaxes(0, 1))}
    return lambda: session.run(None, feed)[0]


def openvino_float(task: Task) -> Run:
    """OpenVINO in float32."""
    return _openvino(task, "f32")


def openvino_bf16(task: Task) -> Run:
    """OpenVINO in bfloat16."""
    return _openvino(task, "bf16")


def openvino_request(model: Any, threads: int, precision: str) -> Any:
    """OpenVINO with an ONNX model."""
    core = imported("openvino").Core()
    if precision == "bf16" and "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        raise Absent("this processor has no bfloat16")
    settings = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": precision}
    read = core.read_model(io.BytesIO(model.SerializeToString()))
    return core.compile_model(read, "CPU", settings).create_infer_request()


def _openvino(task: Task, precision: str) -> Run:
    openvino = imported("openvino")
    request = openvino_request(onnx_model(task), task.threads, precision)
    x = openvino.Tensor(np.ascontiguousarray(task.x.swapaxes(0, 1)))

    def run() -> object:
        request.infer([x])
        return request.get_output_tensor(0).data

    return run


# ---- NumPy


def sigmoid(values: Floats) -> Floats:
    """As a person writes it."""
    return 1 / (1 + np.exp(-values))


def numpy_float(task: Task) -> Run:
    """NumPy in float32, as a person writes it: the input's products of all timesteps first."""
    given, x = task.parameters, task.x
    recurrent = np.ascontiguousarray(given.weight_hh.T)

    def run() -> object:
        with threadpool_limits(task.threads):
            return layer()

    def layer() -> object:
        before = x @ given.weight_ih.T + (given.bias_ih + given.bias_hh)
        h = c = np.zeros((task.batch, given.units), np.float32)
        outputs = np.empty((task.batch, task.timesteps, given.units), np.float32)
        for t in range(task.timesteps):
            i, f, g, o = np.split(before[:, t] + h @ recurrent, 4, axis=1)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = outputs[:, t] = sigmoid(o) * np.tanh(c)
        return outputs

    return run


PEERS: dict[str, Callable[[Task], Run]] = {
    "PyTorch float32": torch_float,
    "PyTorch int8": torch_dynamic,
    "ONNX Runtime float32": onnxruntime_float,
    "ONNX Runtime int8": onnxruntime_dynamic,
    "OpenVINO float32": openvino_float,
    "OpenVINO bfloat16": openvino_bf16,
    "NumPy float32": numpy_float,
}
