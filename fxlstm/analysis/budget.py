"""The error budget: how much of a network's error comes from which source, each switched on alone and switched off alone."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fxlstm.analysis.errors import Spread, Values, decibel, rms
from fxlstm.analysis.settings import IN_CODES, Case
from fxlstm.crossbar import Wires
from fxlstm.crossbar.front_end import FrontEnd
from fxlstm.errors import ArrayError, ModelError
from fxlstm.network import Network
from fxlstm.program.device import load_device
from fxlstm.program.hardware import Hardware

Metric = Callable[[Values], float]
DEFAULT_SEEDS = (0, 1, 2, 3, 4)


@dataclass(frozen=True)
class SourceError:
    """What one source of error does; errors are root mean squares.

    ``alone``: what it changes when it is the only one switched on. ``without``: the error that stays when it is the only one
    switched off. ``share``: part of the squared error that goes with it, 1 - (without / everything)**2; shares need not add up to
    1, as sources act on each other. ``signal_to_noise``: decibel, of the signal over ``alone``. ``metric_alone``,
    ``metric_without``: the task's metric in the same two cases.
    """

    source: str
    alone: Spread
    without: Spread
    share: float
    signal_to_noise: float
    metric_alone: Spread | None = None
    metric_without: Spread | None = None


@dataclass(frozen=True)
class Budget:
    """The errors of a network on hardware, by source; ``print`` it, draw it by :meth:`figure`, keep it by :meth:`to_json`.

    ``signal``: root mean square of the float network's output. ``everything``: error of the output with all sources on.
    ``sources``: the output's error by source. ``layers``: the same at the output of each layer, against the network without any
    rounding. ``left_out``: sources that do not act, and why. ``metric``, ``metric_everything``: the task's metric of the float
    network and with all sources on. ``repeated``: what ``seeds`` number.
    """

    network: str
    device: str
    seeds: tuple[int, ...]
    signal: float
    everything: Spread
    sources: tuple[SourceError, ...]
    layers: Mapping[str, tuple[SourceError, ...]]
    left_out: Mapping[str, str]
    metric: float | None = None
    metric_everything: Spread | None = None
    repeated: str = "seeds"

    @property
    def title(self) -> str:
        """What the table is of."""
        return f"Error budget of {self.network!r} on {self.device}, median (least to greatest) of {len(self.seeds)} {self.repeated}"

    @property
    def largest(self) -> SourceError:
        """The source that does most when it is alone."""
        return max(self.sources, key=lambda row: row.alone.median)

    @property
    def heads(self) -> tuple[str, ...]:
        """The heads of the table."""
        heads = ("source", "alone, RMS", "SNR, dB", "without it, RMS", "share")
        return heads if self.metric is None else (*heads, "metric alone", "without it")

    def table(self, layer: str | None = None) -> list[tuple[str, ...]]:
        """Return the rows of the table as text: of the output, or of a layer's output."""
        rows = self.sources if layer is None else self.layers[layer]
        return [self._texts(row) for row in rows]

    def _texts(self, row: SourceError) -> tuple[str, ...]:
        texts = (
            row.source,
            row.alone.text(".2e"),
            f"{row.signal_to_noise:.1f}",
            row.without.text(".2e"),
            f"{round(100 * row.share)}%",
        )
        if self.metric is None:
            return texts
        metrics = (row.metric_alone, row.metric_without)
        return (*texts, *("-" if metric is None else metric.text(".4g") for metric in metrics))

    @property
    def summary(self) -> str:
        """Two sentences: how large the error is and where most of it comes from; and what the metric makes of it."""
        ratio = decibel(self.signal, self.everything.median)
        words = f"All together: RMS {self.everything.text('.2e')}, {ratio:.1f} dB below the signal; most by {self.largest.source}."
        if self.metric is not None and self.metric_everything is not None:
            words += f" Metric {self.metric_everything.text('.4g')}, of the float network {self.metric:.4g}."
        return words

    @property
    def omissions(self) -> tuple[str, ...]:
        """One line for each source that is left out."""
        return tuple(f"Left out: {name}, {reason}." for name, reason in self.left_out.items())

    def __str__(self) -> str:
        parts = [self.title]
        for layer in (None, *self.layers):
            rows = [self.heads, *self.table(layer)]
            widths = [max(len(row[column]) for row in rows) for column in range(len(self.heads))]
            lines = ["  ".join((row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:]))) for row in rows]
            parts += ["", "Output" if layer is None else f"Layer {layer}", *lines]
        return "\n".join([*parts, "", self.summary, *self.omissions])

    def as_dict(self) -> dict[str, Any]:
        """Return all numbers as plain data."""
        return asdict(self)

    def to_json(self) -> str:
        """Return all numbers as JSON; an infinite ratio (no error) is null."""
        return json.dumps(_finite(self.as_dict()), indent=2, allow_nan=False)

    def figure(self, path: str | os.PathLike[str]) -> None:
        """Draw each source alone and each layer's share into a PNG."""
        from fxlstm.analysis.figures import draw_budget

        draw_budget(self, Path(path))


