"""What a program must satisfy before anything runs it: the rules of docs/image.md behind the byte layout.

``fxlstm/core/loader.c`` holds the same rules; both are called on every program that is loaded, this one also before saving.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fxlstm.program.formats import CODE_BITS, ROW_MAX
from fxlstm.program.image.sweep_rules import check_parts, check_sweeps, refuse
from fxlstm.program.operations import (
    FUNCTION_BY_NAME,
    MAX_ALIGN,
    MAX_FRACTION,
    MAX_LEFT_SHIFT,
    MAX_RIGHT_SHIFT,
    MAX_SCALE_SHIFT,
    OPERATION_BY_NAME,
)
from fxlstm.program.pairs import device_shape
from fxlstm.program.program import Matrix, Operation, Program, Tile

MAX_MANTISSA = 2**31 - 1
MAX_GAIN = 65535
_INT32_MAX = 2**31 - 1
_INT64_MAX = 2**63 - 1
_ADC_PEAK = 1 << (CODE_BITS - 1)


def even(length: int) -> int:
    """Return ``length`` rounded up to even, as columns of weights and the operands of multiply are."""
    return length + length % 2


def check(program: Program) -> None:
    """Raise :class:`ImageError`, naming the section, when a program breaks a rule of docs/image.md."""
    for index, matrix in enumerate(program.matrices):
        context = f"matrix {index} ({matrix.name})"
        _check_matrix(matrix, context)
        if program.hardware.adc_bits is not None:
            _check_tiles(program, matrix, context)
        elif matrix.tiles:
            refuse("IMAGE_TILES", f"{context}: {len(matrix.tiles)} tiles in a program without an ADC stage")
        _check_weights(matrix, program.hardware.levels, context)
        _check_scales(program, matrix, context)
    for index, operation in enumerate(program.operations):
        _check_operation(program, operation, f"operation {index} ({operation.kind})")
    check_sweeps(program.sweeps, len(program.arena), len(program.operations))
    for name, parts, places in (
        ("inputs", program.inputs, [phase.input for phase in program.phases]),
        ("outputs", program.outputs, [phase.output for phase in program.phases]),
    ):
        if not check_parts(parts, places):
            refuse("IMAGE_PHASES", f"the parts of {name} do not fill the slices {places}, start and length, of the phases")


def _check_operation(program: Program, operation: Operation, context: str) -> None:
    if operation.kind not in OPERATION_BY_NAME:
        refuse("IMAGE_OPERATIONS", context)
    largest_shift = MAX_LEFT_SHIFT if operation.kind == "complement" else MAX_RIGHT_SHIFT
    if not (0 <= operation.shift <= largest_shift and max(operation.shift_ab, operation.shift_cd) <= MAX_LEFT_SHIFT):
        refuse("IMAGE_OPERATIONS", f"{context}: shifts {operation.shift}, {operation.shift_ab}, {operation.shift_cd}")
    if operation.kind == "multiply":
        _check_multiply(program, operation, context)
    else:
        _check_elementwise(program, operation, context)


def _check_multiply(program: Program, operation: Operation, context: str) -> None:
    if operation.matrix >= len(program.matrices):
        refuse("IMAGE_OPERATIONS", f"{context}: matrix {operation.matrix} of {len(program.matrices)}")
    rows, columns = program.matrices[operation.matrix].weights.shape
    _check_slice(program, operation.a, even(rows), f"{context}: operand")
    _check_slice(program, operation.result, operation.length, f"{context}: result")
    if operation.a % 2:
        refuse("IMAGE_OPERATIONS", f"{context}: operand starts at odd index {operation.a}")
    if operation.length != columns:
        refuse("IMAGE_OPERATIONS", f"{context}: length {operation.length}, but the matrix has {columns} columns")
    if operation.result < operation.a + even(rows) and operation.a < operation.result + operation.length:
        refuse("IMAGE_OPERATIONS", f"{context}: result at {operation.result} overlaps the operand at {operation.a}")


def _check_elementwise(program: Program, operation: Operation, context: str) -> None:
    if operation.kind == "activate" and (operation.function not in FUNCTION_BY_NAME or not 0 <= operation.fraction <= MAX_FRACTION):
        refuse("IMAGE_OPERATIONS", f"{context}: function {operation.function}, fraction {operation.fraction}")
    _check_slice(program, operation.result, operation.length, f"{context}: result")
    for name in OPERATION_BY_NAME[operation.kind].operands:
        start = getattr(operation, name)
        _check_slice(program, start, operation.length, f"{context}: operand {name}")
        if start != operation.result and abs(start - operation.result) < operation.length:
            refuse("IMAGE_OPERATIONS", f"{context}: result at {operation.result} overlaps operand {name} at {start} in part")


def _check_slice(program: Program, start: int, length: int, context: str) -> None:
    if length < 1 or start < 0 or start + length > len(program.arena):
        refuse("IMAGE_OPERATIONS", f"{context} at {start}, length {length}, in an arena of {len(program.arena)}")


def _check_matrix(matrix: Matrix, context: str) -> None:
    if matrix.weights.ndim != 2 or 0 in matrix.weights.shape:
        refuse("IMAGE_MATRICES", f"{context}: shape {matrix.weights.shape}")
    for name in ("mantissa", "shift", "bias"):
        if getattr(matrix, name).shape != matrix.weights.shape[1:]:
            refuse("IMAGE_MATRICES", f"{context}: {len(getattr(matrix, name))} scales for {matrix.weights.shape[1]} columns")


def _check_tiles(program: Program, matrix: Matrix, context: str) -> None:
    covered = np.zeros(matrix.weights.shape, dtype=np.int32)
    for index, tile in enumerate(matrix.tiles):
        _check_tile(program, matrix, tile, f"{context}, tile {index}")
        covered[tile.row : tile.row + tile.rows, tile.column : tile.column + tile.columns] += 1
    if (covered != 1).any():
        row, column = np.argwhere(covered != 1)[0]
        refuse("IMAGE_TILES", f"{context}: weight ({row}, {column}) lies in {covered[row, column]} tiles")
    if _worst_tiled_sums(matrix).max() > _INT32_MAX:
        refuse("IMAGE_TILES", f"{context}: the sum of its tiles could overflow 32 bits")


def _check_tile(program: Program, matrix: Matrix, tile: Tile, context: str) -> None:
    """Check one tile. An array has below 2**16 rows, so a tile's accumulator times its gain always stays below 2**61."""
    rows, columns = matrix.weights.shape
    hardware = program.hardware
    if tile.rows < 1 or tile.columns < 1 or tile.row + tile.rows > rows or tile.column + tile.columns > columns:
        refuse("IMAGE_TILES", f"{context}: {tile.rows} x {tile.columns} at ({tile.row}, {tile.column})")
    device_rows, device_columns = device_shape(tile.rows, tile.columns, hardware.pairing)
    if tile.array_row + device_rows > hardware.rows or tile.array_column + device_columns > hardware.columns:
        place = f"({tile.array_row}, {tile.array_column}) of {hardware.rows} x {hardware.columns}"
        refuse("IMAGE_TILES", f"{context}: {device_rows} x {device_columns} devices at {place}")
    if not 1 <= tile.gain <= MAX_GAIN or tile.gain_shift > MAX_RIGHT_SHIFT or tile.align > MAX_ALIGN:
        refuse("IMAGE_TILES", f"{context}: gain {tile.gain}, gain_shift {tile.gain_shift}, align {tile.align}")


