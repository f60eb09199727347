"""Products on their way to matrices: level differences, tiles with their ranges, rescales."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fxlstm.errors import ModelError
from fxlstm.network import Layer
from fxlstm.network.cells import Multiply
from fxlstm.program.calibration.calibrate import Format, Values, operand_values
from fxlstm.program.calibration.layer_formats import Calibration, matrix_formats
from fxlstm.program.calibration.methods import Method
from fxlstm.program.calibration.placement import Block, Corners, place
from fxlstm.program.calibration.scales import Levels, bias_code, choose_range, full_scale_used, rescale, to_levels
from fxlstm.program.formats import UNIT_FRACTION, dac_codes, encode
from fxlstm.program.hardware import Hardware
from fxlstm.program.image.rules import worst_sums
from fxlstm.program.pairs import COLUMN_PAIRS, column_weights
from fxlstm.program.program import Matrix, Program, Tile

RANGE_HEADROOM = 1.125  # of a tile's largest calibrated current, before its ADC clips


@dataclass(frozen=True)
class Product:
    """What one matrix is made from: level differences, operand codes of the calibration data, result formats."""

    name: str
    levels: Levels
    codes: NDArray[np.int64]
    result_fractions: NDArray[np.int64]


def products_of(
    layer: Layer, name: str, formats: Mapping[str, Format], calibration: Calibration, hardware: Hardware
) -> list[Product]:
    """Return a layer's products, one for each of its weights in order."""
    readers: dict[str, list[Multiply]] = {}
    for multiply in layer.cell.multiplies:
        readers.setdefault(multiply.weight, []).append(multiply)
    shared = matrix_formats(layer.cell, formats)
    products = []
    for weight, multiplies in readers.items():
        form = shared[weight]
        codes = [_row_codes(layer, form.rows, multiply, calibration, hardware) for multiply in multiplies]
        levels = _levels(layer, form.rows, multiplies[0], hardware, calibration.method)
        lengths = [layer.length(vector) for vector in multiplies[0].results]
        label = name if weight == "weight" else f"{name}/{weight}"
        fractions = np.repeat([column.fraction for column in form.columns], lengths)
        products.append(Product(label, levels, np.concatenate(codes), fractions))
    return products


def _levels(layer: Layer, rows: Sequence[Format], multiply: Multiply, hardware: Hardware, method: Method) -> Levels:
    """Return the level differences of a weight. A row code c means c * 2**-fraction * scale; every row drives c * 2**-15."""
    scales = [form.scale * 2.0 ** (UNIT_FRACTION - form.fraction) for form in rows]
    factors = np.repeat(scales, [layer.length(vector) for vector in multiply.operands])
    weight = layer.parameters[multiply.weight] * factors[:, np.newaxis]
    return to_levels(weight, layer.parameters[multiply.bias], hardware, method)


def _row_codes(
    layer: Layer, rows: Sequence[Format], multiply: Multiply, calibration: Calibration, hardware: Hardware
) -> NDArray[np.int64]:
    """Return what drives a multiply's rows over the calibration data, (timesteps, rows)."""
    values = operand_values(layer.cell, calibration.trace, multiply, calibration.initial)
    codes = [
        encode(value, form.fraction, form.scale).reshape(-1, value.shape[-1]) for value, form in zip(values, rows, strict=True)
    ]
    if hardware.bias == "array":
        codes.append(np.full((len(codes[0]), hardware.bias_rows), bias_code(hardware), dtype=np.int16))
    return dac_codes(np.concatenate(codes, axis=1), hardware.dac_bits)


def to_matrices(
    products: Sequence[Product], hardware: Hardware, method: Method, corners: Corners | None = None, taken: Sequence[Program] = ()
) -> tuple[Matrix, ...]:
    """Return the matrices of all products, on as many arrays as they need; ``corners`` and ``taken`` as of :func:`place`."""
    if hardware.adc_bits is None:
        if corners or taken:
            raise ModelError("corners or taken for a digital program, which stands on no array; quantize with adc_bits")
        return tuple(_to_matrix(product, (), 1.0, hardware) for product in products)
    shapes = [(product.name, product.levels.weights.shape) for product in products]
    pairs = zip(products, place(shapes, hardware, corners, taken), strict=True)
    return tuple(_tiled(product, blocks, hardware, method) for product, blocks in pairs)


def tile_use(product: Product, matrix: Matrix, hardware: Hardware) -> list[dict[str, Any]]:
    """Return each tile's range and how much of its full scale the calibration data use."""
    used = [full_scale_used(_accumulators(product, tile, hardware), hardware, tile.range) for tile in matrix.tiles]
    return [{"range": tile.range, "full_scale": round(part, 4)} for tile, part in zip(matrix.tiles, used, strict=True)]


def _accumulators(product: Product, block: Block | Tile, hardware: Hardware) -> Values:
    """Return the sums that an ADC converts of a tile's columns over the calibration data, with the base that does not cancel."""
    rows, columns = slice(block.row, block.row + block.rows), slice(block.column, block.column + block.columns)
    cells = column_weights(product.levels.weights[rows, columns].astype(np.float64), hardware.pairing)
    if hardware.pairing == COLUMN_PAIRS:
        cells = cells + hardware.base_levels
    sums: Values = product.codes[:, rows].astype(np.float64) @ cells
    return sums


def _tiled(product: Product, blocks: Sequence[Block], hardware: Hardware, method: Method) -> Matrix:
    """Give every tile the range that the method chooses for its current; tiles add in the unit of the finest."""
    ranges = [choose_range(_accumulators(product, block, hardware), hardware, method, RANGE_HEADROOM) for block in blocks]
    finest = min(hardware.unit_shift(index) for index in ranges)
    tiles = []
    for block, index in zip(blocks, ranges, strict=True):
        gain, gain_shift = hardware.gain(index)
        tiles.append(Tile(**vars(block), gain=gain, gain_shift=gain_shift, align=gain_shift - finest, range=index))
    return _to_matrix(product, tuple(tiles), 2.0**finest / hardware.gain(0)[0], hardware)


def _to_matrix(product: Product, tiles: tuple[Tile, ...], unit: float, hardware: Hardware) -> Matrix:
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
