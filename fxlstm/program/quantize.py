"""``quantize``: a float network and calibration data to an integer program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fxlstm.errors import ModelError
from fxlstm.network import Backward, Bidirectional, Layer, Network, layers_of, merged
from fxlstm.network.cells import Clamp, Multiply
from fxlstm.program.calibrate import Format, Values, choose_formats, covering_fraction, input_format, operand_values
from fxlstm.program.formats import UNIT_FRACTION, dac_codes, encode
from fxlstm.program.hardware import Hardware
from fxlstm.program.lower import Arena, LoweredLayer, add, in_place, lower_layer
from fxlstm.program.methods import Method, find_method
from fxlstm.program.placement import Block, place
from fxlstm.program.program import Matrix, Operation, Program, Slice, Sweep, Tile
from fxlstm.program.report import measure
from fxlstm.program.rules import check, worst_sums
from fxlstm.program.scales import Levels, bias_code, choose_range, full_scale_used, rescale, to_levels

RANGE_HEADROOM = 1.125  # of a tile's largest calibrated current, before its ADC clips


@dataclass(frozen=True)
class _Product:
    """One multiply of one layer on its way to a matrix: level differences, operand codes of the calibration data, result format."""

    name: str
    levels: Levels
    codes: NDArray[np.int64]
    result_fractions: NDArray[np.int64]


def quantize(
    network: Network,
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
    _check_lowerable(network)
    hardware, method = hardware or Hardware(), find_method(method, percentile)
    traces = network.trace(calibration)
    x = traces[0]["x"]
    names = network.layer_names
    built = _Lowering(network, names, traces, hardware, method)
    matrices = _to_matrices(built.products, hardware, method)
    program = Program(
        hardware=hardware,
        arena=np.array(built.arena.contents, dtype=np.int16),
        operations=tuple(built.operations),
        step_operations=built.step_operations,
        matrices=matrices,
        input=built.lowered[0].vectors["x"],
        output=built.output,
        returns_last=network.returns == "last",
        slices=tuple(built.arena.slices),
        sweeps=tuple(built.sweeps) if len(built.sweeps) > 1 else (),
    )
    check(program)
    floats = _float_slices(built.lowered, traces)
    ranges = [_ranges(product, matrix, hardware) for product, matrix in zip(built.products, matrices, strict=True)]
    pairs = zip(network.every_layer, built.lowered, strict=True)
    ends = [(part.vectors["x"].name, part.vectors[layer.cell.output].name) for layer, part in pairs]
    report = measure(program, x, floats, ranges, ends)
    return replace(program, metadata={"network": network.name, "states": list(network.states), "report": report})


def _check_lowerable(network: Network) -> None:
    """Raise :class:`ModelError` for what networks have and programs have not."""
    reasons = {
        "returns='final'": network.returns == "final",
        "initial states of the network": bool(network.initial),
        "reads_backward": network.reads_backward,
        "mask_value": network.mask_value is not None,
        "Backward layers": any(isinstance(block, Backward) for block in network.layers),
        "layers with a period": any(layer.period != 1 for layer in network.every_layer),
        "closing equations": any(layer.cell.closing for layer in network.every_layer),
        "constants and Clamp": any(
            layer.cell.constants or any(isinstance(equation, Clamp) for equation in layer.cell.equations)
            for layer in network.every_layer
        ),
    }
    if found := [reason for reason, holds in reasons.items() if holds]:
        raise ModelError(f"network {network.name!r}: a program cannot express {', '.join(found)}; run it in float")


@dataclass(frozen=True)
class _Pair:
    """A pair of directions that has been lowered: where its two outputs stand, and its output over the calibration data."""

    block: Bidirectional
    parts: Sequence[Slice]
    values: Values


class _Lowering:
    """Lowers a network block by block. A pair of directions is two sweeps; what follows it begins the next by merging theirs."""

    def __init__(
        self,
        network: Network,
        names: Sequence[str],
        traces: Sequence[Mapping[str, Values]],
        hardware: Hardware,
        method: Method,
    ) -> None:
        self.names, self.traces, self.hardware, self.method = names, traces, hardware, method
        self.arena = Arena()
        self.operations: list[Operation] = []
        self.lowered: list[LoweredLayer] = []
        self.products: list[_Product] = []
        self.sweeps: list[Sweep] = []
        self.step_operations = 0
        self.form = input_format(traces[0]["x"], hardware.dac_bits, method)  # of what the next block reads
        self.source: Slice | None = None  # where the next layer finds its input in the arena; None: at its own "x"
        self.entry: Slice | None = None  # where the sweep in progress takes what it reads of the record
        self.from_record = 0  # first code of the record that it reads
        self.begun = 0  # its first operation
        self.pair: _Pair | None = None  # what the next sweep is to merge
        self.record_length = network.inputs
        for block in network.layers:
            assert not isinstance(block, Backward)
            self._block(block)
        self._merge(self.pair)
        self._count_step_operations(always=network.returns == "sequence")
        self.step_operations = max(self.step_operations, self.begun)
        assert self.source is not None
        self.output: Slice = self.source
        self._end_sweep(self.output, reverse=False)

    def _block(self, block: Layer | Bidirectional) -> None:
        if isinstance(block, Bidirectional):
            self._bidirectional(block)
            return
        self._merge(self.pair)
        self._layer(block, reverse=False)
        self._count_step_operations(always=bool(block.cell.states))

    def _count_step_operations(self, always: bool) -> None:
        """What has been lowered so far runs at every timestep, where that is so."""
        if always:
            self.step_operations = len(self.operations)

    def _bidirectional(self, block: Bidirectional) -> None:
        """End what is before the pair as a sweep of its own, then lower both directions as sweeps that read the same codes."""
        if self.pair is None and self.source is not None:
            self._end_sweep(self.source, reverse=False)
        pair, form, read_from = self.pair, self.form, self.from_record
        parts = []
        start = self.record_length
        for layer, reverse in zip(layers_of(block), (False, True), strict=True):
            self.form, self.from_record = form, read_from
            self._merge(pair)
            parts.append(self._layer(layer, reverse))
            self._end_sweep(parts[-1], reverse)
        self.pair, self.from_record = _Pair(block, parts, merged(block, self.traces[: len(self.lowered)])), start

    def _merge(self, pair: _Pair | None) -> None:
        """Begin a sweep that reads what both directions gave: bring them to one format, or add them."""
        if pair is None:
            return
        first, second = pair.parts
        length = first.length + second.length
        start = self.arena.allocate(length)
        places = [replace(first, start=start), replace(second, start=start + first.length)]
        if pair.block.merge == "sum":
            self.form = Format(min(covering_fraction(pair.values, self.method), UNIT_FRACTION))
            self.operations.append(add(places, self.form.fraction))
        else:
            self.form = Format(min(first.fraction, second.fraction))
            self.operations += [operation for place in places for operation in in_place(place, self.form.fraction)]
        self.entry = Slice("merge", start, length, self.form.fraction)
        self.source = replace(self.entry, length=pair.block.outputs)
        self.pair = None

    def _layer(self, layer: Layer, reverse: bool) -> Slice:
        """Lower one layer; return its output."""
        index = len(self.lowered)
        name, trace = self.names[index], self.traces[index]
        formats = choose_formats(layer, trace, self.form, self.method)
        lowered = lower_layer(layer, name, formats, self.hardware, self.arena, len(self.products), self.source)
        self.entry = self.entry or lowered.vectors["x"]
        own_order = {vector: values[:, ::-1] for vector, values in trace.items()} if reverse else trace
        for multiply in layer.cell.multiplies:
            self.products.append(_product(layer, name, formats, multiply, own_order, self.hardware, self.method))
        self.lowered.append(lowered)
        self.operations += lowered.operations
        self.form = formats[layer.cell.output]
        self.source = lowered.vectors[layer.cell.output]
        return self.source

    def _end_sweep(self, output: Slice, reverse: bool) -> None:
        """Make a sweep of the operations since the last one; the next reads what it gives."""
        assert self.entry is not None
        ends = self.entry.start, self.entry.length, output.start, output.length
        self.sweeps.append(Sweep(len(self.operations) - self.begun, reverse, self.from_record, *ends))
        self.begun, self.from_record = len(self.operations), self.record_length
        self.record_length += output.length
        self.source = self.entry = None


def _product(
    layer: Layer,
    name: str,
    formats: Mapping[str, Format],
    multiply: Multiply,
    trace: Mapping[str, Values],
    hardware: Hardware,
    method: Method,
) -> _Product:
    values = operand_values(layer.cell, trace, multiply)
    operands = [(value, formats[vector]) for value, vector in zip(values, multiply.operands, strict=True)]
    # A row code c means c * 2**-fraction * scale; folded into the weights, every row drives c * 2**-15.
    factors = [np.full(value.shape[-1], form.scale * 2.0 ** (UNIT_FRACTION - form.fraction)) for value, form in operands]
    weight = layer.parameters[multiply.weight] * np.concatenate(factors)[:, np.newaxis]
    levels = to_levels(weight, layer.parameters[multiply.bias], hardware, method)
    codes = [encode(value, form.fraction, form.scale).reshape(-1, value.shape[-1]) for value, form in operands]
    if hardware.bias == "array":
        codes.append(np.full((len(codes[0]), hardware.bias_rows), bias_code(hardware), dtype=np.int16))
    lengths = [layer.length(vector) for vector in multiply.results]
    fractions = np.repeat([formats[vector].fraction for vector in multiply.results], lengths)
    label = name if multiply.weight == "weight" else f"{name}/{multiply.weight}"
    return _Product(label, levels, dac_codes(np.concatenate(codes, axis=1), hardware.dac_bits), fractions)


def _to_matrices(products: Sequence[_Product], hardware: Hardware, method: Method) -> tuple[Matrix, ...]:
    if hardware.adc_bits is None:
        return tuple(_to_matrix(product, (), 1.0, hardware) for product in products)
    shapes = [product.levels.weights.shape for product in products]
    pairs = zip(products, place(shapes, hardware), strict=True)
    return tuple(_tiled(product, blocks, hardware, method) for product, blocks in pairs)


def _accumulators(product: _Product, block: Block | Tile) -> Values:
    """Return the exact sums of a tile's columns over the calibration data."""
    rows, columns = slice(block.row, block.row + block.rows), slice(block.column, block.column + block.columns)
    sums: Values = product.codes[:, rows].astype(np.float64) @ product.levels.weights[rows, columns].astype(np.float64)
    return sums


