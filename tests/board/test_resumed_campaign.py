"""Campaigns that are cut off, by faults of the link, a silent host or a killed process, go on where they stood."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fxlstm.board.board import Board
from fxlstm.board.campaign import _start
from fxlstm.board.log import MeasurementLog
from fxlstm.board.protocol import CAMPAIGN_STATES
from fxlstm.core.engine import Engine
from fxlstm.errors import ArrayError, BoardError
from fxlstm.program.hardware import Hardware
from fxlstm.program.mapping import LEAVE
from fxlstm.program.program import Program
from fxlstm.program.scheme import CELL_STATES, scheme_for
from fxlstm.urls.protocol_emu import emulated_board

SERVER = """
    from fxlstm.emulator.board import EmulatedBoard
    from fxlstm.emulator.clock import RealClock
    from fxlstm.emulator.link import EmulatedLink
    from fxlstm.emulator.server import TcpServer
    with TcpServer(EmulatedLink(EmulatedBoard("ta-hfo2", seed=1, clock=RealClock()))) as server:
        print(server.address, flush=True)
        server.run()
"""

HOST = """
    import sys
    import numpy as np
    from fxlstm.board.board import Board
    def tell(done, total):
        print(done, total, flush=True)
    with Board(sys.argv[1], device="ta-hfo2", log=sys.argv[2]) as board:
        report = board.program(np.load(sys.argv[3]), progress=tell)
        print("resumed", report.resumed, len(report.failed))
