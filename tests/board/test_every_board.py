"""What the driver does on every board: in this process, on two emulated Cortex-M4s, and with --port on a physical one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from firmware_builds import COMPILERS, firmware_elf
from golden import FOLDER, read_vector
from qemu import Qemu

from fxlstm.board.board import Board
from fxlstm.core.engine import Engine
from fxlstm.network import Network, lstm
from fxlstm.program.hardware import Hardware
from fxlstm.program.program import Program
from fxlstm.program.quantize import quantize

WITH_IDEAL_CELLS = {
    "host": "emu://host?device=ideal&board=every-host",
    **{
        f"stm32f405-{compiler}": f"emu://stm32f405?device=ideal&board=every-{compiler}&elf={{{compiler}}}" for compiler in COMPILERS
    },
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    port = metafunc.config.getoption("--port")
    if "board" in metafunc.fixturenames:
        metafunc.parametrize("url", [*WITH_IDEAL_CELLS, "qemu", *([port] if port else [])], indirect=True, scope="module")
    elif "ideal_board" in metafunc.fixturenames:
        metafunc.parametrize("url", WITH_IDEAL_CELLS, indirect=True, scope="module")


@pytest.fixture(scope="module")
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The port of a board."""
    if request.param in WITH_IDEAL_CELLS:
        yield WITH_IDEAL_CELLS[request.param].format(**{compiler: firmware_elf(compiler) for compiler in COMPILERS})
    elif request.param == "qemu":
        with Qemu(firmware_elf("gcc"), tmp_path_factory.mktemp("qemu")) as qemu:
            yield qemu.url
    else:
        yield request.param


@pytest.fixture
def board(url: str) -> Iterator[Board]:
    with Board(url, log=False) as board:
        yield board


@pytest.fixture
def ideal_board(url: str) -> Iterator[Board]:
    with Board(url, log=False) as board:
        yield board


def test_it_says_who_it_is(board: Board) -> None:
    snapshot = board.snapshot()
    assert (snapshot["name"], snapshot["rows"], snapshot["columns"]) == ("fxlstm-reference", 128, 64)
    assert snapshot["faults"] == 0


def test_it_runs_a_network_by_its_integers(board: Board, program: Program, sequence: np.ndarray) -> None:
    batch = np.stack([sequence[:40], -sequence[:40]])
    board.load(program)
    assert np.array_equal(board.run(batch, on_array=False), Engine(program).run(batch))


@pytest.mark.parametrize("name", ["gru-reset-before", "encoder-decoder-feedback"])
def test_it_gives_golden_outputs(board: Board, name: str) -> None:
    vector = read_vector(FOLDER / f"{name}.json")
    board.load(vector.program)
    assert board.run_phases(vector.inputs, vector.timesteps, on_array=False).tolist() == vector.outputs


def test_no_frame_is_damaged_at_the_full_rate_of_the_line(board: Board) -> None:
    before = board.snapshot()
    for _ in range(20):
        board.snapshot()
    after = board.snapshot()
    assert after["frames"] - before["frames"] == 21
    assert after["bad_frames"] == before["bad_frames"]


def test_it_runs_a_network_on_ideal_cells_to_the_same_bits(ideal_board: Board, sequence: np.ndarray) -> None:
    random = np.random.default_rng(3)
    layer = lstm(random.normal(0, 0.5, (1, 12)), random.normal(0, 0.3, (3, 12)), random.normal(0, 0.3, 12))
    program = quantize(Network((layer,)), sequence, Hardware(levels=256))
    assert ideal_board.program(program).success_rate == 1
    assert np.array_equal(ideal_board.run(sequence[:20]), Engine(program).run(sequence[:20]))
    assert all(chip.status == 0 for chip in ideal_board.selftest())
