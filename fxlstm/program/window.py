"""Whether targets lie where the cells of a preset can go."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fxlstm.errors import ArrayError
from fxlstm.program.device import load_device
from fxlstm.program.hardware import Hardware
from fxlstm.program.mapping import LEAVE
from fxlstm.program.scheme_parameters import Scheme


def check_window(targets: NDArray[np.uint16], scheme: Scheme, device: str, hardware: Hardware) -> None:
    """Raise :class:`ArrayError` for targets, units above the scheme's base, that cells of preset ``device`` cannot take."""
    wanted, preset = targets[targets != LEAVE], load_device(device)
    if preset.integer or not wanted.size:
        return
    unit = hardware.conductance_unit
    low, high = ((scheme.base_units + int(end)) * unit for end in (wanted.min(), wanted.max()))
    window = preset["conductance.minimum"], preset["conductance.maximum"]
    if not window[0] - unit <= low <= high <= window[1] + unit:
        raise ArrayError(
            f"targets of {low * 1e6:.4g} to {high * 1e6:.4g} uS: cells of device {device!r} take {window[0] * 1e6:.4g} to "
            f"{window[1] * 1e6:.4g} uS; quantize for Hardware(board={preset.board!r}) and take that board for the array"
        )
