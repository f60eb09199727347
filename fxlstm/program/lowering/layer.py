"""Cells to operations: every vector gets a slice of the arena, every equation an operation on slices."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from fxlstm.errors import ModelError
from fxlstm.network import Layer
from fxlstm.network.cells import Activate, Clamp, Complement, Elementwise, Equation, Interpolate, Multiply, Product, ProductSum, Sum
from fxlstm.program.calibration.calibrate import Format
from fxlstm.program.calibration.layer_formats import factors, matrix_formats
from fxlstm.program.calibration.scales import bias_code
from fxlstm.program.formats import CODE_MAX, CODE_MIN, UNIT_FRACTION, encode
from fxlstm.program.hardware import Hardware
from fxlstm.program.image.rules import even
from fxlstm.program.lowering.arena import Arena, copied, moved, operation
from fxlstm.program.operations import MAX_LEFT_SHIFT, MAX_RIGHT_SHIFT
from fxlstm.program.program import Operation, Slice


@dataclass
class LoweredLayer:
    """One layer's operations, at every timestep and closing ones. ``vectors``: where the vectors that change stand."""

    layer: Layer
    name: str
    vectors: dict[str, Slice]
    operations: list[Operation] = field(default_factory=list)
    closing: list[Operation] = field(default_factory=list)

    @property
    def output(self) -> Slice:
        """The layer's output."""
        return self.vectors[self.layer.cell.output]


