"""What a user does with a board, on the real firmware with ideal cells: results to the bit, limits, NaN, the log."""

from __future__ import annotations

import json
import urllib.parse
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fxlstm.board.board import Board
from fxlstm.board.log import MeasurementLog, reading_codes, reading_conductance
from fxlstm.core.engine import Engine
from fxlstm.errors import ArrayError, BoardError, FxlstmError, ModelError, ProgramError
from fxlstm.program.hardware import Hardware
from fxlstm.program.identity import Identity
from fxlstm.program.mapping import LEAVE
from fxlstm.program.program import Program

UNIT = Hardware().conductance_unit


def ramp() -> np.ndarray:
    """A target map: a block of cells with all kinds of values, the rest left alone."""
    targets = np.full((128, 64), LEAVE, np.uint16)
    targets[10:20, 5:37] = np.arange(320).reshape(10, 32) * 200
    return targets


def test_the_board_runs_a_network_to_the_bit_of_the_engine(ideal: Board, program: Program, sequence: np.ndarray) -> None:
    report = ideal.program(program)
    assert report.success_rate == 1
    np.testing.assert_array_equal(ideal.run(sequence), Engine(program).run(sequence))


def test_a_batch_runs_as_its_sequences_each_from_reset(ideal: Board, program: Program, sequence: np.ndarray) -> None:
    ideal.program(program)
    batch = np.stack([sequence[:50], sequence[50:100], -sequence[:50]])
    np.testing.assert_array_equal(ideal.run(batch), Engine(program).run(batch))


def test_the_board_is_an_array_for_the_engine(ideal: Board, program: Program, sequence: np.ndarray) -> None:
    ideal.program(program)
    short = sequence[:20]
    np.testing.assert_array_equal(Engine(program, array=ideal).run(short), Engine(program).run(short))


def test_a_loaded_program_runs_on_the_boards_integers_without_touching_the_array(
    ideal: Board, program: Program, sequence: np.ndarray
) -> None:
    ideal.load(program)
    np.testing.assert_array_equal(ideal.run(sequence, on_array=False), Engine(program).run(sequence))
    assert ideal.snapshot()["pulses"] == 0


def test_conductances_are_in_siemens_and_nan_where_not_measured(ideal: Board) -> None:
    targets = ramp()
    ideal.program(targets)
    conductance = ideal.read_conductance(rows=range(12, 15), columns=slice(5, 37))
    code_step = 2**18 / 32767 * UNIT
    np.testing.assert_allclose(conductance[12:15, 5:37], targets[12:15, 5:37] * UNIT, atol=code_step)
    conductance[12:15, 5:37] = np.nan
    assert np.isnan(conductance).all()


def test_all_rows_multiply_at_once(ideal: Board) -> None:
    ideal.program(ramp())
    codes = np.zeros((2, 128), np.int16)
    codes[0, 10:20], codes[1, 12] = 1000, -32767
    expected = codes.astype(np.int64) @ np.where(ramp() == LEAVE, 0, ramp()).astype(np.int64)
    np.testing.assert_array_equal(ideal.multiply(codes), (expected + (1 << 17)) >> 18)
    np.testing.assert_array_equal(ideal.multiply(codes[0]), (expected[0] + (1 << 17)) >> 18)


def test_a_pulse_moves_the_cell_that_it_is_given_to(ideal: Board) -> None:
    gates = np.zeros(64)
    gates[7] = 2.5
    ideal.pulse(row=40, volts=2.5, seconds=10e-6, gates=gates)
    conductance = ideal.read_conductance(rows=40)[40]
    assert conductance[7] == pytest.approx(32768 * UNIT, rel=1e-3)
    assert (np.delete(conductance, 7) == 0).all()


@pytest.mark.parametrize(
    ("pulse", "words"),
    [
        ({"volts": 3.5}, r"3\.5 V, limit 3 V.*exceeds the board's limit"),
        ({"volts": -3.001}, r"-3\.001 V, limit 3 V"),
        ({"volts": float("nan")}, "give finite numbers"),
        ({"gates": 5.5}, "choose 0 to 5 V"),
        ({"gates": -0.1}, "choose 0 to 5 V"),
        ({"gates": float("nan")}, "choose 0 to 5 V"),
        ({"seconds": 0.02}, r"0\.02 s, limit 0\.01 s"),
        ({"seconds": 0.0}, "a pulse of 0 s"),
        ({"row": 128}, "row 128 of a board with 128 rows"),
        ({"row": -1}, "row -1 of a board with 128 rows"),
    ],
)
def test_a_pulse_beyond_the_limits_is_refused_before_it_is_sent(ideal: Board, pulse: dict[str, float], words: str) -> None:
    frames = ideal.snapshot()["frames"]
    with pytest.raises(BoardError, match=words):
        ideal.pulse(**{"row": 0, "volts": 1.0, "seconds": 1e-6, "gates": 1.0} | pulse)
    assert ideal.snapshot()["frames"] == frames + 1


