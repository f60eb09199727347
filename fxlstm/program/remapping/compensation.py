"""What the healthy cell of a pair can do for a faulty one: both arithmetic and target map."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fxlstm.errors import ArrayError
from fxlstm.program.mapping import LEAVE, target_map, tile_weights
from fxlstm.program.pairs import pair_regions
from fxlstm.program.program import Program
from fxlstm.program.remapping.faults import AnyFaults, most_units, standing

Numbers = NDArray[np.float64]


def best_pair(wanted: Numbers, positive: Numbers, negative: Numbers, most: int) -> tuple[Numbers, Numbers]:
    """Return where both cells of pairs should stand so that their difference is nearest to ``wanted``; all in units.

    ``positive``, ``negative``: where faulty cells stand, NaN where a cell obeys. Obedient ones reach 0 to ``most``. A pair of
    obedient cells keeps one of them at 0.
    """
    first, second = np.maximum(wanted, 0), np.maximum(-wanted, 0)
    stuck = ~np.isnan(positive), ~np.isnan(negative)
    first = np.where(stuck[0], positive, np.where(stuck[1], np.clip(negative + wanted, 0, most), first))
    second = np.where(stuck[1], negative, np.where(stuck[0], np.clip(positive - wanted, 0, most), second))
    return first, second


def plain_pair(wanted: Numbers, positive: Numbers, negative: Numbers) -> tuple[Numbers, Numbers]:
    """Return where both cells of pairs stand when each is written by its own target, as of :func:`best_pair`."""
    first = np.where(np.isnan(positive), np.maximum(wanted, 0), positive)
    return first, np.where(np.isnan(negative), np.maximum(-wanted, 0), negative)


def compensated_targets(
    program: Program, faults: AnyFaults | Sequence[AnyFaults], device: str = "ta-hfo2", *, array: int = 0
) -> NDArray[np.uint16]:
    """Return the target map of ``program`` in which the partner of each faulty cell makes up for it, as far as the window allows.

    ``faults``: what :meth:`Faults.of` takes, of one array, or a list with those of each. ``device``: the preset of the cells, whose
    base and largest conductance count. The map, uint16 (rows, columns) of the board, is for ``program(program, targets=...)`` of an
    array or a board; faulty cells are left alone (65535). Raises :class:`ArrayError` for maps that do not fit and for a program
    that stands on no array.
    """
    every = standing(program, faults, device)
    if not 0 <= array < len(every):
        raise ArrayError(f"array {array}: there are faults of arrays 0 to {len(every) - 1}")
    stands = every[array]
    most = most_units(device, program.hardware)
    targets = target_map(program, array)
    for matrix in program.matrices:
        for tile in (tile for tile in matrix.tiles if tile.array == array):
            wanted = tile_weights(matrix, tile).astype(np.float64) * program.hardware.level_units
            regions = pair_regions(tile, program.hardware.pairing)
            positive, negative = (stands[region] for region in regions)
            for region, best in zip(regions, best_pair(wanted, positive, negative, most), strict=True):
                targets[region] = np.where(np.isnan(stands[region]), np.rint(best), LEAVE)
    return targets
