"""The kinds of equation that a cell may be made of, as data.

An equation names vectors. ``x`` is the layer's input; a state's name is its value from the previous timestep until an
equation assigns it, and its new value from then on. A name of :data:`CONSTANTS` or of the cell's own constants stands for a
vector full of that number, a cell's parameter vectors for the layer's weights of that name. Equations are evaluated in order.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

CONSTANTS: dict[str, float] = {"one": 1.0}


@dataclass(frozen=True)
class Multiply:
    """``concat(results) = concat(operands) @ parameters[weight] + parameters[bias]``: the crossbar's part of a cell.

    Results are column blocks, in the order in which they stand on the array; operands are row blocks. Where an operand does not
    reach a result, that block of the weights is zero.
    """

    results: tuple[str, ...]
    operands: tuple[str, ...]
    weight: str = "weight"
    bias: str = "bias"

    def __str__(self) -> str:
        return f"[{', '.join(self.results)}] = [{', '.join(self.operands)}] {self.weight} + {self.bias}"


@dataclass(frozen=True)
class Elementwise:
    """An equation on vectors of one length, element by element."""

    result: str

    @property
    def results(self) -> tuple[str, ...]:
        """The one vector that the equation assigns."""
        return (self.result,)

    @property
    def operands(self) -> tuple[str, ...]:
        """The vectors that the equation reads, in order."""
        return tuple(getattr(self, field.name) for field in fields(self) if field.name not in ("result", "function"))


@dataclass(frozen=True)
class Activate(Elementwise):
    """``result = function(operand)``; functions are listed in :mod:`fxlstm.network.cells.functions`."""

    function: str
    operand: str

    def __str__(self) -> str:
        return f"{self.result} = {self.function}({self.operand})"


@dataclass(frozen=True)
class Product(Elementwise):
    """``result = a * b``."""

    a: str
    b: str

    def __str__(self) -> str:
        return f"{self.result} = {self.a} * {self.b}"


@dataclass(frozen=True)
class ProductSum(Elementwise):
    """``result = a * b + c * d``, rounded once in the integer program."""

    a: str
    b: str
    c: str
    d: str

    def __str__(self) -> str:
        return f"{self.result} = {self.a} * {self.b} + {self.c} * {self.d}"


@dataclass(frozen=True)
class Sum(Elementwise):
    """``result = a + b``."""

    a: str
    b: str

    def __str__(self) -> str:
        return f"{self.result} = {self.a} + {self.b}"


@dataclass(frozen=True)
class Complement(Elementwise):
    """``result = 1 - operand``."""

    operand: str

    def __str__(self) -> str:
        return f"{self.result} = 1 - {self.operand}"


@dataclass(frozen=True)
class Interpolate(Elementwise):
    """``result = gate * a + (1 - gate) * b`` for a gate in 0..1, rounded once in the integer program."""

    gate: str
    a: str
    b: str

    def __str__(self) -> str:
        return f"{self.result} = {self.gate} * {self.a} + (1 - {self.gate}) * {self.b}"


@dataclass(frozen=True)
class Clamp(Elementwise):
    """``result = min(max(operand, low), high)``; ``low`` and ``high`` name constants, which may be infinite."""

    operand: str
    low: str
    high: str

    def __str__(self) -> str:
        return f"{self.result} = min(max({self.operand}, {self.low}), {self.high})"


Equation = Multiply | Activate | Product | ProductSum | Sum | Complement | Interpolate | Clamp
