"""badcrossbar (Joksas and Mehonic 2020) solves the same circuits by other means, and finds the same."""

from __future__ import annotations

import logging
import warnings

import numpy as np
import pytest

from fxlstm.crossbar.wires import Wires, effective_conductance, solve

with warnings.catch_warnings(record=True):  # it remarks that it cannot draw
    import badcrossbar

VECTORS = 3


@pytest.fixture(autouse=True)
def _quiet():
    logging.getLogger("badcrossbar").setLevel(logging.ERROR)


SMALL = [(1, 1), (2, 2), (5, 9), (9, 5), (34, 60)]
OHMS = [(0.3, 0.3), (10, 0.5), (0, 2), (3, 0)]
LARGE = [((128, 64), 0.3, 0.3), ((64, 128), 1, 5), ((130, 110), 0.3, 1)]


@pytest.mark.parametrize(("shape", "row", "column"), [(shape, *ohms) for shape in SMALL for ohms in OHMS] + LARGE)
def test_the_same_currents(shape, row, column):
    random = np.random.default_rng(1)
    cells = random.uniform(10e-6, 900e-6, shape)
    volts = random.uniform(-0.2, 0.2, (shape[0], VECTORS))
    theirs = badcrossbar.compute(
        volts, 1 / cells, r_i_word_line=row, r_i_bit_line=column, node_voltages=False, all_currents=False
    ).currents.output
    ours = volts.T @ effective_conductance(cells, Wires(row=row, column=column))
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9 * np.abs(theirs).max())


def test_the_same_voltages_at_every_node():
    random = np.random.default_rng(2)
    cells, volts = random.uniform(10e-6, 900e-6, (20, 30)), random.uniform(-0.2, 0.2, 20)
    theirs = badcrossbar.compute(volts[:, np.newaxis], 1 / cells, 1.5)
    ours = solve(cells, Wires(row=1.5, column=1.5), volts)
    np.testing.assert_allclose(ours.driven_volts, theirs.voltages.word_line, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(ours.sensed_volts, theirs.voltages.bit_line, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(ours.device_currents, theirs.currents.device, rtol=1e-9, atol=1e-15)
