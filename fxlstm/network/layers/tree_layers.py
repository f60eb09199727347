"""Tree-LSTM layers from their arrays: Tai et al. 2015."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from fxlstm.errors import ModelError
from fxlstm.network.arrays import Array, as_float, as_matrix
from fxlstm.network.cells.catalogue import TREE_CHILD_SUM, tree_nary
from fxlstm.network.layers.layer import Layer


def child_sum_tree_lstm(kernel: ArrayLike, recurrent: ArrayLike, bias: ArrayLike, name: str = "tree-child-sum") -> Layer:
    """Return the child-sum Tree-LSTM: any number of children in any order, a forget gate for each from the same weights.

    The columns are four blocks of ``units`` in the order a (cell input; u of the paper), i, f, o. ``kernel``: (inputs, 4 units);
    ``recurrent``: (units, 4 units), for the sum of the children's h, in the block of f for each child's; ``bias``: (4 units,).
    """
    from_x, from_h = as_matrix(kernel, name, "kernel"), as_matrix(recurrent, name, "recurrent")
    units = len(from_h)
    biases = _checked(bias, from_x, from_h.shape[1:], units, name)
    forget = np.arange(2 * units, 3 * units)
    stacked = np.concatenate([from_x, from_h])
    parameters = {
        "forget": stacked[:, forget],
        "forget_bias": biases[forget],
        "weight": np.delete(stacked, forget, axis=1),
        "bias": np.delete(biases, forget),
    }
    return Layer(TREE_CHILD_SUM, len(from_x), units, parameters, name)


def nary_tree_lstm(kernel: ArrayLike, recurrent: ArrayLike, bias: ArrayLike, name: str | None = None) -> Layer:
    """Return the N-ary Tree-LSTM: up to N children in their order, each with weights of its own.

    ``kernel``: (inputs, 4 units) and ``bias``: (4 units,), column blocks a (u of the paper), i, f, o; f's serve every child's gate.
    ``recurrent``: (N, units, (3 + N) units), for each child its column blocks a, i, f_1 .. f_N, o.
    """
    label = name or "tree-nary"
    from_x, from_h = as_matrix(kernel, label, "kernel"), as_float(recurrent, f"layer {label!r}, recurrent")
    if from_h.ndim != 3 or 0 in from_h.shape or from_h.shape[2] != (3 + from_h.shape[0]) * from_h.shape[1]:
        raise ModelError(f"layer {label!r}: recurrent has shape {from_h.shape}; it must be (N, units, (3 + N) * units)")
    children, units, _ = from_h.shape
    biases = _checked(bias, from_x, (4 * units,), units, label)
    columns = np.concatenate(
        [np.arange(2 * units), np.tile(np.arange(2 * units, 3 * units), children), np.arange(3 * units, 4 * units)]
    )
    cell = tree_nary(children)
    weight = np.concatenate([from_x[:, columns], from_h.reshape(children * units, -1)])
    return Layer(cell, len(from_x), units, {"weight": weight, "bias": biases[columns]}, name or cell.name)


def _checked(bias: ArrayLike, kernel: Array, recurrent_columns: tuple[int, ...], units: int, name: str) -> Array:
    """Return the bias where it, the kernel and the recurrent matrix have four blocks of columns."""
    array = as_float(bias, f"layer {name!r}, bias")
    if not array.shape == kernel.shape[1:] == recurrent_columns == (4 * units,):
        raise ModelError(
            f"layer {name!r}: kernel is {kernel.shape} and bias {array.shape}; with {units} units they need {4 * units} columns"
        )
    return array
