"""Every cell, with every activation, as an integer program: the same bits everywhere, and close to its float network."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from random_networks import ACTIVATION_CHOICES, random_layer

from fxlstm.board.board import Board
from fxlstm.core import Engine
from fxlstm.network import CELLS, Cell, Network, TimeGate
from fxlstm.network.cells import dense_cell, gru_cell, lstm_cell, rnn_cell
from fxlstm.network.cells.catalogue import PHASED_LSTM
from fxlstm.program.hardware import Hardware
from fxlstm.program.program import Codes, Program
from fxlstm.program.quantize import quantize
from fxlstm.program.reference import Reference
from fxlstm.program.running.reading import Reading

TIMESTEPS = 60
HARDWARE = {
    "digital": Hardware(levels=32768, adc_bits=None, bias="digital"),
    "16-bit": Hardware(levels=32768),
    "256-levels": Hardware(),
}
# Least signal to noise of the output against float, dB.
FLOOR = {"digital": 70, "16-bit": 66, "256-levels": 42}
# A cell state that nothing forgets keeps the error of every timestep.
FLOOR_WITHOUT_FORGETTING = {"digital": 60, "16-bit": 60, "256-levels": 48}
NEVER_FORGET = ("lstm-1997", "lstm-nfg")


def _families() -> dict[str, Cell]:
    """Cells with activations that the catalogue has not: each part of each family takes its turn."""
    cells = [lstm_cell(peepholes=True, clip=1.0), lstm_cell(coupled=True, projected=True), gru_cell(clip=0.5), rnn_cell(clip=0.5)]
    for activation in ACTIVATION_CHOICES:
        cells += [dense_cell(activation), rnn_cell(activation), gru_cell(candidate=activation), lstm_cell(output=activation)]
        cells += [lstm_cell(cell=activation, clip=2.0), gru_cell("hard_sigmoid", activation, reset_after=False)]
    cells += [lstm_cell(gate, peepholes=True) for gate in ("hard_sigmoid", ("hard_sigmoid", 1 / 6, 0.5), ("affine", 0.25, 0.5))]
    return {cell.name: cell for cell in cells if cell.name not in CELLS}


EVERY_CELL = {**CELLS, PHASED_LSTM.name: PHASED_LSTM, **_families()}


@cache
def task(name: str) -> tuple[Network, np.ndarray]:
    """A random network of one layer and one sequence for it."""
    random = np.random.default_rng(19)
    cell = EVERY_CELL[name]
    gate = TimeGate(np.linspace(3, 12, 6), np.arange(6.0), np.full(6, 0.6)) if "k" in cell.inputs else None
    network = Network((random_layer(random, cell, 2, 6, time_gate=gate),))
    periods, phases = random.uniform(3, 9, 2), random.uniform(0, 6, 2)
    return network, np.sin(np.arange(TIMESTEPS)[:, np.newaxis] / periods + phases)


@cache
def program_of(name: str, hardware: str) -> Program:
    network, x = task(name)
    return quantize(network, x, HARDWARE[hardware])


def codes_of(name: str, hardware: str) -> Codes:
    program = program_of(name, hardware)
    return program.encode(Reading(program, task(name)[1]).x)


@cache
def expected(name: str, hardware: str) -> np.ndarray:
    return Reference(program_of(name, hardware)).run_codes(codes_of(name, hardware))


@pytest.mark.parametrize("hardware", HARDWARE)
@pytest.mark.parametrize("name", EVERY_CELL)
def test_the_engine_gives_the_integers_of_the_reference_also_from_a_file(name: str, hardware: str, tmp_path: Path) -> None:
    program, x = program_of(name, hardware), task(name)[1]
    program.save(tmp_path / "cell.fxl")
    loaded = Program.load(tmp_path / "cell.fxl")
    assert loaded.to_bytes() == program.to_bytes()
    for same in (program, loaded):
        np.testing.assert_array_equal(Engine(same).run_codes(codes_of(name, hardware)), expected(name, hardware))
    np.testing.assert_array_equal(Engine(loaded).run(x), program.decode(expected(name, hardware)))


@pytest.mark.parametrize("hardware", HARDWARE)
@pytest.mark.parametrize("name", EVERY_CELL)
def test_the_program_follows_its_float_network(name: str, hardware: str) -> None:
    network, x = task(name)
    wanted = network(x)
    error = program_of(name, hardware).decode(expected(name, hardware)) - wanted
    floor = FLOOR_WITHOUT_FORGETTING if name in NEVER_FORGET else FLOOR
    assert 10 * math.log10((wanted**2).sum() / (error**2).sum()) > floor[hardware]


@pytest.mark.parametrize("name", EVERY_CELL)
def test_a_sequence_in_pieces_is_the_sequence(name: str) -> None:
    engine = Engine(program_of(name, "16-bit"))
    outputs = [engine.step_codes(codes) for codes in codes_of(name, "16-bit")]
    np.testing.assert_array_equal(outputs, expected(name, "16-bit"))


ON_BOARDS = ("lstm-1997", "lstm-peephole", "lstm-fgr", "lstm-projected", "gru-reset-before", "gru-reset-after", "lstm-phased")


@pytest.mark.parametrize("name", [*ON_BOARDS, rnn_cell("relu").name, lstm_cell(peepholes=True, clip=1.0).name])
def test_a_board_with_an_ideal_array_gives_the_same_integers(name: str) -> None:
    program = program_of(name, "256-levels")
    with Board("emu://host?device=ideal", log=False) as board:
        board.program(program)
        np.testing.assert_array_equal(board.run_codes(codes_of(name, "256-levels")), expected(name, "256-levels"))
