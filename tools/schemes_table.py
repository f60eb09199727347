#!/usr/bin/env python3
"""Program cells of every preset by every scheme that it knows, simulated and on the emulated board, and fill docs/devices.md."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fxlstm.board.board import Board
from fxlstm.crossbar.simulated import SimulatedArray
from fxlstm.errors import ArrayError
from fxlstm.program.device import device_names, load_device
from fxlstm.program.hardware import Hardware
from fxlstm.program.mapping import LEAVE
from fxlstm.program.programming_report import ProgrammingReport
from fxlstm.program.scheme import SCHEMES, programming_scheme
from fxlstm.program.scheme_parameters import Scheme
from generators.pages import fill, table

PAGE = Path(__file__).resolve().parent.parent / "docs" / "devices.md"
ROWS, SEED = 16, 1  # rows of the array that get targets, all 64 columns


def known_schemes(device: str) -> Iterator[tuple[str, Scheme]]:
    """The schemes that a preset has the numbers for, by name."""
    hardware = Hardware(board=load_device(device).board)
    for name in SCHEMES:
        try:
            yield name, programming_scheme(device, hardware, name)
        except ArrayError:
            continue


def targets() -> NDArray[np.uint16]:
    """Random targets over the whole span of units."""
    wanted = np.full((128, 64), LEAVE, np.uint16)
    wanted[:ROWS] = np.random.default_rng(SEED).integers(0, 65535, (ROWS, 64))
    return wanted


def figures(report: ProgrammingReport) -> tuple[str, str, str]:
    """Success rate, pulses per cell and milliseconds per row of a report."""
    cells = int(np.count_nonzero(report.targeted))
    return f"{report.success_rate:.1%}", f"{report.pulses.sum() / cells:.2f}", f"{report.seconds / ROWS * 1e3:.3g}"


def row(device: str, name: str, scheme: Scheme) -> tuple[str, ...]:
    """One line of the table."""
    simulated = SimulatedArray(device=device, seed=SEED, board=load_device(device).board).program(targets(), scheme=scheme)
    with Board(f"emu://host?device={device}&seed={SEED}", log=False) as board:
        on_board = board.program(targets(), scheme=scheme)
    return f"`{device}`", name, *figures(simulated), *figures(on_board)


def measured_table() -> str:
    """Program everything and return the table."""
    rows = [row(device, *known) for device in device_names() for known in known_schemes(device)]
    head = ("in tolerance", "pulses per cell", "ms per row")
    return table(("preset", "scheme", *(f"simulated: {name}" for name in head), *(f"board: {name}" for name in head)), rows)


def main() -> None:
    """Write the table."""
    PAGE.write_text(fill(PAGE.read_text(), "schemes", measured_table()))


if __name__ == "__main__":
    main()
