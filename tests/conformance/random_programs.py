"""Random legal programs: every kind of operation on random slices, not only what a quantizer would make.

A seed always gives the same program and inputs. Most shifts and gains are chosen so that results stay in range and all bits
matter; some are as large as the rules allow.
"""

from __future__ import annotations

from itertools import pairwise
from random import Random

import numpy as np
from numpy.typing import NDArray

from fxlstm.program.hardware import Hardware
from fxlstm.program.operations import FUNCTIONS, MAX_LEFT_SHIFT, MAX_RIGHT_SHIFT, OPERATION_BY_NAME, OPERATIONS
from fxlstm.program.program import Codes, Matrix, Operation, Program, Slice, Sweep, Tile

EDGES = (-32768, -32767, -1, 0, 1, 32766, 32767)
ROW_PEAK = 32767
ADC_PEAK = 32768
BOUND = 2**63 - 1


def random_program(seed: int) -> Program:
    """The program of a seed; small, so that the reference interpreter is quick."""
    random = Random(seed)
    hardware = _hardware(random)
    length = random.randint(16, 48)
    matrices = tuple(_matrix(random, index, hardware) for index in range(random.randint(1, 2)))
    operations = tuple(_operation(random, length, matrices) for _ in range(random.randint(1, 7)))
    x, y = _slice(random, "x", length), _slice(random, "y", length)
    sweeps = _sweeps(random, len(operations), x, y, length)
    return Program(hardware, _codes(random, length), operations, matrices, sweeps, ((x,),), ((y,),))


def _sweeps(random: Random, count: int, x: Slice, y: Slice, arena: int) -> tuple[Sweep, ...]:
    """One to four sweeps that share out ``count`` operations, in one phase."""
    cuts = random.randint(0, 3) if random.random() < 0.4 else 0
    edges = [0, *sorted(random.randint(0, count) for _ in range(cuts)), count]
    directions = [random.random() < 0.5 for _ in range(cuts)] + [False]
    streams = not any(directions)
    width = x.length
    sweeps = []
    for index, ((first, end), reverse) in enumerate(zip(pairwise(edges), directions, strict=True)):
        last = index == cuts
        entry = _slice(random, "", arena) if index else x
        result = y if last else _slice(random, "", arena)
        source = random.randrange(width) if index else 0
        given = 0 if streams and index else min(entry.length, width - source)
        gives = 0 if streams and not last else result.length
        period = random.choice((1, 1, 2, 3))
        steps = random.randint(0, end - first) if last and period == 1 else end - first
        returns_last = last and random.random() < 0.3
        ends = entry.start, given, result.start, gives
        sweeps.append(Sweep(end - first, steps, reverse, returns_last, 0, period, source, *ends))
        width += gives
    return tuple(sweeps)


def random_inputs(seed: int, program: Program) -> Codes:
    """Input codes (batch, time, features) for the program of a seed."""
    random = Random(f"inputs of {seed}")
    shape = (random.randint(1, 3), random.randint(1, 3), program.input.length)
    return _codes(random, int(np.prod(shape))).reshape(shape)


def _hardware(random: Random) -> Hardware:
    return Hardware(
        levels=random.choice((2, 3, 16, 256, 32768)),
        dac_bits=random.choice((16, 16, random.randint(2, 15))),
        adc_bits=random.choice((None, 16, random.randint(2, 15))),
        pairing=random.choice(("adjacent", "halves")),
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
    tiles = () if hardware.adc_bits is None else _tiles(random, index, weights, hardware.adc_bits)
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


def _tiles(random: Random, matrix: int, weights: NDArray[np.int16], adc_bits: int) -> tuple[Tile, ...]:
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
                array_row=random.randint(0, 128 - 2 * rows),
                array_column=random.randint(0, 64 - columns),
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
