"""A network as a program of one phase."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fxlstm.errors import ModelError
from fxlstm.network import Network
from fxlstm.network.layers.timing import TIME_GATE_INPUT
from fxlstm.program.calibration.calibrate import HEADROOM, Format, exact_format, input_format
from fxlstm.program.calibration.layer_formats import reads_exactly
from fxlstm.program.calibration.traces import Run, Traced, traced
from fxlstm.program.formats import encode
from fxlstm.program.lowering.arena import copied
from fxlstm.program.lowering.assembly import Assembly
from fxlstm.program.lowering.phase import PhaseLowering, Stack


@dataclass(frozen=True)
class Lowered:
    """What the host has to know of a program beside its operations, and the runs over which its report is measured."""

    metadata: Mapping[str, Any]
    runs: Sequence[Run]


def lower_network(assembly: Assembly, network: Network, calibration: ArrayLike, times: ArrayLike | None) -> Lowered:
    """Lower a network into an assembly as its only phase."""
    if network.mask_value is not None and any(layer.period != 1 for layer in network.every_layer):
        raise ModelError(
            f"network {network.name!r}: mask_value beside a layer with a period, which would count masked timesteps; "
            "leave out the masked timesteps beforehand"
        )
    if network.feeds_back and network.has_time_gates:
        raise ModelError(f"network {network.name!r}: feeds_back beside a time gate, which needs the time of every timestep")
    trace = traced(network, calibration, times)
    stack = Stack(network, trace.layers, network.layer_names, network.initial, input_format_of(assembly, network, trace))
    phase = PhaseLowering(assembly, stack)
    if network.feeds_back:
        phase.append(copied(phase.output, phase.entry), always=True)  # every timestep gives the next one's input
    if network.mask_value is not None:
        _put_output_before_first_timestep(assembly, network, phase)
    return Lowered({"states": list(network.states), **reading_metadata(network)}, _runs(network, trace))


def reading_metadata(network: Network) -> dict[str, Any]:
    """Return what the host's edge has to know of how a network reads."""
    metadata: dict[str, Any] = {}
    if network.reads_backward:
        metadata["reads_backward"] = True
    if network.mask_value is not None:
        metadata["mask_value"] = network.mask_value
    if network.feeds_back:
        metadata["feeds_back"] = True
    if network.has_time_gates:
        gates = [layer.time_gate for layer in network.every_layer if layer.time_gate is not None]
        names = ("period", "phase", "open_ratio")
        metadata["time_gates"] = [{**{name: getattr(gate, name).tolist() for name in names}, "leak": gate.leak} for gate in gates]
    return metadata


def input_format_of(assembly: Assembly, network: Network, trace: Traced) -> Format:
    """Return the format of a network's input; what is fed back has to come there by shifts, and may grow."""
    if network.feeds_back:
        outputs = trace.layers[-1][network.every_layer[-1].cell.output]
        return exact_format(np.concatenate([trace.x.ravel(), outputs.ravel()]), assembly.method, HEADROOM)
    if reads_exactly(network.every_layer[0].cell):
        return exact_format(trace.x, assembly.method)
    return input_format(trace.x, assembly.hardware.dac_bits, assembly.method)


def _put_output_before_first_timestep(assembly: Assembly, network: Network, phase: PhaseLowering) -> None:
    """Let the arena's output hold at reset what the network gives for a sequence that is wholly masked."""
    assert network.mask_value is not None
    output = network(np.full((1, network.inputs), network.mask_value))
    codes = encode(output.reshape(-1), phase.output.fraction, phase.output.scale)
    assembly.arena.put(phase.output.start, codes.tolist())


def _runs(network: Network, trace: Traced) -> list[Run]:
    gated = [index for index, layer in enumerate(network.every_layer) if layer.time_gate is not None]
    whole = np.concatenate([trace.x, *(trace.layers[index][TIME_GATE_INPUT] for index in gated)], axis=-1)
    return [Run([values[:length]], [length]) for values, length in zip(whole, trace.lengths, strict=True)]