"""


def some_targets(rows: int = 20, columns: int = 30) -> np.ndarray:
    targets = np.full((128, 64), LEAVE, np.uint16)
    targets[:rows, :columns] = np.random.default_rng(3).integers(0, 60000, (rows, columns))
    return targets


@pytest.fixture
def served() -> Iterator[str]:
    """The URL of a board with Ta/HfO2 cells that another process serves on TCP, in real time."""
    server = subprocess.Popen([sys.executable, "-c", textwrap.dedent(SERVER)], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    yield "socket://" + server.stdout.readline().strip()
    server.terminate()
    server.wait()
    server.stdout.close()


def test_a_host_killed_in_a_campaign_is_followed_by_a_new_process(served: str, tmp_path: Path) -> None:
    np.save(tmp_path / "targets.npy", some_targets(128, 64))  # takes longer than a board waits for a host
    log = tmp_path / "log.db"
    command = [sys.executable, "-c", textwrap.dedent(HOST), served, str(log), str(tmp_path / "targets.npy")]
    first = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert first.stdout is not None
    while int(first.stdout.readline().split()[0]) == 0:
        pass
    first.kill()
    first.wait()
    first.stdout.close()
    lines = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=60).stdout.splitlines()
    assert int(lines[0].split()[0]) > 0
    assert lines[-1].startswith("resumed True")
    with MeasurementLog(log, writable=False) as measurements:
        assert len(measurements.rows("sessions")) == 2
        assert len(measurements.rows("campaigns")) == 2
        assert [(result["campaign"], result["resumed"]) for result in measurements.rows("campaign_results")] == [(2, 1)]


def test_cells_in_tolerance_are_skipped(tmp_path: Path) -> None:
    with Board("emu://host?device=ta-hfo2&seed=4", log=False) as board:
        first, second = board.program(some_targets()), board.program(some_targets())
    assert first.pulses.sum() > 600
    untouched = (second.pulses == 0) & (second.state == CELL_STATES["in_tolerance"])
    assert untouched.sum() > 0.5 * second.targeted.sum()


def test_a_campaign_that_the_dead_man_stopped_goes_on_by_itself() -> None:
    with Board("emu://host?board=test-asleep&device=ta-hfo2&seed=4", log=False) as board:
        asleep = iter([True])

        def fall_asleep(done: int, total: int) -> None:
            if next(asleep, False):
                emulated_board("test-asleep").clock.advance(3_000_000_000)
                board._link.listen(0.05)

        report = board.program(some_targets(), progress=fall_asleep)
        assert board.snapshot()["idles"] == 1
    assert report.success_rate > 0.98


def test_a_campaign_interrupted_by_the_user_can_be_resumed() -> None:
    url = "emu://host?board=test-interrupted&device=ta-hfo2&seed=4"

    def interrupt(done: int, total: int) -> None:
        if done > total // 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), Board(url, log=False) as board:
        board.program(some_targets(30, 40), progress=interrupt)
    with Board(url, log=False) as board:
        assert board.snapshot()["campaign_state"] == "stopped"
        report = board.program(some_targets(30, 40))
    assert report.resumed
    assert report.success_rate > 0.98


def test_a_running_campaign_with_another_tolerance_is_not_joined() -> None:
    url = "emu://host?board=test-another-scheme&device=ta-hfo2&seed=4"
    targets, loose = some_targets(), scheme_for("ta-hfo2", Hardware(), tolerance=5e-6)
    with Board(url, log=False) as first:
        assert not _start(first._driver, targets.astype("<u2").tobytes(), loose)
        assert _start(first._driver, targets.astype("<u2").tobytes(), loose)
        report = first.program(targets)
    assert not report.resumed
    assert np.nanmax(np.abs(report.error[report.state == CELL_STATES["in_tolerance"]])) < 1.05e-6


def test_a_campaign_by_another_scheme_that_ends_while_it_is_asked_for_is_not_taken_for_this_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    targets, loose = some_targets(), scheme_for("ta-hfo2", Hardware(), tolerance=5e-6)
    with Board("emu://host?device=ta-hfo2&seed=4", log=False) as board:
        link = board._driver.link
        assert not _start(board._driver, targets.astype("<u2").tobytes(), loose)
        request = link.request

        def late(message: str, **fields: Any) -> dict[str, Any]:
            while message == "campaign_scheme" and request("campaign_status")["state"] == CAMPAIGN_STATES["running"]:
                pass
            return request(message, **fields)

        monkeypatch.setattr(link, "request", late)
        report = board.program(targets)
    assert not report.resumed
    assert np.nanmax(np.abs(report.error[report.state == CELL_STATES["in_tolerance"]])) < 1.05e-6


def test_another_target_does_not_resume_the_campaign_before() -> None:
    with Board("emu://host?device=ideal", log=False) as board:
        board.program(some_targets())
        other = np.where(some_targets() == LEAVE, LEAVE, some_targets() // 2).astype(np.uint16)
        assert not board.program(other).resumed
        measured = board.multiply(np.eye(128, dtype=np.int16)[:20] * 32767)[:, :30]
    np.testing.assert_array_equal(measured, (other[:20, :30].astype(np.int64) * 32767 + (1 << 17)) >> 18)


def program_pulse_and_run(url: str, program: Program, sequence: np.ndarray) -> np.ndarray:
    with Board(url, log=False) as board:
        board.program(program)
        for row in range(100, 110):
            board.pulse(row, 2.5, 10e-6, 1.0)
        return board.run(sequence)


@pytest.mark.parametrize("seed", range(10))
def test_a_bad_link_never_changes_a_result_nor_gives_a_pulse_twice(seed: int, program: Program, sequence: np.ndarray) -> None:
    good, bad = f"emu://host?board=test-good-{seed}&device=ideal", f"emu://host?board=test-bad-{seed}&device=ideal"
    faults = f"&drop=0.0002&flip=0.0002&duplicate=0.0002&disconnect=0.0001&fault_seed={seed}"
    for url in (good, bad + faults):
        np.testing.assert_array_equal(program_pulse_and_run(url, program, sequence), Engine(program).run(sequence))
    counts, expected = emulated_board(f"test-bad-{seed}").array.pulse_counts, emulated_board(f"test-good-{seed}").array.pulse_counts
    np.testing.assert_array_equal(counts, expected)
    assert (counts[100:110] == 1).all()


def test_a_report_says_what_became_of_each_cell() -> None:
    with Board("emu://host?device=ta-hfo2&seed=2", log=False) as board:
        report = board.program(some_targets())
        measured = board.read_conductance(reads=64)
    done = report.state == CELL_STATES["in_tolerance"]
    assert report.targeted.sum() == 600
    assert done.sum() > 590
    assert np.abs(report.error[done]).max() < 1.2e-6
    assert np.nanmax(np.abs(report.reading - measured)[done]) < 6e-6
    assert np.isnan(report.reading[~report.targeted]).all()
    assert report.seconds > 0


def test_a_tighter_tolerance_is_obeyed_and_costs_pulses() -> None:
    reports = []
    for tolerance in (8e-6, 1e-6):
        with Board("emu://host?device=ta-hfo2&seed=2", log=False) as board:
            reports.append(board.program(some_targets(), tolerance=tolerance))
    loose, tight = reports
    assert np.nanstd(loose.error) > 2 * np.nanstd(tight.error[tight.state == CELL_STATES["in_tolerance"]])
    assert loose.pulses.sum() < tight.pulses.sum()


def test_a_campaign_stopped_from_elsewhere_is_reported_as_unfinished() -> None:
    with Board("emu://host?device=ta-hfo2&seed=4", log=False) as board:

        def stop(done: int, total: int) -> None:
            board._link.request("campaign_stop")

        with pytest.raises(BoardError, match=r"campaign .* is stopped with \d+ of 600 cells in tolerance; program again to resume"):
            board.program(some_targets(), progress=stop)


def test_targets_outside_the_window_of_the_cells_are_refused_before_a_pulse() -> None:
    with Board("emu://host?device=ta-hfo2&seed=4", device="hfox", log=False) as board:
        with pytest.raises(
            ArrayError, match=r"cells of device 'hfox' take 0 to 40 uS; quantize for Hardware\(board='reference-110k'"
        ):
            board.program(some_targets())
        assert board.snapshot()["pulses"] == 0


def test_progress_counts_cells_up_to_all_of_them() -> None:
    seen: list[tuple[int, int]] = []
    with Board("emu://host?device=ta-hfo2&seed=4", log=False) as board:
        board.program(some_targets(), progress=lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen)
    assert seen[-1] == (600, 600)
    assert len(seen) > 3


def test_the_bar_is_for_terminals_only(capsys: pytest.CaptureFixture[str]) -> None:
    with Board("emu://host?device=ideal", log=False) as board:
        board.program(some_targets(2, 2), progress=True)
    assert capsys.readouterr() == ("", "")
