"""The reference interpreter: what a program means, in plain Python integers, one line per rule, with no care for speed.

Every other executor (host kernels, firmware, emulated processors) must give the same integers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import mul
from typing import Protocol

import numpy as np

from fxlstm.errors import ProgramError
from fxlstm.program.activations import activation
from fxlstm.program.formats import adc, dac, round_shift, saturate
from fxlstm.program.pairs import COLUMN_PAIRS, pair_code
from fxlstm.program.program import Codes, Matrix, Operation, Phase, Program, Tile
from fxlstm.program.running.runs import check_runs

Rows = list[list[int]]
AfterSweep = Callable[[int, int], None]  # is told a sweep's number in its phase, and a timestep

UNIT = 32768  # 1.0 in Q0.15, one above the largest code


class MultipliesTiles(Protocol):
    """An array of crossbar devices: row codes (sequences, rows) in, ADC codes on the 16-bit grid (sequences, columns) out."""

    def multiply_tile(self, tile: Tile, codes: Codes) -> Codes:
        """Multiply codes that have passed the DAC stage by one tile."""
        ...


@dataclass
class Clipped:
    """Codes of one operation that saturation changed: by the ADC of the integer array, and in the result."""

    adc: int = 0
    result: int = 0


class Reference:
    """One sequence of a program, executed by the definition.

    ``array`` multiplies the tiles instead of the exact integers; its clipping is its own affair and not counted here.
    ``arena`` is the working memory, ``clipped`` counts per operation since the object was made.
    """

    def __init__(self, program: Program, array: MultipliesTiles | None = None) -> None:
        if array is not None and program.hardware.adc_bits is None:
            raise ProgramError("a program without an ADC stage cannot run on an array; quantize with adc_bits")
        self.program = program
        self.array = array
        self.clipped = [Clipped() for _ in program.operations]
        self._columns: list[list[list[int]]] = [matrix.weights.T.tolist() for matrix in program.matrices]
        self.reset()

    def reset(self) -> None:
        """Put the arena back to its contents at reset: zero states, constants in place."""
        self.arena: list[int] = self.program.arena.tolist()
        self.timestep = 0  # of those run by ``step``

    def step(self, codes: Sequence[int] | Codes | None, want_output: bool = True) -> list[int] | None:
        """Run one timestep on the input codes; return the output codes, or ``None`` when no output is wanted.

        ``None`` for codes: on what the operations left at the input.
        """
        (phase, *others), length = self.program.phases, self.program.input.length
        if others or not phase.streams:
            raise ProgramError("a bidirectional network needs its whole sequence; use run_codes instead of step")
        if codes is not None and len(codes) != length:
            raise ProgramError(f"{len(codes)} input codes, but the program takes {length} per timestep")
        given = None if codes is None else [int(code) for code in codes]
        self.timestep += 1
        return self._step_all(phase, given, self.timestep - 1, want_output)

    def run_codes(self, codes: Codes, initial: Mapping[int, Codes] | None = None) -> Codes:
        """Run whole sequences from reset: (time, inputs) or (batch, time, inputs) in, outputs in the same form.

        The time axis is missing from the outputs of a program that returns its last output only. ``initial``: codes to put into
        the arena after reset, by their index there; (length,), or (batch, length).
        """
        features = self.program.input.length
        if codes.ndim not in (2, 3) or not codes.shape[-2] or codes.shape[-1] != features:
            raise ProgramError(
                f"input codes of shape {codes.shape}; give (time, {features}) or (batch, time, {features}), time at least 1"
            )
        return self.run_phases([codes], [codes.shape[-2]], initial)

    def run_phases(self, inputs: Sequence[Codes], timesteps: Sequence[int], initial: Mapping[int, Codes] | None = None) -> Codes:
        """Run every phase from reset for so many ``timesteps``; return the outputs of the last phase as :meth:`run_codes` does.

        ``inputs``: for each phase codes (given, inputs) or (batch, given, inputs), at most its timesteps; a phase that streams runs
        the later ones on what the operations leave at its input.
        """
        check_runs(self.program, inputs, timesteps)
        if inputs[0].ndim == 3:
            starts = [{start: values[index] for start, values in (initial or {}).items()} for index in range(len(inputs[0]))]
            batch = [([codes[index] for codes in inputs], own) for index, own in enumerate(starts)]
            return np.stack([self.run_phases(sequence, timesteps, own) for sequence, own in batch])
        self.reset()
        for start, values in (initial or {}).items():
            self._write(start, values.tolist())
        for phase, codes, count in zip(self.program.phases, inputs, timesteps, strict=True):
            outputs = self._run(phase, codes, count, phase.returns_last)
        return np.array(outputs[-1] if self.program.returns_last else outputs, dtype=np.int16)

    def trace_codes(self, codes: Codes) -> Codes:
        """Run one sequence from reset, an output wanted at every timestep; return what each left in the arena, (time, arena).

        A code is as the sweep that writes it left it.
        """
        return self.trace_phases([codes], [len(codes)])[0]

    def trace_phases(self, inputs: Sequence[Codes], timesteps: Sequence[int]) -> list[Codes]:
        """Trace every phase in turn as :meth:`trace_codes` does a program of one; arguments as of :meth:`run_phases`."""
        check_runs(self.program, inputs, timesteps)
        self.reset()
        return [
            self._trace(phase, codes, count) for phase, codes, count in zip(self.program.phases, inputs, timesteps, strict=True)
        ]

    def _trace(self, phase: Phase, codes: Codes, timesteps: int) -> Codes:
        arenas = np.zeros((timesteps, len(self.arena)), dtype=np.int16)
        written = [self._written_by(phase, index) for index in range(len(phase.sweeps))]

        def keep(index: int, timestep: int) -> None:
            arenas[timestep, written[index]] = np.array(self.arena, dtype=np.int16)[written[index]]

        self._run(phase, codes, timesteps, last_only=False, after_sweep=keep)
        return arenas

    def _run(self, phase: Phase, codes: Codes, timesteps: int, last_only: bool, after_sweep: AfterSweep = lambda *_: None) -> Rows:
        """Run a phase; return its outputs where they are wanted, else an empty list at each timestep."""
        given: Rows = codes.tolist()
        if not phase.streams:
            return self._run_whole(phase, given if phase.input[1] else [[]] * timesteps, last_only, after_sweep)
        outputs = []
        for t in range(timesteps):
            wanted = t == timesteps - 1 or not last_only
            row = given[t] if t < len(given) else None
            outputs.append(self._step_all(phase, row, t, wanted, after_sweep) or [])
        return outputs

    def _run_whole(self, phase: Phase, records: Rows, last_only: bool, after_sweep: AfterSweep) -> Rows:
        """Run sweep after sweep over all timesteps; every timestep has a record."""
        records = [list(record) for record in records]
        outputs: Rows = []
        timesteps = range(len(records))
        for index, sweep in enumerate(phase.sweeps):
            last = index == len(phase.sweeps) - 1
            for t in reversed(timesteps) if sweep.reverse else timesteps:
                wanted = not last or t == timesteps[-1] or not last_only
                self._write(sweep.input_start, records[t][sweep.source : sweep.source + sweep.input_length])
                self._step(phase, index, t, wanted)
                result = self._read(sweep.output_start, sweep.output_length) if wanted else []
                if last:
                    outputs.append(result)
                else:
                    records[t] += result
                after_sweep(index, t)
        return outputs

    def _step_all(
        self,
        phase: Phase,
        codes: list[int] | None,
        timestep: int,
        want_output: bool,
        after_sweep: AfterSweep = lambda *_: None,
    ) -> list[int] | None:
        """Run one timestep of a phase that streams; return its output, or ``None`` when none is wanted."""
        if codes is not None:
            self._write(phase.input[0], codes)
        for index in range(len(phase.sweeps)):
            self._step(phase, index, timestep, want_output)
            after_sweep(index, timestep)
        return self._read(*phase.output) if want_output else None

    def _step(self, phase: Phase, index: int, timestep: int, want_output: bool) -> None:
        """Run a sweep's operations at one timestep."""
        sweep, first = phase.sweeps[index], phase.first_operations[index]
        if (timestep + 1) % sweep.period == 0:
            for operation in range(first, first + (sweep.operations if want_output else sweep.step_operations)):
                self._execute(operation)

    def _written_by(self, phase: Phase, index: int) -> list[int]:
        """Return the arena indices that a sweep writes."""
        sweep, first = phase.sweeps[index], phase.first_operations[index]
        places = [(sweep.input_start, sweep.input_length)]
        operations = self.program.operations[first : first + sweep.operations]
        places += [(operation.result, operation.length) for operation in operations]
        return sorted({code for start, length in places for code in range(start, start + length)})

    def _read(self, start: int, length: int) -> list[int]:
        return self.arena[start : start + length]

    def _write(self, start: int, codes: list[int]) -> None:
        self.arena[start : start + len(codes)] = codes

    def _execute(self, index: int) -> None:
        operation = self.program.operations[index]
        if operation.kind == "multiply":
            results = self._multiply(index, operation)
        else:
            results = _ELEMENTWISE[operation.kind](operation, *self._operands(operation))
        codes = [saturate(result) for result in results]
        self.clipped[index].result += sum(code != result for code, result in zip(codes, results, strict=True))
        self._write(operation.result, codes)

    def _operands(self, operation: Operation) -> list[list[int]]:
        return [self._read(start, operation.length) for start in (operation.a, operation.b, operation.c, operation.d)]

    def _multiply(self, index: int, operation: Operation) -> list[int]:
        matrix = self.program.matrices[operation.matrix]
        rows = [dac(code, self.program.hardware.dac_bits) for code in self._read(operation.a, len(matrix.weights))]
        if self.program.hardware.adc_bits is None:
            sums = [sum(map(mul, rows, column)) for column in self._columns[operation.matrix]]
        else:
            sums = self._add_tiles(index, operation.matrix, matrix, rows)
        scales = zip(sums, matrix.mantissa.tolist(), matrix.bias.tolist(), matrix.shift.tolist(), strict=True)
        return [round_shift(total * mantissa + bias, shift) for total, mantissa, bias, shift in scales]

    def _add_tiles(self, index: int, matrix_index: int, matrix: Matrix, rows: list[int]) -> list[int]:
        sums = [0] * matrix.weights.shape[1]
        for tile in matrix.tiles:
            driven = rows[tile.row : tile.row + tile.rows]
            if self.array is None:
                codes = self._convert_tile(index, matrix_index, tile, driven)
            else:
                codes = self.array.multiply_tile(tile, np.array([driven], dtype=np.int16))[0].tolist()
            for column, code in enumerate(codes, tile.column):
                sums[column] += code << tile.align
        return sums

    def _convert_tile(self, index: int, matrix_index: int, tile: Tile, rows: list[int]) -> list[int]:
        codes = []
        for column in self._columns[matrix_index][tile.column : tile.column + tile.columns]:
            weights = column[tile.row : tile.row + tile.rows]
            if self.program.hardware.pairing == COLUMN_PAIRS:
                positive = self._convert_column(index, tile, rows, [max(weight, 0) for weight in weights])
                negative = self._convert_column(index, tile, rows, [max(-weight, 0) for weight in weights])
                code, clipped = pair_code(positive, negative)
                self.clipped[index].adc += clipped
            else:
                code = self._convert_column(index, tile, rows, weights)
            codes.append(code)
        return codes

    def _convert_column(self, index: int, tile: Tile, rows: list[int], weights: list[int]) -> int:
        bits = self.program.hardware.adc_bits
        assert bits is not None
        code, clipped = adc(sum(map(mul, rows, weights)) * tile.gain, tile.gain_shift, bits)
        self.clipped[index].adc += clipped
        return code


