"""An encoder and a decoder as a program of two phases: the encoder's last operations hand its states over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from fxlstm.errors import ModelError
from fxlstm.network import EncoderDecoder, Network
from fxlstm.network.forward import Trace
from fxlstm.program.calibration.calibrate import HEADROOM, Format, Values, exact_format
from fxlstm.program.calibration.traces import Run, Traced, traced
from fxlstm.program.lowering.arena import copied
from fxlstm.program.lowering.assembly import Assembly
from fxlstm.program.lowering.network import Lowered, input_format_of, reading_metadata
from fxlstm.program.lowering.phase import PhaseLowering, Stack
from fxlstm.program.program import Slice


def lower_encoder_decoder(
    assembly: Assembly, network: EncoderDecoder, calibration: ArrayLike, steps: int | None, start: ArrayLike | None
) -> Lowered:
    """Lower both networks, each as a phase. ``steps``, ``start``: as of ``network.generate``, for the calibration data."""
    encoder = replace(network.encoder, returns="last") if network.encoder.returns == "sequence" else network.encoder
    for part in (encoder, network.decoder):
        if part.has_time_gates:
            raise ModelError(f"network {part.name!r}: programs take no time gates in an encoder or a decoder")
    steps = _steps(network, calibration, steps, start)
    trace = traced(encoder, calibration)
    decoded = [_kept(layer, trace.rows) for layer in network.trace(calibration, steps, start)[1]]
    first = PhaseLowering(assembly, _stack(encoder, "encoder", trace.layers, {}, input_format_of(assembly, encoder, trace)))
    states = _bridged(network, calibration, trace.rows)
    form = _decoder_format(assembly, network, first.output, decoded)
    second = PhaseLowering(assembly, _stack(network.decoder, "decoder", decoded, states, form))
    homes = {part.name: part for part in assembly.arena.slices}
    pairs = [(homes[f"encoder/{source}"], homes[f"decoder/{target}"]) for target, source in network.bridge.items()]
    if network.feed == "context":
        pairs.append((first.output, second.entry))
        second.sweeps[0].entry = None
        assembly.inputs[1] = ()
    first.append([step for pair in pairs for step in copied(*pair)])
    if network.feed == "feedback":
        second.append(copied(second.output, second.entry))
    return Lowered({"feed": network.feed, **reading_metadata(encoder)}, _runs(network, trace, decoded, steps))


def _steps(network: EncoderDecoder, calibration: ArrayLike, steps: int | None, start: ArrayLike | None) -> int:
    """Return for how many timesteps the decoder runs in calibration: those of its inputs, else of the encoder's."""
    if steps is not None:
        return steps
    of = start if network.feed == "given" and start is not None else calibration
    return int(np.shape(of)[-2])


def _stack(network: Network, side: str, traces: list[Trace], states: Mapping[str, Values], form: Format) -> Stack:
    """Return a network's stack with the names of its layers and states behind the side's."""
    initial = {**network.initial, **states}
    names = [f"{side}/{name}" for name in network.layer_names]
    return Stack(network, traces, names, {f"{side}/{name}": values for name, values in initial.items()}, form)


def _kept(trace: Trace, rows: list[int]) -> Trace:
    return {name: values[rows] for name, values in trace.items()}


def _bridged(network: EncoderDecoder, calibration: ArrayLike, rows: list[int]) -> dict[str, Values]:
    """Return the decoder states that come from the encoder over the calibration data, (batch, length)."""
    known = network.encoder.final_states(calibration)
    return {target: known[source][rows] for target, source in network.bridge.items()}


def _decoder_format(assembly: Assembly, network: EncoderDecoder, context: Slice, decoded: list[Trace]) -> Format:
    """Return the format of the decoder's input: the context's own, or one to which shifts bring its outputs."""
    if network.feed == "context":
        return Format(context.fraction, context.scale)
    outputs = decoded[-1][network.decoder.every_layer[-1].cell.output]
    seen = [decoded[0]["x"], *([outputs] if network.feed == "feedback" else [])]
    return exact_format(np.concatenate([values.ravel() for values in seen]), assembly.method, HEADROOM)


def _runs(network: EncoderDecoder, trace: Traced, decoded: list[Trace], steps: int) -> list[Run]:
    given = {"feedback": 1, "context": 0, "given": steps}[network.feed]
    runs = []
    for x, length, inputs in zip(trace.x, trace.lengths, decoded[0]["x"], strict=True):
        second = inputs[:given] if given else np.zeros((0, 0))
        runs.append(Run([x[:length], second], [length, steps]))
    return runs
