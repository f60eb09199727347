"""What a recurrent cell is: a short list of vector equations, as data.

The float forward pass and the quantizer both walk these lists, so a new cell is a new constant here and nothing else.
An equation names vectors. ``x`` is the layer's input; a state's name is its value from the previous timestep until an
equation assigns it, and its new value from then on. Equations are evaluated in order.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Multiply:
    """``concat(results) = concat(operands) @ parameters[weight] + parameters[bias]``: the crossbar's part of a cell.

    Results are column blocks of ``units`` each, in the order in which they stand on the array; operands are row blocks.
    """

    results: tuple[str, ...]
    operands: tuple[str, ...]
    weight: str = "weight"
    bias: str = "bias"


@dataclass(frozen=True)
class Activate:
    """``result = function(operand)`` element by element; functions are listed in :mod:`fxlstm.program.operations`."""

    result: str
    function: str
    operand: str


@dataclass(frozen=True)
class Product:
    """``result = a * b`` element by element."""

    result: str
    a: str
    b: str


@dataclass(frozen=True)
class ProductSum:
    """``result = a * b + c * d`` element by element."""

    result: str
    a: str
    b: str
    c: str
    d: str


Equation = Multiply | Activate | Product | ProductSum


@dataclass(frozen=True)
class Cell:
    """A recurrent cell or a feed-forward layer: its equations, its states and which vector is its output.

    ``hidden`` are states that drive array rows (h); ``memory`` are states that do not (c).
    Weights of one :class:`Multiply` have the shape (rows of its operands, units times its results).
    """

    name: str
    equations: tuple[Equation, ...]
    output: str
    hidden: tuple[str, ...] = ()
    memory: tuple[str, ...] = ()

    @property
    def states(self) -> tuple[str, ...]:
        """All vectors that survive from one timestep to the next."""
        return self.hidden + self.memory


# Gate columns stand in the order a, i, f, o of the 128x64 system (Li et al. 2019, memNN); "a" is the cell input.
LSTM = Cell(
    name="lstm",
    equations=(
        Multiply(results=("a_in", "i_in", "f_in", "o_in"), operands=("x", "h")),
        Activate("a", "tanh", "a_in"),
        Activate("i", "sigmoid", "i_in"),
        Activate("f", "sigmoid", "f_in"),
        Activate("o", "sigmoid", "o_in"),
        ProductSum("c", "i", "a", "f", "c"),
        Activate("c_out", "tanh", "c"),
        Product("h", "o", "c_out"),
    ),
    output="h",
    hidden=("h",),
    memory=("c",),
)

DENSE = Cell(name="dense", equations=(Multiply(results=("y",), operands=("x",)),), output="y")
DENSE_SIGMOID = Cell(
    name="dense-sigmoid",
    equations=(Multiply(results=("y_in",), operands=("x",)), Activate("y", "sigmoid", "y_in")),
    output="y",
)
DENSE_TANH = Cell(
    name="dense-tanh",
    equations=(Multiply(results=("y_in",), operands=("x",)), Activate("y", "tanh", "y_in")),
    output="y",
)

CELLS: dict[str, Cell] = {cell.name: cell for cell in (LSTM, DENSE, DENSE_SIGMOID, DENSE_TANH)}