Values = list[int]


def _activate(operation: Operation, a: Values, *_: Values) -> Values:
    return [activation(operation.function, operation.fraction, code) for code in a]


def _product(operation: Operation, a: Values, b: Values, *_: Values) -> Values:
    return [round_shift(x * y, operation.shift) for x, y in zip(a, b, strict=True)]


def _product_sum(operation: Operation, a: Values, b: Values, c: Values, d: Values) -> Values:
    ab, cd = operation.shift_ab, operation.shift_cd
    return [round_shift((w * x << ab) + (y * z << cd), operation.shift) for w, x, y, z in zip(a, b, c, d, strict=True)]


def _sum(operation: Operation, a: Values, b: Values, *_: Values) -> Values:
    return [round_shift((x << operation.shift_ab) + (y << operation.shift_cd), operation.shift) for x, y in zip(a, b, strict=True)]


def _complement(operation: Operation, a: Values, *_: Values) -> Values:
    return [(1 << operation.shift) - x for x in a]


def _interpolate(operation: Operation, a: Values, b: Values, c: Values, _: Values) -> Values:
    return [round_shift(x * y + (UNIT - x) * z, 15) for x, y, z in zip(a, b, c, strict=True)]


def _copy(operation: Operation, a: Values, *_: Values) -> Values:
    return [round_shift(x << operation.shift_ab, operation.shift) for x in a]


def _clamp(_: Operation, a: Values, b: Values, c: Values, __: Values) -> Values:
    return [min(max(x, low), high) for x, low, high in zip(a, b, c, strict=True)]


_ELEMENTWISE: dict[str, Callable[..., Values]] = {
    "activate": _activate,
    "product": _product,
    "product_sum": _product_sum,
    "sum": _sum,
    "complement": _complement,
    "interpolate": _interpolate,
    "copy": _copy,
    "clamp": _clamp,
}
