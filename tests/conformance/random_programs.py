"""Random legal programs: every kind of operation on random slices, not only what a quantizer would make.

A seed always gives the same program and inputs. Most shifts and gains are chosen so that results stay in range and all bits
matter; some are as large as the rules allow.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain, pairwise
from random import Random

import numpy as np
from numpy.typing import NDArray

from fxlstm.program.hardware import Hardware
from fxlstm.program.layout import PAIRINGS
from fxlstm.program.operations import FUNCTIONS, MAX_LEFT_SHIFT, MAX_RIGHT_SHIFT, OPERATION_BY_NAME, OPERATIONS
from fxlstm.program.pairs import device_shape
from fxlstm.program.program import Codes, Matrix, Operation, Parts, Program, Slice, Sweep, Tile, whole

EDGES = (-32768, -32767, -1, 0, 1, 32766, 32767)
ROW_PEAK = 32767
ADC_PEAK = 32768
BOUND = 2**63 - 1


@dataclass(frozen=True)
class Run:
    """What a program is given: for each phase input codes (batch, given, inputs), and for how many timesteps it is to run."""

    inputs: list[Codes]
    timesteps: list[int]
    initial: dict[int, Codes] = field(default_factory=dict)  # codes (batch, length) that stand in the arena first, by their index

    @classmethod
    def of(cls, codes: Codes) -> Run:
        """The run of a program of one phase on codes (batch, time, inputs)."""
        return cls([codes], [codes.shape[1]])

    def initial_of(self, sequence: int) -> dict[int, Codes]:
        """The codes that stand first in one sequence's arena."""
        return {start: codes[sequence] for start, codes in self.initial.items()}

    @property
    def is_whole(self) -> bool:
        """Whether it is of one phase with inputs for every timestep, from reset."""
        return [codes.shape[1] for codes in self.inputs] == self.timesteps and len(self.timesteps) == 1 and not self.initial


def random_program(seed: int, most_phases: int = 3) -> Program:
    """The program of a seed; small, so that the reference interpreter is quick."""
    random = Random(seed)
    hardware = _hardware(random)
    length = random.randint(16, 48)
    matrices = tuple(_matrix(random, index, hardware) for index in range(random.randint(1, 2)))
    operations = tuple(_operation(random, length, matrices) for _ in range(random.randint(1, 9)))
    phases = min(random.choice((1, 1, 2, 3)), most_phases)
    counts = [end - first for first, end in pairwise(_edges(random, len(operations), phases - 1))]
    made = [_phase(random, number, count, number == phases - 1, length) for number, count in enumerate(counts)]
    sweeps, inputs, outputs = zip(*made, strict=True)
    return Program(hardware, _codes(random, length), operations, matrices, tuple(chain(*sweeps)), inputs, outputs)


def _edges(random: Random, length: int, cuts: int) -> list[int]:
    """0, so many places up to ``length``, and ``length``, in order."""
    return [0, *sorted(random.randint(0, length) for _ in range(cuts)), length]


def _phase(random: Random, number: int, count: int, last_phase: bool, arena: int) -> tuple[tuple[Sweep, ...], Parts, Parts]:
    """One to four sweeps that share out ``count`` operations, and the parts of their input and output."""
    x = () if number and random.random() < 0.4 else _parts(random, "x", arena)
    y = _parts(random, "y", arena) if last_phase or random.random() < 0.6 else ()
    cuts = random.randint(0, 3) if random.random() < 0.4 else 0
    directions = [random.random() < 0.5 for _ in range(cuts)] + [False]
    width = whole("x", x).length
    sweeps = []
    for index, ((first, end), reverse) in enumerate(zip(pairwise(_edges(random, count, cuts)), directions, strict=True)):
        last, period = index == cuts, random.choice((1, 1, 2, 3))
        entry = _slice(random, "", arena) if index else whole("x", x)
        result = whole("y", y) if last else _slice(random, "", arena)
        source = random.randint(0, max(width - 1, 0)) if index else 0
        reads = 0 if index and (not any(directions) or random.random() < 0.2) else min(entry.length, width - source)
        gives = 0 if not last and (not any(directions) or random.random() < 0.2) else result.length
        steps = random.randint(0, end - first) if last and period == 1 else end - first
        returns_last = last and random.random() < 0.3
        ends = entry.start, reads, result.start, gives
        sweeps.append(Sweep(end - first, steps, reverse, returns_last, number, period, source, *ends))
        width += gives
    return tuple(sweeps), x, y


