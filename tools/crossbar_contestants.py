"""What is measured of simulated crossbars, and who does it: this package and its peers, each by its own interface.

All multiply on 128 x 64 cells between 16-bit converters with noise of every reading; all LSTMs have 14 cells and run over a
sequence of 100. Peers are imported only by the process that measures them.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import fxlstm as fx
from fxlstm.crossbar.wires import effective_conductance
from fxlstm.program.scheme import scheme_for

Work = Callable[[], object]

ROWS, COLUMNS = 128, 64
CELLS, TIMESTEPS = 14, 100
NOISE = 0.01  # of a weight or a conductance
SEGMENT = 0.3  # ohms
CONVERTER_STEP = 1 / 65534  # of the span, as aihwkit counts it
SEED = 0


@dataclass(frozen=True)
class Contestant:
    """``make`` prepares a work; ``steps``: its time is divided by them; ``why_absent``: what to say where it is not installed."""

    task: str
    name: str
    make: Callable[[], Work]
    steps: int = 1
    why_absent: str = ""


def _random() -> np.random.Generator:
    return np.random.default_rng(SEED)


# ---- Multiplication


def _multiply(vectors: int) -> Work:
    array = fx.SimulatedArray(ROWS, COLUMNS, f"ta-hfo2?read.noise={NOISE}", SEED)
    codes = _random().integers(-32767, 32768, (vectors, ROWS)).astype(np.int16)
    return lambda: array.multiply(codes, 3)


def _aihwkit_multiply(vectors: int) -> Work:
    import torch
    from aihwkit.nn import AnalogLinear

    layer = AnalogLinear(ROWS, COLUMNS, bias=False, rpu_config=_aihwkit_converters()).eval()
    return _without_gradients(layer, torch.rand(vectors, ROWS) * 2 - 1)


def _crosssim_multiply(vectors: int) -> Work:
    from simulator import AnalogCore, CrossSimParameters

    parameters = CrossSimParameters()
    device, converters = parameters.xbar.device, (parameters.xbar.dac.mvm, parameters.xbar.adc.mvm)
    device.read_noise.enable, device.read_noise.model, device.read_noise.magnitude = True, "NormalProportionalDevice", NOISE
    for converter, model in zip(converters, ("QuantizerDAC", "QuantizerADC"), strict=True):
        converter.model, converter.bits = model, 16
    parameters.xbar.adc.mvm.adc_range_option = "MAX"
    core = AnalogCore(_random().uniform(-1, 1, (COLUMNS, ROWS)), params=parameters)
    inputs = _random().uniform(-1, 1, (ROWS, vectors))
    return lambda: core @ inputs


# ---- LSTM


def _lstm(inputs: int, batch: int) -> Work:
    random = _random()
    weights = random.normal(0, 0.4, (inputs, 4 * CELLS)), random.normal(0, 0.3, (CELLS, 4 * CELLS)), np.zeros(4 * CELLS)
    x = random.uniform(-1, 1, (batch, TIMESTEPS, inputs))
    program = fx.quantize(fx.Network([fx.lstm(*weights)]), calibration=x[0])
    arrays = fx.SimulatedArrays(program, seed=SEED, device=f"ta-hfo2?read.noise={NOISE}")
    arrays.program(program, scheme=scheme_for("ta-hfo2", program.hardware, verify=False))
    engine, codes = fx.Engine(program, array=arrays), program.encode(x)
    return lambda: engine.run_codes(codes)


def _aihwkit_lstm(inputs: int, batch: int) -> Work:
    import torch
    from aihwkit.nn import AnalogLSTMCellCombinedWeight, AnalogRNN

    layer = AnalogRNN(AnalogLSTMCellCombinedWeight, inputs, CELLS, rpu_config=_aihwkit_converters(), batch_first=True).eval()
    return _without_gradients(layer, torch.rand(batch, TIMESTEPS, inputs) * 2 - 1)


def _aihwkit_converters() -> Any:
    """16-bit converters, constant additive weight noise, no scaling to the inputs."""
    from aihwkit.simulator.configs import InferenceRPUConfig
    from aihwkit.simulator.parameters.enums import BoundManagementType, NoiseManagementType, WeightNoiseType

    configuration = InferenceRPUConfig()
    forward = configuration.forward
    forward.inp_res = forward.out_res = CONVERTER_STEP
    forward.out_noise, forward.w_noise, forward.w_noise_type = 0.0, NOISE, WeightNoiseType.ADDITIVE_CONSTANT
    forward.noise_management, forward.bound_management = NoiseManagementType.NONE, BoundManagementType.NONE
    return configuration


def _without_gradients(layer: Any, x: Any) -> Work:
    import torch

    torch.set_num_threads(1)

    def work() -> object:
        with torch.no_grad():
            return layer(x)

    return work


# ---- Wires


def _conductance(rows: int, columns: int) -> np.ndarray:
    return _random().uniform(50e-6, 400e-6, (rows, columns))


def _effective(rows: int, columns: int, **sides: str) -> Work:
    cells, wires = _conductance(rows, columns), fx.Wires(row=SEGMENT, column=SEGMENT, **sides)
    return lambda: effective_conductance(cells, wires)


def _badcrossbar(rows: int, columns: int) -> Work:
    with warnings.catch_warnings(record=True):
        import badcrossbar
    logging.disable()
    volts, resistances = _random().uniform(-0.2, 0.2, (rows, 1)), 1 / _conductance(rows, columns)
    return lambda: badcrossbar.compute(volts, resistances, SEGMENT, node_voltages=False, all_currents=False)


# ---- All of them

OURS, AIHWKIT, CROSSSIM, BADCROSSBAR = "fxlstm", "aihwkit", "CrossSim", "badcrossbar"
NO_CROSSSIM = "not on PyPI; install it from its repository into .venv"
NO_AIHWKIT = "not installed; its wheels go with one release of PyTorch, and building it takes CMake, a BLAS and an hour of a core"


def _multiplications(vectors: int) -> list[Contestant]:
    task = f"noisy multiply, {ROWS} x {COLUMNS}, {vectors} {'vector' if vectors == 1 else 'vectors'}"
    return [
        Contestant(task, OURS, lambda: _multiply(vectors)),
        Contestant(task, CROSSSIM, lambda: _crosssim_multiply(vectors), why_absent=NO_CROSSSIM),
        Contestant(task, AIHWKIT, lambda: _aihwkit_multiply(vectors), why_absent=NO_AIHWKIT),
    ]


def _timesteps(inputs: int, batch: int) -> list[Contestant]:
    task = f"noisy LSTM timestep, {inputs} {'input' if inputs == 1 else 'inputs'}, {CELLS} cells, batch {batch}"
    return [
        Contestant(task, OURS, lambda: _lstm(inputs, batch), TIMESTEPS),
        Contestant(task, AIHWKIT, lambda: _aihwkit_lstm(inputs, batch), TIMESTEPS, NO_AIHWKIT),
    ]


def _wires(rows: int, columns: int) -> list[Contestant]:
    task = f"wires of {rows} x {columns}"
    return [
        Contestant(task, f"{OURS}, every vector from now on", lambda: _effective(rows, columns)),
        Contestant(task, f"{OURS}, the same at both ends", lambda: _effective(rows, columns, drive="both", sense="both")),
        Contestant(task, f"{BADCROSSBAR}, one vector", lambda: _badcrossbar(rows, columns)),
    ]


CONTESTANTS = [
    *_multiplications(1),
    *_multiplications(100),
    *(contestant for inputs in (1, 50) for batch in (1, 64) for contestant in _timesteps(inputs, batch)),
    *_wires(ROWS, COLUMNS),
    *_wires(512, 512),
]
