"""What is published about each kind of cell holds for the simulated array: means, spreads, success rates, pulses."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files

import numpy as np
import pytest

from fxlstm.crossbar import SimulatedArray, Wires, programming_scheme
from fxlstm.crossbar.wires import effective_conductance, solve_nonlinear
from fxlstm.errors import ArrayError
from fxlstm.program.device import load_device
from fxlstm.program.hardware import Hardware

ROWS, COLUMNS = 64, 64
DAY = 86400.0


def written(device, targets=None, *, seed=1, scheme=None, **switches):
    """A programmed array of a preset behind its board, the targets in siemens, and the report."""
    board = load_device(device).board
    hardware = Hardware(board=board)
    if targets is None:
        targets = np.random.default_rng(5).integers(0, 65535, (ROWS, COLUMNS)).astype(np.uint16)
    array = SimulatedArray(*targets.shape, device, seed, board, **switches)
    report = array.program(targets, scheme=programming_scheme(device, hardware, scheme))
    base = programming_scheme(device, hardware).base_units
    return array, (base + targets.astype(float)) * hardware.conductance_unit, report


def all_at(device, microsiemens):
    """Targets that bring every cell of an array to one conductance."""
    hardware = Hardware(board=load_device(device).board)
    units = microsiemens * 1e-6 / hardware.conductance_unit - programming_scheme(device, hardware).base_units
    return np.full((ROWS, COLUMNS), round(units), np.uint16)


def shipped_text(name):
    """The text of a shipped preset."""
    return (files("fxlstm") / "devices" / f"{name}.toml").read_text()


def sigma(array, wanted):
    """Standard deviation of the true errors of the cells that can move, uS."""
    return float((array.conductance - wanted)[~array.stuck].std() * 1e6)


# ---- Wan et al. 2022: low-conductance HfOx


@pytest.fixture(scope="module")
def hfox():
    return written("hfox")


def test_hfox_needs_8_52_pulses_and_brings_99_percent_within_a_microsiemens(hfox):
    array, _, report = hfox
    assert report.success_rate == pytest.approx(0.99, abs=0.005)
    assert report.pulses.mean() == pytest.approx(8.52, rel=0.05)
    np.testing.assert_array_equal(report.pulses, report.cycles)
    assert np.abs(report.error[report.state == 2]).max() <= 1e-6
    assert {cell for cell in report.failed if not array.stuck[cell]} == set()


def test_a_cell_of_hfox_takes_56_microseconds_when_cells_are_written_one_by_one(hfox):
    _, _, report = hfox
    preset = load_device("hfox")
    one_by_one = report.pulses.mean() * (preset["set.width"] + preset["read.time"])
    assert one_by_one == pytest.approx(56e-6, rel=0.15)
    assert report.seconds < one_by_one * ROWS * COLUMNS


def test_hfox_relaxes_within_half_an_hour_by_2_8_microsiemens_without_a_shift(hfox):
    arrays = [hfox, *(written("hfox", seed=seed) for seed in (2, 3))]  # one array's spread varies by 0.05 uS
    assert np.mean([sigma(array, wanted) for array, wanted, _ in arrays]) == pytest.approx(2.8, abs=0.25)
    for array, wanted, _ in arrays:
        assert abs((array.conductance - wanted)[~array.stuck].mean()) < 1e-6


def test_three_passes_take_29_percent_off_the_relaxation_of_hfox(hfox):
    array, wanted, report = hfox
    refined, _, repeated = written("hfox", scheme="refined")
    assert sigma(refined, wanted) == pytest.approx(2.0, abs=0.2)
    assert 1 - sigma(refined, wanted) / sigma(array, wanted) == pytest.approx(0.29, abs=0.05)
    assert repeated.pulses.sum() > report.pulses.sum()


def test_the_largest_relaxation_of_hfox_is_3_9_microsiemens_at_12():
    spreads = []
    for microsiemens in (4, 12, 20, 28):
        array, wanted, _ = written("hfox", all_at("hfox", microsiemens), stuck=False)
        array.elapse(DAY)
        spreads.append(sigma(array, wanted))
    assert spreads[1] == pytest.approx(3.9, abs=0.2)
    assert max(spreads) < 4.1


# ---- Yao et al. 2020: TaOx with 32 levels


def test_taox_reaches_32_levels_within_its_margin_by_less_than_500_identical_pulses():
    preset, hardware = load_device("taox"), Hardware(board="reference-174k", levels=32)
    spacing = hardware.level_units * hardware.conductance_unit
    assert spacing == pytest.approx(preset["conductance.spacing"], rel=0.01)
    levels = np.random.default_rng(2).integers(0, 32, (ROWS, COLUMNS))
    targets = (levels * hardware.level_units).astype(np.uint16)
    array, wanted, report = written("taox", targets, seed=3)
    assert report.success_rate >= 0.9995
    assert report.pulses.max() <= 500
    assert np.abs(report.error[report.state == 2]).max() <= 0.25e-6
    assert (np.rint((array.conductance - 2e-6) / spacing) == levels)[~array.stuck].mean() > 0.98  # read noise near the margin
    assert sigma(array, wanted) < 0.25


# ---- Statistical laws: ReRAM and PCM


@pytest.mark.parametrize("seconds, spread", [(1.0, 2.306), (DAY, 3.904), (2 * DAY, 3.851)])
def test_reram_of_wan_departs_by_its_published_polynomial(seconds, spread):
    array, wanted, _ = written("reram-wan22", all_at("reram-wan22", 12))
    array.elapse(seconds - 1.0)  # programming itself ends a second after
    assert sigma(array, wanted) == pytest.approx(spread, rel=0.04)
    assert abs((array.conductance - wanted).mean()) < 0.15e-6


@pytest.mark.parametrize("microsiemens", [20, 50, 70])
def test_reram_cmo_is_written_decays_and_is_read_as_published(microsiemens):
    array, wanted, _ = written("reram-cmo", all_at("reram-cmo", microsiemens))
    assert sigma(array, wanted) == pytest.approx(0.0112185 + 0.0112903 * microsiemens, rel=0.04)
    at_once = array.conductance
    array.elapse(DAY)
    moved = (array.conductance - at_once) * 1e6
    assert moved.mean() == pytest.approx(-0.0890 * np.log(DAY), abs=0.05)
    assert moved.std() == pytest.approx(0.04201 * np.log(DAY) + 0.41183, rel=0.04)
    readings = np.array([array.read_conductance() for _ in range(200)]).std(axis=0) * 1e6
    published = 0.02773 * np.log10(array.conductance * 1e6) * np.sqrt(np.log((DAY + 1e-6) / 2e-6))
    assert (readings / published).mean() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("microsiemens", [5, 12.5, 20])
def test_pcm_is_written_and_drifts_as_published(microsiemens):
    array, wanted, _ = written("pcm", all_at("pcm", microsiemens))
    x = microsiemens / 25
    assert sigma(array, wanted) == pytest.approx(0.26348 + 1.9650 * x - 1.1731 * x**2, rel=0.04)
    at_once = array.conductance
    array.elapse(1e6)
    nu = -np.log(array.conductance / at_once) / np.log((1e6 + 20) / 20)
    assert np.median(nu) == pytest.approx(np.clip(-0.0155 * np.log(x) + 0.0244, 0.049, 0.1), rel=0.03)
    spread = np.clip(-0.0125 * np.log(x) - 0.0059, 0.008, 0.045)
    assert np.diff(np.quantile(nu, [0.16, 0.84]))[0] / 2 == pytest.approx(spread, rel=0.1, abs=0.0005)


def test_no_cell_of_pcm_gains_conductance_by_drift():
    array, _, _ = written("pcm", all_at("pcm", 1.25))  # where the spread of the exponents is widest beside their mean
    array.elapse(1e6)
    assert (array.conductance <= array.written).all()


@pytest.mark.parametrize("seconds", [0.0, 100.0])
def test_readings_of_pcm_scatter_as_published(seconds):
    array, _, _ = written("pcm", all_at("pcm", 20))
    array.elapse(seconds)
    readings = np.array([array.read_conductance() for _ in range(200)]).std(axis=0)
    part = np.minimum(0.0088 / (array.conductance / 25e-6) ** 0.65, 0.2) * np.sqrt(np.log((20 + seconds + 250e-9) / 500e-9))
    assert (readings / (part * array.conductance)).mean() == pytest.approx(1, abs=0.02)


# ---- HP TiO2


def test_the_hp_memristor_follows_its_equation_and_comes_back_by_the_opposite_flux():
    array = SimulatedArray(1, 1, "hp-tio2", seed=0)
    rate = (16e3 - 100) * 1e-14 * 100 / (1e-8) ** 2
    steps, volts, seconds = 20000, 1.0, 0.1
    ohms = 11e3
    for _ in range(steps):  # dR/dt = -rate V / R, Euler
        ohms -= rate * volts / ohms * seconds / steps
    array.pulse(np.array([volts]), np.array([5.0]), seconds)
    assert 1 / array.conductance[0, 0] == pytest.approx(ohms, rel=1e-4)
    array.pulse(np.array([-volts]), np.array([5.0]), seconds)
    assert 1 / array.conductance[0, 0] == pytest.approx(11e3, rel=1e-6)


@pytest.mark.parametrize("volts, ohms", [(3.0, 100), (-3.0, 16e3)])
def test_the_hp_memristor_stops_at_its_ends(volts, ohms):
    array = SimulatedArray(1, 1, "hp-tio2", seed=0)
    array.pulse(np.array([volts]), np.array([5.0]), 1.0)
    assert 1 / array.conductance[0, 0] == pytest.approx(ohms, rel=1e-9)


def test_the_hp_memristor_is_brought_within_tolerance_by_incremental_pulses():
    _, _, report = written("hp-tio2")
    assert report.success_rate > 0.995
    assert report.pulses.mean() < 100


# ---- All


@pytest.mark.parametrize("device", ["hfox", "pcm", "reram-cmo", "reram-wan22"])
def test_one_long_wait_gives_the_same_cells_as_many_short_ones(device):
    targets = np.random.default_rng(5).integers(0, 65535, (16, 16)).astype(np.uint16)
    one, many = (written(device, targets)[0] for _ in range(2))
    before = one.conductance
    one.elapse(3600)
    for _ in range(36):
        many.read_conductance()
        many.elapse(100)
    np.testing.assert_allclose(many.conductance, one.conductance, rtol=1e-9)
    assert (one.conductance != before).mean() > 0.9


def test_time_changes_nothing_where_nothing_is_published_about_it():
    array, _, _ = written("ta-hfo2")
    before = array.conductance
    array.elapse(10 * 365 * DAY)
    np.testing.assert_array_equal(array.conductance, before)


def test_ageing_can_be_switched_off():
    array, wanted, report = written("hfox", ageing=False, stuck=False)
    array.elapse(DAY)
    assert report.success_rate == 1
    assert np.abs(array.conductance - wanted).max() < 2.5e-6


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf")])
def test_time_that_does_not_pass_is_refused(seconds):
    with pytest.raises(ArrayError, match=r"elapse\("):
        SimulatedArray(1, 1, "hfox", seed=0).elapse(seconds)


def test_stuck_cells_do_not_age_and_fresh_cells_have_settled():
    array = SimulatedArray(64, 64, "hfox", seed=2, board="reference-110k")
    assert array.stuck.mean() == pytest.approx(0.01, abs=0.005)
    fresh = array.conductance
    array.elapse(DAY)
    np.testing.assert_array_equal(array.conductance, fresh)
    targets = all_at("hfox", 10)
    array.program(targets)
    assert (array.conductance[array.stuck] == 0).all()


@pytest.mark.parametrize("device", ["hfox", "pcm"])
def test_a_cell_that_sticks_after_a_time_stands_where_that_time_has_brought_it(device):
    targets = np.full((8, 8), 40000, np.uint16)
    seen, array = (written(device, targets)[0] for _ in range(2))
    for one in (seen, array):
        one.elapse(DAY)
    stood = seen.conductance
    array.stuck[0] = True
    np.testing.assert_array_equal(array.conductance, stood)
    array.elapse(DAY)
    np.testing.assert_array_equal(array.conductance[0], stood[0])
    assert (array.conductance[1:] != stood[1:]).any()


@pytest.mark.parametrize("device", ["hfox", "reram-cmo", "hp-tio2"])
def test_a_saved_array_ages_on_exactly_as_the_one_in_memory(device, tmp_path):
    targets = np.random.default_rng(5).integers(0, 65535, (8, 8)).astype(np.uint16)
    array, _, _ = written(device, targets)
    array.elapse(10)
    array.save(tmp_path / "array.npz")
    again = SimulatedArray.load(tmp_path / "array.npz")
    for one in (array, again):
        one.elapse(1000)
        one.program(targets[::-1])
    np.testing.assert_array_equal(again.conductance, array.conductance)
    np.testing.assert_array_equal(again.read_conductance(), array.read_conductance())


def test_each_kind_of_defect_strikes_its_part_of_the_cells(tmp_path):
    source = 'source = "a test"'
    kinds = ("stuck_on", "stuck_off", "unresponsive")
    defects = "".join(f'[{kind}]\nfraction = {{ value = 0.1, unit = "1", {source} }}\n' for kind in kinds)
    path = tmp_path / "mine.toml"
    path.write_text(shipped_text("taox").replace("[stuck_off]", "[left_out]") + defects)
    array = SimulatedArray(200, 200, str(path), seed=1, board="reference-174k")
    assert array.stuck.mean() == pytest.approx(0.3, abs=0.01)
    on, off = (np.isclose(array.conductance, end, rtol=1e-9) & array.stuck for end in (21.5e-6, 1e-6))
    assert on.mean() == pytest.approx(0.1, abs=0.01)
    assert off.mean() == pytest.approx(0.1, abs=0.01)
    elsewhere = array.conductance[array.stuck & ~on & ~off]
    assert 2e-6 < elsewhere.min() < elsewhere.max() < 20e-6


def test_a_cubic_i_of_v_acts_on_every_row_code(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(shipped_text("taox") + '\n[conduction]\ncubic = { value = 5, unit = "1/V2", source = "a test" }\n')
    straight, bent = (SimulatedArray(3, 2, name, 1, "reference-174k", read_noise=False) for name in ("taox", str(path)))
    codes = np.array([32767, -16384, 100])
    volts = codes / 32768 * 0.2
    per_code = straight.hardware.full_scale_current(0) / 32768
    for array, cubic in ((straight, 0), (bent, 5)):
        expected = (volts + cubic * volts**3) @ array.conductance / per_code
        np.testing.assert_allclose(array.multiply(codes), expected, atol=0.51)


def test_wires_take_voltage_from_cells_that_are_not_straight(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(shipped_text("taox") + '\n[conduction]\ncubic = { value = 5, unit = "1/V2", source = "a test" }\n')
    wires = Wires(row=800, column=500, driver=1000)
    array = SimulatedArray(6, 4, str(path), 1, "reference-174k", read_noise=False, wires=wires)
    codes = np.random.default_rng(1).integers(-32767, 32768, (5, 6))
    found = array.multiply(codes) * (array.hardware.full_scale_current(0) / 32768)
    cells = array.conductance
    for row_codes, currents in zip(codes, found, strict=True):
        volts = row_codes / 32768 * array.hardware.read_voltage
        exact = solve_nonlinear(lambda v: cells * (v + 5 * v**3), lambda v: cells * (1 + 15 * v**2), (6, 4), wires, volts)
        np.testing.assert_allclose(currents, exact.currents, atol=0.51 * array.hardware.full_scale_current(0) / 32768)
    straight = codes / 32768 * array.hardware.read_voltage @ effective_conductance(cells, wires)
    assert np.abs(found / straight - 1).max() > 0.05


# ---- Schemes


@pytest.mark.parametrize(
    "device, name, words",
    [
        ("hfox", "magic", "'magic': choose one of open-loop, write-verify, incremental, refined"),
        ("ta-hfo2", "incremental", "lacks programming.reversals"),
        ("ta-hfo2", "refined", "lacks programming.wait"),
        ("hfox", "write-verify", "choose 'incremental' or 'refined'"),
    ],
)
def test_a_scheme_that_the_cells_do_not_know_is_refused_by_name(device, name, words):
    with pytest.raises(ArrayError, match=words):
        programming_scheme(device, name=name)


def test_pulses_beyond_what_the_cells_stand_are_refused_and_change_nothing():
    scheme = programming_scheme("hfox", Hardware(board="reference-110k"))
    array = SimulatedArray(2, 2, "hfox", 1, "reference-110k", stuck=False)
    before = array.conductance
    wrong = replace(
        scheme,
        up=replace(scheme.up, millivolts=3750, most_millivolts=4900),
        down=replace(scheme.down, millivolts=-3750, most_millivolts=-4900),
    )
    with pytest.raises(ArrayError, match=r"a row voltage of 3\.75 V: device 'hfox' allows 3 V"):
        array.program(np.zeros((2, 2), np.uint16), scheme=wrong)
    np.testing.assert_array_equal(array.conductance, before)


@pytest.mark.parametrize(
    "device, old, new, words",
    [
        ("hfox", "value = [1, 86400, 172800]", "value = [1, 86400]", "relaxation.spread is a list of shape"),
        ("hfox", "value = [1, 86400, 172800]", "value = [1, 172800, 86400]", "give growing times above 0"),
        ("hfox", "value = [1, 86400, 172800]", "value = 1", "lacks the list relaxation.times"),
        (
            "pcm",
            "value = [-0.0155, 0.0244, 0.049, 0.1]",
            "value = [-0.0155, 0.0244]",
            "drift.mean is a list of shape .* give 4 numbers",
        ),
        ("pcm", "width = { value = 250", "width = { value = 0", "read.width = 0; give a number above 0"),
        ("hp-tio2", "thickness = { value = 1e-8", "thickness = { value = 0", "drift.thickness = 0"),
        ("hp-tio2", "off = { value = 16000", "off = { value = 50", "drift.off = 50 ohm must be above"),
    ],
)
def test_numbers_that_a_law_cannot_work_with_are_refused(device, old, new, words, tmp_path):
    path = tmp_path / "mine.toml"
    text = shipped_text(device)
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(ArrayError, match=words):
        SimulatedArray(2, 2, str(path), 1)