def _check_weights(matrix: Matrix, levels: int, context: str) -> None:
    largest = int(np.abs(matrix.weights.astype(np.int32)).max())
    if largest > levels - 1:
        refuse("IMAGE_WEIGHTS", f"{context}: a weight of {largest} with {levels} levels")


def _check_scales(program: Program, matrix: Matrix, context: str) -> None:
    for column, worst in enumerate(worst_sums(program.hardware.adc_bits, matrix).tolist()):
        mantissa, shift, bias = int(matrix.mantissa[column]), int(matrix.shift[column]), int(matrix.bias[column])
        if not (0 <= mantissa <= MAX_MANTISSA and 0 <= shift <= MAX_SCALE_SHIFT):
            refuse("IMAGE_SCALES", f"{context}, column {column}: mantissa {mantissa}, shift {shift}")
        if worst * mantissa + abs(bias) + _half(shift) > _INT64_MAX:
            refuse("IMAGE_SCALES", f"{context}, column {column}: sum up to {worst}, mantissa {mantissa}, bias {bias}")


def worst_sums(adc_bits: int | None, matrix: Matrix) -> NDArray[np.int64]:
    """Return the largest magnitude that each column's sum can have, whatever drives the rows."""
    if adc_bits is None:
        exact: NDArray[np.int64] = np.abs(matrix.weights.astype(np.int64)).sum(axis=0) * ROW_MAX
        return exact
    return _worst_tiled_sums(matrix)


def _worst_tiled_sums(matrix: Matrix) -> NDArray[np.int64]:
    sums = np.zeros(matrix.weights.shape[1], dtype=np.int64)
    for tile in matrix.tiles:
        sums[tile.column : tile.column + tile.columns] += _ADC_PEAK << tile.align
    return sums


def _half(shift: int) -> int:
    return (1 << shift) >> 1