def test_the_board_refuses_a_voltage_above_its_limit_by_itself(ideal: Board) -> None:
    with pytest.raises(BoardError, match=r"pulse on emu.*exceeds the board's limit; lower it \[LIMIT_VOLTAGE\]") as caught:
        ideal._link.request("pulse", row=0, millivolts=3001, microseconds=1, gates=b"\xff" * 128)
    assert caught.value.code == 97
    assert ideal.snapshot()["pulses"] == 0


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda board: board.read_conductance(rows=128), "row 128"),
        (lambda board: board.read_conductance(columns=[3, 64]), "column 64"),
        (lambda board: board.read_conductance(range=6), "range 6 of a board with 6 ranges"),
        (lambda board: board.read_conductance(reads=3), "reads = 3: choose a power of two"),
        (lambda board: board.read_conductance(reads=512), "power of two from 1 to 256"),
        (lambda board: board.multiply(np.zeros(64, np.int16)), r"give int16 \(..., 128\)"),
        (lambda board: board.multiply(np.zeros(128)), "float64: give int16"),
        (lambda board: board.program(np.zeros((3, 3), np.uint16)), r"give uint16 \(128, 64\)"),
        (lambda board: board.run(np.zeros((5, 1))), "no program has been brought to the board"),
    ],
)
def test_arguments_that_do_not_fit_are_named(ideal: Board, call: Callable[[Board], object], words: str) -> None:
    with pytest.raises((BoardError, ArrayError, ProgramError), match=words):
        call(ideal)


@pytest.mark.parametrize("x", [np.zeros((5, 2)), np.zeros(5), np.zeros((0, 1)), np.full((5, 1), np.nan)])
def test_inputs_that_do_not_fit_are_refused(ideal: Board, program: Program, x: np.ndarray) -> None:
    ideal.load(program)
    with pytest.raises(ModelError):
        ideal.run(x)


@pytest.mark.parametrize(("adc_bits", "words"), [(8, "adc_bits = 8"), (None, "adc_bits = None")])
def test_a_program_for_other_converters_is_refused(ideal: Board, program: Program, adc_bits: int | None, words: str) -> None:
    other = replace(program, hardware=replace(program.hardware, adc_bits=adc_bits))
    with pytest.raises(ProgramError, match=words):
        ideal.program(other)
    assert ideal.snapshot()["pulses"] == 0


def test_a_board_whose_cells_are_unknown_is_not_programmed_blindly(ideal: Board) -> None:
    object.__setattr__(ideal.info, "device", "")
    with pytest.raises(BoardError, match=r"cells of the board .* are not known.*device='ta-hfo2'"):
        ideal.program(ramp())


def test_the_self_test_names_each_chip_and_the_one_that_fails() -> None:
    with Board("emu://host?device=ideal&missing_chip=13", log=False) as board:
        results = board.selftest()
    assert [(chip.kind, chip.index) for chip in results if chip.status] == [("column_adc", 1)]
    assert {chip.kind for chip in results} == {"row_dac", "gate_dac", "column_adc", "monitor_adc"}
    assert len(results) == 21


def test_a_snapshot_is_plain_data_with_identity_limits_and_counters(ideal: Board) -> None:
    snapshot = json.loads(json.dumps(ideal.snapshot()))
    assert (snapshot["rows"], snapshot["columns"], snapshot["row_volts"]) == (128, 64, 3.0)
    assert snapshot["campaign_state"] == "none"


def test_a_pause_longer_than_the_dead_man_does_no_harm(ideal: Board) -> None:
    ideal.program(ramp())
    ideal._link.listen(5.0)
    assert np.isfinite(ideal.read_conductance(rows=0)[0]).all()


