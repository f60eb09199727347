"""``quantize``: a float network and calibration data to an integer program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from numpy.typing import ArrayLike

from fxlstm.errors import ModelError
from fxlstm.network import EncoderDecoder, Model, Network, TreeNetwork
from fxlstm.program.calibration.measure import measure
from fxlstm.program.calibration.methods import Method, find_method
from fxlstm.program.calibration.placement import Corners
from fxlstm.program.calibration.products import tile_use
from fxlstm.program.hardware import Hardware
from fxlstm.program.image.rules import check
from fxlstm.program.lowering.assembly import Assembly
from fxlstm.program.lowering.encoder_decoder import lower_encoder_decoder
from fxlstm.program.lowering.network import Lowered, lower_network
from fxlstm.program.lowering.tree import TreeCalibration, lower_tree
from fxlstm.program.program import Program


def quantize(
    network: Model,
    calibration: ArrayLike | TreeCalibration,
    hardware: Hardware | None = None,
    method: str | Method = "range",
    percentile: float | None = None,
    times: ArrayLike | None = None,
    steps: int | None = None,
    start: ArrayLike | None = None,
    corners: Corners | None = None,
    taken: Sequence[Program] = (),
) -> Program:
    """Return the integer program of ``network`` for ``hardware`` (default: 256 levels, 16-bit converters, bias in the array).

    ``calibration``: representative inputs, (time, features) or (batch, time, features); it sets the input's scale, the formats of
    states and outputs and the ADC range of every tile, so values beyond it may saturate. The result carries a report.
    A :class:`TreeNetwork` takes [(features, tree), ...]. For time gates ``times`` are those of the calibration data's timesteps;
    for an :class:`EncoderDecoder` ``steps`` and ``start`` are what its ``generate`` is calibrated with, by default as many
    steps as the input has, from zero.
    ``method``: how these and each weight column's full scale are chosen: ``"range"`` (nothing seen saturates), ``"percentile"``
    (all but the largest magnitudes are held: ``percentile`` of them in 100, default 99.9) or ``"error"`` (the mean squared error is
    least).
    ``corners``: where matrices stand, ``{"lstm": (row, column), "dense": (array, row, column)}`` by their names in the report, a
    matrix of several tiles with a list of as many; the others come to the first free place. ``taken``: programs that stand on the
    same arrays and keep their cells.
    Raises :class:`ModelError` for an unknown method, NaN, infinity, shapes and weights that do not fit, and for corners outside
    the array or on cells of another matrix.
    """
    assembly = Assembly(hardware or Hardware(), find_method(method, percentile))
    lowered = _lowered(assembly, network, calibration, times, steps, start)
    program = assembly.program(corners, taken)
    check(program)
    pairs = zip(assembly.products, program.matrices, strict=True)
    tiles = [tile_use(product, matrix, program.hardware) for product, matrix in pairs]
    ends = [(layer.vectors["x"].name, layer.output.name) for layer in assembly.layers]
    report = measure(program, lowered.runs, assembly.floats, tiles, ends)
    return replace(program, metadata={"network": network.name, **lowered.metadata, "report": report})


def _lowered(
    assembly: Assembly,
    network: Model,
    calibration: ArrayLike | TreeCalibration,
    times: ArrayLike | None,
    steps: int | None,
    start: ArrayLike | None,
) -> Lowered:
    """Lower a network of any kind, with what of the arguments it takes."""
    foreign = {"times": times is not None and not isinstance(network, Network)}
    foreign |= (
        dict.fromkeys(("steps", "start"), False)
        if isinstance(network, EncoderDecoder)
        else {
            "steps": steps is not None,
            "start": start is not None,
        }
    )
    if given := [name for name, unwanted in foreign.items() if unwanted]:
        raise ModelError(f"{given[0]} means nothing to the network {network.name!r}; leave it out")
    match network:
        case TreeNetwork():
            return lower_tree(assembly, network, cast(TreeCalibration, calibration))
        case EncoderDecoder():
            return lower_encoder_decoder(assembly, network, cast(ArrayLike, calibration), steps, start)
    return lower_network(assembly, network, cast(ArrayLike, calibration), times)
