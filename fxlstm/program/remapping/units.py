"""Hidden units whose order in a program is free, and the same program with another order.

A unit is a set of arena codes: what it has of every vector that element-wise operations tie together, with its rows and columns of
the matrices. Units that the same operations use in the same way can change places; the integers stay the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fxlstm.program.operations import OPERATION_BY_NAME
from fxlstm.program.program import Matrix, Operation, Program

Places = NDArray[np.intp]
Use = tuple[object, ...]  # a way in which an operation uses a code of the arena


@dataclass(frozen=True, eq=False)
class Units:
    """Units that can change places, (units, codes): arena indices; the n-th codes of all units have the same uses.

    ``layer``: whose they are, as the names of vectors say.
    """

    layer: str
    codes: Places

    def inside(self, start: int, length: int) -> Places:
        """Where the units' codes lie in a slice of the arena, (units, how many each has there), from its start."""
        within = (self.codes >= start) & (self.codes < start + length)
        return self.codes[:, within.all(axis=0)] - start


def exchangeable_units(program: Program) -> list[Units]:
    """Return the groups of units whose order is free: at least two units each, none that a sweep or a phase reads or gives."""
    uses = _uses(program)
    fixed = {code for part in _outside(program) for code in part}
    groups: dict[tuple[Use, ...], list[list[int]]] = {}
    for members in _tied(program):
        signatures = {code: tuple(sorted(uses[code], key=repr)) for code in members}
        if not fixed.intersection(members) and _is_simple(signatures):
            ordered = sorted(members, key=lambda code: repr(signatures[code]))
            groups.setdefault(tuple(signatures[code] for code in ordered), []).append(ordered)
    found = [Units(_layer_of(program, group[0]), np.array(group, np.intp)) for group in groups.values() if len(group) > 1]
    return [units for units in found if _shared_matrices_agree(program, units)]


def _outside(program: Program) -> Iterator[range]:
    """Slices whose layout something outside the operations knows."""
    for sweep in program.sweeps:
        yield range(sweep.input_start, sweep.input_start + sweep.input_length)
        yield range(sweep.output_start, sweep.output_start + sweep.output_length)


def multiplies(program: Program, matrix: int) -> list[Operation]:
    """The operations that multiply by a matrix."""
    return [operation for operation in program.operations if operation.kind == "multiply" and operation.matrix == matrix]


def _slices(operation: Operation) -> dict[str, int]:
    """Starts of the slices that an element-wise operation ties together lane by lane."""
    return {name: getattr(operation, name) for name in ("result", *OPERATION_BY_NAME[operation.kind].operands)}


def _tied(program: Program) -> list[list[int]]:
    """The codes of the arena in sets that have to move together."""
    ties = [(list(_slices(op).values()), op.length) for op in program.operations if op.kind != "multiply"]
    for index, matrix in enumerate(program.matrices):
        rows, columns = matrix.weights.shape
        users = multiplies(program, index)
        ties += [([op.a for op in users], rows), ([op.result for op in users], columns)]
    labels = np.arange(len(program.arena))
    while True:
        before = labels.copy()
        for starts, length in ties:
            parts = [labels[start : start + length] for start in starts]
            lowest = np.minimum.reduce([part.copy() for part in parts] or [np.zeros(0, np.intp)])
            for part in parts:
                np.minimum(part, lowest, out=part)
        labels = labels[labels]
        if np.array_equal(before, labels):
            return [np.flatnonzero(labels == label).tolist() for label in np.unique(labels)]


def _uses(program: Program) -> list[list[Use]]:
    """How operations and names use each code of the arena; rows and columns differ where a matrix's tiles round differently."""
    uses: list[list[Use]] = [[] for _ in program.arena]
    for part in program.slices:
        for code in range(part.start, part.start + part.length):
            uses[code].append(("named", part.name))
    for index, operation in enumerate(program.operations):
        if operation.kind != "multiply":
            for name, start in _slices(operation).items():
                for code in range(start, start + operation.length):
                    uses[code].append(("lane", index, name))
            continue
        matrix = program.matrices[operation.matrix]
        for row in range(matrix.weights.shape[0]):
            uses[operation.a + row].append(("row", index, _row_band(matrix, row)))
        for column in range(operation.length):
            uses[operation.result + column].append(("column", index, _column_band(matrix, column)))
    return uses


def _row_band(matrix: Matrix, row: int) -> tuple[int, ...]:
    """The tiles that a row lies in: what they sum is rounded tile by tile."""
    return tuple(index for index, tile in enumerate(matrix.tiles) if tile.row <= row < tile.row + tile.rows)


def _column_band(matrix: Matrix, column: int) -> tuple[tuple[int, ...], ...]:
    """How the tiles of a column round."""
    tiles = [tile for tile in matrix.tiles if tile.column <= column < tile.column + tile.columns]
    return tuple(sorted((tile.row, tile.rows, tile.gain, tile.gain_shift, tile.align) for tile in tiles))


def _is_simple(signatures: dict[int, tuple[Use, ...]]) -> bool:
    """Whether a set of codes is one lane of every operation, has a matrix's row or column, and no two codes of the same uses."""
    uses = [use for signature in signatures.values() for use in signature]
    lanes = Counter(use for use in uses if use[0] == "lane")
    distinct = len(set(signatures.values())) == len(signatures)
    return distinct and max(lanes.values(), default=1) == 1 and any(use[0] in ("row", "column") for use in uses)


def _shared_matrices_agree(program: Program, units: Units) -> bool:
    """Whether all operations that share a matrix see the same of its rows and columns move."""
    for index, matrix in enumerate(program.matrices):
        rows, columns = matrix.weights.shape
        seen = [(_as_set(units.inside(op.a, rows)), _as_set(units.inside(op.result, columns))) for op in multiplies(program, index)]
        if any(each != seen[0] for each in seen):
            return False
    return True


def _as_set(places: Places) -> set[tuple[int, ...]]:
    return {tuple(column) for column in places.T.tolist()}


def _layer_of(program: Program, codes: list[int]) -> str:
    for part in program.slices:
        if any(part.start <= code < part.start + part.length for code in codes):
            return part.name.rpartition("/")[0]
    return "the bias rows"


def reordered(program: Program, source: Places) -> Program:
    """Return the program whose arena code i is what ``source[i]`` was, (arena,); of exchangeable units, the same integers.

    The metadata keep which element of each named vector stands where (:meth:`Program.order`).
    """
    matrices = []
    for index, matrix in enumerate(program.matrices):
        for user in multiplies(program, index)[:1]:
            rows = source[user.a : user.a + len(matrix.weights)] - user.a
            columns = source[user.result : user.result + user.length] - user.result
            scales = {name: getattr(matrix, name)[columns] for name in ("mantissa", "shift", "bias")}
            matrix = replace(matrix, weights=np.ascontiguousarray(matrix.weights[rows][:, columns]), **scales)
        matrices.append(matrix)
    order = {}
    for part in program.slices:
        now = program.order(part)[source[part.start : part.start + part.length] - part.start]
        if not np.array_equal(now, np.arange(part.length)):
            order[part.name] = now.tolist()
    metadata = {key: value for key, value in program.metadata.items() if key != "order"} | ({"order": order} if order else {})
    return replace(program, arena=program.arena[source], matrices=tuple(matrices), metadata=metadata)
