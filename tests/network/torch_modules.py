"""Small PyTorch modules and their outputs, for the tests of the importer."""

import numpy as np
import torch
from torch import nn

F64 = {"dtype": torch.float64}


class Model(nn.Module):
    """A recurrent body and what ``use`` makes of it: the smallest module with a forward of its own."""

    def __init__(self, body, use, head=None):
        super().__init__()
        directions = 2 if getattr(body, "bidirectional", False) else 1
        self.body, self.use = body, use
        self.head = head or nn.Linear(directions * body.hidden_size, 2, **F64)

    def forward(self, x):
        return self.use(self, x)


class WithLengths(Model):
    """The same, told how long each sequence is."""

    def forward(self, x, lengths):
        return self.use(self, x, lengths)


def sample(inputs, batch=3, time=7, seed=0):
    return np.random.default_rng(seed).normal(size=(batch, time, inputs))


def outputs(module, x, *lengths):
    """What the module gives in evaluation; of a recurrent module its output sequence."""
    with torch.no_grad():
        result = module.eval()(torch.tensor(x), *map(torch.tensor, lengths))
    return (result[0] if isinstance(result, tuple) else result).numpy()


def same(network, expected, x, *lengths):
    np.testing.assert_allclose(network(x, *lengths), expected, atol=1e-6, rtol=0)
