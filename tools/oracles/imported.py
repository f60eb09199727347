"""Cases of models that come through an importer; the oracle is the framework that the model is from."""

from __future__ import annotations

import logging
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from fxlstm.network import load_network
from fxlstm.network.importers import from_keras, from_onnx, from_torch
from oracles.equations import FUNCTIONS, onnx_lstm
from oracles.frameworks import Array, filled, torch_outputs
from oracles.measure import FLOAT32, Case, generator
from oracles.tasks import Sequences

os.environ.setdefault("KERAS_BACKEND", "torch")
import keras
from keras import layers

INPUTS, UNITS, OUTPUTS = 3, 4, 2
BATCH, TIME = 3, 16
LENGTHS = np.array([TIME, 7, 12])
KERAS_2 = Path(__file__).resolve().parents[2] / "tests/network/keras2"


def sequences(random: np.random.Generator, *shape: int) -> Array:
    """Values that float32 holds."""
    return random.uniform(-1, 1, (BATCH, TIME, *(shape or (INPUTS,)))).astype(np.float32).astype(np.float64)


def imported() -> Iterator[Case]:
    """Models of the three frameworks."""
    yield from torch_cases()
    yield from keras_cases()
    yield from keras_files()
    yield from onnx_cases()
    yield onnx_attributes()


def quietly(act: Callable[..., Any], *arguments: Any) -> Any:
    """What ``act`` returns, without what the frameworks warn of in their own code."""
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return act(*arguments)
    finally:
        logging.disable(logging.NOTSET)


# ---- PyTorch


class Loop(nn.Module):
    """A cell called once for each timestep, and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.cell, self.head = nn.LSTMCell(INPUTS, UNITS), nn.Linear(UNITS, OUTPUTS)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        state, outputs = None, []
        for step in x.unbind(1):
            state = self.cell(step, state)
            outputs.append(self.head(state[0]))
        return torch.stack(outputs, 1)


class Packed(nn.Module):
    """Sequences of their own lengths through a bidirectional GRU."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.GRU(INPUTS, UNITS, batch_first=True, bidirectional=True)

    def forward(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        outputs, _ = self.body(pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False))
        return pad_packed_sequence(outputs, batch_first=True)[0]


