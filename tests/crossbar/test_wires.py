"""Crossbars with wires that a person can work out, ideal wires, and wires that are refused."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from fxlstm.crossbar.wires import Wires, effective_conductance, solve, wire_error
from fxlstm.errors import ArrayError

ONES = np.ones((2, 2))


def test_one_cell_is_in_series_with_its_wires_and_converters():
    wires = Wires(row=1, column=2, driver=4, amplifier=8)
    np.testing.assert_allclose(effective_conductance(np.array([[1 / 16]]), wires), [[1 / 31]], rtol=1e-14)


def test_a_row_of_one_ohm_cells_and_segments_is_the_ladder_of_fibonacci():
    np.testing.assert_allclose(effective_conductance(np.ones((1, 3)), Wires(row=1)), [[5 / 13, 2 / 13, 1 / 13]], rtol=1e-14)


def test_a_column_driven_by_ideal_rows_is_the_same_ladder_from_below():
    np.testing.assert_allclose(effective_conductance(np.ones((3, 1)), Wires(column=1)), [[1 / 13], [2 / 13], [5 / 13]], rtol=1e-14)


def test_two_by_two_with_every_resistance_one_ohm_settles_at_whole_44ths_of_a_volt():
    # Currents at each node: for instance 44 - 27 = (27 - 20) + (27 - 17) where the upper driver's wire meets the first cell.
    solution = solve(ONES, Wires(row=1, column=1), [1, 0])
    np.testing.assert_allclose(solution.driven_volts * 44, [[27, 20], [4, 5]], rtol=1e-13)
    np.testing.assert_allclose(solution.sensed_volts * 44, [[17, 13], [7, 6]], rtol=1e-13)
    np.testing.assert_allclose(solution.currents * 44, [7, 6], rtol=1e-13)
    np.testing.assert_allclose(effective_conductance(ONES, Wires(row=1, column=1)) * 44, [[7, 6], [10, 7]], rtol=1e-13)


def test_three_by_three_with_every_resistance_one_ohm():
    expected = [[282, 267, 253], [395, 309, 267], [683, 395, 282]]
    np.testing.assert_allclose(effective_conductance(np.ones((3, 3)), Wires(row=1, column=1)) * 3403, expected, rtol=1e-13)


def test_three_different_cells_in_each_row_and_converters_with_resistance():
    cells, wires = np.arange(1.0, 10).reshape(3, 3), Wires(row=0.5, column=0.25, driver=2, amplifier=3)
    expected = np.array(  # Kirchhoff's equations solved in fractions
        [
            [221395211772 / 4728776011889, 472365054663 / 9457552023778, 238967759262 / 4728776011889],
            [269014680810 / 4728776011889, 1002366144027 / 18915104047556, 239778540975 / 4728776011889],
            [322228708796 / 4728776011889, 258452457344 / 4728776011889, 234820334172 / 4728776011889],
        ]
    )
    np.testing.assert_allclose(effective_conductance(cells, wires), expected, rtol=1e-13)


@pytest.mark.parametrize("sides", [{}, {"drive": "right"}, {"drive": "both", "sense": "both"}, {"sense": "top"}])
def test_ideal_wires_leave_every_bit_of_every_conductance(sides):
    cells = np.random.default_rng(1).uniform(0, 1e-3, (7, 5))
    np.testing.assert_array_equal(effective_conductance(cells, Wires(**sides)), cells)


@pytest.mark.parametrize("ohms", [1e-3, 1e-6, 1e-12])
def test_the_smaller_the_resistance_the_closer_to_ideal(ohms):
    cells = np.full((40, 30), 1e-4)
    lost = 1 - effective_conductance(cells, Wires(row=ohms, column=ohms)) / cells
    assert lost.min() >= 0 and 0.01 < (lost.max() + 1e-15) / (ohms * 1e-4 * 40 * 30) < 2


def test_the_far_corner_of_a_uniform_array_loses_most():
    effective = effective_conductance(np.full((40, 30), 1e-4), Wires(row=1, column=1))
    assert np.unravel_index(effective.argmin(), effective.shape) == (0, 29)
    assert np.unravel_index(effective.argmax(), effective.shape) == (39, 0)


def test_both_sides_mirror_and_lose_less():
    cells = np.full((9, 8), 1e-4)
    one = effective_conductance(cells, Wires(row=5, column=5))
    two = effective_conductance(cells, Wires(row=5, column=5, drive="both", sense="both"))
    np.testing.assert_allclose(two, two[::-1, ::-1], rtol=1e-12)
    assert (two > one).mean() > 0.9
    np.testing.assert_allclose(effective_conductance(cells, Wires(row=5, column=5, drive="right", sense="top")), one[::-1, ::-1])


def test_a_cell_without_conductance_passes_nothing_by_itself():
    cells = np.full((3, 3), 1e-4)
    cells[:, 1] = 0
    assert (effective_conductance(cells, Wires(row=5, column=5))[:, 1] == 0).all()


# Rows driven at one end, columns sensed at the far one, 0.3 ohm per segment, inputs of both signs: what placement is worth.
@pytest.mark.parametrize(
    ("shape", "microsiemens", "placement", "raw", "gain", "column_gains"),
    [
        ((128, 56), (50, 400), "adjacent", (0.32, 0.34), (0.14, 0.16), (0.14, 0.15)),
        ((128, 56), (50, 400), "halves", (0.40, 0.45), (0.36, 0.43), (0.35, 0.42)),
        ((34, 60), (50, 400), "adjacent", (0.10, 0.115), (0.035, 0.045), (0.013, 0.021)),
        ((34, 60), (50, 400), "halves", (0.11, 0.12), (0.045, 0.055), (0.03, 0.04)),
        ((34, 60), (1, 40), "halves", (0.01, 0.0125), (0.004, 0.0055), (0.002, 0.0035)),
    ],
)
def test_pairs_side_by_side_more_than_halve_the_error_of_a_tall_array(shape, microsiemens, placement, raw, gain, column_gains):
    random = np.random.default_rng(3)
    cells = random.uniform(microsiemens[0] * 1e-6, microsiemens[1] * 1e-6, shape)
    x = random.uniform(-0.2, 0.2, (500, shape[0] // 2))
    volts = np.hstack((x, -x)) if placement == "halves" else np.stack((x, -x), axis=2).reshape(500, -1)
    error = wire_error(cells, Wires(row=0.3, column=0.3), volts)
    for value, (low, high) in zip(error, (raw, gain, column_gains), strict=True):
        assert low < value < high


def test_the_last_bits_do_not_depend_on_the_number_of_threads():
    script = (
        "import hashlib, numpy as np; from fxlstm.crossbar.wires import Wires, effective_conductance;"
        "cells = np.random.default_rng(1).uniform(1e-6, 1e-3, (130, 110));"
        "print(*(hashlib.sha256(effective_conductance(c, Wires(1, 2)).tobytes()).hexdigest() for c in (cells, cells[:, :60])))"
    )
    found = set()
    for threads in ("1", "2", "3"):
        environment = os.environ | {"OPENBLAS_NUM_THREADS": threads}
        found.add(subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, check=True).stdout)
    assert len(found) == 1


@pytest.mark.parametrize("name", ["row", "column", "source", "driver", "amplifier"])
@pytest.mark.parametrize("ohms", [-1, -1e-30, float("nan"), float("inf"), "3", None, True])
def test_resistances_that_are_none_are_refused_by_name(name, ohms):
    with pytest.raises(ArrayError, match=rf"{name} = .* ohm: give a finite resistance of 0 or more"):
        Wires(**{name: ohms})


def test_sides_that_are_none_are_refused_with_a_list():
    with pytest.raises(ArrayError, match="driven from 'above': choose one of left, right, both"):
        Wires(drive="above")
    with pytest.raises(ArrayError, match="sensed at 'left': choose one of top, bottom, both"):
        Wires(sense="left")


@pytest.mark.parametrize("value", [-1e-9, np.nan, np.inf])
def test_conductances_that_are_none_are_refused_with_their_place(value):
    cells = np.ones((2, 3))
    cells[1, 2] = value
    with pytest.raises(ArrayError, match="at row 1, column 2"):
        effective_conductance(cells, Wires(row=1))


@pytest.mark.parametrize("shape", [(3,), (0, 3), (2, 0), (2, 2, 2)])
def test_conductances_of_another_form_are_refused(shape):
    with pytest.raises(ArrayError, match=r"give \(rows, columns\)"):
        effective_conductance(np.ones(shape), Wires())


@pytest.mark.parametrize("volts", [[1, 2, 3], [[1, 2]], [1, np.nan]])
def test_voltages_that_do_not_fit_are_refused(volts):
    with pytest.raises(ArrayError, match="give 2 finite voltages"):
        solve(ONES, Wires(), volts)


def test_source_lines_are_refused_where_rows_are_driven():
    for work in (lambda wires: effective_conductance(ONES, wires), lambda wires: solve(ONES, wires, 1)):
        with pytest.raises(ArrayError, match=r"source lines of 2 ohm.*solve_gated"):
            work(Wires(source=2))
