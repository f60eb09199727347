"""A device preset from a sweep that somebody measured: the line of conductance over gate voltage, its spreads and noises.

A sweep is a CSV file with a header and one line per reading, in the order of measurement:

    cell,pulse,gate_volts,conductance_siemens

``cell``: any name of the cell. ``pulse``: what was done to it just before this reading, ``set``, ``reset``, or ``read`` for
nothing. ``gate_volts``: of that SET; may be empty otherwise. Cells begin low or with a RESET.
"""

from __future__ import annotations

import csv
import json
import math
import os
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fxlstm.errors import ArrayError
from fxlstm.program.hardware import LARGEST_UNITS, Hardware, board_names

COLUMNS = ("cell", "pulse", "gate_volts", "conductance_siemens")
PULSES = ("set", "reset", "read")
TEMPLATE = "ta-hfo2"  # whose numbers stand where a sweep says nothing
RESPONDS = 0.1  # a cell whose readings span less than this part of the median cell's span does not respond

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Step:
    """One reading of a cell in siemens, and the pulse before it; ``gate`` in volts, NaN where there was no SET."""

    cell: str
    pulse: str
    gate: float
    conductance: float


def load_sweep(path: str | os.PathLike[str]) -> tuple[Step, ...]:
    """Return the readings of a sweep file. Raises :class:`ArrayError` that names the line that is not as it should be."""
    try:
        lines = list(csv.reader(Path(path).read_text(encoding="utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ArrayError(f"sweep {os.fspath(path)!r} cannot be read ({error}); give a CSV file") from None
    head = tuple(name.strip() for name in lines[0]) if lines else ()
    if head != COLUMNS:
        raise ArrayError(f"sweep {os.fspath(path)!r} begins with {','.join(head)!r}; its first line must be {','.join(COLUMNS)!r}")
    return tuple(_step(path, number, line) for number, line in enumerate(lines[1:], 2) if line)


def _step(path: str | os.PathLike[str], number: int, line: Sequence[str]) -> Step:
    try:
        cell, pulse, gate, conductance = (word.strip() for word in line)
        step = Step(cell, pulse, float(gate) if gate else math.nan, float(conductance))
    except ValueError:
        raise ArrayError(f"sweep {os.fspath(path)!r}, line {number}: {','.join(line)!r} is not {','.join(COLUMNS)}") from None
    if step.pulse not in PULSES:
        raise ArrayError(f"sweep {os.fspath(path)!r}, line {number}: pulse {pulse!r}; write one of {', '.join(PULSES)}")
    if not 0 <= step.conductance < math.inf:
        raise ArrayError(f"sweep {os.fspath(path)!r}, line {number}: {conductance} S; conductances are 0 or more, finite")
    if step.pulse == "set" and not 0 <= step.gate < math.inf:
        raise ArrayError(f"sweep {os.fspath(path)!r}, line {number}: a SET at gate voltage {gate or 'none'}; give volts, 0 or more")
    return step


@dataclass(frozen=True, eq=False)
class Fit:
    """What a sweep says about its cells; siemens and volts, NaN where it says nothing.

    SET reaches ``offset + slope * gate``; ``slope_error``: standard error of the slope; ``spread``: standard deviation of the
    offset from cell to cell; ``set_noise`` from pulse to pulse. RESET reaches ``floor`` within ``reset_noise``. ``read_noise`` is
    relative. ``r_squared``: part of the variance of ``conductances`` at ``gates`` that the one line explains; ``residual``: rms
    distance from it. ``window``: least and greatest reading. ``unresponsive``: part of the cells that no pulse moves, which
    stand at ``unresponsive_at``.
    """

    gates: Numbers
    conductances: Numbers
    cells: int
    offset: float
    slope: float
    slope_error: float
    spread: float
    set_noise: float
    floor: float
    reset_noise: float
    read_noise: float
    r_squared: float
    residual: float
    window: tuple[float, float]
    unresponsive: float
    unresponsive_at: float

    def line(self, gates: Numbers) -> Numbers:
        """Conductances that the average cell reaches at gate voltages."""
        return self.offset + self.slope * gates

    def __str__(self) -> str:
        return (
            f"{self.gates.size} SETs of {self.cells} cells: {self.slope * 1e6:.1f} +- {self.slope_error * 1e6:.1f} uS/V, "
            f"R^2 = {self.r_squared:.4f}, residual {self.residual * 1e6:.2f} uS; {self.spread * 1e6:.2f} uS from cell to cell, "
            f"{self.set_noise * 1e6:.2f} uS from pulse to pulse"
        )


def fit(sweep: Sequence[Step]) -> Fit:
    """Fit the law of gate-limited SETs to a sweep.

    Only SETs count whose gate voltage is above all others since the cell's last RESET, because a SET moves no cell down.
    Raises :class:`ArrayError` for a sweep of too few SETs, of one gate voltage, or whose line does not rise.
    """
    by_cell: dict[str, list[Step]] = defaultdict(list)
    for step in sweep:
        by_cell[step.cell].append(step)
    spans = {cell: float(np.ptp([step.conductance for step in steps])) for cell, steps in by_cell.items()}
    typical = float(np.median(list(spans.values()))) if spans else 0.0
    alive = [steps for cell, steps in by_cell.items() if spans[cell] >= RESPONDS * typical and typical > 0]
    dead = [step.conductance for cell, steps in by_cell.items() if spans[cell] < RESPONDS * typical for step in steps]
    points = [_rising(steps) for steps in alive]
    points = [cell for cell in points if len(cell)]
    read_noise = _read_noise(alive)
    resets = np.array([step.conductance for steps in alive for step in steps if step.pulse == "reset"])
    everything = np.array([step.conductance for steps in alive for step in steps])
    return Fit(
        **_line(points, 0.0 if math.isnan(read_noise) else read_noise),
        floor=float(resets.mean()) if resets.size else math.nan,
        reset_noise=float(resets.std(ddof=1)) if resets.size > 1 else math.nan,
        read_noise=read_noise,
        window=(float(everything.min()), float(everything.max())),
        unresponsive=1 - len(alive) / len(by_cell),
        unresponsive_at=float(np.mean(dead)) if dead else math.nan,
    )


def _rising(steps: Iterable[Step]) -> Numbers:
    """(gate, conductance) of a cell's SETs above all gate voltages since its last RESET, (n, 2)."""
    chosen, highest = [], -math.inf
    for step in steps:
        if step.pulse == "reset":
            highest = -math.inf
        elif step.pulse == "set" and step.gate > highest:
            chosen.append((step.gate, step.conductance))
            highest = step.gate
    return np.array(chosen).reshape(-1, 2)


def _line(points: list[Numbers], read_noise: float) -> dict[str, Any]:
    """One slope for all cells and an offset for each, by least squares; what is left is noise."""
    count = sum(map(len, points))
    if count < len(points) + 3:
        raise ArrayError(
            f"a sweep of {count} usable SETs on {len(points)} responding cells: measure several gate voltages per cell"
        )
    pooled = np.concatenate(points)
    centred = np.concatenate([cell - cell.mean(axis=0) for cell in points])
    power = float((centred[:, 0] ** 2).sum())
    slope = float(centred[:, 0] @ centred[:, 1]) / power if power > 0 else 0.0
    if slope <= 0:
        raise ArrayError(
            f"a sweep whose conductance changes by {slope:g} S per volt of the gate: a SET at more volts must reach higher"
        )
    offsets = np.array([float((cell[:, 1] - slope * cell[:, 0]).mean()) for cell in points])
    within = float(((centred[:, 1] - slope * centred[:, 0]) ** 2).sum()) / (count - len(points) - 1)
    between = float(offsets.var(ddof=1)) - within * float(np.mean([1 / len(cell) for cell in points])) if len(points) > 1 else 0.0
    residuals = pooled[:, 1] - offsets.mean() - slope * pooled[:, 0]
    return {
        "gates": pooled[:, 0],
        "conductances": pooled[:, 1],
        "cells": len(points),
        "offset": float(offsets.mean()),
        "slope": slope,
        "slope_error": math.sqrt(within / power),
        "spread": math.sqrt(max(between, 0.0)),
        "set_noise": math.sqrt(max(within - read_noise**2 * float((pooled[:, 1] ** 2).mean()), 0.0)),
        "r_squared": 1 - float((residuals**2).sum()) / float(((pooled[:, 1] - pooled[:, 1].mean()) ** 2).sum()),
        "residual": float(np.sqrt((residuals**2).mean())),
    }


def _read_noise(cells: Iterable[Sequence[Step]]) -> float:
    """Relative standard deviation of readings with no pulse in between; NaN where none was repeated."""
    squares, freedom = 0.0, 0
    for steps in cells:
        starts = [index for index, step in enumerate(steps) if step.pulse != "read"] or [0]
        for first, last in zip(starts, [*starts[1:], len(steps)], strict=True):
            readings = np.array([step.conductance for step in steps[first:last]])
            if readings.size > 1 and readings.mean() > 0:
                squares += float(((readings / readings.mean() - 1) ** 2).sum())
                freedom += readings.size - 1
    return math.sqrt(squares / freedom) if freedom else math.nan


def preset_text(found: Fit, source: str) -> str:
    """Return a preset file with the numbers of a fit; ``source`` names the measurement.

    Numbers that the sweep says nothing about are taken over from ``ta-hfo2``, and their source says so.
    """
    data = tomllib.loads((files("fxlstm") / "devices" / f"{TEMPLATE}.toml").read_text(encoding="utf-8"))
    groups = {name: group for name, group in data.items() if isinstance(group, dict)}
    for group in groups.values():
        for quantity in group.values():
            quantity["source"] = f"not measured; taken over from {TEMPLATE}: {quantity['source']}"
    for key, (value, unit) in _quantities(found).items():
        part, name = key.split(".")
        if math.isfinite(value):
            groups[part][name] = {"value": float(f"{value:.6g}"), "unit": unit, "source": f"fit to {source}"}
    low = groups["gate"]["reference_conductance"]["value"] * 1e-6
    lines = [f"description = {json.dumps(f'cells of {source}: {found}')}", "integer = false", 'law = "gate-limited"']
    lines.append(f"board = {json.dumps(_board(low, found.window[1]))}")
    for name, group in groups.items():
        lines += ["", f"[{name}]", *(f"{key} = {_inline(quantity)}" for key, quantity in group.items())]
    return "\n".join(lines) + "\n"


def _quantities(found: Fit) -> dict[str, tuple[float, str]]:
    """The numbers of a preset that a fit knows, by name, with their units."""
    lowest, highest = float(found.gates.min()), float(found.gates.max())
    floor = found.window[0] if math.isnan(found.floor) else found.floor
    base = max(float(found.line(np.array(lowest))), found.window[0])
    siemens = {
        "conductance.minimum": found.window[0],
        "conductance.maximum": found.window[1],
        "conductance.base": base,
        "initial.minimum": floor,
        "initial.maximum": floor,
        "gate.reference_conductance": base,
        "gate.spread": found.spread,
        "set.noise": found.set_noise,
        "reset.floor": floor,
        "reset.noise": found.reset_noise,
        "stuck.conductance": found.unresponsive_at,
    }
    volts = {
        "gate.reference_voltage": (base - found.offset) / found.slope,
        "gate.minimum": lowest,
        "gate.maximum": highest,
    }
    return {
        **{key: (value * 1e6, "uS") for key, value in siemens.items()},
        **{key: (value, "V") for key, value in volts.items()},
        "gate.slope": (found.slope * 1e6, "uS/V"),
        "read.noise": (found.read_noise, "1"),
        "stuck.fraction": (found.unresponsive, "1"),
    }


def _board(base: float, highest: float) -> str:
    """The board whose units span most of the window without leaving it; the reference board if none fits."""
    spans = {name: LARGEST_UNITS * Hardware(board=name).conductance_unit for name in board_names()}
    fitting = [name for name, span in spans.items() if base + span <= highest]
    return max(fitting, key=lambda name: spans[name], default="reference")


def _inline(quantity: dict[str, Any]) -> str:
    return f"{{ value = {quantity['value']!r}, unit = {json.dumps(quantity['unit'])}, source = {json.dumps(quantity['source'])} }}"