class Final(nn.Module):
    """A head on the final state."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = nn.GRU(INPUTS, UNITS, batch_first=True), nn.Linear(UNITS, OUTPUTS)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.tanh(self.head(self.body(x)[1][-1]))


def torch_cases() -> Iterator[Case]:
    deep = {"num_layers": 2, "bidirectional": True, "batch_first": True}
    modules: dict[str, Callable[[], nn.Module]] = {
        "nn.LSTM, 2 layers, bidirectional, proj_size": lambda: nn.LSTM(INPUTS, UNITS, proj_size=2, **deep),
        "nn.GRU, 2 layers, bidirectional": lambda: nn.GRU(INPUTS, UNITS, **deep),
        "nn.RNN, ReLU, no biases": lambda: nn.RNN(INPUTS, UNITS, nonlinearity="relu", bias=False, batch_first=True),
        "nn.LSTMCell in a loop, nn.Linear": Loop,
        "nn.GRU, head on its final state": Final,
    }
    for label, module_of in modules.items():
        random = generator(name := f"from_torch: {label}")
        module, x = filled(module_of(), random), sequences(random)
        if "RNN" in label:
            with torch.no_grad():
                module.weight_hh_l0 /= 2  # its outputs would grow without end
        yield Case(name, "PyTorch", from_torch(module), Sequences(x), torch_outputs(module, x))
    random = generator(name := "from_torch: packed sequences")
    module, x = filled(Packed(), random), sequences(random)
    yield Case(name, "PyTorch", from_torch(module), Sequences(x, LENGTHS), torch_outputs(module, x, LENGTHS))
    random = generator(name := "from_torch: program of torch.export")
    module, x = filled(Final(), random), sequences(random)
    program = quietly(torch.export.export, module, (torch.tensor(x),))
    yield Case(name, "PyTorch", from_torch(program), Sequences(x), torch_outputs(module, x))


# ---- Keras


def keras_model(random: np.random.Generator, shape: tuple[int, ...], *parts: Any) -> Any:
    """A Sequential of these layers with random weights."""
    model = keras.Sequential([layers.Input(shape), *parts])
    for variable in model.variables:
        if "float" in variable.dtype:
            variable.assign(random.uniform(-0.8, 0.8, variable.shape))
    return model


def keras_parts() -> Iterator[tuple[str, tuple[int, ...], list[Any]]]:
    """What is imported, the shape of one timestep, and the layers."""
    sequence: dict[str, Any] = {"return_sequences": True}
    hard = {"activation": "relu", "recurrent_activation": "hard_sigmoid"}
    plain = (INPUTS,)
    yield "LSTM, Dense", plain, [layers.LSTM(UNITS), layers.Dense(OUTPUTS, activation="tanh")]
    yield "LSTM with relu, hard_sigmoid", plain, [layers.LSTM(UNITS, **hard, **sequence)]
    yield "GRU, reset_after", plain, [layers.GRU(UNITS, **sequence)]
    yield "GRU, reset before", plain, [layers.GRU(UNITS, reset_after=False, **sequence)]
    yield "SimpleRNN, go_backwards", plain, [layers.SimpleRNN(UNITS, go_backwards=True, **sequence)]
    yield "Bidirectional, concat", plain, [layers.Bidirectional(layers.LSTM(UNITS, **sequence))]
    yield "Bidirectional, sum, last", plain, [layers.Bidirectional(layers.GRU(UNITS), merge_mode="sum"), layers.Dense(OUTPUTS)]
    yield "RNN of GRUCell and LSTMCell", plain, [layers.RNN([layers.GRUCell(3), layers.LSTMCell(UNITS)], **sequence)]
    masked = [layers.Masking(0.5), layers.LSTM(UNITS, **sequence), layers.TimeDistributed(layers.Dense(OUTPUTS))]
    yield "Masking, LSTM, TimeDistributed", plain, masked
    yield "ConvLSTM1D, same, dilation", (6, 1), [layers.ConvLSTM1D(2, 3, padding="same", dilation_rate=2, **sequence)]
    yield "ConvLSTM2D, strides", (4, 5, 1), [layers.ConvLSTM2D(2, 2, strides=2, **sequence)]


def keras_cases() -> Iterator[Case]:
    for label, shape, parts in keras_parts():
        random = generator(name := f"from_keras: {label}")
        model, x = keras_model(random, (TIME, *shape), *parts), sequences(random, *shape)
        if "Masking" in label:
            x[0, 3:6] = x[2, 0] = 0.5
        yield keras_case(name, "Keras", from_keras(model), x, quietly(model.predict_on_batch, x.astype(np.float32)))


def keras_case(name: str, oracle: str, network: Any, x: Array, expected: Array) -> Case:
    """A case whose positions and channels are flattened, as the network has them."""
    ahead = expected.shape[:2] if network.returns == "sequence" else expected.shape[:1]
    flat = np.asarray(expected, np.float64).reshape(*ahead, -1)
    return Case(name, oracle, network, Sequences(x.reshape(*x.shape[:2], -1)), flat, FLOAT32)


def keras_files() -> Iterator[Case]:
    """Files of Keras 3, and those of Keras 2 beside what Keras 2 predicted."""
    for suffix in (".keras", ".h5"):
        random = generator(name := f"{suffix} file of Keras 3: LSTM, GRU, Dense")
        parts = [layers.LSTM(UNITS, return_sequences=True), layers.GRU(3), layers.Dense(OUTPUTS)]
        model, x = keras_model(random, (TIME, INPUTS), *parts), sequences(random)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"model{suffix}"
            quietly(model.save, path)
            network = load_network(path)
        yield keras_case(name, "Keras", network, x, quietly(model.predict_on_batch, x.astype(np.float32)))
    for file in ("hard.h5", "cells.keras", "images.h5"):
        data = np.load((KERAS_2 / file).with_suffix(".npz"))
        x = data["x"].astype(np.float64)
        yield keras_case(
            f"{Path(file).suffix} file of Keras 2: {Path(file).stem}", "Keras 2", load_network(KERAS_2 / file), x, data["y"]
        )


# ---- ONNX


BLOCKS = {"LSTM": 4, "GRU": 3, "RNN": 1}


def onnx_model(operator: str, operands: dict[str, Array], takes_lengths: bool = False, **attributes: Any) -> onnx.ModelProto:
    """A graph of one recurrent node over x (time, batch, features) and what makes its Y (time, batch, directions x units).

    ``operands``: arrays by the operator's own names; those that are absent stay so.
    """
    order = ["W", "R", "B", "sequence_lens", "initial_h", *(["initial_c", "P"] if operator == "LSTM" else [])]
    present = [*operands, *(["sequence_lens"] if takes_lengths else [])]
    given = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [TIME, BATCH, INPUTS])]
    given += [helper.make_tensor_value_info("sequence_lens", TensorProto.INT32, [BATCH])] if takes_lengths else []
    names = ["x", *(name if name in present else "" for name in order)]
    nodes = [
        helper.make_node(operator, names, ["Y"], operator, hidden_size=UNITS, **attributes),
        helper.make_node("Transpose", ["Y"], ["arranged"], "arranged", perm=[0, 2, 1, 3]),
        helper.make_node("Reshape", ["arranged", "shape"], ["y"], "joined"),
    ]
    constants = [numpy_helper.from_array(array.astype(np.float32), name) for name, array in operands.items()]
    constants.append(numpy_helper.from_array(np.array([0, 0, -1]), "shape"))
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, [TIME, BATCH, len(operands["W"]) * UNITS])
    graph = helper.make_graph(nodes, "network", given, [result], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    onnx.checker.check_model(model)
    return model


def onnx_operands(random: np.random.Generator, operator: str, directions: int) -> dict[str, Array]:
    """W, R and B, of numbers that float32 holds."""
    rows = BLOCKS[operator] * UNITS
    shapes = {"W": (rows, INPUTS), "R": (rows, UNITS), "B": (2 * rows,)}
    arrays = {name: random.uniform(-0.8, 0.8, (directions, *shape)) for name, shape in shapes.items()}
    return {name: array.astype(np.float32).astype(np.float64) for name, array in arrays.items()}


def onnx_cases() -> Iterator[Case]:
    """Nodes that ONNX's reference evaluator computes."""
    nodes: dict[str, tuple[str, int, dict[str, Any]]] = {
        "LSTM, peepholes, initial states": ("LSTM", 1, {}),
        "LSTM, bidirectional": ("LSTM", 2, {"direction": "bidirectional"}),
        "GRU": ("GRU", 1, {}),
        "GRU, linear_before_reset, reverse": ("GRU", 1, {"linear_before_reset": 1, "direction": "reverse"}),
        "RNN, bidirectional": ("RNN", 2, {"direction": "bidirectional"}),
    }
    for label, (operator, directions, attributes) in nodes.items():
        random = generator(name := f"from_onnx: {label}")
        operands, x = onnx_operands(random, operator, directions), sequences(random)
        if "peepholes" in label:
            states = random.uniform(-0.5, 0.5, (2, 1, 1, UNITS)).repeat(BATCH, axis=2)
            operands |= {"P": random.uniform(-0.5, 0.5, (1, 3 * UNITS)), "initial_h": states[0], "initial_c": states[1]}
        model = onnx_model(operator, operands, **attributes)
        (outputs,) = ReferenceEvaluator(model).run(None, {"x": x.swapaxes(0, 1).astype(np.float32)})
        expected = np.asarray(outputs, np.float64).swapaxes(0, 1)
        yield Case(name, "ONNX ReferenceEvaluator", from_onnx(model), Sequences(x), expected, FLOAT32)


