"""A twin of a board explains what its cells do; what stays is read noise."""

import numpy as np
import pytest

import fxlstm as fx
from fxlstm.app.demos.airline_task import AirlineTask, load_trained
from fxlstm.crossbar.measuring import measured_conductance
from fxlstm.program.device import load_device
from fxlstm.program.scheme import READ_RANGE
from fxlstm.urls.protocol_emu import emulated_board

URL = "emu://host?device=ta-hfo2&seed={}"
LEAST_EXPLAINED = 0.9  # measured: 95 to 99.4 % of the squared deviation of the output for seeds 1 to 3


@pytest.fixture(scope="module")
def x() -> np.ndarray:
    return AirlineTask.load().inputs


@pytest.fixture(scope="module")
def program(x) -> fx.Program:
    return fx.quantize(load_trained(), x)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_twin_explains_most_of_a_boards_deviation(seed, program, x):
    with fx.Board(URL.format(seed), log=False) as board:
        board.program(program)
        report = fx.compare_with_twin(board, program, x)
    assert [row.vector for row in report.rows] == ["lstm/h", "lstm/c", "dense/y", "output"]
    assert min(row.part for row in report.rows) > LEAST_EXPLAINED
    assert report.output.board > 3 * report.output.residual
    assert {name: errors.shape for name, errors in report.timesteps.items()} == dict.fromkeys(report.timesteps, (3, len(x)))


def test_a_twin_has_the_offsets_of_the_boards_columns(program, x):
    with fx.Board(URL.format(1) + "&read_noise=0&adc.offset=300&adc.gain=0.01", log=False) as board:
        board.program(program)
        twin = fx.SimulatedArray.from_board(board)
        without = fx.SimulatedArray.holding(program, np.maximum(board.read_conductance(), 0), "ta-hfo2", read_noise=False)
        explained, partly = (fx.compare_with_twin(board, program, x[:40], array).output.part for array in (twin, without))
    assert explained > 0.99
    assert partly < 0.9


def test_offsets_of_the_columns_are_taken_off_the_measured_conductances():
    with fx.Board(URL.format(1) + "&read_noise=0&adc.offset=300&board=offsets", log=False) as board:
        true = emulated_board("offsets").array.conductance
        unit = board.hardware.full_scale_current(READ_RANGE) / board.hardware.read_voltage / 32768  # siemens of an ADC code
        raw, measured = board.read_conductance(range=READ_RANGE, reads=1), measured_conductance(board)
    assert np.nanstd((raw - true) / unit) > 100
    np.testing.assert_allclose((measured - true)[:, true.max(axis=0) < 5e-4] / unit, 0, atol=1.5)


def test_a_twin_needs_a_program_and_says_so():
    with fx.Board(URL.format(1), log=False) as board, pytest.raises(fx.BoardError, match="give program and device"):
        fx.SimulatedArray.from_board(board)


def test_a_twin_of_another_boards_cells_explains_nothing(program, x):
    with fx.Board(URL.format(2), log=False) as other:
        other.program(program)
        wrong = fx.twin_of(other, program)
    with fx.Board(URL.format(1), log=False) as board:
        board.program(program)
        report = fx.compare_with_twin(board, program, x, wrong)
    assert report.output.part < 0.5


def test_the_twin_of_a_log_is_the_twin_of_the_board(program, tmp_path):
    with fx.Board(URL.format(1), log=tmp_path / "m.db") as board:
        board.program(program)
        now = fx.twin_of(board, program)
    later = fx.twin_of(tmp_path / "m.db", program, "ta-hfo2")
    np.testing.assert_array_equal(now.conductance, later.conductance)


def test_a_log_without_readings_is_refused_with_the_first_cell_that_lacks_one(program, tmp_path):
    fx.Board(URL.format(1), log=tmp_path / "m.db").close()
    with pytest.raises(fx.BoardError, match=r"2072 of the program's 2072 cells were not measured.*row 0, column 0"):
        fx.twin_of(tmp_path / "m.db", program, "ta-hfo2")


def test_the_preset_has_to_be_known_and_to_have_siemens(program, tmp_path):
    with fx.Board(URL.format(1), log=tmp_path / "m.db") as board:
        board.program(program)
        board.read_conductance()
    with pytest.raises(fx.BoardError, match="give device"):
        fx.twin_of(tmp_path / "m.db", program)
    with pytest.raises(fx.ArrayError, match="exact in integers"):
        fx.twin_of(tmp_path / "m.db", program, "ideal")


def test_an_array_that_holds_conductances_multiplies_by_them(program):
    array = fx.SimulatedArray(device="ta-hfo2", seed=4, read_noise=False)
    array.program(program)
    held = fx.SimulatedArray.holding(program, array.conductance, "ta-hfo2", read_noise=False)
    (tile,) = program.matrices[0].tiles
    codes = np.random.default_rng(1).integers(-32767, 32768, (5, tile.rows)).astype(np.int16)
    np.testing.assert_array_equal(held.multiply_tile(tile, codes), array.multiply_tile(tile, codes))


@pytest.mark.parametrize("conductance", [np.full((128, 64), -1e-4), np.zeros(128)])
def test_conductances_that_no_cell_has_are_refused(program, conductance):
    with pytest.raises(fx.ArrayError, match="conductances to hold"):
        fx.SimulatedArray.holding(program, conductance, "ta-hfo2")


def test_held_cells_are_as_noisy_as_their_age_makes_them(x):
    program = fx.quantize(load_trained(), x, fx.Hardware(board=load_device("pcm").board))
    (tile,) = program.matrices[0].tiles
    spreads = []
    for seconds in (1.0, 1e6):
        held = fx.SimulatedArray.holding(program, np.full((128, 64), 10e-6), "pcm", 1, seconds)
        codes = np.full((500, tile.rows), 30000, np.int16)
        spreads.append(held.multiply_tile(tile, codes).std())
    assert spreads[1] > 1.2 * spreads[0]
