"""Cells to operations: every vector gets a slice of the arena, every equation an operation on slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fxlstm.errors import ModelError
from fxlstm.network import Layer
from fxlstm.network.cells import Activate, Complement, Elementwise, Interpolate, Multiply, Product, ProductSum, Sum
from fxlstm.program.calibrate import Format
from fxlstm.program.formats import UNIT_FRACTION, encode
from fxlstm.program.hardware import Hardware
from fxlstm.program.operations import MAX_LEFT_SHIFT, MAX_RIGHT_SHIFT
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
    """One layer's operations. ``vectors`` are the homes of the vectors that change."""

    operations: list[Operation]
    vectors: dict[str, Slice]


class _LayerLowering:
    """Lowers one layer. A vector's home is its place in the first multiply operand that holds it, else a slice of its own."""

    def __init__(
        self, layer: Layer, name: str, formats: dict[str, Format], hardware: Hardware, arena: Arena, first_matrix: int
    ) -> None:
        self.layer, self.name, self.formats, self.hardware, self.arena = layer, name, formats, hardware, arena
        self.operations: list[Operation] = []
        self.first_matrix = first_matrix
        self.homes: dict[str, Slice] = {}
        self.operands = [self._operand(multiply) for multiply in layer.cell.multiplies]
        self.fixed = {vector: self._constant(vector, values) for vector, values in layer.fixed.items()}

    def _operand(self, multiply: Multiply) -> list[int]:
        """Lay out one multiply's rows, [operands, bias rows], and return the starts of its operands."""
        bias_rows = self.hardware.bias_rows if self.hardware.bias == "array" else 0
        start = self.arena.allocate(even(self.layer.length(*multiply.operands) + bias_rows), align=True)
        starts, bias_start = self._consecutive(start, multiply.operands)
        for row in range(bias_start, bias_start + bias_rows):
            self.arena.contents[row] = bias_code(self.hardware)
        for vector, place in zip(multiply.operands, starts, strict=True):
            if vector not in self.homes:
                self._settle(vector, place)
        return starts

    def _consecutive(self, start: int, vectors: tuple[str, ...]) -> tuple[list[int], int]:
        """Return where vectors that stand one after the other start, and where they end."""
        starts = []
        for vector in vectors:
            starts.append(start)
            start += self.layer.length(vector)
        return starts, start

    def _constant(self, vector: str, values: NDArray[np.float64]) -> Slice:
        """Put a vector that never changes into the arena's contents at reset."""
        fraction = self.formats[vector].fraction
        start = self.arena.allocate(len(values))
        self.arena.contents[start:] = encode(values, fraction).tolist()
        return Slice(f"{self.name}/{vector}", start, len(values), fraction)

    def _settle(self, vector: str, start: int) -> Slice:
        form = self.formats[vector]
        home = Slice(f"{self.name}/{vector}", start, self.layer.length(vector), form.fraction, form.scale)
        self.homes[vector] = home
        self.arena.slices.append(home)
        return home

    def _home(self, vector: str) -> Slice:
        home = self.fixed.get(vector) or self.homes.get(vector)
        return home or self._settle(vector, self.arena.allocate(self.layer.length(vector)))

    def _copy(self, source: int, target: int, length: int) -> None:
        if source != target:
            self.operations.append(Operation("copy", length, target, source))

    def lower(self, source: Slice | None) -> LoweredLayer:
        """Emit the layer's operations; ``source`` is the output of the layer below, ``None`` for the first layer."""
        x = self._home("x")
        if source is not None:
            self._copy(source.start, x.start, x.length)
        for equation in self.layer.cell.equations:
            if isinstance(equation, Multiply):
                self._multiply(equation)
            else:
                self.operations.append(self._elementwise(equation))
        return LoweredLayer(self.operations, self.homes)

    def _multiply(self, multiply: Multiply) -> None:
        index = self.layer.cell.multiplies.index(multiply)
        for vector, place in zip(multiply.operands, self.operands[index], strict=True):
            self._copy(self._home(vector).start, place, self.layer.length(vector))
        scattered = any(vector in self.homes for vector in multiply.results)
        columns = self.layer.length(*multiply.results)
        block = self.arena.allocate(columns)
        self.operations.append(Operation("multiply", columns, block, self.operands[index][0], matrix=self.first_matrix + index))
        for vector, place in zip(multiply.results, self._consecutive(block, multiply.results)[0], strict=True):
            if scattered:
                self._copy(place, self._home(vector).start, self.layer.length(vector))
            else:
                self._settle(vector, place)

    def _elementwise(self, equation: Elementwise) -> Operation:
        result = self._home(equation.result)
        parts = [self._home(vector) for vector in equation.operands]
        fractions = [part.fraction for part in parts]
        match equation:
            case Activate():
                return _operation("activate", result, parts, function=equation.function, fraction=fractions[0])
            case Complement():
                parts = self._in_formats(parts, [result.fraction])
                return _operation("complement", result, parts, shift=result.fraction)
            case Interpolate():
                return _operation("interpolate", result, self._in_formats(parts, [UNIT_FRACTION, *[result.fraction] * 2]))
            case Product():
                return _operation("product", result, parts, **self._checked(equation, shift=sum(fractions) - result.fraction))
            case Sum():
                return _operation("sum", result, parts, **self._shifts(equation, *fractions, result=result.fraction))
            case ProductSum():
                terms = sum(fractions[:2]), sum(fractions[2:])
                return _operation("product_sum", result, parts, **self._shifts(equation, *terms, result=result.fraction))
        raise TypeError(f"no operation for {equation!r}")

    def _in_formats(self, parts: list[Slice], fractions: list[int]) -> list[Slice]:
        """Return slices with the same values and so many fraction bits each: the given ones, or rounded copies."""
        return [self._in_format(part, fraction) for part, fraction in zip(parts, fractions, strict=True)]

    def _in_format(self, part: Slice, fraction: int) -> Slice:
        if part.fraction == fraction:
            return part
        copy = replace(part, start=self.arena.allocate(part.length), fraction=fraction)
        self.operations.append(_shifted(part, copy))
        return copy

    def _shifts(self, equation: Elementwise, *terms: int, result: int) -> dict[str, int]:
        """Return the shifts that bring two terms of the given fraction bits together, and their sum to the result's."""
        first, second = terms
        common = max(first, second, result)
        return self._checked(equation, shift=common - result, shift_ab=common - first, shift_cd=common - second)

    def _checked(self, equation: Elementwise, shift: int, **left: int) -> dict[str, int]:
        """Return the shifts, or raise :class:`ModelError` where no operation has such ones."""
        if not 0 <= shift <= MAX_RIGHT_SHIFT or max(left.values(), default=0) > MAX_LEFT_SHIFT:
            raise ModelError(
                f"layer {self.name!r}: the values of '{equation}' differ too much in size for 64-bit arithmetic; scale its weights"
            )
        return {"shift": shift, **left}


def _shifted(part: Slice, result: Slice) -> Operation:
    """Return the copy of a slice to another format."""
    left = result.fraction - part.fraction
    return _operation("copy", result, [part], shift=max(-left, 0), shift_ab=max(left, 0))


def in_place(part: Slice, fraction: int) -> list[Operation]:
    """Return what brings a slice to so many fraction bits where it stands: nothing when it has them."""
    return [] if part.fraction == fraction else [_shifted(part, replace(part, fraction=fraction))]


def add(parts: Sequence[Slice], fraction: int) -> Operation:
    """Return the sum of two slices with so many fraction bits, in the place of the first."""
    first, second = parts
    common = max(first.fraction, second.fraction, fraction)
    shifts = {"shift": common - fraction, "shift_ab": common - first.fraction, "shift_cd": common - second.fraction}
    return _operation("sum", replace(first, fraction=fraction), parts, **shifts)


def _operation(kind: str, result: Slice, parts: Sequence[Slice], **details: Any) -> Operation:
    """Return an element-wise operation on slices."""
    operands = {name: part.start for name, part in zip("abcd", parts, strict=False)}
    return Operation(kind, result.length, result.start, **operands | details)


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
