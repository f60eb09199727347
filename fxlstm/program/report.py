"""What quantization costs, stage by stage: a report that a program carries."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from fxlstm.errors import ProgramError


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
    def of(cls, data: Any) -> Report:
        """Return the report of plain data, as :meth:`as_dict` gives them. Raises :class:`ProgramError` where they are none."""
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
