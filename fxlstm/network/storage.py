"""Networks in files: weights as tensors of a ``.safetensors`` file, structure as JSON in its metadata."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from fxlstm.errors import ModelError
from fxlstm.files import write_whole
from fxlstm.network.structure import Model, build, describe, tensors_of

VERSION = 2
READABLE = (1, 2)  # 1 knows neither cells as data nor the options of networks and layers that have a default
_KEY = "fxlstm"  # the entry of the file's metadata that holds the structure


def save_network(network: Model, path: str | os.PathLike[str]) -> None:
    """Write ``network`` to a ``.safetensors`` file, replacing it whole or not at all.

    Tensors are called ``layers.<index>.<parameter>``, float64; the index counts all layers, those of a pair one after the other.
    Initial states are tensors ``initial.<layer>/<state>``. A cell outside the catalogue is written as its equations.
    Raises :class:`ModelError` for another suffix, metadata that is not JSON, or a place that cannot be written to.
    """
    path = Path(path)
    if path.suffix != ".safetensors":
        raise ModelError(f"{str(path)!r} has the suffix {path.suffix!r}; networks are stored as .safetensors")
    structure = {"version": VERSION, **describe(network)}
    try:
        text = json.dumps(structure, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ModelError(
            f"metadata of network {network.name!r} is not JSON ({error}); keep to text, finite numbers, lists"
        ) from error
    write_whole(path, lambda file: file.write(save(tensors_of(network), {_KEY: text})), ModelError)


def read_network(path: Path) -> Model:
    """Return the network in a ``.safetensors`` file written by :func:`save_network`; :func:`load_network` is the door to all kinds.

    Raises :class:`ModelError` for a file that is damaged, of another kind or of a newer version.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            header = (file.metadata() or {}).get(_KEY)
            tensors = {key: file.get_tensor(key) for key in file.keys()} if header else {}  # noqa: SIM118
    except (SafetensorError, OSError, TypeError) as error:
        raise ModelError(f"{str(path)!r} is not a readable safetensors file ({error}); export the network again") from error
    if header is None:
        raise ModelError(f"{str(path)!r} holds tensors but no fxlstm network; save it with save_network")
    return _build(header, tensors, path)


def _build(header: str, tensors: Mapping[str, Any], path: Path) -> Model:
    """Return the network of a parsed file; every complaint names the file."""
    try:
        structure = json.loads(header)
        if structure["version"] not in READABLE:
            raise ModelError(f"format version {structure['version']}, this release reads up to {VERSION}; update fxlstm")
        return build(structure, tensors)
    except ModelError as error:
        raise ModelError(f"{str(path)!r}: {error}") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ModelError(f"{str(path)!r} has damaged network metadata ({error!r}); export the network again") from error
