"""Layers and networks: cells with their weights, stacked, and their float forward pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fxlstm.errors import ModelError
from fxlstm.network.cells import DENSE, DENSE_SIGMOID, DENSE_TANH, LSTM, Cell, Multiply
from fxlstm.network.forward import Array, Trace, trace_cell

_DENSE_CELLS: dict[str, Cell] = {"linear": DENSE, "sigmoid": DENSE_SIGMOID, "tanh": DENSE_TANH}
# Column blocks of PyTorch (i, f, g, o) in the order of cells.LSTM (a, i, f, o); PyTorch's g is the cell input a.
_FROM_TORCH_GATES = (2, 0, 1, 3)


@dataclass(frozen=True, eq=False)
class Layer:
    """A cell with its weights: ``inputs`` numbers in, ``units`` numbers out at each timestep.

    ``parameters`` maps the names that the cell's equations use to float64 arrays: ``"weight"`` (rows: the operands stacked, [x, h];
    columns: one block of ``units`` per result of the cell's multiply) and ``"bias"`` (one per column).
    Raises :class:`ModelError` where a parameter is missing, has another shape, or holds NaN or infinity.
    """

    cell: Cell
    inputs: int
    units: int
    parameters: Mapping[str, NDArray[np.float64]]
    name: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or self.cell.name)
        if self.inputs < 1 or self.units < 1:
            raise ModelError(f"layer {self.name!r} has {self.inputs} inputs and {self.units} units; both must be at least 1")
        arrays = {key: as_float(value, f"layer {self.name!r}, parameter {key!r}") for key, value in self.parameters.items()}
        object.__setattr__(self, "parameters", arrays)
        shapes = parameter_shapes(self.cell, self.inputs, self.units)
        for key, shape in shapes.items():
            if key not in arrays:
                raise ModelError(f"layer {self.name!r} lacks its parameter {key!r}; give an array of shape {shape}")
            if arrays[key].shape != shape:
                raise ModelError(f"layer {self.name!r}: {key!r} has shape {arrays[key].shape}; its cell needs {shape}")
        if unknown := sorted(set(arrays) - set(shapes)):
            raise ModelError(f"layer {self.name!r} has parameters its cell {self.cell.name!r} does not use: {', '.join(unknown)}")


def parameter_shapes(cell: Cell, inputs: int, units: int) -> dict[str, tuple[int, ...]]:
    """Return the shape that each parameter of ``cell`` must have: every operand other than ``x`` has ``units`` rows."""
    shapes: dict[str, tuple[int, ...]] = {}
    for equation in cell.equations:
        if isinstance(equation, Multiply):
            rows = sum(inputs if operand == "x" else units for operand in equation.operands)
            columns = units * len(equation.results)
            shapes[equation.weight] = (rows, columns)
            shapes[equation.bias] = (columns,)
    return shapes


def lstm(kernel: ArrayLike, recurrent: ArrayLike, bias: ArrayLike, name: str = "lstm") -> Layer:
    """Return an LSTM layer with forget gate; the columns are four blocks of ``units`` in the order a, i, f, o.

    a is the cell input (PyTorch's g, Keras's c), i, f and o the input, forget and output gates.
    ``kernel``: (inputs, 4 units); ``recurrent``: (units, 4 units); ``bias``: (4 units,), the sum where a framework has two.
    """
    kernel, recurrent = _as_matrix(kernel, name, "kernel"), _as_matrix(recurrent, name, "recurrent")
    units = recurrent.shape[0]
    if kernel.shape[1] != 4 * units or recurrent.shape[1] != 4 * units:
        raise ModelError(
            f"layer {name!r}: kernel has shape {kernel.shape} and recurrent {recurrent.shape}; "
            f"with {units} units both need {4 * units} columns"
        )
    parameters = {"weight": np.concatenate([kernel, recurrent]), "bias": as_float(bias, f"layer {name!r}, bias")}
    return Layer(LSTM, kernel.shape[0], units, parameters, name)


def lstm_from_torch(
    weight_ih: ArrayLike, weight_hh: ArrayLike, bias_ih: ArrayLike, bias_hh: ArrayLike, name: str = "lstm"
) -> Layer:
    """Return the LSTM layer whose arrays stand as in ``torch.nn.LSTM``: rows are four blocks of units in the order i, f, g, o.

    ``weight_ih``: (4 units, inputs); ``weight_hh``: (4 units, units); the two biases, (4 units,) each, are added.
    """
    input_rows, hidden_rows = _as_matrix(weight_ih, name, "weight_ih"), _as_matrix(weight_hh, name, "weight_hh")
    bias_ih, bias_hh = as_float(bias_ih, f"layer {name!r}, bias_ih"), as_float(bias_hh, f"layer {name!r}, bias_hh")
    units = hidden_rows.shape[1]
    for key, array in (("weight_ih", input_rows), ("weight_hh", hidden_rows), ("bias_ih", bias_ih), ("bias_hh", bias_hh)):
        if array.shape[:1] != (4 * units,):
            raise ModelError(f"layer {name!r}: {key} has shape {array.shape}; with {units} units it needs {4 * units} rows")
    order = np.concatenate([np.arange(units) + gate * units for gate in _FROM_TORCH_GATES])
    return lstm(input_rows.T[:, order], hidden_rows.T[:, order], (bias_ih + bias_hh)[order], name)


def dense(
    weight: ArrayLike, bias: ArrayLike, activation: Literal["linear", "sigmoid", "tanh"] = "linear", name: str = "dense"
) -> Layer:
    """Return a fully connected layer, applied at each timestep; ``weight``: (inputs, units); ``bias``: (units,)."""
    if activation not in _DENSE_CELLS:
        raise ModelError(f"layer {name!r}: activation {activation!r} is unknown; choose one of {', '.join(_DENSE_CELLS)}")
    matrix = _as_matrix(weight, name, "weight")
    inputs, units = matrix.shape
    return Layer(_DENSE_CELLS[activation], inputs, units, {"weight": matrix, "bias": np.asarray(bias)}, name)


@dataclass(frozen=True, eq=False)
class Network:
    """A stack of layers and what it gives back: the whole output sequence or its last timestep only.

    Call it for the float forward pass. ``metadata`` travels with the saved file and must be JSON.
    Raises :class:`ModelError` where neighbouring layers do not fit.
    """

    layers: tuple[Layer, ...]
    returns: Literal["sequence", "last"] = "sequence"
    name: str = "network"
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(self.layers))
        if not self.layers:
            raise ModelError(f"network {self.name!r} has no layers; give at least one")
        if self.returns not in ("sequence", "last"):
            raise ModelError(f"network {self.name!r}: returns = {self.returns!r}; choose 'sequence' or 'last'")
        for index, (below, above) in enumerate(zip(self.layers, self.layers[1:], strict=False)):
            if below.units != above.inputs:
                raise ModelError(
                    f"layer {index} ({below.name!r}) has {below.units} outputs but layer {index + 1} ({above.name!r}) "
                    f"has {above.inputs} inputs; make them equal"
                )

    @property
    def inputs(self) -> int:
        """Features of one input vector."""
        return self.layers[0].inputs

    @property
    def outputs(self) -> int:
        """Features of one output vector."""
        return self.layers[-1].units

    def __call__(self, x: ArrayLike) -> Array:
        """Return the outputs for ``x``, (time, features) or (batch, time, features), starting from zero states.

        The result has the same form with the output's features; without the time axis where ``returns`` is ``"last"``.
        """
        batched, single = self._as_batch(x)
        for layer in self.layers:
            batched = trace_cell(layer.cell, layer.units, layer.parameters, batched, {layer.cell.output})[layer.cell.output]
        result = batched[:, -1] if self.returns == "last" else batched
        return result[0] if single else result

    def trace(self, x: ArrayLike) -> list[Trace]:
        """Return, for each layer, every vector its equations name, as ``{name: (batch, time, length)}``.

        ``x`` as in a call; a single sequence is a batch of one. All timesteps are there, also where ``returns`` is ``"last"``.
        """
        batched, _ = self._as_batch(x)
        traces: list[Trace] = []
        for layer in self.layers:
            traces.append(trace_cell(layer.cell, layer.units, layer.parameters, batched))
            batched = traces[-1][layer.cell.output]
        return traces

    def _as_batch(self, x: ArrayLike) -> tuple[Array, bool]:
        """Return ``x`` as (batch, time, features) and whether it was one sequence."""
        array = as_float(x, f"input of network {self.name!r}")
        if array.ndim not in (2, 3) or array.shape[-1] != self.inputs:
            raise ModelError(
                f"input has shape {array.shape}; network {self.name!r} takes (time, {self.inputs}) or (batch, time, {self.inputs})"
            )
        if 0 in array.shape:
            raise ModelError(f"input has shape {array.shape}; give at least one sequence of at least one timestep")
        return (array[np.newaxis], True) if array.ndim == 2 else (array, False)


def as_float(value: ArrayLike | Sequence[Any], what: str) -> Array:
    """Return a copy of ``value`` as float64, any shape; ``what`` names it in errors.

    Raises :class:`ModelError` unless it holds real, finite numbers.
    """
    try:
        array = np.asarray(value).astype(np.float64, casting="same_kind")
    except (TypeError, ValueError, RuntimeError) as error:  # RuntimeError: a tensor that is not detached
        raise ModelError(f"{what} is not an array of numbers ({error}); give real numbers, rows of one length") from error
    if not np.isfinite(array).all():
        index = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ModelError(f"{what} holds {array[index]} at index {index}; only finite numbers can be used")
    return array


def _as_matrix(value: ArrayLike, layer: str, parameter: str) -> Array:
    """Return ``value`` as a two-dimensional float64 array."""
    array = as_float(value, f"layer {layer!r}, {parameter}")
    if array.ndim != 2:
        raise ModelError(f"layer {layer!r}: {parameter} has shape {array.shape}; it must have two dimensions")
    return array
