"""Layers from the arrays of frameworks and papers: matrices with their column blocks in a stated order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from fxlstm.errors import ModelError
from fxlstm.network.cells import Activation, Cell, dense_cell, gru_cell, lstm_cell, rnn_cell
from fxlstm.network.cells.catalogue import GREFF_VARIANTS, LSTM_1997, LSTM_CIFG, LSTM_PEEPHOLE, PHASED_LSTM
from fxlstm.network.layers.layer import Array, Layer, as_float, as_matrix
from fxlstm.network.layers.timing import TimeGate
from fxlstm.network.topologies.directions import Bidirectional

# Column blocks of PyTorch's LSTM (i, f, g, o) in the order of cells.LSTM (a, i, f, o); PyTorch's g is the cell input a.
_LSTM_FROM_TORCH = (2, 0, 1, 3)
# Column blocks of PyTorch's GRU (r, z, n) in the order of the GRU cells (z, r, n).
_GRU_FROM_TORCH = (1, 0, 2)


def bidirectional(forward: Layer, backward: Layer, merge: Literal["concat", "sum"] = "concat") -> Bidirectional:
    """Return two layers over the same input, ``backward`` from the last timestep to the first.

    Their outputs of one timestep are joined, forward first (``"concat"``, as PyTorch does), or added (``"sum"``).
    """
    return Bidirectional(forward, backward, merge)


def dense(weight: ArrayLike, bias: ArrayLike, activation: Activation = "linear", name: str = "dense") -> Layer:
    """Return a fully connected layer, applied at each timestep; ``weight``: (inputs, units); ``bias``: (units,).

    ``activation``: a name of docs/cells.md, or a name and its numbers, as in all builders.
    """
    cell = _named(name, lambda: dense_cell(activation))
    matrix = as_matrix(weight, name, "weight")
    inputs, units = matrix.shape
    return Layer(cell, inputs, units, {"weight": matrix, "bias": np.asarray(bias)}, name)


def lstm(
    kernel: ArrayLike,
    recurrent: ArrayLike,
    bias: ArrayLike,
    name: str = "lstm",
    projection: ArrayLike | None = None,
    *,
    gate: Activation = "sigmoid",
    cell: Activation = "tanh",
    output: Activation = "tanh",
    coupled: bool = False,
    clip: float | None = None,
) -> Layer:
    """Return an LSTM layer with forget gate; the columns are four blocks of ``units`` in the order a, i, f, o.

    a is the cell input (PyTorch's g, Keras's c), i, f and o the input, forget and output gates.
    ``kernel``: (inputs, 4 units); ``recurrent``: (units, 4 units); ``bias``: (4 units,), the sum where a framework has two.
    ``projection``: (units, projected) makes the hidden state and output h @ projection; ``recurrent`` is then (projected, 4 units).
    ``gate``, ``cell``, ``output``: the activations of the gates, of a, and of the cell state on its way out. ``coupled``: the
    forget gate is 1 - i and f's columns are absent. ``clip`` limits every operand of an activation to -clip..clip.
    """
    kind = _named(name, lambda: lstm_cell(gate, cell, output, False, coupled, projection is not None, clip))
    if projection is None:
        return _recurrent(kind, kernel, recurrent, bias, name)
    matrix = as_matrix(projection, name, "projection")
    weight = _stacked(kernel, recurrent, len(kind.multiplies[0].results) * matrix.shape[0], name)
    bias = as_float(bias, f"layer {name!r}, bias")
    parameters = {"weight": weight, "bias": bias, "projection": matrix, "projection_bias": np.zeros(matrix.shape[1])}
    inputs = len(weight) - matrix.shape[1]
    return Layer(kind, inputs, matrix.shape[0], parameters, name, {"projected": matrix.shape[1]})


def lstm_1997(kernel: ArrayLike, recurrent: ArrayLike, bias: ArrayLike, name: str = "lstm-1997") -> Layer:
    """Return the LSTM of 1997: no forget gate, cell input squashed to (-2, 2), cell state to (-1, 1) by centred logistics.

    The columns are three blocks of ``units`` in the order a (cell input), i, o.
    ``kernel``: (inputs, 3 units); ``recurrent``: (units, 3 units); ``bias``: (3 units,).
    """
    return _recurrent(LSTM_1997, kernel, recurrent, bias, name)


def peephole_lstm(
    kernel: ArrayLike,
    recurrent: ArrayLike,
    bias: ArrayLike,
    peephole: ArrayLike,
    variant: Literal["vanilla", "nig", "nfg", "nog", "niaf", "noaf", "cifg", "fgr"] = "vanilla",
    name: str = "lstm-peephole",
    *,
    gate: Activation = "sigmoid",
    cell: Activation = "tanh",
    output: Activation = "tanh",
    clip: float | None = None,
) -> Layer:
    """Return the peephole LSTM of Greff et al. or a variant of it (docs/cells.md); the columns are blocks of ``units``: a, i, f, o.

    Variants without a gate (NIG, NFG, NOG, and CIFG, whose forget gate is 1 - i) lack its block everywhere.
    ``kernel``: (inputs, blocks * units); ``recurrent``: (units, blocks * units); ``bias``: (blocks * units,);
    ``peephole``: (gates, units), one row for each gate in the same order.
    With FGR, ``recurrent`` has 4 units rows: those of h, then of the previous i, f and o.
    ``gate``, ``cell``, ``output`` and ``clip`` as in :func:`lstm`, for the variants ``"vanilla"`` and ``"cifg"`` alone.
    """
    if variant not in GREFF_VARIANTS:
        raise ModelError(f"layer {name!r}: variant {variant!r} is unknown; choose one of {', '.join(GREFF_VARIANTS)}")
    kind = GREFF_VARIANTS[variant]
    if (gate, cell, output, clip) != ("sigmoid", "tanh", "tanh", None):
        if kind not in (LSTM_PEEPHOLE, LSTM_CIFG):
            raise ModelError(f"layer {name!r}: variant {variant!r} has fixed activations; only vanilla and cifg take others")
        kind = _named(name, lambda: lstm_cell(gate, cell, output, True, variant == "cifg", False, clip))
    rows = as_matrix(peephole, name, "peephole")
    if len(rows) != len(kind.parameters):
        gates = ", ".join(vector.removeprefix("p_") for vector in kind.parameters)
        raise ModelError(f"layer {name!r}: peephole has {len(rows)} rows; variant {variant!r} needs one for each of {gates}")
    return _recurrent(kind, kernel, recurrent, bias, name, dict(zip(kind.parameters, rows, strict=True)))


def phased_lstm(
    kernel: ArrayLike,
    recurrent: ArrayLike,
    bias: ArrayLike,
    time_gate: TimeGate,
    peephole: ArrayLike | None = None,
    name: str = "lstm-phased",
) -> Layer:
    """Return a Phased LSTM layer: new states come in while ``time_gate`` is open; the columns are four blocks: a, i, f, o.

    ``kernel``: (inputs, 4 units); ``recurrent``: (units, 4 units); ``bias``: (4 units,); ``peephole``: (3, units), of i, f and o,
    zero where absent; the output gate's sees the cell state before the time gate. A network of it takes ``times``.
    """
    rows = np.zeros((3, time_gate.units)) if peephole is None else as_matrix(peephole, name, "peephole")
    if len(rows) != 3:
        raise ModelError(f"layer {name!r}: peephole has {len(rows)} rows; it needs one for each of i, f, o")
    vectors = dict(zip(PHASED_LSTM.parameters, rows, strict=True))
    return _recurrent(PHASED_LSTM, kernel, recurrent, bias, name, vectors, time_gate)


def gru(
    kernel: ArrayLike,
    recurrent: ArrayLike,
    bias: ArrayLike,
    recurrent_bias: ArrayLike | None = None,
    reset_after: bool = True,
    name: str = "gru",
    *,
    gate: Activation = "sigmoid",
    candidate: Activation = "tanh",
    clip: float | None = None,
) -> Layer:
    """Return a GRU layer, h = z * h + (1 - z) * n; the columns are three blocks of ``units`` in the order z, r, n (Keras: z, r, h).

    ``kernel``: (inputs, 3 units); ``recurrent``: (units, 3 units); ``bias`` and ``recurrent_bias``: (3 units,), the latter 0 where
    it is absent. ``reset_after`` resets h @ recurrent + recurrent_bias (PyTorch, cuDNN, Keras), else h itself (Cho et al. 2014).
    For arrays with h = (1 - z) * h + z * n negate the columns of z: 1 - s(x) = s(-x).
    ``gate``, ``candidate``: the activations of z and r, and of n. ``clip`` limits every operand of an activation to -clip..clip.
    """
    cell = _named(name, lambda: gru_cell(gate, candidate, reset_after, clip))
    hidden = as_matrix(recurrent, name, "recurrent")
    units = len(hidden)
    weight = _stacked(kernel, hidden, 3 * units, name)
    first = as_float(bias, f"layer {name!r}, bias")
    second = np.zeros(3 * units) if recurrent_bias is None else as_float(recurrent_bias, f"layer {name!r}, recurrent_bias")
    for key, array in (("bias", first), ("recurrent_bias", second)):
        if array.shape != (3 * units,):
            raise ModelError(f"layer {name!r}: {key} has shape {array.shape}; with {units} units it needs ({3 * units},)")
    inputs, gates = len(weight) - units, 2 * units
    if not reset_after:
        parts = {"weight": weight[:, :gates], "bias": (first + second)[:gates]}
        from_reset = {"candidate": weight[:, gates:], "candidate_bias": (first + second)[gates:]}
        return Layer(cell, inputs, units, parts | from_reset, name)
    from_x, from_h = weight[:, gates:].copy(), weight[:, gates:].copy()
    from_x[inputs:] = from_h[:inputs] = 0
    biases = np.concatenate([(first + second)[:gates], first[gates:], second[gates:]])
    return Layer(cell, inputs, units, {"weight": np.hstack([weight[:, :gates], from_x, from_h]), "bias": biases}, name)


def rnn(
    kernel: ArrayLike,
    recurrent: ArrayLike,
    bias: ArrayLike,
    activation: Activation = "tanh",
    name: str = "rnn",
    *,
    clip: float | None = None,
) -> Layer:
    """Return a simple recurrent layer, h = activation(x @ kernel + h @ recurrent + bias).

    ``kernel``: (inputs, units); ``recurrent``: (units, units); ``bias``: (units,), the sum where a framework has two.
    ``clip`` limits the activation's operand to -clip..clip.
    """
    return _recurrent(_named(name, lambda: rnn_cell(activation, clip)), kernel, recurrent, bias, name)


def lstm_from_torch(
    weight_ih: ArrayLike,
    weight_hh: ArrayLike,
    bias_ih: ArrayLike,
    bias_hh: ArrayLike,
    name: str = "lstm",
    weight_hr: ArrayLike | None = None,
) -> Layer:
    """Return the LSTM layer whose arrays stand as in ``torch.nn.LSTM``: rows are four blocks of units in the order i, f, g, o.

    ``weight_ih``: (4 units, inputs); ``weight_hh``: (4 units, units); the two biases, (4 units,) each, are added.
    ``weight_hr``, (proj_size, units), is the projection of a module with ``proj_size``.
    """
    kernel, recurrent, first, second = _from_torch(weight_ih, weight_hh, bias_ih, bias_hh, _LSTM_FROM_TORCH, name)
    projection = None if weight_hr is None else as_matrix(weight_hr, name, "weight_hr").T
    return lstm(kernel, recurrent, first + second, name, projection)


def gru_from_torch(weight_ih: ArrayLike, weight_hh: ArrayLike, bias_ih: ArrayLike, bias_hh: ArrayLike, name: str = "gru") -> Layer:
    """Return the GRU layer whose arrays stand as in ``torch.nn.GRU``: rows are three blocks of units in the order r, z, n.

    ``weight_ih``: (3 units, inputs); ``weight_hh``: (3 units, units); the two biases: (3 units,) each.
    """
    kernel, recurrent, first, second = _from_torch(weight_ih, weight_hh, bias_ih, bias_hh, _GRU_FROM_TORCH, name)
    return gru(kernel, recurrent, first, second, name=name)


def rnn_from_torch(
    weight_ih: ArrayLike,
    weight_hh: ArrayLike,
    bias_ih: ArrayLike,
    bias_hh: ArrayLike,
    name: str = "rnn",
    activation: Activation = "tanh",
) -> Layer:
    """Return the layer whose arrays stand as in ``torch.nn.RNN``; ``activation`` is its nonlinearity.

    ``weight_ih``: (units, inputs); ``weight_hh``: (units, units); the two biases, (units,) each, are added.
    """
    kernel, recurrent, first, second = _from_torch(weight_ih, weight_hh, bias_ih, bias_hh, (0,), name)
    return rnn(kernel, recurrent, first + second, activation, name)


def _named(layer: str, make: Callable[[], Cell]) -> Cell:
    """Return the cell that ``make`` gives; what it complains of gets the layer's name."""
    try:
        return make()
    except ModelError as error:
        raise ModelError(f"layer {layer!r}: {error}") from error