def _parts(random: Random, name: str, arena: int) -> Parts:
    """One or two parts of a slice, in formats of their own."""
    piece = _slice(random, name, arena)
    cut = random.randint(0, piece.length - 1)
    ends = ((piece.start, cut), (piece.start + cut, piece.length - cut))
    return tuple(Slice(name, start, length, random.choice((15, 12))) for start, length in ends if length)


def random_run(seed: int, program: Program) -> Run:
    """Inputs for the program of a seed, sometimes initial states; phases that stream sometimes run on by themselves."""
    random = Random(f"inputs of {seed}")
    batch = random.randint(1, 3)
    inputs, timesteps = [], []
    for phase in program.phases:
        timesteps.append(random.randint(1, 4))
        alone = (phase.streams or not phase.input[1]) and random.random() < 0.4
        shape = (batch, random.randint(0, timesteps[-1]) if alone else timesteps[-1], phase.input[1])
        inputs.append(_codes(random, int(np.prod(shape))).reshape(shape))
    states = [_slice(random, "", len(program.arena)) for _ in range(random.choice((0, 0, 1, 2)))]
    initial = {part.start: _codes(random, batch * part.length).reshape(batch, part.length) for part in states}
    return Run(inputs, timesteps, initial)


def _hardware(random: Random) -> Hardware:
    return Hardware(
        levels=random.choice((2, 16, 128, 129, 256, 32768)),
        dac_bits=random.choice((16, 16, random.randint(2, 15))),
        adc_bits=random.choice((None, 16, random.randint(2, 15))),
        pairing=random.choice(PAIRINGS),
    )


def _codes(random: Random, count: int) -> Codes:
    edges = random.choice((0.0, 0.1, 0.5))
    codes = [random.choice(EDGES) if random.random() < edges else random.randint(-32768, 32767) for _ in range(count)]
    return np.array(codes, dtype=np.int16)


def _slice(random: Random, name: str, arena_length: int) -> Slice:
    length = random.randint(1, 5)
    return Slice(name, random.randint(0, arena_length - length), length, fraction=15)


# ---- matrices


def _matrix(random: Random, index: int, hardware: Hardware) -> Matrix:
    rows, columns = random.randint(1, 9), random.randint(1, 6)
    largest = random.choice((hardware.levels - 1, min(3, hardware.levels - 1)))
    weights = np.array([[random.randint(-largest, largest) for _ in range(columns)] for _ in range(rows)], dtype=np.int16)
    tiles = () if hardware.adc_bits is None else _tiles(random, index, weights, hardware)
    sums = [_largest_sum(weights, tiles, column) for column in range(columns)]
    mantissa, shift, bias = np.array([_scale(random, largest_sum) for largest_sum in sums], dtype=np.int64).T
    return Matrix(f"m{index}", weights, mantissa, shift, bias, tiles)


def _largest_sum(weights: Codes, tiles: tuple[Tile, ...], column: int) -> int:
    if not tiles:
        return int(np.abs(weights[:, column].astype(np.int64)).sum()) * ROW_PEAK
    return sum(ADC_PEAK << tile.align for tile in tiles if tile.column <= column < tile.column + tile.columns)


def _scale(random: Random, largest_sum: int) -> tuple[int, int, int]:
    """Mantissa, shift and bias of a column: any bias, and the mantissa legal, mostly such that results about fill 16 bits."""
    shift = random.randint(0, 62)
    half = 1 << shift >> 1
    wanted = (1 << (shift + 15 + random.randint(-3, 1))) // max(1, largest_sum)
    legal = (BOUND - half) // max(1, largest_sum)
    mantissa = min(random.choice((wanted, wanted, wanted, random.getrandbits(31), 2**31 - 1)), legal, 2**31 - 1)
    room = BOUND - half - largest_sum * mantissa
    bias = random.choice((0, random.randint(-room, room), random.randint(-room, room) >> random.randint(0, 62)))
    return mantissa, shift, bias


