"""What a recurrent cell is: a short list of equations and what its vectors are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fxlstm.errors import ModelError
from fxlstm.network.cells.equations import CONSTANTS, Equation, Multiply


@dataclass(frozen=True)
class Cell:
    """A recurrent cell or a feed-forward layer: its equations, its states and which vector is its output.

    ``hidden`` are states that drive array rows (h); ``memory`` are states that do not (c). ``parameters`` are vectors of weights
    that equations use element by element (peepholes). Vectors have the length ``units``, ``x`` the length ``inputs``; ``lengths``
    names the size of those that differ, and each layer gives the number. ``source``: who published the equations.
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

    def __post_init__(self) -> None:
        fixed = {*self.parameters, *CONSTANTS}
        changing = {"x", *self.states}
        for equation in self.equations:
            readable = changing if isinstance(equation, Multiply) else changing | fixed
            if unknown := [name for name in equation.operands if name not in readable]:
                raise ModelError(f"cell {self.name!r}: '{equation}' reads {unknown[0]!r}, which nothing gives it; assign it first")
            if given := [name for name in equation.results if name in fixed | {"x"}]:
                raise ModelError(f"cell {self.name!r}: '{equation}' assigns {given[0]!r}, which is given; choose another name")
            if not isinstance(equation, Multiply) and len({self.size(name) for name in equation.results + equation.operands}) > 1:
                raise ModelError(f"cell {self.name!r}: '{equation}' mixes vectors of different lengths; give them one size")
            changing.update(equation.results)
        if self.output not in changing:
            raise ModelError(f"cell {self.name!r}: no equation assigns its output {self.output!r}; add one")

    @property
    def states(self) -> tuple[str, ...]:
        """All vectors that survive from one timestep to the next."""
        return self.hidden + self.memory

    @property
    def multiplies(self) -> tuple[Multiply, ...]:
        """The crossbar's part: one reading of the array each, in order."""
        return tuple(equation for equation in self.equations if isinstance(equation, Multiply))

    @property
    def fixed(self) -> tuple[str, ...]:
        """Parameter vectors, and the constants that equations use: what never changes from one timestep to the next."""
        used = {name for equation in self.equations for name in equation.operands}
        return self.parameters + tuple(name for name in CONSTANTS if name in used)

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
