"""The integer program: what ``quantize`` makes, ``.fxl`` stores and every executor runs. Plain data, integers only.

Two programs are the same when their images are: compare ``to_bytes()``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate, groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fxlstm.errors import ModelError, ProgramError
from fxlstm.network.layers.layer import as_float
from fxlstm.program.formats import UNIT_FRACTION, decode, encode
from fxlstm.program.hardware import Hardware
from fxlstm.program.placement import Placement
from fxlstm.program.report import Report

Codes = NDArray[np.int16]


@dataclass(frozen=True)
class Operation:
    """One vector operation on arena slices; fields as in ``layout.OPERATION``, ``kind`` is the operation's name."""

    kind: str
    length: int
    result: int
    a: int
    b: int = 0
    c: int = 0
    d: int = 0
    shift: int = 0
    shift_ab: int = 0
    shift_cd: int = 0
    function: str = "sigmoid"
    fraction: int = 0
    matrix: int = 0


@dataclass(frozen=True)
class Tile:
    """A rectangle of a matrix that one array multiplies at once, with its gain and its place; as ``layout.TILE``."""

    row: int
    rows: int
    column: int
    columns: int
    gain: int
    gain_shift: int
    align: int = 0
    range: int = 0
    array: int = 0
    array_row: int = 0
    array_column: int = 0


@dataclass(frozen=True, eq=False)
class Matrix:
    """Level differences of one product, ``weights[row, column]``, with per-column rescale and its tiles.

    ``weights``: int16, (rows, columns), abs <= levels - 1. ``mantissa``, ``shift``, ``bias``: one per column.
    """

    name: str
    weights: Codes
    mantissa: NDArray[np.int64]
    shift: NDArray[np.int64]
    bias: NDArray[np.int64]
    tiles: tuple[Tile, ...] = ()


@dataclass(frozen=True)
class Slice:
    """A named piece of the arena with its fixed-point format: value = code * 2**-fraction * scale."""

    name: str
    start: int
    length: int
    fraction: int
    scale: float = 1.0


@dataclass(frozen=True)
class Sweep:
    """One pass over a sequence by so many of the program's operations; fields as in ``layout.SWEEP``.

    The first ``step_operations`` run whenever the sweep runs, the rest when an output is wanted; fewer than ``operations`` only
    where the sweep ends its phase and its period is 1.
    """

    operations: int
    step_operations: int
    reverse: bool = False
    returns_last: bool = False
    phase: int = 0
    period: int = 1
    source: int = 0
    input_start: int = 0
    input_length: int = 0
    output_start: int = 0
    output_length: int = 0


@dataclass(frozen=True)
class Phase:
    """Consecutive sweeps over one sequence. The arena lives on from a phase to the next: an encoder hands its states to a decoder.

    ``input``, ``output``: arena start and length. ``streams``: all sweeps run forward, so they run timestep by timestep, one after
    another, and meet in the arena. Otherwise each passes over the whole sequence in turn: every timestep has a record, the
    phase's input and then what each sweep but the last adds, in order; a sweep reads ``input_length`` codes of it from ``source``.
    """

    sweeps: tuple[Sweep, ...]
    first_operation: int

    @property
    def input(self) -> tuple[int, int]:
        """Arena start and length of what the first sweep reads."""
        return self.sweeps[0].input_start, self.sweeps[0].input_length

    @property
    def output(self) -> tuple[int, int]:
        """Arena start and length of what the last sweep gives."""
        return self.sweeps[-1].output_start, self.sweeps[-1].output_length

    @property
    def returns_last(self) -> bool:
        """Whether a sequence gives its last output only."""
        return self.sweeps[-1].returns_last

    @property
    def streams(self) -> bool:
        """Whether it runs timestep by timestep; where a sweep runs backward, the whole sequence is needed first."""
        return not any(sweep.reverse for sweep in self.sweeps)

    @property
    def first_operations(self) -> tuple[int, ...]:
        """The program's number of each sweep's first operation."""
        counts = (sweep.operations for sweep in self.sweeps[:-1])
        return tuple(accumulate(counts, initial=self.first_operation))


def phases_of(sweeps: Sequence[Sweep]) -> tuple[Phase, ...]:
    """Return the runs of sweeps of one phase number, in order."""
    phases: list[Phase] = []
    first = 0
    for _, group in groupby(sweeps, key=lambda sweep: sweep.phase):
        phases.append(Phase(tuple(group), first))
        first += sum(sweep.operations for sweep in phases[-1].sweeps)
    return tuple(phases)


Parts = tuple[Slice, ...]


