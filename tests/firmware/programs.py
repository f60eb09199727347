"""Programs of small networks, and boards that hold them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from device import Device

from fxlstm.network import Network, bidirectional, dense, lstm
from fxlstm.program.hardware import Hardware
from fxlstm.program.mapping import target_map
from fxlstm.program.program import Program
from fxlstm.program.quantize import quantize
from fxlstm.program.scheme import scheme_for


def network(returns: str = "sequence", units: int = 5) -> Network:
    random = np.random.default_rng(7)
    kernels = (random.normal(size=shape) for shape in ((2, 4 * units), (units, 4 * units), (4 * units,), (units, 3), (3,)))
    kernel, recurrent, bias, head, head_bias = kernels
    return Network([lstm(kernel, recurrent, bias), dense(head, head_bias)], returns=returns)


X = np.random.default_rng(8).normal(size=(40, 2))


def program_for(returns: str = "sequence", **hardware) -> Program:
    return quantize(network(returns), X, Hardware(**hardware))


def loaded(program: Program) -> Device:
    """A board with the program in memory and, if it has tiles, on its ideal array."""
    device = Device().open()
    device.load("program", program.to_bytes())
    if program.hardware.adc_bits:
        device.start_campaign(target_map(program), scheme_for("ideal", program.hardware))
        device.finish_campaign()
    return device


def both_directions(returns: str = "sequence") -> Program:
    random = np.random.default_rng(9)
    pair = (lstm(*(random.normal(size=shape) for shape in ((2, 12), (3, 12), (12,)))) for _ in range(2))
    return quantize(Network([bidirectional(*pair)], returns=returns), X)


def two_phases(**hardware) -> Program:
    """A program that goes on where it stands: the same operations once more, as a second phase."""
    program = program_for(**hardware)
    (sweep,) = program.sweeps
    sweeps = (sweep, replace(sweep, phase=1))
    return replace(
        program, operations=2 * program.operations, sweeps=sweeps, inputs=2 * program.inputs, outputs=2 * program.outputs
    )
