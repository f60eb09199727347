"""What a recurrent cell is: a short list of equations and what its vectors are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from fxlstm.errors import ModelError
from fxlstm.network.cells.equations import CONSTANTS, Activate, Clamp, Equation, Multiply
from fxlstm.network.cells.functions import FUNCTIONS


@dataclass(frozen=True)
class Cell:
    """A recurrent cell or a feed-forward layer: its equations, its states and which vector is its output.

    ``hidden`` are states that drive array rows (h); ``memory`` are states that do not (c). ``parameters`` are vectors of weights
    that equations use element by element (peepholes). Vectors have the length ``units``, ``x`` the length ``inputs``; ``lengths``
    names the size of those that differ, and each layer gives the number. ``source``: who published the equations.
    ``inputs``: the vectors given at each timestep, ``x`` first; ``ranges``: (lowest, highest) of those whose bounds are known.
    ``constants``: numbers that equations name, beside those of :data:`CONSTANTS`; infinite only as ends of a :class:`Clamp`.
    ``closing``: equations evaluated after the others, only where an output is wanted; they assign no states.
    ``passes``: vectors given out behind the output.
    Raises :class:`ModelError` where an equation reads what nothing gives, or mixes lengths.
    """

    name: str
    equations: tuple[Equation, ...]
    output: str
    hidden: tuple[str, ...] = ()
    memory: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    lengths: Mapping[str, str] = field(default_factory=dict, hash=False)
    source: str = ""
    inputs: tuple[str, ...] = ("x",)
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict, hash=False)
    constants: Mapping[str, float] = field(default_factory=dict, hash=False)
    closing: tuple[Equation, ...] = ()
    passes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.inputs[:1] != ("x",) or set(self.ranges) - set(self.inputs):
            raise ModelError(f"cell {self.name!r}: inputs {self.inputs}, ranges of {tuple(self.ranges)}; x is the first input")
        changing = {*self.inputs, *self.states}
        for equation in self.every_equation:
            self._check_equation(equation, changing)
            changing.update(equation.results)
        if lost := [name for name in (self.output, *self.passes) if name not in changing]:
            raise ModelError(f"cell {self.name!r}: no equation assigns its output {lost[0]!r}; add one")
        if late := [name for equation in self.closing for name in equation.results if name in self.states]:
            raise ModelError(f"cell {self.name!r}: a closing equation assigns the state {late[0]!r}; move it to the equations")
        self._check_constants()

    def _check_equation(self, equation: Equation, changing: set[str]) -> None:
        """Check what an equation reads and assigns; ``changing``: the vectors that have a value by now."""
        fixed = {*self.parameters, *self.numbers}
        readable = changing if isinstance(equation, Multiply) else changing | fixed
        if unknown := [name for name in equation.operands if name not in readable]:
            raise ModelError(f"cell {self.name!r}: '{equation}' reads {unknown[0]!r}, which nothing gives it; assign it first")
        if given := [name for name in equation.results if name in {*fixed, *self.inputs}]:
            raise ModelError(f"cell {self.name!r}: '{equation}' assigns {given[0]!r}, which is given; choose another name")
        if not isinstance(equation, Multiply) and len({self.size(name) for name in equation.results + equation.operands}) > 1:
            raise ModelError(f"cell {self.name!r}: '{equation}' mixes vectors of different lengths; give them one size")
        if isinstance(equation, Activate) and equation.function not in FUNCTIONS:
            raise ModelError(f"cell {self.name!r}: '{equation}' is no function of {', '.join(FUNCTIONS)}")
        if isinstance(equation, Clamp) and not {equation.low, equation.high} <= set(self.numbers):
            raise ModelError(f"cell {self.name!r}: the ends of '{equation}' are not both constants; name them in constants")

    def _check_constants(self) -> None:
        clamps = [equation for equation in self.every_equation if isinstance(equation, Clamp)]
        ends = {name for clamp in clamps for name in (clamp.low, clamp.high)}
        others = [equation.operands for equation in self.every_equation if not isinstance(equation, Clamp)]
        values = {name for operands in (*others, [clamp.operand for clamp in clamps]) for name in operands}
        for name, value in self.constants.items():
            if name in {*CONSTANTS, *self.parameters, *self.states, *self.inputs}:
                raise ModelError(f"cell {self.name!r}: the constant {name!r} has the name of something else; choose another")
            if math.isnan(value) or (math.isinf(value) and (name in values or name not in ends)):
                raise ModelError(f"cell {self.name!r}: the constant {name!r} is {value}; only an end of a Clamp may be infinite")

    @property
    def states(self) -> tuple[str, ...]:
        """All vectors that survive from one timestep to the next."""
        return self.hidden + self.memory

    @property
    def every_equation(self) -> tuple[Equation, ...]:
        """The equations of every timestep, then the closing ones."""
        return self.equations + self.closing

    @property
    def changing(self) -> tuple[str, ...]:
        """The vectors that equations assign, states among them."""
        results = (name for equation in self.every_equation for name in equation.results)
        return tuple(dict.fromkeys((*self.states, *results)))

    @property
    def numbers(self) -> dict[str, float]:
        """Every constant that equations may name, by its name."""
        return {**CONSTANTS, **self.constants}

    @property
    def multiplies(self) -> tuple[Multiply, ...]:
        """The crossbar's part: one reading of the array each, in order."""
        return tuple(equation for equation in self.every_equation if isinstance(equation, Multiply))

    @property
    def fixed(self) -> tuple[str, ...]:
        """Parameter vectors, and the constants that equations use: what never changes from one timestep to the next."""
        used = {name for equation in self.every_equation for name in equation.operands}
        return self.parameters + tuple(name for name in self.numbers if name in used)

    def size(self, vector: str) -> str:
        """Return the name of a vector's length: ``"inputs"``, ``"units"`` or a name of the cell's own."""
        return "inputs" if vector == "x" else self.lengths.get(vector, "units")

    def length(self, sizes: Mapping[str, int], *vectors: str) -> int:
        """Return the length of vectors one after the other, given the number for each name of a size."""
        return sum(sizes[self.size(vector)] for vector in vectors)

    def parameter_shapes(self, sizes: Mapping[str, int]) -> dict[str, tuple[int, ...]]:
        """Return the shape of each parameter: of a weight (rows of its operands, columns of its results), of a vector (length,)."""
        shapes: dict[str, tuple[int, ...]] = {}
        for multiply in self.multiplies:
            columns = self.length(sizes, *multiply.results)
            shapes[multiply.weight] = (self.length(sizes, *multiply.operands), columns)
            shapes[multiply.bias] = (columns,)
        return shapes | {name: (self.length(sizes, name),) for name in self.parameters}
