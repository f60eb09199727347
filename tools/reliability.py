"""What a board does under each fault: trials on emulated boards, each from power-up to a result that is checked cell by cell.

Every trial writes a small map onto ideal cells by write-verify and multiplies by them. When a call fails, its reason is kept and
the same call is made again, as a user would. Nothing is random but sessions, so a page can hold what came out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from unittest.mock import patch

import numpy as np

from fxlstm.board.board import Board
from fxlstm.emulator.board import EmulatedBoard
from fxlstm.errors import BoardError, LinkError
from fxlstm.program.hardware import Hardware
from fxlstm.program.mapping import LEAVE
from fxlstm.program.scheme import scheme_for
from fxlstm.urls.protocol_emu import emulated_board

CELLS = {(37, 3): 40_000, (37, 20): 1_000, (90, 41): 65_000, (91, 20): 30_000}  # targets, in conductance units
SCHEME = replace(scheme_for("ideal", Hardware()), skip=1)
DRIFTING = 1_000  # target of cells that drift, in units above their base
DRIVE = 8192  # of each row
CALLS = 4  # of one verb, until it has to have worked
_numbers = count()


def targets() -> np.ndarray:
    """The map of a small campaign: four cells in three rows."""
    wanted = np.full((128, 64), LEAVE, np.uint16)
    for place, units in CELLS.items():
        wanted[place] = units
    return wanted


@dataclass
class Trial:
    """One board under one fault: ``reasons`` of calls that failed; what the array got and said in the end."""

    options: str
    reasons: list[str] = field(default_factory=list)
    right: bool = False  # cells as asked for, readings and products as they are
    failed: list[tuple[int, int]] = field(default_factory=list)  # cells that the campaign reports as failed
    repeated: int = 0  # pulses to cells that were in tolerance when a call began
    violations: int = 0  # limits exceeded, and whatever else the chips complained of that are well


def _expected() -> np.ndarray:
    """The products of all rows' drive, in ADC codes of the finest range."""
    units = np.where(targets() == LEAVE, 0, targets().astype(np.int64))
    return (units.sum(axis=0) * DRIVE + (1 << 17)) >> 18


def in_place(board: EmulatedBoard) -> np.ndarray:
    """Cells that conduct what they were asked for."""
    wanted = targets()
    units = board.array.conductance / board.array.hardware.conductance_unit
    return (wanted != LEAVE) & (np.abs(units - wanted) < 0.5)


def use(url: str) -> tuple[list[tuple[int, int]], bool]:
    """Program, read and multiply; return the cells reported as failed and whether all numbers are right."""
    with Board(url, device="ideal", log=False) as board:
        report = board.program(targets(), scheme=SCHEME)
        measured = board.multiply(np.full(128, DRIVE, np.int16))
    return report.failed, not report.failed and np.array_equal(measured, _expected())


def run_trial(options: str) -> Trial:
    """Use a new emulated board with these faults until it has worked."""
    name = f"trial-{next(_numbers)}"
    url, trial = f"emu://host?board={name}&device=ideal&{options}", Trial(options)
    right, pulses = np.zeros((128, 64), np.bool_), np.zeros((128, 64), np.int64)
    for _ in range(CALLS):
        try:
            trial.failed, trial.right = use(url)
        except (BoardError, LinkError) as reason:
            trial.reasons.append(str(reason))
        board = emulated_board(name)
        trial.repeated += int((board.array.pulse_counts - pulses)[right].sum())
        if trial.right or trial.failed:
            break
        right, pulses = in_place(board), board.array.pulse_counts.copy()
    trial.violations = sum("while BUSY" not in violation for violation in board.bus.violations)
    return trial


def work_of_a_trial() -> tuple[range, range]:
    """The numbers of SPI frames and of pulses from power-up to the end of a trial without a fault."""
    name = f"trial-{next(_numbers)}"
    started = EmulatedBoard("ideal").bus.frames
    use(f"emu://host?board={name}&device=ideal")
    bus = emulated_board(name).bus
    return range(started + 1, bus.frames + 1), range(1, bus.pulses + 1)


@dataclass(frozen=True)
class Fault:
    """A row of the table. ``trials`` makes them; ``judge`` says in words what has to come out, or raises AssertionError."""

    name: str
    options: str
    trials: Callable[[], Iterator[Trial]]
    judge: Callable[[Sequence[Trial]], str]

    def row(self) -> tuple[str, str, str, str]:
        """Run the trials; return the fault, its options, how often it was injected and what came out."""
        with patch("fxlstm.board.link.time.sleep"):
            trials = list(self.trials())
        return self.name, f"`{self.options}`", str(len(trials)), self.judge(trials)


