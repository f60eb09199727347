"""A preset fitted to a measured sweep gives back the physics that the sweep was measured on."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fxlstm.crossbar import SimulatedArray
from fxlstm.crossbar.fit import fit, load_sweep, preset_text
from fxlstm.errors import ArrayError
from fxlstm.program.device import load_device
from fxlstm.program.hardware import Hardware
from fxlstm.program.scheme import CELL_STATES

HEAD = "cell,pulse,gate_volts,conductance_siemens"
OFFSET, SLOPE, SPREAD, SET_NOISE, FLOOR, RESET_NOISE, READ_NOISE = -20e-6, 250e-6, 12e-6, 5e-6, 30e-6, 3e-6, 0.004
GATES = np.arange(0.6, 1.61, 0.1)


def sweep_text(cells=48, cycles=3, dead=2, seed=1):
    """A sweep of cells whose physics the constants above say: RESET, SETs at rising gate voltages, two readings of each."""
    random = np.random.default_rng(seed)
    lines = [HEAD]

    def readings(cell, pulse, gate, value):
        for what, volts in ((pulse, gate), ("read", "")):
            lines.append(f"{cell},{what},{volts},{max(value * (1 + READ_NOISE * random.standard_normal()), 0):.9g}")

    for cell in range(cells):
        offset = OFFSET + SPREAD * random.standard_normal()
        for _ in range(cycles):
            readings(cell, "reset", "", FLOOR + RESET_NOISE * random.standard_normal())
            for gate in GATES:
                readings(cell, "set", f"{gate:.2f}", offset + SLOPE * gate + SET_NOISE * random.standard_normal())
    for cell in range(dead):
        for gate in GATES:
            readings(f"dead{cell}", "set", f"{gate:.2f}", 10e-6)
    return "\n".join(lines) + "\n"


@pytest.fixture
def sweep(tmp_path):
    path = tmp_path / "sweep.csv"
    path.write_text(sweep_text())
    return path


def test_the_numbers_behind_a_sweep_are_found(sweep):
    found = fit(load_sweep(sweep))
    assert found.cells == 48
    assert found.slope == pytest.approx(SLOPE, abs=4 * found.slope_error)
    assert found.slope_error < 1e-6
    assert found.offset == pytest.approx(OFFSET, abs=4 * SPREAD / 48**0.5)
    assert found.spread == pytest.approx(SPREAD, rel=0.3)
    assert found.set_noise == pytest.approx(SET_NOISE, rel=0.06)
    assert found.floor == pytest.approx(FLOOR, abs=1e-6)
    assert found.reset_noise == pytest.approx(RESET_NOISE, rel=0.2)
    assert found.read_noise == pytest.approx(READ_NOISE, rel=0.05)
    assert found.unresponsive == pytest.approx(2 / 50)
    assert found.unresponsive_at == pytest.approx(10e-6, rel=0.01)


def test_goodness_of_fit_says_how_much_one_line_explains(sweep):
    found = fit(load_sweep(sweep))
    spread = math.hypot(SPREAD, SET_NOISE)
    assert found.residual == pytest.approx(spread, rel=0.2)
    assert found.r_squared == pytest.approx(1 - spread**2 / (SLOPE**2 * GATES.var() + spread**2), abs=0.01)
    assert "R^2 = 0.9" in str(found)


def test_the_fitted_preset_makes_an_array_of_such_cells(sweep, tmp_path):
    path = tmp_path / "my-device.toml"
    path.write_text(preset_text(fit(load_sweep(sweep)), sweep.name))
    preset = load_device(str(path))
    assert preset["gate.slope"] == pytest.approx(SLOPE, rel=0.02)
    assert preset.sources["gate.slope"] == "fit to sweep.csv"
    assert preset.description.startswith("cells of sweep.csv: 1584 SETs of 48 cells")
    assert preset.sources["set.voltage"].startswith("not measured; taken over from ta-hfo2: Li et al.")
    array = SimulatedArray(64, 64, str(path), 1, preset.board)
    assert Hardware(board=preset.board).conductance_unit * 65534 + preset["conductance.base"] <= preset["conductance.maximum"]
    array.pulse(np.full(64, 2.5), np.full(64, 1.2), 1e-5)
    moved = array.conductance[~array.stuck]
    assert moved.mean() == pytest.approx(OFFSET + 1.2 * SLOPE, abs=6e-6)
    assert moved.std() == pytest.approx(math.hypot(SPREAD, SET_NOISE), rel=0.25)
    report = array.program(np.random.default_rng(1).integers(0, 65535, (64, 64)).astype(np.uint16))
    assert (report.state == CELL_STATES["in_tolerance"])[~array.stuck].mean() > 0.97


def test_an_array_s_own_sweep_gives_its_preset_back(tmp_path):
    array = SimulatedArray(40, 1, "ta-hfo2", seed=4, stuck=False)
    lines = [HEAD]
    for volts in [None, *np.arange(0.5, 1.65, 0.05)] * 2:
        kind, row, gate = ("reset", -1.7, 5.0) if volts is None else ("set", 2.5, volts)
        array.pulse(np.full(40, row), np.array([gate]), 1e-5)
        for what in (kind, "read", "read"):
            measured = array.read_conductance()[:, 0]
            lines += [f"{cell},{what},{'' if what != 'set' else volts},{value}" for cell, value in enumerate(measured)]
    path = tmp_path / "sweep.csv"
    path.write_text("\n".join(lines))
    found, preset = fit(load_sweep(path)), load_device("ta-hfo2")
    assert found.slope == pytest.approx(preset["gate.slope"], rel=0.01)
    assert found.line(np.array(0.5)) == pytest.approx(preset["gate.reference_conductance"], abs=3e-6)
    assert found.set_noise == pytest.approx(preset["set.noise"], rel=0.2)
    assert found.reset_noise == pytest.approx(preset["reset.noise"], rel=0.25)
    assert found.read_noise == pytest.approx(preset["read.noise"], rel=0.15)
    assert found.spread < 1e-6


def test_sets_below_an_earlier_gate_voltage_do_not_count(tmp_path):
    path = tmp_path / "sweep.csv"
    up = [(0.5, 100e-6), (1.0, 200e-6), (1.5, 301e-6), (0.7, 300e-6), (0.5, 299e-6)]
    path.write_text(HEAD + "\n" + "".join(f"{cell},set,{gate},{value}\n" for cell in "ab" for gate, value in up))
    found = fit(load_sweep(path))
    assert found.gates.size == 6
    assert found.slope == pytest.approx(201e-6)
    assert math.isnan(found.floor) and math.isnan(found.read_noise)
    preset_text(found, "sweep.csv")


@pytest.mark.parametrize(
    "text, words",
    [
        ("", "begins with ''; its first line must be 'cell,pulse,"),
        ("cell,volts\n", "begins with 'cell,volts'"),
        (f"{HEAD}\na,set,1.0\n", r"line 2: 'a,set,1.0' is not cell,pulse"),
        (f"{HEAD}\na,set,1.0,x\n", "line 2: "),
        (f"{HEAD}\na,blow,1.0,1e-6\n", "line 2: pulse 'blow'; write one of set, reset, read"),
        (f"{HEAD}\na,set,1.0,1e-6\na,set,1.0,-1e-6\n", "line 3: -1e-6 S; conductances are 0 or more"),
        (f"{HEAD}\na,set,1.0,nan\n", "line 2: nan S"),
        (f"{HEAD}\na,set,,1e-6\n", "line 2: a SET at gate voltage none"),
        (f"{HEAD}\na,set,-1,1e-6\n", "line 2: a SET at gate voltage -1"),
    ],
)
def test_a_line_that_is_not_a_reading_is_named(text, words, tmp_path):
    path = tmp_path / "sweep.csv"
    path.write_text(text)
    with pytest.raises(ArrayError, match=words):
        load_sweep(path)


@pytest.mark.parametrize(
    "lines, words",
    [
        ([], "0 usable SETs on 0 responding cells"),
        (["a,set,1,1e-4", "a,set,2,2e-4"], "2 usable SETs on 1 responding"),
        (["a,set,1,1e-4", "a,reset,,1e-5"] * 5, "must reach higher"),
        (["a,set,1,4e-4", "a,set,2,3e-4", "a,set,3,2e-4", "a,set,4,1e-4"], "must reach higher"),
    ],
)
def test_a_sweep_that_says_too_little_is_refused(lines, words, tmp_path):
    path = tmp_path / "sweep.csv"
    path.write_text("\n".join([HEAD, *lines]))
    with pytest.raises(ArrayError, match=words):
        fit(load_sweep(path))


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(ArrayError, match=r"'/nowhere/sweep\.csv' cannot be read"):
        load_sweep("/nowhere/sweep.csv")
