"""Keras models and files as networks: their settings and arrays are read; Keras is not imported, and no code of a file is run."""

from __future__ import annotations

import os
import zipfile
import zlib
from typing import Any

from fxlstm.errors import ModelError
from fxlstm.network.importers.keras.chain import class_of, layers_in_order, settings_of
from fxlstm.network.importers.keras.files import Stored, read_file, read_model
from fxlstm.network.importers.keras.layers import shaped, through
from fxlstm.network.importers.keras.stream import Stream
from fxlstm.network.network import Network
from fxlstm.network.topologies.encoder_decoder import EncoderDecoder

# What zipfile, json and h5py raise for a damaged file, and what settings of another form than Keras's lead to.
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    MemoryError,
)


def convert(model: Any) -> Network | EncoderDecoder:
    """Return the network of a model or of a file; see :func:`fxlstm.from_keras`."""
    if not isinstance(model, str | os.PathLike):
        return _network(read_model(model))
    try:
        return _network(read_file(model))
    except ModelError as error:
        raise ModelError(f"{os.fspath(model)!r}: {error}") from error
    except _DAMAGED as error:
        raise ModelError(f"{os.fspath(model)!r} is damaged ({error!r}); save the model again") from error


def _network(stored: Stored) -> Network | EncoderDecoder:
    """Return the network of a model as its file holds it."""
    kind, settings = class_of(stored.config, "model"), settings_of(stored.config, "model")
    name = str(settings.get("name", kind.lower()))
    entries = layers_in_order(kind, name, settings, stored.arrays)
    stream = shaped(Stream(), settings.get("build_input_shape"))
    if entries:
        stream = shaped(stream, entries[0].setting("batch_input_shape"))
    for entry in entries:
        stream = through(stream, entry, stored.version)
        entry.arrays.finish(entry.name)
    return stream.model(name)