def _recurrent(
    cell: Cell,
    kernel: ArrayLike,
    recurrent: ArrayLike,
    bias: ArrayLike,
    name: str,
    vectors: dict[str, Array] | None = None,
    time_gate: TimeGate | None = None,
) -> Layer:
    """Return a layer of a cell with one product, whose hidden states all have ``units`` rows."""
    hidden = as_matrix(recurrent, name, "recurrent")
    units = len(hidden) // len(cell.hidden)
    weight = _stacked(kernel, hidden, units * len(cell.multiplies[0].results), name)
    parameters = {"weight": weight, "bias": as_float(bias, f"layer {name!r}, bias"), **(vectors or {})}
    return Layer(cell, len(weight) - len(hidden), units, parameters, name, time_gate=time_gate)


def _stacked(kernel: ArrayLike, recurrent: ArrayLike, columns: int, name: str) -> Array:
    """Return [kernel; recurrent], which must have so many columns."""
    parts = as_matrix(kernel, name, "kernel"), as_matrix(recurrent, name, "recurrent")
    if any(part.shape[1] != columns for part in parts):
        raise ModelError(
            f"layer {name!r}: kernel has shape {parts[0].shape} and recurrent {parts[1].shape}; both need {columns} columns"
        )
    return np.concatenate(parts)


def _from_torch(
    weight_ih: ArrayLike, weight_hh: ArrayLike, bias_ih: ArrayLike, bias_hh: ArrayLike, order: Sequence[int], name: str
) -> tuple[Array, Array, Array, Array]:
    """Return PyTorch's four arrays with their blocks of rows in another order, and the matrices transposed."""
    matrices = [as_matrix(weight_ih, name, "weight_ih"), as_matrix(weight_hh, name, "weight_hh")]
    biases = [as_float(bias_ih, f"layer {name!r}, bias_ih"), as_float(bias_hh, f"layer {name!r}, bias_hh")]
    rows = matrices[0].shape[0]
    for key, array in zip(("weight_ih", "weight_hh", "bias_ih", "bias_hh"), matrices + biases, strict=True):
        if array.shape[:1] != (rows,) or rows % len(order):
            raise ModelError(f"layer {name!r}: {key} has shape {array.shape}; all four need {len(order)} blocks of as many rows")
    units = rows // len(order)
    index = np.concatenate([np.arange(units) + block * units for block in order])
    kernel, recurrent, first, second = (array[index].T for array in matrices + biases)
    return kernel, recurrent, first, second
