"""Ta/HfO2 cells: what is published about them holds for the simulated array, and the same seed gives the same array."""

from __future__ import annotations

import numpy as np
import pytest
from crossbar_programs import airline_program, make_program

from fxlstm.crossbar import IntegerArray, SimulatedArray, Wires
from fxlstm.crossbar.wires import effective_conductance
from fxlstm.errors import ArrayError
from fxlstm.program.device import load_device
from fxlstm.program.hardware import Hardware
from fxlstm.program.mapping import LEAVE, level_differences, target_map
from fxlstm.program.scheme import CELL_STATES, code_siemens, scheme_for

UPDATE_RANGE = 350e-6  # siemens, the in-array range of 100 to 450 uS (Li et al. 2018, Nat. Commun.)


@pytest.fixture(scope="module")
def programmed():
    program = airline_program()
    array = SimulatedArray(seed=1)
    return program, array, array.program(program)


def test_write_verify_brings_nearly_every_cell_within_tolerance(programmed):
    program, array, report = programmed
    assert report.success_rate > 0.99
    assert {cell for cell in report.failed if not array.stuck[cell]} == set()
    assert 3 < report.cycles[report.targeted].mean() < 8
    assert f"of {np.count_nonzero(target_map(program) != LEAVE)} cells in tolerance" in str(report)


def test_accepted_readings_and_the_spread_of_true_errors_are_within_tolerance(programmed):
    program, array, report = programmed
    accepted = report.state == CELL_STATES["in_tolerance"]
    scheme = scheme_for("ta-hfo2", program.hardware)
    assert np.abs(report.error[accepted]).max() <= code_siemens(np.array(scheme.tolerance), 0, program.hardware)
    units = scheme.base_units + target_map(program)[accepted].astype(float)
    true_error = array.conductance[accepted] - units * program.hardware.conductance_unit
    assert np.sqrt((true_error**2).mean()) < 1e-6


def test_untargeted_cells_get_no_pulse(programmed):
    _, array, report = programmed
    untouched = SimulatedArray(seed=1).conductance
    np.testing.assert_array_equal(array.conductance[~report.targeted], untouched[~report.targeted])
    assert not array.pulse_counts[~report.targeted].any()


def test_two_pulses_update_with_an_error_of_one_to_two_percent_of_the_range():
    hardware = Hardware()
    targets = np.random.default_rng(5).integers(0, 65535, (128, 64)).astype(np.uint16)
    array = SimulatedArray(seed=2, read_noise=False, stuck=False)
    report = array.program(targets, scheme=scheme_for("ta-hfo2", hardware, verify=False))
    assert set(report.cycles.ravel()) == {1}
    assert set(report.pulses.ravel()) == {2}
    assert 0.01 < report.error.std() / UPDATE_RANGE < 0.02
    assert abs(report.error.mean()) < 0.2e-6


def test_stuck_cells_are_as_frequent_as_published_and_do_not_move():
    array = SimulatedArray(rows=512, cols=512, seed=3)
    assert array.stuck.mean() == pytest.approx(0.002, rel=0.25)
    np.testing.assert_allclose(array.conductance[array.stuck], 10e-6)
    array.pulse(np.full(512, 2.5), np.full(512, 1.5), 1e-5)
    np.testing.assert_allclose(array.conductance[array.stuck], 10e-6)
    assert array.conductance[~array.stuck].min() > 300e-6


def test_read_noise_of_a_column_has_the_summed_variance_of_its_cells():
    array = SimulatedArray(seed=4, stuck=False)
    codes = np.random.default_rng(6).integers(-32767, 32768, 128).astype(np.int16)
    readings = array.multiply(np.tile(codes, (4000, 1)), 3).astype(float)
    hardware = array.hardware
    per_code = hardware.full_scale_current(3) / 32768
    volts = codes / 32768 * hardware.read_voltage
    expected = np.sqrt((volts**2) @ (array.conductance * 0.002) ** 2) / per_code
    np.testing.assert_allclose(readings.std(axis=0), np.sqrt(expected**2 + 1 / 12), rtol=0.08)
    np.testing.assert_allclose(readings.mean(axis=0), volts @ array.conductance / per_code, atol=0.2)


