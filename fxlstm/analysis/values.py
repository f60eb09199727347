"""A program's operations on batches of values whose roundings can be left out: what the definition gives, and what it would give.

With every rounding in place the codes are those of every executor. Without them the same operations compute the float network with
the program's weights, so that each rounding can be looked at alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fxlstm.errors import ProgramError
from fxlstm.network.cells import FUNCTIONS
from fxlstm.network.layers.layer import as_float
from fxlstm.network.topologies.lengths import checked_lengths
from fxlstm.program.formats import CODE_MAX, CODE_MIN, adc_grid, dac_codes
from fxlstm.program.operations import FUNCTION_BY_NAME
from fxlstm.program.pairs import column_weights, differences
from fxlstm.program.program import Operation, Program
from fxlstm.program.reference import UNIT, MultipliesTiles
from fxlstm.program.running.reading import Reading, as_sequences

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Rounding:
    """Which roundings take place: to the ``formats`` of vectors, of results of ``activation`` functions, in ``dac`` and ``adc``."""

    formats: bool = True
    activation: bool = True
    dac: bool = True
    adc: bool = True


@dataclass(frozen=True, eq=False)
class Traced:
    """One run: ``outputs`` as a network gives them, and every named vector, (batch, time, length), in the order of reading."""

    outputs: Values
    vectors: Mapping[str, Values]


def trace(
    program: Program,
    x: ArrayLike,
    array: MultipliesTiles | None = None,
    rounding: Rounding | None = None,
    lengths: ArrayLike | None = None,
) -> Traced:
    """Run ``program`` on float inputs, (time, features) or (batch, time, features), and keep every vector at every timestep.

    ``array`` multiplies instead of the integers of the program; it takes and gives codes, so the converters round then whatever
    ``rounding`` says. ``lengths``: of the sequences, (batch,), for a program that reads forward and returns its last output;
    vectors are 0 beyond them.
    Raises :class:`ProgramError` for programs of several phases, for those with masked timesteps, and for lengths of others,
    :class:`ModelError` for inputs of another shape.
    """
    if len(program.phases) > 1 or program.metadata.get("mask_value") is not None:
        raise ProgramError("sequences of one phase without masked timesteps can be traced; take the mask off, or one network alone")
    reading = Reading(program, as_sequences(program, x))
    backward = reading.backward or any(sweep.reverse for sweep in program.phases[0].sweeps)
    if lengths is not None and (backward or not program.returns_last):
        raise ProgramError("sequences of several lengths are traced where a program reads forward and returns its last output")
    values = as_float(reading.x, "the input")
    batch = values if values.ndim == 3 else values[np.newaxis]
    execution = _Execution(program, array, rounding or Rounding(), batch)
    arenas, outputs = execution.run()
    counts = checked_lengths(lengths, len(batch), batch.shape[1])
    arenas[np.arange(batch.shape[1]) >= counts[:, np.newaxis]] = 0.0
    last = outputs[np.arange(len(batch)), counts - 1]
    given = program.decode(last if program.returns_last else outputs)  # type: ignore[arg-type]
    vectors = {
        part.name: arenas[:, :, part.start + np.argsort(program.order(part))] * (part.scale * 2.0**-part.fraction)
        for part in program.slices
    }
    return Traced(reading.outputs(given if values.ndim == 3 else given[0]), vectors)


class _Execution:
    """One run of a batch; ``arena`` holds values in units of codes, (batch, arena)."""

    def __init__(self, program: Program, array: MultipliesTiles | None, rounding: Rounding, x: Values) -> None:
        self.program, self.array, self.rounding = program, array, rounding
        self.arena = np.repeat(program.arena[np.newaxis].astype(np.float64), len(x), axis=0)
        self.codes = program.encode(x).astype(np.float64) if rounding.formats else _exact(program, x)

    def run(self) -> tuple[Values, Values]:
        """Return the arena as each sweep left it and the outputs, (batch, time, ...)."""
        (phase,) = self.program.phases
        batch, time, _ = self.codes.shape
        arenas, outputs = np.zeros((batch, time, self.arena.shape[1])), np.zeros((batch, time, phase.output[1]))
        records = self.codes
        for index, t in self._order(time):
            sweep, first = phase.sweeps[index], phase.first_operations[index]
            if not phase.streams or index == 0:
                self._write(sweep.input_start, records[:, t, sweep.source : sweep.source + sweep.input_length])
            if (t + 1) % sweep.period == 0:
                for operation in self.program.operations[first : first + sweep.operations]:
                    self._execute(operation)
            written = self._written(index)
            arenas[:, t, written] = self.arena[:, written]
            given = self.arena[:, sweep.output_start : sweep.output_start + sweep.output_length]
            if index == len(phase.sweeps) - 1:
                outputs[:, t] = given
            elif not phase.streams:
                records = self._recorded(records, index, t, given)
        return arenas, outputs

    def _order(self, time: int) -> Iterator[tuple[int, int]]:
        """The (sweep, timestep) in the order in which they run."""
        (phase,) = self.program.phases
        count = len(phase.sweeps)
        if phase.streams:
            yield from ((index, t) for t in range(time) for index in range(count))
            return
        for index, sweep in enumerate(phase.sweeps):
            yield from ((index, t) for t in (reversed(range(time)) if sweep.reverse else range(time)))

    def _recorded(self, records: Values, index: int, t: int, given: Values) -> Values:
        """Records with what a sweep adds at a timestep behind what those before it added."""
        sweeps = self.program.phases[0].sweeps
        start = self.codes.shape[2] + sum(sweep.output_length for sweep in sweeps[:index])
        if records.shape[2] < start + given.shape[1]:
            records = np.concatenate([records, np.zeros((*records.shape[:2], given.shape[1]))], axis=2)
        records[:, t, start : start + given.shape[1]] = given
        return records

    def _written(self, index: int) -> list[int]:
        """The arena indices that a sweep writes."""
        (phase,) = self.program.phases
        sweep, first = phase.sweeps[index], phase.first_operations[index]
        places = [(sweep.input_start, sweep.input_length)]
        places += [(operation.result, operation.length) for operation in self.program.operations[first : first + sweep.operations]]
        return [code for start, length in places for code in range(start, start + length)]

    def _write(self, start: int, values: Values) -> None:
        self.arena[:, start : start + values.shape[1]] = values

    def _execute(self, operation: Operation) -> None:
        if operation.kind == "multiply":
            results = self._multiply(operation)
        else:
            starts = (operation.a, operation.b, operation.c, operation.d)
            results = _ELEMENTWISE[operation.kind](operation, *(self.arena[:, at : at + operation.length] for at in starts))
        if self.rounding.activation if operation.kind == "activate" else self.rounding.formats:
            results = np.clip(_rounded(results), CODE_MIN, CODE_MAX)
        self._write(operation.result, results)

    def _multiply(self, operation: Operation) -> Values:
        matrix = self.program.matrices[operation.matrix]
        rows = self.arena[:, operation.a : operation.a + len(matrix.weights)]
        if self.rounding.dac or self.array is not None:
            held = np.clip(_rounded(rows), CODE_MIN, CODE_MAX).astype(np.int16)
            rows = dac_codes(held, self.program.hardware.dac_bits).astype(np.float64)
        if self.program.hardware.adc_bits is None:
            sums = rows @ matrix.weights.astype(np.float64)
        else:
            sums = np.zeros((len(rows), matrix.weights.shape[1]))
            for tile in matrix.tiles:
                driven = rows[:, tile.row : tile.row + tile.rows]
                columns = slice(tile.column, tile.column + tile.columns)
                if self.array is not None:
                    codes = self.array.multiply_tile(tile, driven.astype(np.int16)).astype(np.float64)
                else:
                    weights = matrix.weights[tile.row : tile.row + tile.rows, columns].astype(np.float64)
                    pairing = self.program.hardware.pairing
                    exact = driven @ column_weights(weights, pairing) * (tile.gain * 2.0**-tile.gain_shift)
                    codes = differences(self._converted(exact), pairing)
                    codes = np.clip(codes, CODE_MIN, CODE_MAX) if self.rounding.adc else codes
                sums[:, columns] += codes * 2.0**tile.align
        return np.asarray((sums * matrix.mantissa + matrix.bias) * 2.0 ** -matrix.shift.astype(np.float64))

    def _converted(self, codes: Values) -> Values:
        bits = self.program.hardware.adc_bits
        if not self.rounding.adc or bits is None:
            return codes
        return adc_grid(_rounded(codes * 2.0 ** (bits - 16)), bits)[0].astype(np.float64)


def _exact(program: Program, x: Values) -> Values:
    """Inputs in units of codes, not rounded."""
    factors = [np.full(part.length, 2.0**part.fraction / part.scale) for part in program.inputs[0]]
    return np.asarray(x * np.concatenate(factors))


def _rounded(values: Values) -> Values:
    return np.floor(values + 0.5)


def _activate(operation: Operation, a: Values, *_: Values) -> Values:
    result = FUNCTIONS[operation.function](a * 2.0**-operation.fraction)
    return np.asarray(result) * 2.0 ** FUNCTION_BY_NAME[operation.function].result_fraction


def _product_sum(operation: Operation, a: Values, b: Values, c: Values, d: Values) -> Values:
    return (a * b * 2.0**operation.shift_ab + c * d * 2.0**operation.shift_cd) * 2.0**-operation.shift


def _sum(operation: Operation, a: Values, b: Values, *_: Values) -> Values:
    return (a * 2.0**operation.shift_ab + b * 2.0**operation.shift_cd) * 2.0**-operation.shift


_ELEMENTWISE: dict[str, Callable[..., Values]] = {
    "activate": _activate,
    "product": lambda operation, a, b, *_: a * b * 2.0**-operation.shift,
    "product_sum": _product_sum,
    "sum": _sum,
    "complement": lambda operation, a, *_: 2.0**operation.shift - a,
    "interpolate": lambda _, a, b, c, __: (a * b + (UNIT - a) * c) / UNIT,
    "copy": lambda operation, a, *_: a * 2.0 ** (operation.shift_ab - operation.shift),
    "clamp": lambda _, a, b, c, __: np.minimum(np.maximum(a, b), c),
}