def _tiled(product: _Product, blocks: Sequence[Block], hardware: Hardware, method: Method) -> Matrix:
    """Give every tile the range that the method chooses for its current; tiles add in the unit of the finest."""
    ranges = [choose_range(_accumulators(product, block), hardware, method, RANGE_HEADROOM) for block in blocks]
    finest = min(hardware.unit_shift(index) for index in ranges)
    tiles = []
    for block, index in zip(blocks, ranges, strict=True):
        gain, gain_shift = hardware.gain(index)
        tiles.append(Tile(**vars(block), gain=gain, gain_shift=gain_shift, align=gain_shift - finest, range=index))
    return _to_matrix(product, tuple(tiles), 2.0**finest / hardware.gain(0)[0], hardware)


def _to_matrix(product: _Product, tiles: tuple[Tile, ...], unit: float, hardware: Hardware) -> Matrix:
    """Return the matrix with its rescale; ``unit`` is the accumulator that one unit of the sum stands for."""
    weights = product.levels.weights
    zeros = np.zeros(weights.shape[1], dtype=np.int64)
    unscaled = Matrix(product.name, weights, zeros, zeros, zeros, tiles)
    to_codes = 2.0**product.result_fractions
    factors = product.levels.delta * 2.0**-UNIT_FRACTION * to_codes * unit
    biases = product.levels.digital_bias * to_codes
    bounds = worst_sums(hardware.adc_bits, unscaled)
    scales = [rescale(*column) for column in zip(factors.tolist(), biases.tolist(), bounds.tolist(), strict=True)]
    mantissa, shift, bias = np.array(scales, dtype=np.int64).T
    return replace(unscaled, mantissa=mantissa, shift=shift, bias=bias)


def _float_slices(lowered: Sequence[LoweredLayer], traces: Sequence[Mapping[str, Values]]) -> dict[str, Values]:
    """Return the float values of every slice by name, (batch, time, length)."""
    pairs = zip(lowered, traces, strict=True)
    return {part.name: trace[vector] for layer, trace in pairs for vector, part in layer.vectors.items()}


def _ranges(product: _Product, matrix: Matrix, hardware: Hardware) -> list[dict[str, Any]]:
    """Return each tile's range and how much of its full scale the calibration data use."""
    used = [full_scale_used(_accumulators(product, tile), hardware, tile.range) for tile in matrix.tiles]
    return [{"range": tile.range, "full_scale": round(part, 4)} for tile, part in zip(matrix.tiles, used, strict=True)]
