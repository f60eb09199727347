"""Networks from other frameworks; a framework is imported when its importer is called, not before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fxlstm.errors import ModelError
from fxlstm.network.network import Network

if TYPE_CHECKING:
    from torch import nn


def from_torch(module: nn.Module) -> Network:
    """Return the float network that a PyTorch module computes in evaluation, starting from zero states.

    ``module``: a recurrent module or cell, an ``nn.Sequential``, or a module of your own whose ``forward`` takes the input
    alone and can be traced by ``torch.fx``. The network is batch first whatever ``batch_first`` says. What is supported is
    listed in docs/importers.md.
    Raises :class:`ModelError` that names the layer for anything else; the module itself is not changed.
    """
    try:
        from fxlstm.network.importers import pytorch
    except ModuleNotFoundError as error:
        raise ModelError(f"from_torch needs PyTorch ({error}); install it with: pip install 'fxlstm[torch]'") from error
    return pytorch.convert(module)


__all__ = ["from_torch"]
