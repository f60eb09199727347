"""``quantize``: a float network and calibration data to an integer program."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from fxlstm.errors import ModelError
from fxlstm.network import Model, Network
from fxlstm.network.cells import Clamp
from fxlstm.program.calibrate import exact_format, input_format
from fxlstm.program.hardware import Hardware
from fxlstm.program.layer_formats import reads_exactly
from fxlstm.program.lowering.assembly import Assembly
from fxlstm.program.lowering.phase import PhaseLowering
from fxlstm.program.methods import Method, find_method
from fxlstm.program.products import tile_use, to_matrices
from fxlstm.program.program import Program
from fxlstm.program.report import measure
from fxlstm.program.rules import check
from fxlstm.program.traces import traced


def quantize(
    network: Model,
    calibration: ArrayLike,
    hardware: Hardware | None = None,
    method: str | Method = "range",
    percentile: float | None = None,
) -> Program:
    """Return the integer program of ``network`` for ``hardware`` (default: 256 levels, 16-bit converters, bias in the array).

    ``calibration``: representative inputs, (time, features) or (batch, time, features); it sets the input's scale, the formats of
    states and outputs and the ADC range of every tile, so values beyond it may saturate. The result carries a report.
    ``method``: how these and each weight column's full scale are chosen: ``"range"`` (nothing seen saturates), ``"percentile"``
    (all but the largest magnitudes are held: ``percentile`` of them in 100, default 99.9) or ``"error"`` (the mean squared error is
    least). Raises :class:`ModelError` for an unknown method, NaN, infinity, or shapes and weights that do not fit.
    """
    if not isinstance(network, Network):
        raise ModelError(f"{network.name!r}: a program cannot express a {type(network).__name__}; run it in float")
    _check_lowerable(network)
    assembly = Assembly(hardware or Hardware(), find_method(method, percentile))
    trace = traced(network, calibration)
    exact = reads_exactly(network.every_layer[0].cell)
    form = exact_format(trace.x, assembly.method) if exact else input_format(trace.x, assembly.hardware.dac_bits, assembly.method)
    phase = PhaseLowering(assembly, network, trace.layers, form, network.layer_names)
    program = _assembled(assembly, phase)
    pairs = zip(assembly.products, program.matrices, strict=True)
    tiles = [tile_use(product, matrix, program.hardware) for product, matrix in pairs]
    ends = [(layer.vectors["x"].name, layer.output.name) for layer in assembly.layers]
    report = measure(program, trace, assembly.floats, tiles, ends)
    return replace(program, metadata={"network": network.name, "states": list(network.states), "report": report})


def _check_lowerable(network: Network) -> None:
    """Raise :class:`ModelError` for what networks have and programs have not."""
    clamps = [equation for layer in network.every_layer for equation in layer.cell.every_equation if isinstance(equation, Clamp)]
    reasons = {
        "returns='final'": network.returns == "final",
        "reads_backward": network.reads_backward,
        "mask_value": network.mask_value is not None,
        "feeds_back": network.feeds_back,
        "time gates": network.has_time_gates,
        "layers with a period": any(layer.period != 1 for layer in network.every_layer),
        "closing equations": any(layer.cell.closing for layer in network.every_layer),
        "activations with limits": bool(clamps),
    }
    if found := [reason for reason, holds in reasons.items() if holds]:
        raise ModelError(f"network {network.name!r}: a program cannot express {', '.join(found)}; run it in float")


def _assembled(assembly: Assembly, phase: PhaseLowering) -> Program:
    """Return the program, checked, without its report."""
    program = Program(
        hardware=assembly.hardware,
        arena=np.array(assembly.arena.contents, dtype=np.int16),
        operations=tuple(operation for draft in assembly.sweeps for operation in draft.operations),
        matrices=to_matrices(assembly.products, assembly.hardware, assembly.method),
        sweeps=tuple(draft.finished() for draft in assembly.sweeps),
        inputs=((assembly.layers[0].vectors["x"],),),
        outputs=((phase.output,),),
        slices=tuple(assembly.arena.slices),
    )
    check(program)
    return program
