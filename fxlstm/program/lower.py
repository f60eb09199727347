"""Cells to operations: every vector gets a slice of the arena, every equation an operation on slices."""

from __future__ import annotations

from dataclasses import dataclass, field

from fxlstm.network.cells import Activate, Cell, Equation, Multiply, Product, ProductSum
from fxlstm.network.network import Layer
from fxlstm.program.calibrate import Format, results
from fxlstm.program.hardware import Hardware
from fxlstm.program.program import Operation, Slice
from fxlstm.program.rules import even
from fxlstm.program.scales import bias_code


@dataclass
class Arena:
    """The working memory under construction: its contents at reset, and the named slices."""

    contents: list[int] = field(default_factory=list)
    slices: list[Slice] = field(default_factory=list)

    def allocate(self, length: int, align: bool = False) -> int:
        """Return the start of fresh codes, all 0; ``align`` makes it even."""
        if align:
            self.contents += [0] * (len(self.contents) % 2)
        start = len(self.contents)
        self.contents += [0] * length
        return start


@dataclass
class LoweredLayer:
    """One layer's operations. ``vectors`` are the homes of its vectors; matrices are numbered across the program."""

    operations: list[Operation]
    vectors: dict[str, Slice]
    multiplies: list[Multiply]


class _LayerLowering:
    """Lowers one layer. A vector's home is its place in the first multiply operand that holds it, else a slice of its own."""

    def __init__(
        self, layer: Layer, name: str, formats: dict[str, Format], hardware: Hardware, arena: Arena, first_matrix: int
    ) -> None:
        self.layer, self.name, self.formats, self.hardware, self.arena = layer, name, formats, hardware, arena
        self.cell: Cell = layer.cell
        self.operations: list[Operation] = []
        self.multiplies = [equation for equation in self.cell.equations if isinstance(equation, Multiply)]
        self.first_matrix = first_matrix
        self.homes: dict[str, Slice] = {}
        self.operands = {id(multiply): self._operand(multiply) for multiply in self.multiplies}

    def _length(self, vector: str) -> int:
        return self.layer.inputs if vector == "x" else self.layer.units

    def _operand(self, multiply: Multiply) -> list[int]:
        """Lay out one multiply's rows, [operands, bias rows], and return the starts of its operands."""
        lengths = [self._length(vector) for vector in multiply.operands]
        bias_rows = self.hardware.bias_rows if self.hardware.bias == "array" else 0
        start = self.arena.allocate(even(sum(lengths) + bias_rows), align=True)
        starts = [start + sum(lengths[:index]) for index in range(len(lengths))]
        bias_start = start + sum(lengths)
        for row in range(bias_start, bias_start + bias_rows):
            self.arena.contents[row] = bias_code(self.hardware)
        for vector, place in zip(multiply.operands, starts, strict=True):
            if vector not in self.homes:
                self._settle(vector, place)
        return starts

    def _settle(self, vector: str, start: int) -> Slice:
        form = self.formats[vector]
        home = Slice(f"{self.name}/{vector}", start, self._length(vector), form.fraction, form.scale)
        self.homes[vector] = home
        self.arena.slices.append(home)
        return home

    def _home(self, vector: str) -> Slice:
        return self.homes.get(vector) or self._settle(vector, self.arena.allocate(self._length(vector)))

    def _copy(self, source: int, target: int, length: int) -> None:
        if source != target:
            self.operations.append(Operation("copy", length, target, source))

    def lower(self, source: Slice | None) -> LoweredLayer:
        """Emit the layer's operations; ``source`` is the output of the layer below, ``None`` for the first layer."""
        x = self._home("x")
        if source is not None:
            self._copy(source.start, x.start, x.length)
        for equation in self.cell.equations:
            if isinstance(equation, Multiply):
                self._multiply(equation)
            else:
                self._elementwise(equation)
        return LoweredLayer(self.operations, self.homes, self.multiplies)

    def _multiply(self, multiply: Multiply) -> None:
        starts = self.operands[id(multiply)]
        for vector, place in zip(multiply.operands, starts, strict=True):
            self._copy(self._home(vector).start, place, self._length(vector))
        units, count = self.layer.units, len(multiply.results)
        scattered = any(vector in self.homes for vector in multiply.results)
        block = self.arena.allocate(units * count)
        matrix = self.first_matrix + self.multiplies.index(multiply)
        self.operations.append(Operation("multiply", units * count, block, starts[0], matrix=matrix))
        for index, vector in enumerate(multiply.results):
            if scattered:
                self._copy(block + index * units, self._home(vector).start, units)
            else:
                self._settle(vector, block + index * units)

    def _elementwise(self, equation: Equation) -> None:
        (name,) = results(equation)
        result = self._home(name)
        length, start = result.length, result.start
        match equation:
            case Activate():
                a = self._home(equation.operand)
                operation = Operation("activate", length, start, a.start, function=equation.function, fraction=a.fraction)
            case Product():
                a, b = self._home(equation.a), self._home(equation.b)
                operation = Operation("product", length, start, a.start, b.start, shift=a.fraction + b.fraction - result.fraction)
            case ProductSum():
                operation = self._product_sum(equation, result)
            case _:
                raise TypeError(f"no operation for {equation!r}")
        self.operations.append(operation)

    def _product_sum(self, equation: ProductSum, result: Slice) -> Operation:
        a, b, c, d = (self._home(vector) for vector in (equation.a, equation.b, equation.c, equation.d))
        first, second = a.fraction + b.fraction, c.fraction + d.fraction
        common = max(first, second)
        return Operation(
            "product_sum",
            result.length,
            result.start,
            a.start,
            b.start,
            c.start,
            d.start,
            shift=common - result.fraction,
            shift_ab=common - first,
            shift_cd=common - second,
        )


def lower_layer(
    layer: Layer,
    name: str,
    formats: dict[str, Format],
    hardware: Hardware,
    arena: Arena,
    first_matrix: int,
    source: Slice | None,
) -> LoweredLayer:
    """Return the operations of a layer whose input is the slice ``source``, or the program's input for ``None``.

    ``name`` prefixes its slices; ``first_matrix`` is the program's number of its first matrix.
    """
    return _LayerLowering(layer, name, formats, hardware, arena, first_matrix).lower(source)
