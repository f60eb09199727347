"""What a board measures itself with: the monitor net of its DACs, and the known current that it gives to the amplifiers.

The MUX pins of all DACs are joined to one net. Its buffer is measured by an ADC of its own and, through a switch, drives the
calibration bus, from which one resistor per column leads to the input of the column's amplifier.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fxlstm.emulator.chips import LTC2668, ad7606c
from fxlstm.emulator.faults import ChipFaults


class Monitor:
    """The analog parts between the MUX pins of ``dacs`` (by chip select) and the amplifiers; ``board`` is the board file."""

    def __init__(self, dacs: Sequence[LTC2668], board: dict[str, Any], faults: ChipFaults) -> None:
        self._dacs = dacs
        self._mux_ohms, self._pull_down_ohms, self._switch_ohms, self._column_ohms = (
            float(board["monitor"][f"{part}_ohms"]) for part in ("mux", "pull_down", "switch", "column")
        )
        self._columns: int = board["array"]["columns"]
        self._channels = {name: board["monitor_adc"][f"{name}_channel"] for name in ("net", "bus")}
        self._open_mux = faults.dead_monitor
        self._open_switch = faults.dead_calibration
        self.calibrating = False  # where the switch stands

    def driving(self) -> list[int]:
        """Chip selects of the DACs whose multiplexer is on; more than one would be shorted together."""
        return [chip for chip, dac in enumerate(self._dacs) if dac.monitored is not None]

    def samples(self, range_volts: Sequence[float | None]) -> bytes:
        """What the monitor's ADC holds after a conversion in these ranges: 16 bytes, most significant first."""
        codes = [0] * ad7606c.CHANNELS
        for name, volts in (("net", self._net_volts()), ("bus", self._bus_volts())):
            full_scale = range_volts[self._channels[name]] or math.inf
            codes[self._channels[name]] = min(max(round(32768 * volts / full_scale), -32768), 32767)
        return struct.pack(f">{len(codes)}h", *codes)

    def column_codes(self, ohms: float, range_volts: NDArray[np.float64]) -> NDArray[np.float64]:
        """What the known current adds to the codes of all columns, with amplifiers of so many ohms and ADCs in these ranges."""
        amperes = self._bus_volts() / self._column_ohms
        return 32768 * amperes * ohms / range_volts

    def _net_volts(self) -> float:
        """The outputs looked at, each behind its multiplexer's resistance, against the pull-down."""
        outputs = [dac.monitored for chip, dac in enumerate(self._dacs) if chip != self._open_mux and dac.monitored is not None]
        return sum(outputs) / (len(outputs) + self._mux_ohms / self._pull_down_ohms)

    def _bus_volts(self) -> float:
        """The buffer behind the switch's resistance, against the resistors of all columns, whose other ends are at 0 V."""
        if not self.calibrating or self._open_switch:
            return 0.0
        load = self._column_ohms / self._columns
        return self._net_volts() * load / (load + self._switch_ohms)
