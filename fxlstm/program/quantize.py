"""``quantize``: a float network and calibration data to an integer program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fxlstm.network import Layer, Network
from fxlstm.network.cells import Multiply
from fxlstm.program.calibrate import Format, Values, choose_formats, input_format, operand_values
from fxlstm.program.formats import UNIT_FRACTION, dac_codes, encode
from fxlstm.program.hardware import Hardware
from fxlstm.program.lower import Arena, LoweredLayer, lower_layer
from fxlstm.program.methods import Method, find_method
from fxlstm.program.placement import Block, place
from fxlstm.program.program import Matrix, Program, Tile
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
    hardware, method = hardware or Hardware(), find_method(method, percentile)
    traces = network.trace(calibration)
    x = traces[0]["x"]
    names = _unique([layer.name for layer in network.layers])
    arena = Arena()
    lowered: list[LoweredLayer] = []
    products: list[_Product] = []
    form = input_format(x, hardware.dac_bits, method)
    for layer, name, trace in zip(network.layers, names, traces, strict=True):
        formats = choose_formats(layer, trace, form, method)
        source = lowered[-1].vectors[network.layers[len(lowered) - 1].cell.output] if lowered else None
        lowered.append(lower_layer(layer, name, formats, hardware, arena, len(products), source))
        products += [_product(layer, name, formats, multiply, trace, hardware, method) for multiply in layer.cell.multiplies]
        form = formats[layer.cell.output]
    matrices = _to_matrices(products, hardware, method)
    program = Program(
        hardware=hardware,
        arena=np.array(arena.contents, dtype=np.int16),
        operations=tuple(operation for part in lowered for operation in part.operations),
        step_operations=_step_operations(network, lowered),
        matrices=matrices,
        input=lowered[0].vectors["x"],
        output=lowered[-1].vectors[network.layers[-1].cell.output],
        returns_last=network.returns == "last",
        slices=tuple(arena.slices),
    )
    check(program)
    floats = _float_slices(lowered, traces)
    ranges = [_ranges(product, matrix, hardware) for product, matrix in zip(products, matrices, strict=True)]
    pairs = zip(network.layers, lowered, strict=True)
    ends = [(part.vectors["x"].name, part.vectors[layer.cell.output].name) for layer, part in pairs]
    return replace(program, metadata={"network": network.name, "report": measure(program, x, floats, ranges, ends)})


def _unique(names: Sequence[str]) -> list[str]:
    """Return the names, numbered where one occurs more than once."""
    unique: list[str] = []
    for name in names:
        label, number = name, 1
        while names.count(label) > 1 or label in unique:
            label, number = f"{name}-{number}", number + 1
        unique.append(label)
    return unique


def _step_operations(network: Network, lowered: Sequence[LoweredLayer]) -> int:
    """Return how many operations run at every timestep: all, or those up to the last layer with a state."""
    recurrent = [index for index, layer in enumerate(network.layers) if layer.cell.states]
    count = len(lowered) if network.returns == "sequence" else max(recurrent, default=-1) + 1
    return sum(len(part.operations) for part in lowered[:count])


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
