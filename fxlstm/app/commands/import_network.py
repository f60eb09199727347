"""``fxlstm import``: a network of another framework to a ``.safetensors`` file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fxlstm.app.console import OUT, Json, print_json, print_table

if TYPE_CHECKING:
    from fxlstm.network import Layer
    from fxlstm.network.structure import Model

EPILOG = "Example: fxlstm import model.onnx -o net.safetensors"
HEADS = ("layer", "cell", "inputs", "units", "weights")


def import_network(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A .onnx, .keras, .h5, .hdf5 or .safetensors file.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="NET.safetensors", help="Where the network goes.")],
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
    as_json: Json = False,
) -> None:
    """Turn a model of ONNX or Keras into a float network, and show what is in it.

    No code of a file is ever executed. Modules of PyTorch have no file without code: use fxlstm.from_torch in Python.
    """
    from fxlstm.errors import ModelError
    from fxlstm.network import load_network, save_network

    if output.exists() and not force:
        raise ModelError(f"{str(output)!r} is there already; give --force to replace it, or another name")
    network = load_network(model)
    save_network(network, output)
    rows = list(_rows(network))
    edge = network.metadata.get("host_edge")
    if as_json:
        layers = [dict(zip(HEADS, row, strict=True)) for row in rows]
        print_json({"output": str(output), "name": network.name, "layers": layers, "host_edge": edge})
        return
    print_table(f"{network.name}: {sum(row[-1] for row in rows)} weights", HEADS, [[*map(str, row)] for row in rows])
    if edge:
        remark = f"The {edge} at the end is left to the host: fxlstm.{str(edge).removeprefix('log_')} of the outputs."
        OUT.print(remark, markup=False)


def _rows(network: Model) -> Iterator[tuple[Any, ...]]:
    """Give each layer's name, cell, inputs, units, and numbers in its parameters."""
    for name, layer in _named_layers(network):
        weights = sum(parameter.size for parameter in layer.parameters.values())
        yield name, layer.cell.name, layer.inputs, layer.units, weights


def _named_layers(network: Model) -> Iterator[tuple[str, Layer]]:
    """Give the layers with their names; those of an encoder-decoder with the name of their side."""
    from fxlstm.network import EncoderDecoder

    if isinstance(network, EncoderDecoder):
        for side, part in (("encoder", network.encoder), ("decoder", network.decoder)):
            for name, layer in zip(part.layer_names, part.every_layer, strict=True):
                yield f"{side}/{name}", layer
    else:
        yield from zip(network.layer_names, network.every_layer, strict=True)
