"""Where the weights of a program stand on an array: level differences to conductance targets, and back.

A weight is a differential pair of devices (:mod:`fxlstm.program.pairs`). Conductances are counted in units of
:attr:`Hardware.conductance_unit` above the device's base, which cancels in the pair.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fxlstm.errors import ArrayError
from fxlstm.program.pairs import pair_regions, tile_region
from fxlstm.program.program import Matrix, Program, Tile

LEAVE = 65535  # a target that leaves its cell alone


def tile_weights(matrix: Matrix, tile: Tile) -> NDArray[np.int16]:
    """The level differences (rows, columns) that stand in a tile."""
    return matrix.weights[tile.row : tile.row + tile.rows, tile.column : tile.column + tile.columns]


def array_count(program: Program) -> int:
    """How many arrays the program was placed on; 0 for a digital program."""
    return 1 + max((tile.array for matrix in program.matrices for tile in matrix.tiles), default=-1)


def tiles_of(program: Program, array: int | None = None) -> list[Tile]:
    """The tiles of all matrices, or those that stand on one array."""
    return [tile for matrix in program.matrices for tile in matrix.tiles if array is None or tile.array == array]


def tiles_overlap(one: Tile, pairing: str, other: Tile, other_pairing: str) -> bool:
    """Whether two tiles share a device."""
    sides = zip(tile_region(one, pairing), tile_region(other, other_pairing), strict=True)
    return one.array == other.array and all(a.start < b.stop and b.start < a.stop for a, b in sides)


def part_on(program: Program, array: int) -> Program:
    """The program with the tiles of one array alone, as tiles of array 0: what that array is to be given."""
    matrices = [
        replace(matrix, tiles=tuple(replace(tile, array=0) for tile in matrix.tiles if tile.array == array))
        for matrix in program.matrices
    ]
    return replace(program, matrices=tuple(matrices))


def check_placement(program: Program, rows: int, columns: int, arrays: int = 1) -> None:
    """Raise :class:`ArrayError` unless the program fits ``arrays`` arrays of ``rows`` x ``columns`` cells."""
    tiles = tiles_of(program)
    if program.hardware.adc_bits is None or not tiles:
        raise ArrayError("a program without an ADC stage cannot run on an array; quantize it with adc_bits")
    needed = array_count(program)
    if needed > arrays:
        raise ArrayError(
            f"the program's {len(tiles)} tiles need {needed} arrays and there is {arrays}; "
            "choose a smaller network or SimulatedArrays with as many"
        )
    regions = [tile_region(tile, program.hardware.pairing) for tile in tiles]
    last_row, last_column = (max(region[axis].stop for region in regions) for axis in (0, 1))
    if last_row > rows or last_column > columns:
        raise ArrayError(
            f"the program's {len(tiles)} tiles reach {last_row} rows x {last_column} columns and the array has {rows} x {columns}; "
            "use a larger array or quantize for a board of this size"
        )


def check_front_end(program: Program, board: str) -> None:
    """Raise :class:`ArrayError` unless the program is made for the front end of ``board``."""
    if program.hardware.board != board:
        raise ArrayError(f"the program is for board {program.hardware.board!r}, the array has {board!r}; quantize it again")
    for tile in tiles_of(program):
        if (tile.gain, tile.gain_shift) != program.hardware.gain(tile.range):
            raise ArrayError(
                f"gain {tile.gain} >> {tile.gain_shift} is not that of range {tile.range} of the board; quantize it again"
            )


def target_map(program: Program, array: int = 0) -> NDArray[np.uint16]:
    """Conductance targets of one array in units above the base: (rows, columns) of the board, ``LEAVE`` where no weight stands."""
    hardware = program.hardware
    check_placement(program, hardware.rows, hardware.columns, array_count(program))
    targets = np.full((hardware.rows, hardware.columns), LEAVE, np.uint16)
    for matrix in program.matrices:
        for tile in matrix.tiles:
            if tile.array == array:
                _place(targets, tile, tile_weights(matrix, tile).astype(np.int64) * hardware.level_units, hardware.pairing)
    return targets


def checked_targets(targets: NDArray[np.uint16], rows: int, columns: int) -> NDArray[np.uint16]:
    """Return a target map, or raise :class:`ArrayError` when it is not uint16 (rows, columns)."""
    targets = np.asarray(targets)
    if targets.dtype != np.uint16 or targets.shape != (rows, columns):
        raise ArrayError(f"a target map of shape {targets.shape}, {targets.dtype}: give uint16 ({rows}, {columns})")
    return targets


def _place(targets: NDArray[np.uint16], tile: Tile, units: NDArray[np.int64], pairing: str) -> None:
    """Write one tile's pairs into a target map."""
    for region, wanted in zip(pair_regions(tile, pairing), (np.maximum(units, 0), np.maximum(-units, 0)), strict=True):
        if (targets[region] != LEAVE).any():
            raise ArrayError(
                f"two tiles overlap at row {tile.array_row}, column {tile.array_column} of array {tile.array}; quantize again"
            )
        targets[region] = wanted


def level_differences(program: Program, conductance: NDArray[np.float64], array: int = 0) -> tuple[NDArray[np.float64], ...]:
    """The weights that stand in an array: measured siemens (rows, columns) back to level differences, one array per matrix.

    Each result has its matrix's shape (rows, columns); weights on other arrays and cells that were not measured are NaN.
    """
    hardware = program.hardware
    step = hardware.level_units * hardware.conductance_unit
    results = []
    for matrix in program.matrices:
        weights = np.full(matrix.weights.shape, np.nan)
        for tile in matrix.tiles:
            if tile.array == array:
                positive, negative = pair_regions(tile, hardware.pairing)
                place = (slice(tile.row, tile.row + tile.rows), slice(tile.column, tile.column + tile.columns))
                weights[place] = (conductance[positive] - conductance[negative]) / step
        results.append(weights)
    return tuple(results)
