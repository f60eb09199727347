"""What is given to a simulated array, before anything is made of it: what cannot be used is refused by name."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from numpy.typing import NDArray

from fxlstm.crossbar.front_end import FrontEnd
from fxlstm.crossbar.wires import Wires
from fxlstm.errors import ArrayError
from fxlstm.program.device import Preset
from fxlstm.program.formats import ROW_MAX
from fxlstm.program.program import Codes

LARGEST_SIDE = 4096  # rows and columns of an array


def check_size(rows: int, columns: int) -> None:
    """Raise :class:`ArrayError` for an array that cannot be."""
    if not all(isinstance(side, Integral) and 1 <= side <= LARGEST_SIDE for side in (rows, columns)):
        raise ArrayError(f"an array of {rows} x {columns} cells: choose 1 to {LARGEST_SIDE} rows and columns")


def chosen_seed(seed: int | None) -> int:
    """Return a seed, a fresh one for ``None``; raises :class:`ArrayError` for what is none."""
    if seed is None:
        return int(np.random.SeedSequence().generate_state(1)[0])
    if isinstance(seed, bool) or not isinstance(seed, Integral) or seed < 0:
        raise ArrayError(f"seed = {seed!r}: choose 0 or a positive whole number")
    return int(seed)


def chosen_surroundings(preset: Preset, wires: Wires | None, front_end: FrontEnd | None) -> tuple[Wires, FrontEnd]:
    """Return wires and front end, ideal for ``None``.

    Raises :class:`ArrayError` for what is neither, for source lines, and for any but ideal ones around cells that are exact in
    integers.
    """
    wires, front_end = Wires() if wires is None else wires, FrontEnd() if front_end is None else front_end
    if not isinstance(wires, Wires) or not isinstance(front_end, FrontEnd):
        raise ArrayError(f"wires = {wires!r}, front_end = {front_end!r}: give Wires(...) and FrontEnd(...)")
    wires.check_rows_are_driven()
    for around, place in ((wires, "around"), (front_end, "in front of")):
        if preset.integer and not around.ideal:
            raise ArrayError(
                f"{around} {place} cells of device {preset.name!r}, which are exact in integers: choose a physical device"
            )
    return wires, front_end


def checked_codes(codes: NDArray[np.integer], rows: int) -> Codes:
    """Return row codes (..., rows) as int16. Raises :class:`ArrayError` for what is no whole number that can be driven."""
    codes = np.asarray(codes)
    if codes.dtype.kind not in "iu" or (codes.size and not -ROW_MAX <= codes.min() <= codes.max() <= ROW_MAX):
        raise ArrayError(f"row codes of type {codes.dtype}: give whole numbers from {-ROW_MAX} to {ROW_MAX}")
    if codes.shape[-1:] != (rows,):
        raise ArrayError(f"codes of shape {codes.shape}: the last axis needs one code for each of the {rows} rows")
    return codes.astype(np.int16, copy=False)