@pytest.mark.parametrize("pairing", ["adjacent", "columns"])
@pytest.mark.parametrize("wires", [Wires(), Wires(row=20, column=20)])
def test_read_noise_of_a_tile_is_that_of_both_cells_of_its_pairs_and_of_what_wires_leave_of_them(pairing, wires):
    program = make_program([np.full((16, 8), 100)], Hardware(pairing=pairing), ranges=3)
    cells = np.random.default_rng(1).uniform(1e-4, 4e-4, (32, 16))
    array = SimulatedArray.holding(program, cells, "ta-hfo2", seed=1, wires=wires)
    (tile,) = program.matrices[0].tiles
    codes = np.random.default_rng(2).integers(-32767, 32768, 16)
    found = array.multiply_tile(tile, np.tile(codes, (4000, 1))).std(axis=0)
    single = (codes**2 @ pairs(effective_conductance(cells, wires) ** 2, pairing)) ** 0.5 * load_device("ta-hfo2")["read.noise"]
    noise = single * array.hardware.read_voltage / array.hardware.full_scale_current(tile.range)
    rounding = (2 if pairing == "columns" else 1) / 12
    expected = np.sqrt(noise**2 + rounding)
    np.testing.assert_allclose(found, expected, rtol=0.06)


def pairs(cells: np.ndarray, pairing: str) -> np.ndarray:
    """Sums over the two cells of each of 16 x 8 weights."""
    return cells[:16, ::2] + cells[:16, 1::2] if pairing == "columns" else cells[::2, :8] + cells[1::2, :8]


def test_without_noise_a_tile_is_the_sum_of_volts_times_siemens_rounded_once():
    program = make_program([np.arange(-6, 6).reshape(4, 3)], Hardware(levels=16, adc_bits=10, pairing="halves"))
    array = SimulatedArray(seed=4, read_noise=False)
    array.program(program)
    tile = program.matrices[0].tiles[0]
    codes = np.array([[32767, -20000, 5, 31000]], np.int16)
    volts = np.concatenate([codes[0], -codes[0]]) / 32768 * 0.2
    current = volts @ array.conductance[:8, :3]
    expected = np.clip(np.floor(current / array.hardware.full_scale_current(0) * 512 + 0.5), -512, 511) * 64
    np.testing.assert_array_equal(array.multiply_tile(tile, codes)[0], expected)


def test_outputs_agree_with_the_integer_array_to_better_than_30_db(programmed):
    program, array, _ = programmed
    random = np.random.default_rng(7)
    for matrix in program.matrices:
        tile = matrix.tiles[0]
        codes = random.integers(-8000, 8001, (500, tile.rows)).astype(np.int16)
        exact = IntegerArray(program).multiply_tile(tile, codes).astype(float)
        error = array.multiply_tile(tile, codes) - exact
        assert 10 * np.log10((exact**2).sum() / (error**2).sum()) > 30


def test_read_conductance_gives_back_the_weights_that_were_written(programmed):
    program, array, report = programmed
    measured = array.read_conductance()
    np.testing.assert_allclose(measured, array.read_conductance(exact=True), rtol=0.012, atol=0.05e-6)
    assert not report.failed or array.stuck.any()
    weights = level_differences(program, measured)
    for matrix, values in zip(program.matrices, weights, strict=True):
        assert np.median(np.abs(values - matrix.weights)) < 1.5


def test_looking_at_an_array_at_rest_shows_no_current_and_changes_no_later_reading():
    looked_at, left_alone = SimulatedArray(seed=5), SimulatedArray(seed=5)
    driven = np.full(128, 20_000, np.int16)
    assert not looked_at.convert(np.zeros((3, 128), np.int16), 0).any()
    np.testing.assert_array_equal(looked_at.convert(driven, 0), left_alone.convert(driven, 0))


