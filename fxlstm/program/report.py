"""What quantization costs, stage by stage: the integer program beside the float network on the calibration data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fxlstm.errors import ProgramError
from fxlstm.program.formats import CODE_MAX, decode
from fxlstm.program.program import Codes, Program
from fxlstm.program.reference import Reference
from fxlstm.program.traces import Traced

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
        lines = [f"{'layer':<14}{'stage':<10}{'S/N dB':>8}{'full scale':>12}{'clipped':>9}"]
        for row in self.rows:
            ratio = "-" if row.signal_to_noise is None else f"{row.signal_to_noise:.1f}"
            clipped = "-" if row.clipped is None else row.clipped
            lines.append(f"{row.layer:<14}{row.vector:<10}{ratio:>8}{row.full_scale:>12.0%}{clipped:>9}")
        heads = f"{'matrix':<14}{'levels used':>15}{'ADC clipped':>13}{'result clipped':>16}"
        lines += ["", f"{heads}  ADC range (full scale used) per tile"]
        for matrix in self.matrices:
            tiles = ", ".join(f"{tile['range']} ({tile['full_scale']:.0%})" for tile in matrix.tiles) or "no ADC"
            levels = f"{matrix.levels_used} of {matrix.levels}"
            lines.append(f"{matrix.name:<14}{levels:>15}{matrix.adc_clipped:>13}{matrix.result_clipped:>16}  {tiles}")
        lines += ["", f"{'layer':<14}{'input dB':>10}{'output dB':>11}{'loss dB':>9}"]
        lines += [f"{row.layer:<14}{row.given:>10.1f}{row.output:>11.1f}{row.loss:>9.1f}" for row in self.layers]
        return "\n".join([*lines, "", self.summary, f"Over {self.timesteps} timesteps of the calibration data."])


def measure(
    program: Program,
    trace: Traced,
    floats: Mapping[str, Values],
    tiles: Sequence[Sequence[dict[str, Any]]],
    layers: Sequence[tuple[str, str]],
) -> dict[str, Any]:
    """Run the program on calibration data and return its report as plain data.

    ``trace``: the float network over these data; ``floats``: what each slice should hold, by name, (batch, time, length);
    ``tiles``: ranges of each matrix's tiles; ``layers``: names of each layer's input and output slices.
    """
    reference = Reference(program)
    codes, ran = _record(reference, [program.encode(x[:length]) for x, length in zip(trace.x, trace.lengths, strict=True)])
    clipped = _clipped_by_result(reference)
    stages: dict[str, Stage] = {}
    for part in program.slices:
        held = codes[:, part.start : part.start + part.length]
        wanted = np.concatenate([values[:length] for values, length in zip(floats[part.name], ran, strict=False)])
        ratio = _decibels(wanted, decode(held, part.fraction, part.scale))
        layer, vector = part.name.rsplit("/", 1)
        peak = float(np.abs(held.astype(np.int64)).max()) / CODE_MAX
        stages[part.name] = Stage(layer, vector, ratio, round(peak, 4), clipped.get((part.start, part.length)))
    losses = tuple(_loss(stages[given], stages[output]) for given, output in layers)
    return Report(sum(ran), tuple(stages.values()), tuple(_matrices(reference, tiles)), losses).as_dict()


def _loss(given: Stage, output: Stage) -> LayerLoss:
    ratios = [NO_ERROR if stage.signal_to_noise is None else stage.signal_to_noise for stage in (given, output)]
    return LayerLoss(output.layer, *ratios)


def _record(reference: Reference, sequences: Sequence[Codes]) -> tuple[Codes, list[int]]:
    """Return the arena after every timestep, sequence after sequence, as far as the budget goes, and how many each sequence ran.

    A sequence that is read backward too is not cut: its first timesteps depend on its last.
    """
    limit = max(1, PRODUCT_BUDGET // sum(matrix.weights.size for matrix in reference.program.matrices))
    arenas: list[Codes] = []
    for sequence in sequences:
        remaining = limit - sum(map(len, arenas))
        if remaining > 0:
            arenas.append(reference.trace_codes(sequence[:remaining] if reference.program.streams else sequence))
    return np.concatenate(arenas), [len(arena) for arena in arenas]


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
