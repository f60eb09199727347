"""The digital twin: a simulated array that stands as a board was measured, and what of the board's deviation it explains."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fxlstm.analysis.errors import Values, rms
from fxlstm.analysis.values import trace
from fxlstm.board.board import Board
from fxlstm.board.log import MeasurementLog, reading_conductance
from fxlstm.crossbar import SimulatedArray
from fxlstm.crossbar.measuring import check_measured
from fxlstm.errors import ArrayError, BoardError
from fxlstm.program.program import Program

OUTPUT = "output"


def twin_of(
    source: Board | str | os.PathLike[str], program: Program, device: str | None = None, seed: int = 0, **options: Any
) -> SimulatedArray:
    """Return a simulated array that stands as ``source`` was measured and multiplies by the gains of the program's board.

    ``source``: a :class:`Board`, measured now by :meth:`SimulatedArray.from_board`, or the path of a measurement log, whose newest
    readings count; it knows no offsets of columns. ``device``, ``seed``, ``options`` and errors are those of that method.
    """
    if isinstance(source, Board):
        return SimulatedArray.from_board(source, program, device, seed, **options)
    conductance = logged_conductance(source, program)
    if not device:
        raise BoardError("the preset of the cells is not known; give device, such as 'ta-hfo2'")
    check_measured(conductance, program)
    return SimulatedArray.holding(program, np.maximum(conductance, 0.0), device, seed, **{"read_noise": False, **options})


def logged_conductance(path: str | os.PathLike[str], program: Program) -> Values:
    """Return the newest reading of each cell in a measurement log, siemens, (rows, columns) of the program's board, NaN without."""
    conductance = np.full((program.hardware.rows, program.hardware.columns), np.nan)
    with MeasurementLog(Path(path), writable=False) as log:
        readings = [reading for reading in log.rows("readings") if reading["kind"] == "conductance"]
    for reading in readings:
        values, row = reading_conductance(reading), reading["row"]
        if row + reading["rows"] > len(conductance) or reading["columns"] != conductance.shape[1]:
            raise ArrayError(f"the log {os.fspath(path)!r} is of another board: its readings do not fit {conductance.shape}")
        conductance[row : row + reading["rows"]] = values
    return conductance


@dataclass(frozen=True)
class Explained:
    """One vector on board, twin and ideal array; root mean squares over its deviations.

    ``board``: of the board from the ideal array. ``twin``: of the twin from it. ``residual``: of the board from the twin.
    """

    vector: str
    board: float
    twin: float
    residual: float

    @property
    def part(self) -> float:
        """Part of the board's squared deviation that the twin explains: 1 is all; below 0 it errs more than it explains."""
        return 1 - (self.residual / self.board) ** 2 if self.board else float(self.residual == 0)


@dataclass(frozen=True, eq=False)
class TwinReport:
    """What a twin explains; ``print`` it. ``rows``: each layer's states or result, then the output.

    ``timesteps``: by vector the three errors at each timestep, (3, time), in the order of :class:`Explained`.
    """

    rows: tuple[Explained, ...]
    timesteps: Mapping[str, Values]

    @property
    def output(self) -> Explained:
        """The row of the output."""
        return self.rows[-1]

    @property
    def heads(self) -> tuple[str, ...]:
        """The heads of the table."""
        return ("vector", "board - ideal, RMS", "twin - ideal, RMS", "board - twin, RMS", "explained")

    def table(self) -> list[tuple[str, ...]]:
        """Return the rows of the table as text."""
        return [
            (row.vector, f"{row.board:.2e}", f"{row.twin:.2e}", f"{row.residual:.2e}", f"{round(100 * row.part, 1):g}%")
            for row in self.rows
        ]

    def __str__(self) -> str:
        rows = [self.heads, *self.table()]
        widths = [max(len(row[column]) for row in rows) for column in range(len(self.heads))]
        return "\n".join("  ".join((row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:]))) for row in rows)

    def as_dict(self) -> dict[str, Any]:
        """Return all numbers as plain data."""
        rows = [{**vars(row), "explained": row.part} for row in self.rows]
        return {"rows": rows, "timesteps": {name: values.tolist() for name, values in self.timesteps.items()}}

    def figure(self, path: str | os.PathLike[str]) -> None:
        """Draw the errors of every vector over the timesteps into a PNG."""
        from fxlstm.analysis.figures import draw_twin

        draw_twin(self, Path(path))


def compare_with_twin(board: Board, program: Program, x: ArrayLike, twin: SimulatedArray | None = None) -> TwinReport:
    """Run ``x`` on the board's cells, on its twin and on an ideal array, and compare every timestep of every layer.

    The board must hold ``program``. Everything but the multiplications runs on the host, with the integers that the board's own
    firmware computes. ``twin``: by default :func:`twin_of` the board as it stands. Raises what these raise.
    """
    twin = twin or twin_of(board, program)
    ideal, measured, modelled = (trace(program, x, array) for array in (None, board, twin))
    names = _compared(program)
    found = {name: tuple(run.vectors[name] for run in (ideal, measured, modelled)) for name in names}
    final = tuple(run.outputs for run in (ideal, measured, modelled))
    rows = [Explained(name, *(rms(error) for error in _errors(*values))) for name, values in found.items()]
    rows.append(Explained(OUTPUT, *(rms(error) for error in _errors(*final))))
    timesteps = {name: np.array([_at_each_timestep(error) for error in _errors(*values)]) for name, values in found.items()}
    return TwinReport(tuple(rows), timesteps)


def _errors(ideal: Values, measured: Values, modelled: Values) -> tuple[Values, Values, Values]:
    return measured - ideal, modelled - ideal, measured - modelled


def _at_each_timestep(errors: Values) -> NDArray[np.float64]:
    """Root mean square over the batch and the vector, (time,)."""
    return np.asarray(np.sqrt(np.mean(errors**2, axis=(0, 2))))


def _compared(program: Program) -> list[str]:
    """The states of each layer; of a layer without any its last vector."""
    states = program.metadata.get("states", ())
    by_layer: dict[str, list[str]] = {}
    for part in program.slices:
        by_layer.setdefault(part.name.rsplit("/", 1)[0], []).append(part.name)
    return [name for vectors in by_layer.values() for name in ([v for v in vectors if v in states] or vectors[-1:])]
