#!/usr/bin/env python3
"""Measure what remapping around stuck cells brings the airline network, and fill docs/placement.md between its markers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from fxlstm.analysis.sensitivity import weight_sensitivity
from fxlstm.app.demos.airline_task import AirlineTask, load_trained
from fxlstm.core.engine import Engine
from fxlstm.crossbar.simulated import SimulatedArray
from fxlstm.program.program import Program
from fxlstm.program.quantize import quantize
from fxlstm.program.remapping.compensation import compensated_targets
from fxlstm.program.remapping.faults import Faults
from fxlstm.program.remapping.remap import remapped
from generators.pages import fill, table

PAGE = Path(__file__).resolve().parent.parent / "docs" / "placement.md"
DEVICE = "ta-hfo2?stuck.fraction=0.02"
SEEDS = range(1, 11)
TEST_TARGET = 30000  # units above the base: what every cell is asked for to see which obey

Worth = Sequence[np.ndarray]
Choice = Callable[[Program, Faults, Worth], tuple[Program, np.ndarray | None]]  # what to write, and targets in place of its own


def _compensated(program: Program, faults: Faults) -> tuple[Program, np.ndarray]:
    return program, compensated_targets(program, faults)


CHOICES: dict[str, Choice] = {
    "as placed": lambda program, faults, worth: (program, None),
    "partners": lambda program, faults, worth: _compensated(program, faults),
    "corners": lambda program, faults, worth: (remapped(program, faults, worth=worth, compensate=False, units=False).program, None),
    "corners, units": lambda program, faults, worth: (remapped(program, faults, worth=worth, compensate=False).program, None),
    "all three, every weight alike": lambda program, faults, worth: _compensated(remapped(program, faults).program, faults),
    "all three": lambda program, faults, worth: _compensated(remapped(program, faults, worth=worth).program, faults),
}


def found_faults(seed: int) -> Faults:
    """Return the cells of an array that do not come to the test target."""
    array = SimulatedArray(device=DEVICE, seed=seed)
    return Faults.of(array.program(np.full((array.rows, array.columns), TEST_TARGET, np.uint16)))


def output_error(program: Program, x: np.ndarray, array: SimulatedArray, targets: np.ndarray | None = None) -> float:
    """Return the error of the output on an array, as a fraction of the output's standard deviation."""
    array.program(program, targets=targets)
    wanted = Engine(program).run(x)
    return float(np.sqrt(((Engine(program, array=array).run(x) - wanted) ** 2).mean()) / wanted.std())


def errors_of(program: Program, x: np.ndarray, worth: Worth, seed: int) -> list[float]:
    """Return the errors of one array: without stuck cells, then by each choice."""
    faults = found_faults(seed)
    errors = [output_error(program, x, SimulatedArray(device=DEVICE, seed=seed, stuck=False))]
    for choose in CHOICES.values():
        written, targets = choose(program, faults, worth)
        errors.append(output_error(written, x, SimulatedArray(device=DEVICE, seed=seed), targets))
    return errors


def main() -> None:
    """Write the table: arrays, and their median."""
    x = AirlineTask.load().inputs
    program = quantize(load_trained(), x)
    worth = weight_sensitivity(program, x)
    errors = np.array([errors_of(program, x, worth, seed) for seed in SEEDS])
    lines = [(f"seed {seed}", row) for seed, row in zip(SEEDS, errors, strict=True)] + [("median", np.median(errors, axis=0))]
    rows = [(name, *(f"{100 * error:.1f} %" for error in row)) for name, row in lines]
    PAGE.write_text(fill(PAGE.read_text(), "remapping", table(("array", "no stuck cells", *CHOICES), rows)))


if __name__ == "__main__":
    main()