def test_every_reading_pulse_and_campaign_is_in_the_log(ideal: Board, tmp_path: Path) -> None:
    ideal.program(ramp())
    measured = ideal.read_conductance(rows=[12, 13, 90])
    ideal.multiply(np.ones(128, np.int16))
    ideal.pulse(50, -1.5, 2e-6, 1.0)
    with MeasurementLog(tmp_path / "log.db", writable=False) as log:
        (session,) = log.rows("sessions")
        readings, (pulse,), (campaign,) = log.rows("readings"), log.rows("pulses"), log.rows("campaigns")
        (result,) = log.rows("campaign_results", campaign=campaign["id"])
        assert log.rows("pulse_answers", pulse=pulse["id"])
    assert (session["board"], session["firmware"]) == ("fxlstm-reference", "0.1")
    assert "[limits]" in session["board_file"]
    assert [(r["kind"], r["row"], r["rows"]) for r in readings] == [
        ("conductance", 12, 2),
        ("conductance", 90, 1),
        ("multiply", 0, 1),
    ]
    np.testing.assert_allclose(reading_conductance(readings[0]), measured[12:14])
    assert reading_codes(readings[2]).shape == (1, 64)
    assert (pulse["row"], pulse["millivolts"], pulse["microseconds"]) == (50, -1500, 2)
    assert campaign["target"] == ramp().tobytes()
    assert (len(result["cells"]), result["resumed"]) == (128 * 64 * 7, 0)


def test_a_run_is_in_the_log_with_its_raw_codes(ideal: Board, program: Program, sequence: np.ndarray) -> None:
    ideal.program(program)
    codes = program.encode(sequence)
    outputs = ideal.run_codes(codes)
    ideal.run_codes(codes[:5], on_array=False)
    assert ideal.log_path is not None
    with MeasurementLog(ideal.log_path, writable=False) as log:
        measured, computed = log.rows("runs")
    assert (measured["timesteps"], measured["on_array"], computed["on_array"]) == (600, 1, 0)
    assert measured["program_crc"] == zlib.crc32(program.to_bytes())
    assert (measured["input"], measured["codes"]) == (codes.tobytes(), outputs.tobytes())


@pytest.mark.parametrize(
    ("pulse", "words"),
    [
        ((3.001, 1e-6), "LIMIT_VOLTAGE"),
        ((0.1, 0.011), "LIMIT_WIDTH"),
        ((2.5, 161e-6), "LIMIT_ENERGY"),
        ((-2.5, 161e-6), "LIMIT_ENERGY"),
        ((1.0, 1e-7), "at least one microsecond"),
    ],
)
def test_a_pulse_beyond_a_limit_is_refused_before_it_is_sent(ideal: Board, pulse: tuple[float, float], words: str) -> None:
    frames = ideal.snapshot()["frames"]
    with pytest.raises(BoardError, match=words):
        ideal.pulse(0, *pulse, gates=1.0)
    assert ideal.snapshot()["frames"] == frames + 1


def test_every_array_says_who_it_is_in_the_same_way(ideal: Board) -> None:
    assert ideal.identity == Identity("board", 128, 64, "ideal", "1")


def test_without_a_log_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    with Board("emu://host?device=ideal", log=False) as board:
        board.read_conductance(rows=0)
        assert board.log_path is None
    assert not list(tmp_path.iterdir())


def test_a_board_that_cannot_be_opened_leaves_no_port_behind() -> None:
    url = "emu://host?board=test-leaves-no-port&device=ideal"
    with pytest.raises(FxlstmError):
        Board(url, log="/dev/null/log.db")
    with Board(url, log=False) as board:
        assert board.info.device == urllib.parse.parse_qs(url)["device"][0]


def test_leaving_brings_the_outputs_to_zero_and_stops_a_campaign() -> None:
    url = "emu://host?board=test-leaving&device=ideal"
    with Board(url, log=False) as board, pytest.raises(KeyboardInterrupt):
        board.program(ramp(), progress=_interrupt)
    with Board(url, log=False) as board:
        assert board.snapshot()["campaign_state"] in ("stopped", "silenced")


def _interrupt(done: int, total: int) -> None:
    raise KeyboardInterrupt


def test_a_program_for_other_ranges_is_refused(ideal: Board, program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fxlstm.board.held.load_board", lambda name: {"front_end": object()})
    with pytest.raises(ProgramError, match="made for the ranges of board 'reference'"):
        ideal.program(program)
