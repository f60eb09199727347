"""Files that a user of the command line has, and the command line itself."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import fxlstm as fx
from fxlstm.app.cli import main

INPUTS, CELLS, OUTPUTS = 2, 3, 1


class Outcome(NamedTuple):
    """What a command gave back."""

    status: int
    out: str
    err: str


@pytest.fixture
def command(capsys) -> Callable[..., Outcome]:
    """Run ``fxlstm`` with arguments, as a shell would."""

    def run(*arguments: object) -> Outcome:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        return Outcome(int(ended.value.code or 0), *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def network() -> fx.Network:
    random = np.random.default_rng(1)
    kernel, recurrent = random.normal(size=(INPUTS, 4 * CELLS)), random.normal(size=(CELLS, 4 * CELLS))
    layers = fx.lstm(kernel, recurrent, np.zeros(4 * CELLS)), fx.dense(random.normal(size=(CELLS, OUTPUTS)), np.zeros(OUTPUTS))
    return fx.Network(layers)


@pytest.fixture(scope="session")
def x() -> np.ndarray:
    return np.random.default_rng(2).uniform(-1, 1, (20, INPUTS))


@pytest.fixture(scope="session")
def program(network, x) -> fx.Program:
    return fx.quantize(network, calibration=x)


@pytest.fixture
def network_file(tmp_path, network) -> Path:
    path = tmp_path / "net.safetensors"
    fx.save_network(network, path)
    return path


@pytest.fixture
def inputs_file(tmp_path, x) -> Path:
    path = tmp_path / "x.npy"
    np.save(path, x)
    return path


@pytest.fixture
def program_file(tmp_path, program) -> Path:
    path = tmp_path / "model.fxl"
    program.save(path)
    return path


@pytest.fixture(autouse=True)
def measurements_folder(tmp_path, monkeypatch) -> Path:
    """Where the measurement log goes by default."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def wide_files(tmp_path):
    """The files of a program that needs two arrays, and of inputs for it."""
    random = np.random.default_rng(3)
    wide = fx.Network((fx.dense(random.normal(size=(100, 65)), np.zeros(65)),))
    x = random.uniform(-1, 1, (8, 100))
    np.save(tmp_path / "wide.npy", x)
    fx.quantize(wide, calibration=x).save(tmp_path / "wide.fxl")
    return tmp_path / "wide.fxl", tmp_path / "wide.npy"