def _cuts(random: Random, length: int) -> list[tuple[int, int]]:
    """Cut 0..length into one to three pieces (start, length)."""
    inner = random.sample(range(1, length), min(length - 1, random.randint(0, 2)))
    edges = [0, *sorted(inner), length]
    return [(start, end - start) for start, end in pairwise(edges)]


def _tiles(random: Random, matrix: int, weights: NDArray[np.int16], hardware: Hardware) -> tuple[Tile, ...]:
    """Tiles in random order, each alone on its array, with gains about right for their weights."""
    pieces = [(*row, *column) for row in _cuts(random, weights.shape[0]) for column in _cuts(random, weights.shape[1])]
    random.shuffle(pieces)
    align_limit = random.choice((0, 3, 14))
    tiles = []
    for number, (row, rows, column, columns) in enumerate(pieces):
        block = weights[row : row + rows, column : column + columns].astype(np.int64)
        octaves = (int(np.abs(block).sum(axis=0).max()) * ROW_PEAK).bit_length() - 15
        gain = random.choice((1, 65535, random.randint(1, 65535)))
        gain_shift = octaves + gain.bit_length() + random.randint(-3, 1)
        device_rows, device_columns = device_shape(rows, columns, hardware.pairing)
        tiles.append(
            Tile(
                row,
                rows,
                column,
                columns,
                gain,
                random.choice((min(max(gain_shift, 0), MAX_RIGHT_SHIFT),) * 4 + (random.randint(0, MAX_RIGHT_SHIFT),)),
                align=random.randint(0, align_limit),
                array=16 * matrix + number,
                array_row=random.randint(0, hardware.rows - device_rows),
                array_column=random.randint(0, hardware.columns - device_columns),
            )
        )
    return tuple(tiles)


# ---- operations


def _operation(random: Random, arena_length: int, matrices: tuple[Matrix, ...]) -> Operation:
    kind = random.choice(OPERATIONS).name
    return _multiply(random, arena_length, matrices) if kind == "multiply" else _elementwise(random, kind, arena_length)


def _multiply(random: Random, arena_length: int, matrices: tuple[Matrix, ...]) -> Operation:
    index = random.randrange(len(matrices))
    rows, columns = matrices[index].weights.shape
    span = rows + rows % 2
    a = random.randrange(0, arena_length - span + 1, 2)
    apart = [start for start in range(arena_length - columns + 1) if start + columns <= a or start >= a + span]
    if not apart:
        return _elementwise(random, "copy", arena_length)
    return Operation("multiply", columns, random.choice(apart), a, matrix=index)


def _elementwise(random: Random, kind: str, arena_length: int) -> Operation:
    length = random.randint(1, 4)
    result = random.randint(0, arena_length - length)
    legal = [start for start in range(arena_length - length + 1) if start == result or abs(start - result) >= length]
    starts = {name: random.choice((result, random.choice(legal))) for name in OPERATION_BY_NAME[kind].operands}
    if kind == "activate":
        return Operation(kind, length, result, **starts, function=random.choice(FUNCTIONS).name, fraction=random.randint(0, 15))
    return Operation(kind, length, result, **starts, **_shifts(random, kind))


def _shifts(random: Random, kind: str) -> dict[str, int]:
    """Shifts of an element-wise operation: as a quantizer would choose them, or anything legal."""
    if kind == "interpolate":
        return {}
    if kind == "complement":
        return {"shift": random.choice((14, 15, random.randint(0, MAX_LEFT_SHIFT)))}
    left = random.choice((3, MAX_LEFT_SHIFT))
    shifts = {name: random.randint(0, left) for name in ("shift_ab", "shift_cd")}
    product = 15 if kind in ("product", "product_sum") else 0
    usual = product + random.randint(0, 3 if left == 3 else MAX_LEFT_SHIFT)
    return shifts | {"shift": min(random.choice((usual, usual, random.randint(0, MAX_RIGHT_SHIFT))), MAX_RIGHT_SHIFT)}
