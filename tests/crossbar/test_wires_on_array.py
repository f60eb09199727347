"""The simulated array with wires: what it reads, multiplies and saves."""

from __future__ import annotations

import numpy as np
import pytest
from crossbar_programs import airline_program

from fxlstm.crossbar import SimulatedArray, Wires, effective_conductance
from fxlstm.crossbar.wires import changing
from fxlstm.errors import ArrayError
from fxlstm.program.mapping import LEAVE
from fxlstm.program.scheme import scheme_for

WIRES = Wires(row=0.3, column=0.3, driver=5, amplifier=2)


def array_with(wires: Wires, **options: object) -> SimulatedArray:
    return SimulatedArray(34, 60, seed=1, wires=wires, **options)


def test_multiplying_uses_what_the_wires_leave_of_the_conductances():
    array = array_with(WIRES, read_noise=False)
    codes = np.random.default_rng(2).integers(-32767, 32768, (50, 34)).astype(np.int16)
    current = codes / 32768 * array.hardware.read_voltage @ effective_conductance(array.conductance, WIRES)
    expected = np.clip(np.floor(current / array.hardware.full_scale_current(2) * 32768 + 0.5), -32768, 32767)
    np.testing.assert_array_equal(array.multiply(codes, 2), expected)


def test_measuring_sees_the_wires_and_the_true_conductances_stay():
    array, ideal = array_with(WIRES, read_noise=False), array_with(Wires(), read_noise=False)
    np.testing.assert_array_equal(array.conductance, ideal.conductance)
    measured = array.read_conductance()
    assert (measured < ideal.read_conductance() + 1e-9).all()
    np.testing.assert_allclose(measured, effective_conductance(array.conductance, WIRES), atol=0.03e-6)


def test_ideal_wires_change_no_bit_of_what_an_array_does():
    program = airline_program()
    first, second = SimulatedArray(seed=3, wires=Wires()), SimulatedArray(seed=3)
    scheme = scheme_for("ta-hfo2", program.hardware, verify=False)
    for array in (first, second):
        array.program(program, scheme=scheme)
    np.testing.assert_array_equal(first.read_conductance(), second.read_conductance())


@pytest.fixture
def solved(monkeypatch) -> list[Wires]:
    """One entry for each time that a whole array is solved."""
    calls = []

    def counted(conductance, wires):
        calls.append(wires)
        return effective_conductance(conductance, wires)

    monkeypatch.setattr(changing, "effective_conductance", counted)
    return calls


def test_the_matrix_is_worked_out_once_per_state_of_the_cells(solved):
    array = array_with(WIRES)
    codes = np.ones((3, 34), np.int16)
    for _ in range(4):
        array.multiply(codes)
        array.multiply(codes, 1)
    assert len(solved) == 1
    array.pulse(np.ones(34) * 2.5, np.full(60, 1.2), 1e-5)
    array.multiply(codes)
    assert len(solved) == 2


def test_a_map_is_written_through_wires_without_solving_the_array_after_every_pulse(solved):
    targets = np.random.default_rng(0).integers(0, 40000, (34, 60)).astype(np.uint16)
    array = array_with(WIRES, read_noise=False)
    report = array.program(targets)
    assert report.cycles.max() > 3
    assert len(solved) == 2  # before the first pulse and after it
    np.testing.assert_allclose(array.read_conductance(), effective_conductance(array.conductance, WIRES), atol=0.03e-6)


def test_write_verify_corrects_what_the_wires_take_as_far_as_it_reads_it():
    targets = np.full((34, 60), LEAVE, np.uint16)
    targets[:4, :8] = 20000
    report = array_with(WIRES, stuck=False).program(targets)
    assert report.success_rate > 0.9


def test_wires_are_saved_with_the_array(tmp_path):
    array = array_with(Wires(row=1, column=2, driver=3, amplifier=4, drive="both", sense="top"), read_noise=False)
    array.save(tmp_path / "array.npz")
    again = SimulatedArray.load(tmp_path / "array.npz")
    assert again.wires == array.wires
    np.testing.assert_array_equal(again.read_conductance(), array.read_conductance())


def test_cells_that_are_exact_in_integers_take_no_wires():
    with pytest.raises(ArrayError, match=r"row=0.3, .* device 'ideal', which are exact in integers"):
        SimulatedArray(device="ideal", wires=WIRES)
    assert SimulatedArray(device="ideal", wires=Wires(drive="both")).wires.ideal
    with pytest.raises(ArrayError, match="source lines"):
        SimulatedArray(wires=Wires(source=1))