def error_budget(
    network: Network,
    x: ArrayLike,
    hardware: Hardware | None = None,
    *,
    device: str = "ta-hfo2",
    seeds: Sequence[int] = DEFAULT_SEEDS,
    calibration: ArrayLike | None = None,
    metric: Metric | None = None,
    lengths: ArrayLike | None = None,
    wires: Wires | None = None,
    front_end: FrontEnd | None = None,
    seconds: float = 0.0,
) -> Budget:
    """Return how much of the error of ``network`` over ``x`` comes from each source, on ``hardware`` with cells of ``device``.

    ``x``: (time, features) or (batch, time, features). ``hardware``: by default that of the board that suits the cells.
    ``seeds``: one programmed array each. ``calibration``: by default ``x``. ``metric``: a number for outputs as the network gives
    them, such as an accuracy. ``lengths``: of the sequences, (batch,), where the network reads forward and returns its last output.
    ``wires``: resistances around the cells. ``front_end``: errors of converters beyond their bits. ``seconds``: how long after
    programming the network runs.
    Raises :class:`ModelError` for what is no network of sequences and for a seed that is missing or given twice;
    :class:`ArrayError` where the program does not fit one array; :class:`ProgramError` for networks with a mask.
    """
    if not isinstance(network, Network):
        raise ModelError(f"an error budget is of a Network; {type(network).__name__} takes more than sequences")
    if not seeds or len(set(seeds)) < len(seeds) or min(seeds) < 0:
        raise ModelError(f"seeds = {list(seeds)}: give different numbers, 0 or more, one for each array to be programmed")
    if not 0 <= seconds < np.inf:
        raise ArrayError(f"seconds = {seconds}: give the time since programming, 0 or more")
    hardware = hardware or Hardware(board=load_device(device).board)
    calibration, wires, front_end = x if calibration is None else calibration, wires or Wires(), front_end or FrontEnd()
    case = Case(network, x, calibration, hardware, device, wires, front_end, seconds, lengths)
    return Repeated(case, tuple(seeds), metric).budget()


@dataclass(frozen=True)
class Repeated:
    """A case over its seeds, or runs. Outputs are held against the float network's, layers against the run without any source."""

    case: Case
    seeds: tuple[int, ...]
    metric: Metric | None
    what: str = "seeds"

    def budget(self) -> Budget:
        """Run everything."""
        case, floats = self.case, self._floats(None)
        layers = {name: self._rows(name) for name in case.network.layer_names}
        runs = [case.run(case.sources, seed).outputs for seed in self._arrays]
        return Budget(
            case.network.name,
            case.device,
            self.seeds,
            rms(floats),
            Spread.of([rms(run - floats) for run in runs]),
            self._rows(None),
            layers,
            case.left_out,
            None if self.metric is None else float(self.metric(floats)),
            self._metric_of(runs),
            self.what,
        )

    @property
    def _arrays(self) -> tuple[int | None, ...]:
        """The seeds, or a single run without cells."""
        return self.seeds if self.case.on_array else (None,)

    def _rows(self, layer: str | None) -> tuple[SourceError, ...]:
        return tuple(self._row(source, layer) for source in self.case.sources)

    def _row(self, source: str, layer: str | None) -> SourceError:
        """What a source does to the output, or to a layer's output."""
        case, floats, others = self.case, self._floats(layer), set(self.case.sources) - {source}
        seeds: tuple[int | None, ...] = (None,) if source in IN_CODES else self.seeds
        alone = Spread.of([rms(self._of({source}, seed, layer) - self._of(set(), seed, layer)) for seed in seeds])
        left = [rms(self._of(others, seed, layer) - floats) for seed in self._arrays]
        all_on = [rms(self._of(set(case.sources), seed, layer) - floats) for seed in self._arrays]
        shares = [1 - (less / more) ** 2 if more else 0.0 for less, more in zip(left, all_on, strict=True)]
        metrics: list[Spread | None] = [None, None]
        if layer is None:
            metrics[0] = self._metric_of([self._of({source}, seed, None) for seed in seeds])
            metrics[1] = self._metric_of([self._of(others, seed, None) for seed in self._arrays])
        ratio = decibel(rms(floats), alone.median)
        return SourceError(source, alone, Spread.of(left), float(np.median(shares)), ratio, *metrics)

    def _of(self, on: set[str], seed: int | None, layer: str | None) -> Values:
        run = self.case.run(on, seed)
        return run.outputs if layer is None else run.vectors[self._vectors[layer]]

    def _floats(self, layer: str | None) -> Values:
        return self.case.network(self.case.x, self.case.lengths) if layer is None else self._of(set(), None, layer)

    @property
    def _vectors(self) -> dict[str, str]:
        """The vector that each layer gives, by the layer's name."""
        network = self.case.network
        return {name: f"{name}/{layer.cell.output}" for name, layer in zip(network.layer_names, network.every_layer, strict=True)}

    def _metric_of(self, runs: Sequence[Values]) -> Spread | None:
        return None if self.metric is None else Spread.of([float(self.metric(run)) for run in runs])


def _finite(value: Any) -> Any:
    """Plain data with None for what JSON cannot hold."""
    if isinstance(value, dict):
        return {name: _finite(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
