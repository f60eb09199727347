"""Every cell of the catalogue as an integer program: the same bits everywhere, and close to its float network."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from random_networks import random_layer

from fxlstm.board.board import Board
from fxlstm.core import Engine
from fxlstm.network import CELLS, Network
from fxlstm.program.hardware import Hardware
from fxlstm.program.program import Program
from fxlstm.program.quantize import quantize
from fxlstm.program.reference import Reference

TIMESTEPS = 60
HARDWARE = {
    "digital": Hardware(levels=32768, adc_bits=None, bias="digital"),
    "16-bit": Hardware(levels=32768),
    "256-levels": Hardware(),
}
# Least signal to noise of the output against float, dB.
FLOOR = {"digital": 66, "16-bit": 66, "256-levels": 42}
# A cell state that nothing forgets keeps the error of every timestep.
FLOOR_WITHOUT_FORGETTING = {"digital": 60, "16-bit": 60, "256-levels": 48}
NEVER_FORGET = ("lstm-1997", "lstm-nfg")


@cache
def task(name: str) -> tuple[Network, np.ndarray]:
    """A random network of one layer and one sequence for it."""
    random = np.random.default_rng(19)
    network = Network((random_layer(random, CELLS[name], 2, 6),))
    periods, phases = random.uniform(3, 9, 2), random.uniform(0, 6, 2)
    return network, np.sin(np.arange(TIMESTEPS)[:, np.newaxis] / periods + phases)


@cache
def program_of(name: str, hardware: str) -> Program:
    network, x = task(name)
    return quantize(network, x, HARDWARE[hardware])


def expected(name: str, hardware: str) -> np.ndarray:
    program = program_of(name, hardware)
    return Reference(program).run_codes(program.encode(task(name)[1]))


@pytest.mark.parametrize("hardware", HARDWARE)
@pytest.mark.parametrize("name", CELLS)
def test_the_engine_gives_the_integers_of_the_reference_also_from_a_file(name: str, hardware: str, tmp_path: Path) -> None:
    program, x = program_of(name, hardware), task(name)[1]
    program.save(tmp_path / "cell.fxl")
    loaded = Program.load(tmp_path / "cell.fxl")
    assert loaded.to_bytes() == program.to_bytes()
    for same in (program, loaded):
        np.testing.assert_array_equal(Engine(same).run_codes(program.encode(x)), expected(name, hardware))


@pytest.mark.parametrize("hardware", HARDWARE)
@pytest.mark.parametrize("name", CELLS)
def test_the_program_follows_its_float_network(name: str, hardware: str) -> None:
    network, x = task(name)
    wanted = network(x)
    error = program_of(name, hardware).decode(expected(name, hardware)) - wanted
    floor = FLOOR_WITHOUT_FORGETTING if name in NEVER_FORGET else FLOOR
    assert 10 * math.log10((wanted**2).sum() / (error**2).sum()) > floor[hardware]


@pytest.mark.parametrize("name", CELLS)
def test_a_sequence_in_pieces_is_the_sequence(name: str) -> None:
    program, x = program_of(name, "16-bit"), task(name)[1]
    engine = Engine(program)
    outputs = [engine.step_codes(code) for code in program.encode(x)]
    np.testing.assert_array_equal(outputs, expected(name, "16-bit"))


@pytest.mark.parametrize(
    "name", ["lstm-1997", "lstm-peephole", "lstm-fgr", "lstm-projected", "gru-reset-before", "gru-reset-after"]
)
def test_a_board_with_an_ideal_array_gives_the_same_integers(name: str) -> None:
    program, x = program_of(name, "256-levels"), task(name)[1]
    with Board("emu://host?device=ideal", log=False) as board:
        board.program(program)
        np.testing.assert_array_equal(board.run(x), program.decode(expected(name, "256-levels")))