class LayerLowering:
    """Lowers one layer. A vector's home is its place in the first multiply operand that holds it, else a slice of its own.

    ``name`` prefixes its slices; ``first_matrix`` is the program's number of its first matrix; ``given``: vectors that stand
    elsewhere already. Multiplies of one weight share a matrix.
    """

    def __init__(
        self,
        layer: Layer,
        name: str,
        formats: Mapping[str, Format],
        hardware: Hardware,
        arena: Arena,
        first_matrix: int,
        given: Mapping[str, Slice],
    ) -> None:
        self.layer, self.name, self.formats, self.hardware, self.arena = layer, name, formats, hardware, arena
        self.operations: list[Operation] = []
        self.homes: dict[str, Slice] = dict(given)
        multiplies = layer.cell.multiplies
        self.matrices = {weight: first_matrix + n for n, weight in enumerate(dict.fromkeys(part.weight for part in multiplies))}
        self.shared = matrix_formats(layer.cell, formats)
        self.limits: dict[tuple[int, int], int] = {}  # (code, length) -> where a vector full of it stands
        self.operands = {multiply: self._operand(multiply) for multiply in multiplies}
        self.fixed = {vector: self._constant(vector, values) for vector, values in factors(layer).items()}

    def lower(self, source: Slice | None) -> LoweredLayer:
        """Return the layer with its operations; ``source`` is what it reads, ``None`` where that is put at its x."""
        x = self._home("x")
        if source is not None:
            self.operations += copied(source, x)
        operations = self._equations(self.layer.cell.equations)
        return LoweredLayer(self.layer, self.name, self.homes, operations, self._equations(self.layer.cell.closing))

    def _equations(self, equations: Sequence[Equation]) -> list[Operation]:
        for equation in equations:
            if isinstance(equation, Multiply):
                self._multiply(equation)
            else:
                self.operations.append(self._elementwise(equation))
        operations, self.operations = self.operations, []
        return operations

    def _operand(self, multiply: Multiply) -> list[Slice]:
        """Lay out one multiply's rows, [operands, bias rows], and return the places of its operands."""
        bias_rows = self.hardware.bias_rows if self.hardware.bias == "array" else 0
        start = self.arena.allocate(even(self.layer.length(*multiply.operands) + bias_rows), align=True)
        places = self._consecutive(start, multiply.operands, self.shared[multiply.weight].rows)
        self.arena.put(start + self.layer.length(*multiply.operands), [bias_code(self.hardware)] * bias_rows)
        for vector, place in zip(multiply.operands, places, strict=True):
            if vector not in self.homes and self.formats[vector].fraction == place.fraction:
                self._settle(vector, place.start)
        return places

    def _consecutive(self, start: int, vectors: Sequence[str], formats: Sequence[Format]) -> list[Slice]:
        """Return the places of vectors that stand one after the other, in the given formats."""
        places = []
        for vector, form in zip(vectors, formats, strict=True):
            places.append(Slice(vector, start, self.layer.length(vector), form.fraction, form.scale))
            start += places[-1].length
        return places

    def _constant(self, vector: str, values: NDArray[np.float64]) -> Slice:
        """Put a vector that never changes into the arena's contents at reset."""
        fraction = self.formats[vector].fraction
        start = self.arena.allocate(len(values))
        self.arena.put(start, encode(values, fraction).tolist())
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

    def _multiply(self, multiply: Multiply) -> None:
        places = self.operands[multiply]
        for vector, place in zip(multiply.operands, places, strict=True):
            self.operations += copied(self._home(vector), place)
        columns = self.layer.length(*multiply.results)
        block = self.arena.allocate(columns)
        self.operations.append(Operation("multiply", columns, block, places[0].start, matrix=self.matrices[multiply.weight]))
        results = self._consecutive(block, multiply.results, self.shared[multiply.weight].columns)
        elsewhere = any(
            name in self.homes or self.formats[name].fraction != part.fraction
            for name, part in zip(multiply.results, results, strict=True)
        )
        for vector, place in zip(multiply.results, results, strict=True):
            if elsewhere:
                self.operations += copied(place, self._home(vector))
            else:
                self._settle(vector, place.start)

    def _elementwise(self, equation: Elementwise) -> Operation:
        result = self._home(equation.result)
        if isinstance(equation, Clamp):
            return self._clamp(equation, result)
        parts = [self._home(vector) for vector in equation.operands]
        fractions = [part.fraction for part in parts]
        match equation:
            case Activate():
                return operation("activate", result, parts, function=equation.function, fraction=fractions[0])
            case Complement():
                parts = self._in_formats(parts, [result.fraction])
                return operation("complement", result, parts, shift=result.fraction)
            case Interpolate():
                return operation("interpolate", result, self._in_formats(parts, [UNIT_FRACTION, *[result.fraction] * 2]))
            case Product():
                return operation("product", result, parts, **self._checked(equation, shift=sum(fractions) - result.fraction))
            case Sum():
                return operation("sum", result, parts, **self._shifts(equation, *fractions, result=result.fraction))
            case ProductSum():
                terms = sum(fractions[:2]), sum(fractions[2:])
                return operation("product_sum", result, parts, **self._shifts(equation, *terms, result=result.fraction))
        raise TypeError(f"no operation for {equation!r}")

    def _clamp(self, equation: Clamp, result: Slice) -> Operation:
        part = self._in_format(self._home(equation.operand), result.fraction)
        numbers = self.layer.cell.numbers
        return operation("clamp", result, [part, *(self._limit(numbers[name], result) for name in (equation.low, equation.high))])

    def _limit(self, value: float, like: Slice) -> Slice:
        """Return a vector full of a number, saturated, in the format of another."""
        code = math.floor(min(max(value * 2.0**like.fraction, CODE_MIN), CODE_MAX) + 0.5)
        if (code, like.length) not in self.limits:
            self.limits[code, like.length] = self.arena.allocate(like.length)
            self.arena.put(self.limits[code, like.length], [code] * like.length)
        return moved(like, self.limits[code, like.length])

    def _in_formats(self, parts: list[Slice], fractions: list[int]) -> list[Slice]:
        """Return slices with the same values and so many fraction bits each: the given ones, or rounded copies."""
        return [self._in_format(part, fraction) for part, fraction in zip(parts, fractions, strict=True)]

    def _in_format(self, part: Slice, fraction: int) -> Slice:
        if part.fraction == fraction:
            return part
        copy = replace(part, start=self.arena.allocate(part.length), fraction=fraction)
        self.operations += copied(part, copy)
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
