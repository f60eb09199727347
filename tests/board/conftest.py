from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import serial
from model_board import ModelBoard

from fxlstm.board.board import Board
from fxlstm.board.link import Link
from fxlstm.network import Network, dense, lstm
from fxlstm.program.hardware import Hardware
from fxlstm.program.program import Program
from fxlstm.program.quantize import quantize


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Link]:
    """Open a link to a model board."""

    def open_link(board: ModelBoard, **options: object) -> Link:
        monkeypatch.setattr(serial, "serial_for_url", lambda *_, **__: board)
        return Link("model://", **options)  # type: ignore[arg-type]

    return open_link


@pytest.fixture(scope="session")
def sequence() -> np.ndarray:
    """Inputs of the program below, (time, features), longer than one frame holds."""
    return np.sin(np.arange(600) / 3)[:, None]


@pytest.fixture(scope="session")
def program(sequence: np.ndarray) -> Program:
    """An LSTM of the published airline shape with random weights: 34 x 60 and 32 x 1 cells."""
    generator = np.random.default_rng(12)
    layers = (
        lstm(generator.normal(0, 0.5, (1, 60)), generator.normal(0, 0.3, (15, 60)), generator.normal(0, 0.3, 60)),
        dense(generator.normal(0, 0.5, (15, 1)), generator.normal(0, 0.3, 1)),
    )
    return quantize(Network(layers), sequence, Hardware(levels=256))


@pytest.fixture
def ideal(tmp_path: Path) -> Iterator[Board]:
    """An emulated board with ideal cells and its log in ``tmp_path / "log.db"``."""
    with Board("emu://host?device=ideal&seed=1", log=tmp_path / "log.db") as board:
        yield board
