"""One network to the sweeps of one phase, block by block.

What runs forward joins the sweep in progress. A layer that runs backward, or a pair of directions, ends it: each direction is a
sweep of its own over the record, and what follows begins the next with what they gave.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from fxlstm.network import Backward, Bidirectional, Block, Layer, Network, merged
from fxlstm.network.directions import directed_layers, last_recurrent
from fxlstm.program.calibrate import Format, Values, covering_fraction
from fxlstm.program.formats import UNIT_FRACTION
from fxlstm.program.layer_formats import Calibration
from fxlstm.program.lowering.arena import added, copied, moved
from fxlstm.program.lowering.assembly import Assembly, Draft
from fxlstm.program.program import Slice


@dataclass(frozen=True)
class _Given:
    """What backward layers have given: where it stands in the arena, and its values over the calibration data.

    ``final``: what the next sweep reads is what stands there at the end, not the record.
    """

    block: Backward | Bidirectional
    parts: Sequence[Slice]
    values: Values
    final: bool


class PhaseLowering:
    """Lowers a network into the sweeps of ``assembly``; ``output`` is where its output stands.

    ``form``: the format of its input. ``names``: of its layers. ``number``: of the phase.
    """

    def __init__(
        self,
        assembly: Assembly,
        network: Network,
        traces: Sequence[Mapping[str, Values]],
        form: Format,
        names: Sequence[str],
        number: int = 0,
    ) -> None:
        self.assembly, self.network, self.traces, self.form, self.names, self.number = (
            assembly,
            network,
            traces,
            form,
            names,
            number,
        )
        self.streams = all(isinstance(block, Layer) for block in network.layers)
        self.source: Slice | None = None  # where the next layer finds its input in the arena; None: at its own "x"
        self.given: _Given | None = None  # what the next sweep begins with
        self.record_length = network.inputs
        self.lowered = 0  # layers
        self.draft = self._new_draft(0)
        for index, block in enumerate(network.layers):
            self._block(block, final=network.returns == "final" and index == last_recurrent(network.layers))
        self.output = self._finish()

    def _new_draft(self, source: int, reverse: bool = False) -> Draft:
        return Draft(self.number, source, reverse)

    def _block(self, block: Block, final: bool) -> None:
        if isinstance(block, Layer):
            self._begin(self.given)
            self._at_rate(block.period)
            self._layer(block, reverse=False)
        else:
            self._directions(block, final)

    def _at_rate(self, period: int) -> None:
        """Let what follows run at another rate than the sweep in progress: as a sweep of its own."""
        if self.source is not None and self.draft.period != period:
            self._end(self.source)
        self.draft.period = period

    def _finish(self) -> Slice:
        """End the last sweep: what follows the last layer that remembers runs when an output is wanted."""
        self._begin(self.given)
        assert self.source is not None
        step_operations, output = self.draft.step_operations, self.source
        self._end(output)
        last = self.assembly.sweeps[-1]
        last.output, last.step_operations, last.returns_last = output, step_operations, self.network.returns != "sequence"
        return output

    def _end(self, output: Slice) -> None:
        """End the sweep in progress; the next reads what it gives: in the arena of a phase that streams, else in the record."""
        self.draft.step_operations = len(self.draft.operations)
        self.draft.output = None if self.streams else output
        self.assembly.sweeps.append(self.draft)
        self.draft = self._new_draft(self.record_length)
        if not self.streams:
            self.record_length += output.length
            self.source = None

    def _directions(self, block: Backward | Bidirectional, final: bool) -> None:
        """End what is before as a sweep of its own, then lower each direction as a sweep; both read the same codes."""
        if self.given is None and self.source is not None:
            self._end(self.source)
        given, form, read_from = self.given, self.form, self.draft.source
        start = self.record_length
        parts = []
        for layer, reverse in directed_layers(block):
            self.form, self.draft = form, self._new_draft(read_from, reverse)
            self._begin(given)
            parts.append(self._layer(layer, reverse))
            self._end(parts[-1])
        self.draft.source = start
        self.given = _Given(block, parts, merged(block, self.traces[: self.lowered]), final)

    def _begin(self, given: _Given | None) -> None:
        """Begin a sweep with what backward layers gave: in one format, or added."""
        self.given = None
        if given is None:
            return
        length = sum(part.length for part in given.parts)
        start = self.assembly.arena.allocate(length)
        places, end = [], start
        for part in given.parts:
            places.append(moved(part, end))
            end += part.length
        if isinstance(given.block, Bidirectional) and given.block.merge == "sum":
            fraction = min(covering_fraction(given.values, self.assembly.method), UNIT_FRACTION)
            self.draft.operations.append(added(given.parts if given.final else places, replace(places[0], fraction=fraction)))
        else:
            fraction = min(part.fraction for part in given.parts)
            for part, place in zip(given.parts if given.final else places, places, strict=True):
                self.draft.operations += copied(part, replace(place, fraction=fraction))
        self.form = Format(fraction)
        self.source = Slice("given", start, given.block.outputs, fraction)
        self.draft.entry = None if given.final else replace(self.source, length=length)

    def _layer(self, layer: Layer, reverse: bool) -> Slice:
        """Lower one layer into the sweep in progress; return its output."""
        name, trace = self.names[self.lowered], self.traces[self.lowered]
        self.lowered += 1
        own_order = {vector: values[:, ::-1] for vector, values in trace.items()} if reverse else trace
        prefix = f"{name}/"
        initial = {key.removeprefix(prefix): value for key, value in self.network.initial.items() if key.startswith(prefix)}
        calibration = Calibration(own_order, {"x": self.form}, initial, {}, self.assembly.method)
        lowered = self.assembly.layer(layer, name, calibration, self.source, reverse=reverse)
        if self.source is None:
            self.draft.entry = lowered.vectors["x"]
        self.draft.operations += lowered.operations
        if layer.remembers:
            self.draft.step_operations = len(self.draft.operations)
        self.draft.operations += lowered.closing
        self.source = lowered.output
        self.form = Format(self.source.fraction, self.source.scale)
        return self.source