def test_one_seed_gives_one_array_and_reading_does_not_disturb_programming():
    program = airline_program()
    first, second, other = SimulatedArray(seed=8), SimulatedArray(seed=8), SimulatedArray(seed=9)
    second.read_conductance()
    scheme = scheme_for("ta-hfo2", program.hardware, verify=False)
    for array in (first, second, other):
        array.program(program, scheme=scheme)
    np.testing.assert_array_equal(first.conductance, second.conductance)
    assert (first.conductance != other.conductance).any()


@pytest.mark.parametrize("device", ["ideal", "ta-hfo2"])
def test_a_saved_array_goes_on_exactly_where_it_stood(device, tmp_path):
    program = airline_program()
    array = SimulatedArray(device=device, seed=10)
    array.program(program)
    array.stuck[3, 4] = True
    array.save(tmp_path / "array.npz")
    again = SimulatedArray.load(tmp_path / "array.npz")
    assert again.identity == array.identity
    assert [entry.name for entry in tmp_path.iterdir()] == ["array.npz"]
    assert again.stuck[3, 4]
    np.testing.assert_array_equal(again.pulse_counts, array.pulse_counts)
    tile = program.matrices[0].tiles[0]
    codes = np.arange(17, dtype=np.int16)[None] * 1000
    np.testing.assert_array_equal(again.multiply_tile(tile, codes), array.multiply_tile(tile, codes))
    targets = np.full((128, 64), 5000, np.uint16)
    for one in (array, again):
        one.program(targets)
    np.testing.assert_array_equal(again.conductance, array.conductance)


@pytest.mark.parametrize("size", [1, 0.5, 0.99])
def test_a_saved_array_cut_short_is_refused_and_a_whole_one_is_not(size, tmp_path):
    array, path = SimulatedArray(rows=8, cols=8, seed=1), tmp_path / "array.npz"
    array.save(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * size)])
    if size == 1:
        np.testing.assert_array_equal(SimulatedArray.load(path).conductance, array.conductance)
    else:
        with pytest.raises(ArrayError, match="is not a saved array"):
            SimulatedArray.load(path)


@pytest.mark.parametrize("content", [b"", b"not an archive", b"PK\x03\x04 cut short"])
def test_a_file_that_is_no_saved_array_is_refused_by_name(content, tmp_path):
    path = tmp_path / "array.npz"
    path.write_bytes(content)
    with pytest.raises(ArrayError, match=r"array\.npz.*is not a saved array"):
        SimulatedArray.load(path)
    with pytest.raises(ArrayError, match=r"no saved array at .*absent\.npz"):
        SimulatedArray.load(tmp_path / "absent.npz")
    with pytest.raises(ArrayError, match="cannot write"):
        SimulatedArray(rows=1, cols=1).save(tmp_path / "no" / "folder.npz")


@pytest.mark.parametrize(
    "options, words",
    [
        ({"rows": 3.5}, "an array of 3.5 x 64 cells"),
        ({"cols": 0}, "an array of 128 x 0 cells"),
        ({"seed": 1.5}, "seed = 1.5: choose"),
        ({"seed": -1}, "seed = -1: choose"),
        ({"wires": 0.3}, r"wires = 0.3, .*give Wires\(\.\.\.\)"),
        ({"front_end": 16}, r"front_end = 16: give .*FrontEnd\(\.\.\.\)"),
    ],
)
def test_an_array_that_cannot_be_is_refused_by_what_is_wrong(options, words):
    with pytest.raises(ArrayError, match=words):
        SimulatedArray(**options)


def test_row_codes_are_whole_numbers_that_can_be_driven_of_any_type(programmed):
    program, array, _ = programmed
    tile = program.matrices[0].tiles[0]
    for codes, words in (
        (np.ones((2, tile.rows)), "row codes of type float64"),
        (np.full((2, tile.rows), -32768, np.int16), "give whole numbers from -32767 to 32767"),
        (np.full((2, tile.rows), 2**64 - 1, np.uint64), "row codes of type uint64"),
        (np.ones((2, tile.rows + 1), np.int16), "one code for each of the"),
    ):
        with pytest.raises(ArrayError, match=words):
            array.multiply_tile(tile, codes)
    assert array.multiply_tile(tile, [[0] * tile.rows]).shape == (1, tile.columns)
