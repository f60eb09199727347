"""Cells as data: the kinds of equation, what a cell is, and the catalogue."""

from fxlstm.network.cells.catalogue import CELLS, DENSE, DENSE_SIGMOID, DENSE_TANH, LSTM
from fxlstm.network.cells.cell import Cell
from fxlstm.network.cells.equations import (
    CONSTANTS,
    Activate,
    Complement,
    Elementwise,
    Equation,
    Interpolate,
    Multiply,
    Product,
    ProductSum,
    Sum,
)

__all__ = [
    "CELLS",
    "CONSTANTS",
    "DENSE",
    "DENSE_SIGMOID",
    "DENSE_TANH",
    "LSTM",
    "Activate",
    "Cell",
    "Complement",
    "Elementwise",
    "Equation",
    "Interpolate",
    "Multiply",
    "Product",
    "ProductSum",
    "Sum",
]