def onnx_attributes() -> Case:
    """What the reference evaluator leaves out: activations with alpha and beta, clip, coupled gates, lengths."""
    random = generator(name := "from_onnx: LSTM, activations, clip, input_forget, sequence_lens")
    operands, x = onnx_operands(random, "LSTM", 1), sequences(random)
    chosen = {"activations": ["HardSigmoid", "ScaledTanh", "Tanh"], "activation_alpha": [0.2, 0.8], "activation_beta": [0.5, 1.2]}
    model = onnx_model("LSTM", operands, takes_lengths=True, clip=0.75, input_forget=1, **chosen)
    kernel, recurrent, biases = operands["W"][0].T, operands["R"][0].T, operands["B"][0].reshape(2, -1).sum(axis=0)
    columns = np.concatenate([np.arange(UNITS) + UNITS * block for block in (3, 0, 1)])  # c, i, o of the operator's i, o, f, c
    functions = [FUNCTIONS[function] for function in ("hard_sigmoid", "scaled_tanh", "tanh")]
    expected = np.zeros((BATCH, TIME, UNITS))
    for row, sequence, length in zip(expected, x, LENGTHS, strict=True):
        arrays = kernel[:, columns], recurrent[:, columns], biases[columns]
        row[:length] = onnx_lstm(sequence[:length], *arrays, functions, coupled=True, clip=0.75)
    return Case(name, "equations of ONNX's LSTM", from_onnx(model), Sequences(x, LENGTHS), expected, FLOAT32)
