"""Networks from other frameworks; a framework is imported when its importer is called, not before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fxlstm.errors import ModelError
from fxlstm.network.network import Network

if TYPE_CHECKING:
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


def from_keras(model: Any) -> Network:
    """Return the float network that a Keras model computes in inference, starting from zero states.

    ``model``: a model object of Keras 3 or 2, or the path of a ``.keras`` or ``.h5`` file of either. A file is read with h5py
    without Keras: its settings and arrays are data, and no code of it is run. The network is batch first; images and other data
    with positions are flattened, channels last. Where the model ends in a softmax the network ends before it, and says so in its
    metadata: ``"host_edge": "softmax"``. What is supported is listed in docs/importers.md.
    Raises :class:`ModelError` that names the layer for anything else; the model itself is not changed.
    """
    try:
        from fxlstm.network.importers import keras
    except ModuleNotFoundError as error:
        raise ModelError(f"from_keras needs h5py ({error}); install it with: pip install 'fxlstm[keras]'") from error
    return keras.convert(model)


__all__ = ["from_keras", "from_torch"]
