"""A case and its measurement: float beside an independent oracle, then the integer program on everything that runs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from zlib import crc32

import numpy as np

from fxlstm.board.board import Board
from fxlstm.network import Model
from fxlstm.program.hardware import Hardware
from oracles.runners import COLUMNS, Definition, runners
from oracles.tasks import Array, Task

FLOAT64, FLOAT32 = 1e-12, 1e-5  # largest difference that rounding of the oracle's floats may make

FLOOR = {16: 60.0, 8: 30.0}  # least dB of signal to noise, by the bits of a weight

# By the bits of a weight with its sign. Converters have 16 bits.
HARDWARE = {16: Hardware(levels=32768), 8: Hardware(levels=128)}


@dataclass(frozen=True, eq=False)
class Case:
    """A network, what it is asked for, and what ``oracle`` says that it gives, ``expected``, to within ``limit``."""

    name: str
    oracle: str
    network: Model
    task: Task
    expected: Array
    limit: float = FLOAT64


@dataclass(frozen=True)
class Measured:
    """One row: the largest difference from the oracle, dB of signal to noise by weight bits, codes compared, and different ones."""

    name: str
    oracle: str
    difference: float
    limit: float
    codes: int
    signal_to_noise: Mapping[int, float] = field(default_factory=dict)
    different: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_green(self) -> bool:
        """Whether float is what the oracle says, every executor gives the reference's codes, and these follow float."""
        follows = all(ratio >= FLOOR[bits] for bits, ratio in self.signal_to_noise.items())
        return self.difference <= self.limit and not any(self.different.values()) and follows


def generator(name: str) -> np.random.Generator:
    """The random numbers of a case, the same whatever stands before it."""
    return np.random.default_rng(crc32(name.encode()))


def measure(case: Case, board: Board) -> Measured:
    """Run a case on everything."""
    floats = case.task.floats(case.network)
    if floats.shape != case.expected.shape:
        raise AssertionError(f"{case.name}: outputs {floats.shape}, {case.oracle} gives {case.expected.shape}")
    codes, different, ratios = 0, dict.fromkeys(COLUMNS, 0), {}
    for bits, hardware in HARDWARE.items():
        program = case.task.program(case.network, hardware)
        wanted = case.task.values(Definition(program))
        codes += wanted.size
        ratios[bits] = decibel(floats, wanted)
        for name, runner in runners(program, board).items():
            different[name] += int((case.task.values(runner) != wanted).sum())
    difference = float(np.abs(floats - case.expected).max())
    return Measured(case.name, case.oracle, difference, case.limit, codes, ratios, different)


def decibel(wanted: Array, got: Array) -> float:
    """Signal to noise."""
    return float(10 * np.log10(np.sum(wanted**2) / np.sum((got - wanted) ** 2)))
