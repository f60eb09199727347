"""The integer program beside the float network on the calibration data: what quantization costs, stage by stage."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fxlstm.program.calibration.traces import Run, Wanted
from fxlstm.program.formats import CODE_MAX, decode
from fxlstm.program.program import Codes, Program
from fxlstm.program.reference import Reference
from fxlstm.program.report import LayerLoss, MatrixUse, Report, Stage

Values = NDArray[np.float64]

# The reference interpreter is slow: it runs as many timesteps of the calibration data as this many matrices allow, at least one.
PRODUCT_BUDGET = 20_000_000
NO_ERROR = 98.1  # dB: of a full-scale sine in 16-bit codes, 6.02 * 16 + 1.76


def measure(
    program: Program,
    runs: Sequence[Run],
    floats: Mapping[str, Wanted],
    tiles: Sequence[Sequence[dict[str, Any]]],
    layers: Sequence[tuple[str, str]],
) -> dict[str, Any]:
    """Run the program on calibration data and return its report as plain data.

    ``floats``: what each slice should hold, by name; ``tiles``: ranges of each matrix's tiles;
    ``layers``: names of each layer's input and output slices.
    """
    reference = Reference(program)
    arenas, ran = _record(reference, runs)
    clipped = _clipped_by_result(reference)
    stages: dict[str, Stage] = {}
    for part in program.slices:
        known = floats[part.name]
        lengths = [steps[known.phase] for steps in ran]
        runs_at = np.concatenate([(np.arange(length) + 1) % known.period == 0 for length in lengths])
        held = arenas[known.phase][:, part.start : part.start + part.length]
        wanted = np.concatenate([values[:length] for values, length in zip(known.values, lengths, strict=False)])
        if runs_at.any():
            held, wanted = held[runs_at], wanted[runs_at]
        ratio = _decibels(wanted, decode(held, part.fraction, part.scale))
        layer, vector = part.name.rsplit("/", 1)
        peak = float(np.abs(held.astype(np.int64)).max()) / CODE_MAX
        stages[part.name] = Stage(layer, vector, ratio, round(peak, 4), clipped.get((part.start, part.length)))
    losses = tuple(_loss(stages[given], stages[output]) for given, output in layers)
    return Report(sum(map(sum, ran)), tuple(stages.values()), tuple(_matrices(reference, tiles)), losses).as_dict()


def _loss(given: Stage, output: Stage) -> LayerLoss:
    ratios = [NO_ERROR if stage.signal_to_noise is None else stage.signal_to_noise for stage in (given, output)]
    return LayerLoss(output.layer, *ratios)


def _record(reference: Reference, runs: Sequence[Run]) -> tuple[list[Codes], list[list[int]]]:
    """Return, for each phase, the arena after every timestep, run after run, as far as the budget goes; and each run's timesteps.

    A sequence that is read backward too, or handed from phase to phase, is not cut: what follows depends on its end.
    """
    program = reference.program
    may_cut = program.streams and len(program.phases) == 1
    limit = max(1, PRODUCT_BUDGET // sum(matrix.weights.size for matrix in program.matrices))
    traces: list[list[Codes]] = []
    ran: list[list[int]] = []
    for run in runs:
        remaining = limit - sum(map(sum, ran))
        if remaining <= 0:
            break
        steps = [min(run.timesteps[0], remaining)] if may_cut else list(run.timesteps)
        codes = [program.encode(values[:count], phase) for phase, (values, count) in enumerate(zip(run.inputs, steps, strict=True))]
        traces.append(reference.trace_phases(codes, steps))
        ran.append(steps)
    return [np.concatenate(parts) for parts in zip(*traces, strict=True)], ran


def _clipped_by_result(reference: Reference) -> dict[tuple[int, int], int]:
    """Return the clipped codes of element-wise operations by start and length of their results."""
    pairs = zip(reference.program.operations, reference.clipped, strict=True)
    return {(operation.result, operation.length): clipped.result for operation, clipped in pairs if operation.kind != "multiply"}


def _matrices(reference: Reference, tiles: Sequence[Sequence[dict[str, Any]]]) -> list[MatrixUse]:
    program = reference.program
    pairs = zip(program.operations, reference.clipped, strict=True)
    clipped = {operation.matrix: counts for operation, counts in pairs if operation.kind == "multiply"}
    return [
        MatrixUse(
            name=matrix.name,
            levels_used=len(np.unique(np.abs(matrix.weights.astype(np.int32)))),
            levels=program.hardware.levels,
            adc_clipped=clipped[index].adc,
            result_clipped=clipped[index].result,
            tiles=tuple(ranges),
        )
        for index, (matrix, ranges) in enumerate(zip(program.matrices, tiles, strict=True))
    ]


def _decibels(wanted: Values, got: Values) -> float | None:
    signal, noise = float(np.sum(wanted**2)), float(np.sum((wanted - got) ** 2))
    return round(10 * math.log10(signal / noise), 2) if signal > 0 and noise > 0 else None
