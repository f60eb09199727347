"""The integer program: what ``quantize`` makes, ``.fxl`` stores and every executor runs. Plain data, integers only.

Two programs are the same when their images are: compare ``to_bytes()``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fxlstm.program.formats import decode, encode
from fxlstm.program.hardware import Hardware

if TYPE_CHECKING:
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

    Every timestep has a record: the program's input, then what each sweep but the last adds, in order. A sweep reads
    ``input_length`` codes of it from ``source`` on, so what two sweeps give stands there one after the other.
    """

    operations: int
    reverse: bool
    source: int
    input_start: int
    input_length: int
    output_start: int
    output_length: int


@dataclass(frozen=True, eq=False)
class Program:
    """An integer program. Make one with :func:`fxlstm.quantize` or :meth:`load`; run it with :class:`fxlstm.Engine`.

    ``operations[:step_operations]`` run at every timestep, the rest when an output is wanted. ``arena`` holds the contents at
    reset. ``slices`` name parts of the arena for reports. ``input`` and ``output`` are slices; their scales turn
    floats into codes and back: value = code * 2**-fraction * scale. ``sweeps`` share the operations out; where there are none,
    all operations are one sweep forward in time. The last one is forward, and ``step_operations`` end in it.
    """

    hardware: Hardware
    arena: Codes
    operations: tuple[Operation, ...]
    step_operations: int
    matrices: tuple[Matrix, ...]
    input: Slice
    output: Slice
    returns_last: bool = False
    slices: tuple[Slice, ...] = ()
    sweeps: tuple[Sweep, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Program:
        """Read a program from an ``.fxl`` file. Raises :class:`~fxlstm.errors.ImageError` when the file is not sound."""
        from fxlstm.program import image

        return image.load(path)

    @property
    def streams(self) -> bool:
        """Whether the program can run timestep by timestep: one that also reads backward needs its whole sequence."""
        return len(self.sweeps) <= 1

    @property
    def every_sweep(self) -> tuple[Sweep, ...]:
        """The sweeps, also where the program leaves its only one unsaid."""
        source, result = self.input, self.output
        whole = Sweep(len(self.operations), False, 0, source.start, source.length, result.start, result.length)
        return self.sweeps or (whole,)

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
        from fxlstm.program.report import Report

        return Report.of(self)

    def encode(self, x: Any) -> Codes:
        """Return the input codes of float inputs, of any shape; NaN and infinity are refused, large values saturate."""
        return encode(x, self.input.fraction, self.input.scale)

    def decode(self, codes: Codes) -> NDArray[np.float64]:
        """Return the values that output codes stand for."""
        return decode(codes, self.output.fraction, self.output.scale)
