"""The trained networks that ship with fxlstm."""

from __future__ import annotations

import hashlib
from importlib.resources import as_file, files

from fxlstm.network import Network, load_network


def load_shipped(name: str) -> Network:
    """Return the shipped network ``name``; its metadata says which script made it and from what."""
    with as_file(files(__package__) / f"{name}.safetensors") as path:
        network = load_network(path)
    assert isinstance(network, Network)
    return network


def weights_digest(network: Network) -> str:
    """Return the SHA-256 of all parameters, layer by layer in the order of their names, as little-endian float64."""
    arrays = [layer.parameters[key] for layer in network.every_layer for key in sorted(layer.parameters)]
    return hashlib.sha256(b"".join(array.astype("<f8").tobytes() for array in arrays)).hexdigest()
