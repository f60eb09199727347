"""A network with any of its sources of error switched on: the programs, the cells and the runs that an error budget compares."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fxlstm.analysis.values import Rounding, Traced, trace
from fxlstm.crossbar import SimulatedArray, Wires, programming_scheme
from fxlstm.crossbar.device import Defects
from fxlstm.crossbar.front_end import FrontEnd
from fxlstm.network import Network
from fxlstm.program.device import Preset, load_device
from fxlstm.program.hardware import Hardware
from fxlstm.program.mapping import LEAVE, target_map
from fxlstm.program.program import Program
from fxlstm.program.quantize import quantize

Siemens = NDArray[np.float64]

# Source of error -> what is switched on with it.
IN_CODES = {
    "levels": "weights take conductance levels",
    "DAC": "what drives rows is rounded to the DAC's bits",
    "ADC": "columns are rounded to the ADC's bits, and limited to their range",
    "activation": "results of activation functions are rounded to 16 bits",
    "formats": "inputs, states, sums and products are rounded to 16 bits",
}
IN_CELLS = {
    "programming": "cells stand where programming left them, not at their targets",
    "stuck cells": "cells that no pulse moves stand where they are stuck",
    "relaxation": "time has passed since programming",
    "read noise": "every reading of a cell varies",
    "wires": "voltage drops along rows and columns",
    "front end": "converters have errors, and rows settle late",
}
FINEST_LEVELS, FINEST_BITS = 32768, 16


@dataclass(frozen=True, eq=False)
class Cells:
    """One programmed array: ``targets`` of its program, siemens as ``programmed`` and as they are when ``aged``, and ``stuck``.

    As programmed: before any time acted on them, where that is known.
    """

    targets: Siemens
    programmed: Siemens
    aged: Siemens
    stuck: NDArray[np.bool_]

    def standing(self, targets: Siemens, on: Collection[str]) -> Siemens:
        """Return the siemens of cells that were to stand at ``targets``, with what is ``on`` of the sources of error."""
        siemens = targets.copy()
        free = np.isfinite(targets) & np.isfinite(self.targets) & ~self.stuck
        if "programming" in on:
            siemens[free] += (self.programmed - self.targets)[free]
        if "relaxation" in on:
            siemens[free] += (self.aged - self.programmed)[free]
        if "stuck cells" in on:
            siemens[self.stuck] = self.programmed[self.stuck]
        return np.maximum(siemens, 0.0)


@dataclass(frozen=True, eq=False)
class Case:
    """A network, its data and the hardware that it is to run on.

    ``seconds``: how long after programming it runs. ``lengths``: of the sequences, (batch,), if they are not all of the time.
    """

    network: Network
    x: ArrayLike
    calibration: ArrayLike
    hardware: Hardware
    device: str
    wires: Wires
    front_end: FrontEnd
    seconds: float
    lengths: ArrayLike | None = None
    _programs: dict[Hardware, Program] = field(default_factory=dict)
    _cells: dict[int, Cells] = field(default_factory=dict)
    _runs: dict[tuple[frozenset[str], int | None], Traced] = field(default_factory=dict)

    @cached_property
    def left_out(self) -> dict[str, str]:
        """The sources that cannot act in this case, and why."""
        preset = load_device(self.device)
        if self.hardware.adc_bits is None:
            return dict.fromkeys(("DAC", "ADC", *IN_CELLS), "the program is for no array (adc_bits = None)")
        if preset.integer:
            return dict.fromkeys(IN_CELLS, f"cells of device {self.device!r} are exact in integers")
        return self._left_out_of(preset)

    def _left_out_of(self, preset: Preset) -> dict[str, str]:
        missing = {}
        if not any(part for part, _ in Defects.of(preset).kinds):
            missing["stuck cells"] = f"device {self.device!r} says nothing of them"
        if preset.ageing == "none":
            missing["relaxation"] = f"device {self.device!r} says nothing of it"
        elif not self._age:
            missing["relaxation"] = "no time passes (seconds = 0)"
        if preset.reading == "relative" and not preset["read.noise"]:
            missing["read noise"] = f"device {self.device!r} has none"
        if self.wires.ideal:
            missing["wires"] = "their resistances are not given"
        if self.front_end.ideal:
            missing["front end"] = "its errors are not given"
        return missing

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources that act in this case."""
        return tuple(name for name in (*IN_CODES, *IN_CELLS) if name not in self.left_out)

    @property
    def on_array(self) -> bool:
        """Whether there are physical cells."""
        return any(name in IN_CELLS for name in self.sources)

    def run(self, on: Collection[str], seed: int | None) -> Traced:
        """Run the data with the sources ``on``: on the cells of ``seed``, or without cells where it is ``None``."""
        key = frozenset(on), seed
        if key not in self._runs:
            self._runs[key] = self._run(on, seed)
        return self._runs[key]

    def _run(self, on: Collection[str], seed: int | None) -> Traced:
        program = self.program(on)
        array = None if seed is None else self._array(program, on, seed)
        rounding = Rounding("formats" in on, "activation" in on, "DAC" in on, "ADC" in on)
        return trace(program, self.x, array, rounding, self.lengths)

    def program(self, on: Collection[str]) -> Program:
        """Return the program whose levels and converters are as fine as can be unless they are ``on``."""
        finest = {"levels": ("levels", FINEST_LEVELS), "DAC": ("dac_bits", FINEST_BITS), "ADC": ("adc_bits", FINEST_BITS)}
        off = dict(change for name, change in finest.items() if name not in on and name in self.sources)
        hardware = replace(self.hardware, **off)  # type: ignore[arg-type]
        if hardware not in self._programs:
            self._programs[hardware] = quantize(self.network, self.calibration, hardware)
        return self._programs[hardware]

    @property
    def _age(self) -> float:
        """Seconds since the cells were written: those that their preset gives them to settle, and then ``seconds``."""
        return load_device(self.device).get("programming.settle") + self.seconds

    def _array(self, program: Program, on: Collection[str], seed: int) -> SimulatedArray:
        siemens = self._programmed(seed).standing(target_siemens(program, self.device), on)
        around = {"wires": self.wires if "wires" in on else None, "front_end": self.front_end if "front end" in on else None}
        return SimulatedArray.holding(program, siemens, self.device, seed, self._age, read_noise="read noise" in on, **around)

    def _programmed(self, seed: int) -> Cells:
        """The cells of a seed after programming them by their preset's scheme, once."""
        if seed not in self._cells:
            program = self.program(self.sources)
            array = SimulatedArray(self.hardware.rows, self.hardware.columns, self.device, seed, self.hardware.board)
            array.program(program)
            array.elapse(self.seconds)
            targets = target_siemens(program, self.device)
            self._cells[seed] = Cells(targets, array.written, array.conductance, array.stuck & np.isfinite(targets))
        return self._cells[seed]


def target_siemens(program: Program, device: str) -> Siemens:
    """Return the siemens that a program asks of cells of preset ``device``, (rows, columns), NaN where it asks nothing."""
    units = target_map(program)
    base = programming_scheme(device, program.hardware).base_units
    return np.where(units == LEAVE, np.nan, (units.astype(np.float64) + base) * program.hardware.conductance_unit)
