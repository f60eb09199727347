"""Cells as data: the kinds of equation, what a cell is, and the catalogue."""

from fxlstm.network.cells.catalogue import CELLS, DENSE, DENSE_SIGMOID, DENSE_TANH, LSTM
from fxlstm.network.cells.cell import Cell
from fxlstm.network.cells.equations import (
    CONSTANTS,
    Activate,
    Clamp,
    Complement,
    Elementwise,
    Equation,
    Interpolate,
    Multiply,
    Product,
    ProductSum,
    Sum,
)
from fxlstm.network.cells.family import dense_cell, gru_cell, lstm_cell, rnn_cell
from fxlstm.network.cells.functions import ACTIVATIONS, FUNCTIONS, Activation

__all__ = [
    "ACTIVATIONS",
    "CELLS",
    "CONSTANTS",
    "DENSE",
    "DENSE_SIGMOID",
    "DENSE_TANH",
    "FUNCTIONS",
    "LSTM",
    "Activate",
    "Activation",
    "Cell",
    "Clamp",
    "Complement",
    "Elementwise",
    "Equation",
    "Interpolate",
    "Multiply",
    "Product",
    "ProductSum",
    "Sum",
    "dense_cell",
    "gru_cell",
    "lstm_cell",
    "rnn_cell",
]
