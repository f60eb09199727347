"""What quantization costs, stage by stage: the integer program beside the float network on the calibration data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fxlstm.errors import ProgramError
from fxlstm.program.formats import CODE_MAX, decode
from fxlstm.program.program import Program
from fxlstm.program.reference import Reference

Values = NDArray[np.float64]

# The reference interpreter is slow: it runs as many timesteps of the calibration data as this many products allow, at least one.
PRODUCT_BUDGET = 20_000_000


@dataclass(frozen=True)
class Stage:
    """One vector of a layer: signal to noise against float (dB; ``None``: exact or silent), full scale used, codes clipped."""

    layer: str
    vector: str
    signal_to_noise: float | None
    full_scale: float
    clipped: int


@dataclass(frozen=True)
class Product:
    """One matrix: how many conductance levels it uses, codes its ADC clipped, and each tile's range and full scale used."""

    name: str
    levels_used: int
    levels: int
    adc_clipped: int
    tiles: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Report:
    """The report of one program; ``print`` it, or read ``rows`` and ``products``."""

    timesteps: int
    rows: tuple[Stage, ...]
    products: tuple[Product, ...]

    @classmethod
    def of(cls, program: Program) -> Report:
        """Return the report kept in a program. Raises :class:`ProgramError` where it has none."""
        data = program.metadata.get("report")
        if not isinstance(data, dict):
            raise ProgramError("the program carries no report; make it with quantize")
        try:
            stages = tuple(Stage(**row) for row in data["rows"])
            products = tuple(Product(**{**row, "tiles": tuple(row["tiles"])}) for row in data["products"])
            return cls(int(data["timesteps"]), stages, products)
        except (KeyError, TypeError, ValueError) as error:
            raise ProgramError(f"the program's report is not readable ({error}); quantize again") from error

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON data."""
        return {
            "timesteps": self.timesteps,
            "rows": [asdict(row) for row in self.rows],
            "products": [{**asdict(row), "tiles": list(row.tiles)} for row in self.products],
        }

    def __str__(self) -> str:
        lines = [f"{'layer':<14}{'stage':<10}{'S/N dB':>8}{'full scale':>12}{'clipped':>9}"]
        for row in self.rows:
            ratio = "exact" if row.signal_to_noise is None else f"{row.signal_to_noise:.1f}"
            lines.append(f"{row.layer:<14}{row.vector:<10}{ratio:>8}{row.full_scale:>11.0%} {row.clipped:>9}")
        lines += ["", f"{'matrix':<14}{'levels used':>14}{'ADC clipped':>13}  ADC range (full scale used) per tile"]
        for product in self.products:
            tiles = ", ".join(f"{tile['range']} ({tile['full_scale']:.0%})" for tile in product.tiles) or "no ADC"
            lines.append(f"{product.name:<14}{f'{product.levels_used} of {product.levels}':>14}{product.adc_clipped:>13}  {tiles}")
        return "\n".join([*lines, "", f"over {self.timesteps} timesteps of the calibration data"])


def measure(program: Program, x: Values, floats: Mapping[str, Values], tiles: Sequence[Sequence[dict[str, Any]]]) -> dict[str, Any]:
    """Run the program on calibration data and return its report as plain data.

    ``x``: (batch, time, features); ``floats``: what each slice should hold, by name, (batch, time, length);
    ``tiles``: ranges of each matrix's tiles.
    """
    reference = Reference(program)
    codes, timesteps = _record(reference, program.encode(x))
    clipped = _clipped_by_result(reference)
    stages = []
    for part in program.slices:
        held = codes[:, part.start : part.start + part.length]
        wanted = floats[part.name].reshape(-1, part.length)[:timesteps]
        ratio = _decibels(wanted, decode(held, part.fraction, part.scale))
        layer, vector = part.name.rsplit("/", 1)
        peak = float(np.abs(held.astype(np.int64)).max()) / CODE_MAX
        stages.append(Stage(layer, vector, ratio, round(peak, 4), clipped.get(part.start, 0)))
    return Report(timesteps, tuple(stages), tuple(_products(reference, tiles))).as_dict()


def _record(reference: Reference, inputs: NDArray[np.int16]) -> tuple[NDArray[np.int16], int]:
    """Return the arena after every timestep, sequence after sequence, as far as the budget goes."""
    weights = sum(matrix.weights.size for matrix in reference.program.matrices)
    limit = max(1, PRODUCT_BUDGET // weights)
    arenas: list[list[int]] = []
    for sequence in inputs:
        reference.reset()
        for step in sequence[: limit - len(arenas)]:
            reference.step(step)
            arenas.append(list(reference.arena))
    return np.array(arenas, dtype=np.int16), len(arenas)


def _clipped_by_result(reference: Reference) -> dict[int, int]:
    """Return the clipped codes by arena index of the result."""
    counts: dict[int, int] = {}
    for operation, clipped in zip(reference.program.operations, reference.clipped, strict=True):
        counts[operation.result] = counts.get(operation.result, 0) + clipped.result
    return counts


def _products(reference: Reference, tiles: Sequence[Sequence[dict[str, Any]]]) -> list[Product]:
    program = reference.program
    adc = [0] * len(program.matrices)
    for operation, clipped in zip(program.operations, reference.clipped, strict=True):
        if operation.kind == "multiply":
            adc[operation.matrix] += clipped.adc
    return [
        Product(matrix.name, len(np.unique(np.abs(matrix.weights.astype(np.int32)))), program.hardware.levels, count, tuple(ranges))
        for matrix, count, ranges in zip(program.matrices, adc, tiles, strict=True)
    ]


def _decibels(wanted: Values, got: Values) -> float | None:
    signal, noise = float(np.sum(wanted**2)), float(np.sum((wanted - got) ** 2))
    return round(10 * math.log10(signal / noise), 2) if signal > 0 and noise > 0 else None
