"""Networks from other frameworks; a framework is imported when its importer is called, not before."""

from __future__ import annotations

from typing import TYPE_CHECKING

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


__all__ = ["from_torch"]
