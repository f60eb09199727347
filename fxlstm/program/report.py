"""What quantization costs, stage by stage: the integer program beside the float network on the calibration data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fxlstm.errors import ProgramError
from fxlstm.program.calibration.traces import Run, Wanted
from fxlstm.program.formats import CODE_MAX, decode
from fxlstm.program.program import Codes, Program
from fxlstm.program.reference import Reference

Values = NDArray[np.float64]

# The reference interpreter is slow: it runs as many timesteps of the calibration data as this many matrices allow, at least one.
PRODUCT_BUDGET = 20_000_000
NO_ERROR = 98.1  # dB: of a full-scale sine in 16-bit codes, 6.02 * 16 + 1.76


@dataclass(frozen=True)
class Stage:
    """One vector of a layer beside its float values.

    ``signal_to_noise``: dB, ``None`` where there is no error or no signal. ``full_scale``: share of it that the largest code uses.
    ``clipped``: codes that its operation saturated; ``None`` for inputs and for a product's results (:class:`MatrixUse` has them).
    """

    layer: str
    vector: str
    signal_to_noise: float | None
    full_scale: float
    clipped: int | None


@dataclass(frozen=True)
class MatrixUse:
    """One matrix: conductance levels it uses, codes that its ADC and its rescale clipped.

    ``tiles``: each tile's front-end ``range``, and ``full_scale``, the share of it that the largest calibrated current uses.
    """

    name: str
    levels_used: int
    levels: int
    adc_clipped: int
    result_clipped: int
    tiles: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class LayerLoss:
    """Signal to noise in decibel of what a layer is given and of what it puts out; 98 dB where there is no error."""

    layer: str
    given: float
    output: float

    @property
    def loss(self) -> float:
        """Decibel that the layer loses."""
        return self.given - self.output


@dataclass(frozen=True)
class Report:
    """The report of one program; ``print`` it, or read ``rows``, ``matrices`` and ``layers``."""

    timesteps: int
    rows: tuple[Stage, ...]
    matrices: tuple[MatrixUse, ...]
    layers: tuple[LayerLoss, ...] = ()

    @classmethod
    def of(cls, program: Program) -> Report:
        """Return the report kept in a program. Raises :class:`ProgramError` where it has none."""
        data = program.metadata.get("report")
        if not isinstance(data, dict):
            raise ProgramError("the program carries no report; make it with quantize")
        try:
            stages = tuple(Stage(**row) for row in data["rows"])
            matrices = tuple(MatrixUse(**{**row, "tiles": tuple(row["tiles"])}) for row in data["matrices"])
            layers = tuple(LayerLoss(**row) for row in data.get("layers", ()))
            return cls(int(data["timesteps"]), stages, matrices, layers)
        except (KeyError, TypeError, ValueError) as error:
            raise ProgramError(f"the program's report is not readable ({error}); quantize again") from error

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON data."""
        return {
            "timesteps": self.timesteps,
            "rows": [asdict(row) for row in self.rows],
            "matrices": [{**asdict(row), "tiles": list(row.tiles)} for row in self.matrices],
            "layers": [asdict(row) for row in self.layers],
        }

    @property
    def weakest(self) -> LayerLoss | None:
        """The layer that loses most signal to noise; ``None`` in the report of an older image."""
        return max(self.layers, key=lambda layer: layer.loss, default=None)

    @property
    def summary(self) -> str:
        """One sentence that names the layer that loses most."""
        if self.weakest is None:
            return "The report does not say what each layer loses; quantize again."
        worst = self.weakest
        return (
            f"Layer {worst.layer!r} loses most: its signal to noise drops by {worst.loss:.1f} dB, "
            f"from {worst.given:.1f} dB at its input to {worst.output:.1f} dB at its output."
        )

    def __str__(self) -> str:
        names = [row.layer for row in self.rows] + [matrix.name for matrix in self.matrices]
        first = max([13, *map(len, names)]) + 1
        second = max([9, *(len(row.vector) for row in self.rows)]) + 1
        lines = [f"{'layer':<{first}}{'stage':<{second}}{'S/N dB':>8}{'full scale':>12}{'clipped':>9}"]
        for row in self.rows:
            ratio = "-" if row.signal_to_noise is None else f"{row.signal_to_noise:.1f}"
            clipped = "-" if row.clipped is None else row.clipped
            lines.append(f"{row.layer:<{first}}{row.vector:<{second}}{ratio:>8}{row.full_scale:>12.0%}{clipped:>9}")
        heads = f"{'matrix':<{first}}{'levels used':>15}{'ADC clipped':>13}{'result clipped':>16}"
        lines += ["", f"{heads}  ADC range (full scale used) per tile"]
        for matrix in self.matrices:
            tiles = ", ".join(f"{tile['range']} ({tile['full_scale']:.0%})" for tile in matrix.tiles) or "no ADC"
            levels = f"{matrix.levels_used} of {matrix.levels}"
            lines.append(f"{matrix.name:<{first}}{levels:>15}{matrix.adc_clipped:>13}{matrix.result_clipped:>16}  {tiles}")
        lines += ["", f"{'layer':<{first}}{'input dB':>10}{'output dB':>11}{'loss dB':>9}"]
        lines += [f"{row.layer:<{first}}{row.given:>10.1f}{row.output:>11.1f}{row.loss:>9.1f}" for row in self.layers]
        return "\n".join([*lines, "", self.summary, f"Over {self.timesteps} timesteps of the calibration data."])


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
