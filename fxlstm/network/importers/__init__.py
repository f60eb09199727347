"""Networks from other frameworks; a framework is imported when its importer is called, not before."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fxlstm.errors import ModelError
from fxlstm.network.network import Network
from fxlstm.network.topologies.encoder_decoder import EncoderDecoder

if TYPE_CHECKING:
    import onnx
    from numpy.typing import ArrayLike
    from torch import nn
    from torch.export import ExportedProgram


def from_torch(module: nn.Module | ExportedProgram) -> Network:
    """Return the float network that a PyTorch module computes in evaluation.

    ``module``: a recurrent module or cell, an ``nn.Sequential``, a module of your own whose ``forward`` takes the sequence, and
    perhaps ``lengths``, or what ``torch.fx`` or ``torch.export`` made of one. The network takes (batch, time, features) whatever
    the module's layout; a softmax at the end is left to the host (``metadata["host_edge"]``). docs/importers.md lists what is
    supported.
    Raises :class:`ModelError` that names the layer for anything else; the module itself is not changed.
    """
    try:
        from fxlstm.network.importers import pytorch
    except ModuleNotFoundError as error:
        raise ModelError(f"from_torch needs PyTorch ({error}); install it with: pip install 'fxlstm[torch]'") from error
    return pytorch.convert(module)


def from_keras(model: Any) -> Network | EncoderDecoder:
    """Return the float network that a Keras model computes in inference, starting from zero states.

    ``model``: a model object of Keras 3 or 2, or the path of a ``.keras`` or ``.h5`` file of either. A file is read with h5py
    without Keras: its settings and arrays are data, and no code of it is run. The network is batch first; images and other data
    with positions are flattened, channels last. Where the model ends in a softmax the network ends before it, and says so in its
    metadata: ``"host_edge": "softmax"``. A model with a RepeatVector becomes an :class:`EncoderDecoder`; its ``metadata["steps"]``
    says how many outputs the model gives. What is supported is listed in docs/importers.md.
    Raises :class:`ModelError` that names the layer for anything else; the model itself is not changed.
    """
    try:
        from fxlstm.network.importers import keras
    except ModuleNotFoundError as error:
        raise ModelError(f"from_keras needs h5py ({error}); install it with: pip install 'fxlstm[keras]'") from error
    return keras.convert(model)


def from_onnx(
    model: str | os.PathLike[str] | onnx.ModelProto, constants: Mapping[str, ArrayLike] | None = None, output: str | None = None
) -> Network:
    """Return the float network that an ONNX model computes, batch first whatever the arrangement of the model's axes.

    ``model``: the path of an ``.onnx`` file or a model in memory. ``constants``: arrays in the place of graph inputs that are
    really weights. ``output``: which graph output to take, the first where not given. Graph inputs that hold the lengths of
    sequences (sequence_lens) or initial states become the ``lengths`` and ``states`` of a call. Where the model ends in a softmax
    or argmax the network ends before it, and says so in its metadata: ``"host_edge": "softmax"``. What is supported is listed in
    docs/importers.md. A file is data: no code of it is run, and external data is read from beside the model alone.
    Raises :class:`ModelError` that names the node, the reason and what is supported for anything else.
    """
    try:
        from fxlstm.network.importers.onnx import convert
    except ModuleNotFoundError as error:
        raise ModelError(f"from_onnx needs onnx ({error}); install it with: pip install 'fxlstm[onnx]'") from error
    return convert(model, constants, output)


__all__ = ["from_keras", "from_onnx", "from_torch"]