def each(options: str, values: Sequence[object]) -> Callable[[], Iterator[Trial]]:
    """Trials with every value in the place of ``{}``."""
    return lambda: (run_trial(options.format(value)) for value in values)


def unharmed(trial: Trial) -> bool:
    return trial.repeated == 0 and trial.violations == 0


def recovered(trials: Sequence[Trial]) -> str:
    """Every trial ends with the right numbers; a call that failed said why, and the same call went on."""
    for trial in trials:
        assert trial.right and unharmed(trial), trial
    told = [trial for trial in trials if trial.reasons]
    for trial in told:
        assert all("read the array" in reason or "failed" in reason for reason in trial.reasons), trial
    if not told:
        return "all exact; the host notices nothing"
    return "all exact; a call that was cut off said why, and the same call went on"


def reported(*words: str) -> Callable[[Sequence[Trial]], str]:
    """Every call fails and says so in these words; no number is given out."""

    def judge(trials: Sequence[Trial]) -> str:
        for trial in trials:
            assert len(trial.reasons) == CALLS and unharmed(trial) and not trial.right, trial
            assert all(word in reason for reason in trial.reasons for word in words), trial
        return f"no number is given; every call says: {', '.join(words)}"

    return judge


def given_up(*cells: tuple[int, int]) -> Callable[[Sequence[Trial]], str]:
    """The campaign reports these cells as failed and no others."""

    def judge(trials: Sequence[Trial]) -> str:
        for trial in trials:
            assert sorted(trial.failed) == sorted(cells) and not trial.reasons and unharmed(trial), trial
        return f"the campaign reports the cells there as failed ({len(cells)} of {len(CELLS)}), and no others"

    return judge


def drifted() -> Iterator[Trial]:
    """Cells that are written, left alone for a day on the board's clock, and written again: what has moved is found and mended.

    Right is a trial in which there was something to mend: written again at once, the same cells need no pulse.
    """
    for seed in range(1, 4):
        name = f"trial-{next(_numbers)}"
        wanted = np.where(targets() == LEAVE, LEAVE, DRIFTING).astype(np.uint16)
        with Board(f"emu://host?board={name}&device=hfox&seed={seed}", log=False) as board:
            board.program(wanted)
            at_once = board.program(wanted)
            emulated_board(name).clock.advance(86_400 * 10**9)
            report = board.program(wanted)
        mended = bool(report.pulses.any()) and report.success_rate == 1
        yield Trial("", right=mended and not report.failed, repeated=int(at_once.pulses.sum()))


def stuck_in_campaigns() -> Iterator[Trial]:
    """Campaigns over cells that conduct, with a row whose output sticks as it is read: no pulse may be given any more."""
    row, name = min(CELLS)[0], f"trial-{next(_numbers)}"
    wanted = np.where(targets() == LEAVE, LEAVE, DRIFTING).astype(np.uint16)
    trial = Trial(f"stuck_row={row}")
    with Board(f"emu://host?board={name}&device=ta-hfo2&seed=3&stuck=0&{trial.options}", log=False) as board:
        for _ in range(CALLS):
            try:
                trial.right = board.program(wanted).success_rate == 1
            except BoardError as reason:
                trial.reasons.append(str(reason))
    emulated = emulated_board(name)
    trial.repeated, trial.violations = int(emulated.array.pulse_counts.sum()), len(emulated.bus.violations)
    yield trial


def named(part: str, seen: str) -> Callable[[Sequence[Trial]], str]:
    """Every self-test finds one fault, names its part and says what was seen."""

    def judge(trials: Sequence[Trial]) -> str:
        for trial in trials:
            assert len(trial.reasons) == 1 and trial.reasons[0].startswith(f"{part}: ") and seen in trial.reasons[0], trial
        return f"the self-test names it: {part}: {seen}"

    return judge


def self_test(name: str, options: str, part: str, seen: str) -> Fault:
    """A fault that the self-test of a board with cells that conduct has to name; its findings are the reasons."""

    def trials() -> Iterator[Trial]:
        with Board(f"emu://host?device=ta-hfo2&seed=3&stuck=0&{options}", log=False) as board:
            findings = [str(finding) for finding in board.check_array().findings if finding.kind == "channel"]
        yield Trial(options, findings)

    return Fault(name, options, trials, named(part, seen))
