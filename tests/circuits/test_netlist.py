"""ngspice, which knows nothing of crossbars, answers the exported netlists with the same currents."""

from __future__ import annotations

import re
import subprocess

import numpy as np
import pytest

from fxlstm.app.cli import main
from fxlstm.circuits import array_netlist, gated_netlist
from fxlstm.crossbar import SimulatedArray, Wires, effective_conductance
from fxlstm.crossbar.wires import solve_gated
from fxlstm.errors import ArrayError


def answered(netlist: str, folder) -> np.ndarray:
    """The column currents that ngspice finds."""
    path = folder / "array.cir"
    path.write_text(netlist)
    answer = subprocess.run(["ngspice", "-b", path], capture_output=True, text=True, check=True, timeout=120)
    return np.array([float(value) for value in re.findall(r"^i\(va\d+\) = (\S+)", answer.stdout, re.M)])


@pytest.mark.parametrize(
    ("shape", "wires"),
    [
        ((1, 1), Wires(row=1, column=2)),
        ((3, 4), Wires()),
        ((5, 3), Wires(driver=5, amplifier=7)),
        ((5, 3), Wires(column=0.3, driver=5, amplifier=7, drive="both", sense="both")),
        ((3, 5), Wires(driver=5, drive="both", sense="both")),
        ((3, 4), Wires(row=1, column=2, drive="right", sense="top")),
        ((32, 16), Wires(row=0.3, column=0.3)),
        ((34, 60), Wires(row=0.3, column=0.5, driver=20, amplifier=10, drive="both")),
    ],
)
def test_the_same_currents(shape, wires, tmp_path):
    random = np.random.default_rng(1)
    cells, volts = random.uniform(10e-6, 900e-6, shape), random.uniform(-0.2, 0.2, shape[0])
    found = answered(array_netlist(cells, wires, volts), tmp_path)
    expected = volts @ effective_conductance(cells, wires)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9 * np.abs(expected).max())


@pytest.mark.parametrize("sense", ["top", "bottom", "both"])
@pytest.mark.parametrize("source", [0.0, 0.7])
def test_the_same_currents_of_bit_and_source_lines(sense, source, tmp_path):
    random = np.random.default_rng(2)
    cells, gates = random.uniform(10e-6, 900e-6, (24, 6)), random.random(24) < 0.4
    wires = Wires(column=0.5, source=source, driver=5, amplifier=2, sense=sense)
    found = answered(gated_netlist(cells, wires, gates), tmp_path)
    np.testing.assert_allclose(found, solve_gated(cells, wires, gates).currents, rtol=1e-6)


def test_cells_without_conductance_are_left_out():
    netlist = array_netlist(np.array([[1e-4, 0.0]]), Wires(row=1), 0.2)
    assert "Rc0_0 row0_0 amplifier0 10000" in netlist
    assert "Rc0_1" not in netlist


def test_voltages_that_do_not_fit_are_refused():
    with pytest.raises(ArrayError, match="give 1 finite voltages"):
        array_netlist(np.ones((1, 2)), Wires(), [1, 2])


def test_a_saved_array_becomes_a_netlist(tmp_path, capsys):
    wires = Wires(row=0.3, column=0.3, driver=5)
    array = SimulatedArray(12, 6, seed=1, wires=wires)
    array.save(tmp_path / "state.npz")
    volts = np.random.default_rng(4).uniform(-0.2, 0.2, 12)
    np.save(tmp_path / "volts.npy", volts)
    for options, expected in (([], np.full(12, 0.2)), (["--volts", str(tmp_path / "volts.npy"), "--json"], volts)):
        with pytest.raises(SystemExit) as ended:
            main(["spice", "array", str(tmp_path / "state.npz"), "-o", str(tmp_path / "out.cir"), *options])
        assert not ended.value.code
        found = answered((tmp_path / "out.cir").read_text(), tmp_path)
        np.testing.assert_allclose(found, expected @ effective_conductance(array.conductance, wires), rtol=1e-6)
    assert '"columns": 6' in capsys.readouterr().out


def test_a_state_that_is_not_there_is_one_sentence(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["spice", "array", str(tmp_path / "none.npz"), "-o", str(tmp_path / "out.cir")])
    assert ended.value.code == 1
    assert "no saved array at" in capsys.readouterr().err
    assert not (tmp_path / "out.cir").exists()
