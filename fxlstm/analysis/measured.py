"""The error budget of a board: the same questions as of a simulated array, answered by what can be measured on it.

Cells are measured one by one and stand in a twin, where each source in them can be switched off. Runs are repeated: what differs
between them is noise. What the mean of the runs differs by from the twin is explained by neither.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from fxlstm.analysis.budget import Budget, Metric, Repeated
from fxlstm.analysis.errors import Values
from fxlstm.analysis.settings import Case, Cells, Siemens, target_siemens
from fxlstm.analysis.values import Traced, trace
from fxlstm.board.board import Board
from fxlstm.crossbar import SimulatedArray, Wires
from fxlstm.crossbar.front_end import FrontEnd
from fxlstm.crossbar.measuring import check_measured, measured_conductance, measured_offsets, without_wires
from fxlstm.errors import BoardError, ModelError
from fxlstm.network import Network
from fxlstm.program.hardware import Hardware
from fxlstm.program.mapping import tiles_of
from fxlstm.program.program import Program
from fxlstm.program.programming_report import ProgrammingReport, Progress
from fxlstm.program.quantize import quantize
from fxlstm.program.scheme import CELL_STATES

NOISE, REST = "read noise", "unexplained"
MISSED = (CELL_STATES["gave_up"], CELL_STATES["budget_spent"])


def board_budget(
    board: Board,
    network: Network,
    x: ArrayLike,
    hardware: Hardware | None = None,
    *,
    runs: int = 4,
    calibration: ArrayLike | None = None,
    metric: Metric | None = None,
    lengths: ArrayLike | None = None,
    wires: Wires | None = None,
    wait: Callable[[], object] | None = None,
    progress: Progress | None = None,
) -> Budget:
    """Program ``network`` into a board and return how much of its error over ``x`` comes from each source, as measured there.

    Arguments and result as of :func:`fxlstm.error_budget`, but:

    - ``runs``: how often the data is run, 2 or more; they stand in place of the seeds, and the spread of a source is theirs.
    - *programming*: the cells as measured after the campaign; *stuck cells*: those that it gave up.
    - *relaxation*: the cells measured again after ``wait()``, such as ``lambda: time.sleep(3600)``; without it, left out.
    - *wires*: of the resistances ``wires``, from which the cells themselves are computed; without them what was measured of the
      cells contains what the wires take.
    - *front end*: offsets of the columns, measured with no row driven.
    - *unexplained*: what the mean of all runs differs by from what all this gives, down to the noise over the root of ``runs``.

    What must add up does: "everything" is the error of the runs themselves. Multiplications run on the board, all else on the host.
    Raises :class:`BoardError` where a cell cannot be measured, and what :meth:`fxlstm.Board.program` raises.
    """
    if not isinstance(network, Network):
        raise ModelError(f"an error budget is of a Network; {type(network).__name__} takes more than sequences")
    if isinstance(runs, bool) or not isinstance(runs, int) or runs < 2:
        raise BoardError(f"runs = {runs!r}: read noise is what differs between runs; choose 2 or more")
    hardware, calibration, wires = hardware or board.hardware, x if calibration is None else calibration, wires or Wires()
    program = quantize(network, calibration, hardware)
    report = board.program(program, progress=progress)
    programmed, aged = _measured(board, program, wires), None
    if wait is not None:
        wait()
        aged = _measured(board, program, wires)
    case = BoardCase(
        network,
        x,
        calibration,
        hardware,
        board.identity.device,
        wires,
        FrontEnd(),
        0.0,
        lengths,
        cells=_cells(program, board.identity.device, report, programmed, aged),
        aged=aged is not None,
        offsets={tile.range: measured_offsets(board, tile.range) for tile in tiles_of(program)},
        runs=tuple(trace(program, x, board, lengths=lengths) for _ in range(runs)),
    )
    return Repeated(case, tuple(range(runs)), metric, "runs on the board").budget()


def _measured(board: Board, program: Program, wires: Wires) -> Siemens:
    conductance = measured_conductance(board)
    check_measured(conductance, program)
    return without_wires(conductance, wires)


def _cells(program: Program, device: str, report: ProgrammingReport, programmed: Siemens, aged: Siemens | None) -> Cells:
    targets = target_siemens(program, device)
    stuck = np.isin(report.state, MISSED) & np.isfinite(targets)
    return Cells(targets, programmed, programmed if aged is None else aged, stuck)


@dataclass(frozen=True, eq=False)
class BoardCase(Case):
    """A case whose cells, offsets of columns (by range) and noise are those of a board; a seed is the number of a run."""

    cells: Cells = field(kw_only=True)
    aged: bool = field(kw_only=True)
    offsets: Mapping[int, Values] = field(kw_only=True)
    runs: tuple[Traced, ...] = field(kw_only=True)

    @cached_property
    def left_out(self) -> dict[str, str]:
        """The sources that cannot be told on this board, and why."""
        missing = {}
        if not self.cells.stuck.any():
            missing["stuck cells"] = "the campaign gave up none"
        if not self.aged:
            missing["relaxation"] = "nothing was waited for between two measurements"
        if not any(offsets.any() for offsets in self.offsets.values()):
            missing["front end"] = "no column gives anything while no row is driven"
        if self.wires.ideal:
            missing["wires"] = "their resistances are not given: what was measured of the cells contains them"
        return missing

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources that act, and what they leave unexplained."""
        return (*super().sources, REST)

    def run(self, on: Collection[str], seed: int | None) -> Traced:
        """Return the run number ``seed`` with everything on, else what the twin gives, with noise and the rest as far as wanted."""
        if seed is not None and set(on) == set(self.sources):
            return self.runs[seed]
        given = super().run(set(on) - {NOISE, REST}, None if seed is None else 0)
        if NOISE in on and seed is not None:
            given = _added(given, self.runs[seed], self._mean, np.sqrt(len(self.runs) / (len(self.runs) - 1)))
        return _added(given, self._mean, self._explained) if REST in on else given

    @cached_property
    def _mean(self) -> Traced:
        names = self.runs[0].vectors
        vectors = {name: np.mean([run.vectors[name] for run in self.runs], axis=0) for name in names}
        return Traced(np.mean([run.outputs for run in self.runs], axis=0), vectors)

    @cached_property
    def _explained(self) -> Traced:
        return super().run(set(self.sources) - {NOISE, REST}, 0)

    def _programmed(self, seed: int) -> Cells:
        return self.cells

    def _array(self, program: Program, on: Collection[str], seed: int) -> SimulatedArray:
        siemens = self.cells.standing(target_siemens(program, self.device), on)
        siemens = np.where(np.isfinite(siemens), siemens, self.cells.programmed)  # cells without a weight
        wires = self.wires if "wires" in on else None
        array = SimulatedArray.holding(program, siemens, self.device, seed, read_noise=False, wires=wires)
        if "front end" in on:
            array.shift_columns(self.offsets)
        return array


def _added(first: Traced, plus: Traced, minus: Traced, factor: float = 1.0) -> Traced:
    """Return ``first + factor * (plus - minus)`` of outputs and every vector."""
    vectors = {name: values + factor * (plus.vectors[name] - minus.vectors[name]) for name, values in first.vectors.items()}
    return Traced(first.outputs + factor * (plus.outputs - minus.outputs), vectors)