@dataclass(frozen=True, eq=False)
class Program:
    """An integer program. Make one with :func:`fxlstm.quantize` or :meth:`load`; run it with :class:`fxlstm.Engine`.

    ``arena`` holds the contents at reset, ``sweeps`` share the operations out. ``inputs`` and ``outputs``: for each phase the parts
    of its input and output, one after another in the arena, each with its own format: value = code * 2**-fraction * scale.
    ``slices`` name parts of the arena for reports.
    """

    hardware: Hardware
    arena: Codes
    operations: tuple[Operation, ...]
    matrices: tuple[Matrix, ...]
    sweeps: tuple[Sweep, ...]
    inputs: tuple[Parts, ...]
    outputs: tuple[Parts, ...]
    slices: tuple[Slice, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of_one_sweep(
        cls,
        hardware: Hardware,
        arena: Codes,
        operations: tuple[Operation, ...],
        matrices: tuple[Matrix, ...],
        input: Slice,
        output: Slice,
        step_operations: int | None = None,
        returns_last: bool = False,
    ) -> Program:
        """Return the program that runs all operations forward in time; ``step_operations`` as of a :class:`Sweep`, else all."""
        steps = len(operations) if step_operations is None else step_operations
        sweep = Sweep(
            len(operations),
            steps,
            returns_last=returns_last,
            input_start=input.start,
            input_length=input.length,
            output_start=output.start,
            output_length=output.length,
        )
        return cls(hardware, arena, operations, matrices, (sweep,), ((input,),), ((output,),))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Program:
        """Read a program from an ``.fxl`` file. Raises :class:`~fxlstm.errors.ImageError` when the file is not sound."""
        from fxlstm.program import image

        return image.load(path)

    @cached_property
    def phases(self) -> tuple[Phase, ...]:
        """The runs of sweeps of one phase number, in order."""
        return phases_of(self.sweeps)

    @cached_property
    def input(self) -> Slice:
        """The first phase's input as a whole, with the format of its first part."""
        return whole("x", self.inputs[0])

    @cached_property
    def output(self) -> Slice:
        """The last phase's output as a whole, with the format of its first part."""
        return whole("y", self.outputs[-1])

    @cached_property
    def returns_last(self) -> bool:
        """Whether a sequence gives its last output only."""
        return self.sweeps[-1].returns_last

    @cached_property
    def streams(self) -> bool:
        """Whether the program can run timestep by timestep: one that also reads backward needs its whole sequence."""
        return not any(sweep.reverse for sweep in self.sweeps)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the program to an ``.fxl`` file, whole or not at all. Raises :class:`~fxlstm.errors.ProgramError` otherwise."""
        from fxlstm.program import image

        image.save(self, path)

    def to_bytes(self) -> bytes:
        """Return the ``.fxl`` image, the form in which executors and boards take a program."""
        from fxlstm.program import image

        return image.to_bytes(self)

    def report(self) -> Report:
        """Return what quantization cost, stage by stage, as measured on the calibration data."""
        return Report.of(self.metadata.get("report"))

    def placement(self) -> Placement:
        """Return where the program's tiles stand. Raises :class:`~fxlstm.errors.ArrayError` for one that stands on no array."""
        return Placement.of(self.hardware, ((matrix.name, tile) for matrix in self.matrices for tile in matrix.tiles))

    def order(self, part: Slice) -> NDArray[np.intp]:
        """Return which element of a named vector stands at each of its codes, (length,): as they count, unless units were remapped.

        Raises :class:`~fxlstm.errors.ProgramError` where the metadata say something else than an order.
        """
        orders = self.metadata.get("order", {})
        order = orders.get(part.name, list(range(part.length))) if isinstance(orders, dict) else None
        if not isinstance(order, list) or sorted(map(str, order)) != sorted(map(str, range(part.length))):
            raise ProgramError(f"the metadata's order of {part.name!r} is not one of its {part.length} elements; remap it again")
        return np.array(order, np.intp)

    def encode(self, x: Any, phase: int = 0, times: Any = None) -> Codes:
        """Return a phase's input codes of float inputs, of any shape where one format holds all of them, else (..., inputs).

        NaN and infinity are refused, large values saturate. For a network with time gates x is (time, features) or (batch, time,
        features), and ``times`` are those of the timesteps; their numbers where not given.
        """
        parts = self.inputs[phase]
        if phase == 0 and (times is not None or self.metadata.get("time_gates")):
            from fxlstm.program.running.time_gates import timed

            x = timed(self, x, times)
        if shared := shared_format(parts):
            return encode(x, *shared)
        values = as_float(x, "the input")
        length = sum(part.length for part in parts)
        if values.shape[-1:] != (length,):
            raise ModelError(f"the input has shape {values.shape}; give {length} features")
        pieces = _split(values, parts)
        return np.concatenate([encode(piece, part.fraction, part.scale) for piece, part in pieces], axis=-1)

    def decode(self, codes: Codes, phase: int = -1) -> NDArray[np.float64]:
        """Return the values that a phase's output codes stand for, (..., outputs)."""
        parts = self.outputs[phase]
        if shared := shared_format(parts):
            return decode(codes, *shared)
        pieces = _split(np.asarray(codes), parts)
        return np.concatenate([decode(piece, part.fraction, part.scale) for piece, part in pieces], axis=-1)


def whole(name: str, parts: Parts) -> Slice:
    """Return the slice of all parts together: the only one, else one of that name with the format of the first."""
    if len(parts) == 1:
        return parts[0]
    fraction, scale = _format(parts)
    return Slice(name, parts[0].start if parts else 0, sum(part.length for part in parts), fraction, scale)


def shared_format(parts: Parts) -> tuple[int, float] | None:
    """Return fraction and scale of all parts, or ``None`` where they differ."""
    return _format(parts) if len({(part.fraction, part.scale) for part in parts}) <= 1 else None


def _format(parts: Parts) -> tuple[int, float]:
    return (parts[0].fraction, parts[0].scale) if parts else (UNIT_FRACTION, 1.0)


def _split(values: NDArray[Any], parts: Parts) -> Iterator[tuple[NDArray[Any], Slice]]:
    """Return the piece of the last axis that belongs to each part, with the part."""
    ends = list(accumulate(part.length for part in parts))
    return zip(np.split(values, ends[:-1], axis=-1), parts, strict=True)
