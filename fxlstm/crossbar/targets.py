"""Conductance targets before they are written: whether a program and its targets suit an array."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fxlstm.errors import ArrayError
from fxlstm.program.hardware import Hardware
from fxlstm.program.mapping import LEAVE, check_front_end, check_placement, checked_targets, target_map
from fxlstm.program.program import Program

Targets = NDArray[np.uint16]


def targets_for(rows: int, columns: int, hardware: Hardware, target: Program | Targets, other: Targets | None) -> Targets:
    """Return the target map (rows, columns) of a program, ``other`` in its place, or a checked map.

    Raises :class:`ArrayError` where the program does not fit the array or its board.
    """
    if not isinstance(target, Program):
        if other is not None:
            raise ArrayError("targets beside a target map: give the program that they belong to, or the one map")
        return checked_targets(target, rows, columns)
    check_program(target, rows, columns, hardware)
    place = target.hardware
    wanted = target_map(target) if other is None else checked_targets(other, place.rows, place.columns)
    wanted = wanted[:rows, :columns]
    missing = ((0, rows - wanted.shape[0]), (0, columns - wanted.shape[1]))
    return np.pad(wanted, missing, constant_values=LEAVE)


def check_program(program: Program, rows: int, columns: int, hardware: Hardware) -> None:
    """Refuse a program that does not fit an array of this size on this board."""
    check_placement(program, rows, columns)
    check_front_end(program, hardware.board)
