"""Random PyTorch modules with what they compute, for as many comparisons as one likes."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

KINDS: dict[str, Callable[..., nn.RNNBase]] = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}
CELLS: dict[str, Callable[..., nn.RNNCellBase]] = {"lstm": nn.LSTMCell, "gru": nn.GRUCell, "rnn": nn.RNNCell}
ACTIVATIONS = (nn.Identity, nn.Sigmoid, nn.Tanh, nn.ReLU, nn.LeakyReLU, nn.Hardsigmoid)
RETURNS = ("sequence", "last", "final")
F64 = {"dtype": torch.float64}


class Recurrent(nn.Module):
    """A recurrent body with any of PyTorch's flags, states and ways to its last output, and a head."""

    def __init__(self, rng: Generator, inputs: int, units: int, batch_first: bool, packed: bool, returns: str) -> None:
        super().__init__()
        kind = str(rng.choice(list(KINDS)))
        self.layers, self.directions = int(rng.integers(1, 4)), int(rng.integers(1, 3))
        self.batch_first, self.packed, self.returns, self.is_lstm = batch_first, packed, returns, kind == "lstm"
        options: dict[str, Any] = {"bias": bool(rng.integers(2)), "dropout": 0.3 if self.layers > 1 else 0.0}
        options |= {"proj_size": int(rng.integers(units))} if self.is_lstm and rng.integers(2) else {}
        options |= {"nonlinearity": str(rng.choice(["tanh", "relu"]))} if kind == "rnn" else {}
        both = {"bidirectional": self.directions == 2, "batch_first": batch_first}
        self.body = KINDS[kind](inputs, units, self.layers, **both, **options, **F64)
        self.width = options.get("proj_size") or units
        self.states = str(rng.choice(["absent", "zero", "constant"]))
        rows = self.layers * self.directions
        self.register_buffer("h0", torch.tensor(rng.uniform(-1, 1, (rows, 1, self.width))))
        self.register_buffer("c0", torch.tensor(rng.uniform(-1, 1, (rows, 1, units))))
        activation = ACTIVATIONS[rng.integers(len(ACTIVATIONS))]()
        head = nn.Linear(self.width * self.directions, int(rng.integers(1, 9)), bias=bool(rng.integers(2)), **F64)
        self.head = nn.Sequential(head, activation) if rng.integers(4) else nn.Identity()

    def forward(self, x: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
        batch = x.size(0 if self.batch_first else 1)
        given = pack_padded_sequence(x, lengths, self.batch_first, enforce_sorted=False) if self.packed else x
        outputs, states = self.body(given, self.initial(batch))
        if self.packed:
            outputs, _ = pad_packed_sequence(outputs, self.batch_first)
        return self.head(self.chosen(outputs, states[0] if self.is_lstm else states, batch))

    def initial(self, batch: int) -> Any:
        if self.states == "absent":
            return None
        scale = 1 if self.states == "constant" else 0
        states = [(scale * state).expand(-1, batch, -1) for state in (self.h0, self.c0)]
        return tuple(states) if self.is_lstm else states[0]

    def chosen(self, outputs: torch.Tensor, hidden: torch.Tensor, batch: int) -> torch.Tensor:
        if self.returns == "sequence":
            return outputs
        if self.returns == "final":
            last_layer = hidden.view(self.layers, self.directions, batch, self.width)[-1]
            return last_layer.transpose(0, 1).reshape(batch, -1)
        return outputs[:, -1] if self.batch_first else outputs[-1]


class Packed(Recurrent):
    """The same, which cannot be called without lengths."""

    def forward(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        return super().forward(x, lengths)


class Loop(nn.Module):
    """Cells, one above the other, called once for each timestep, in either direction of time."""

    def __init__(self, rng: Generator, inputs: int, units: int, returns: str) -> None:
        super().__init__()
        kind = str(rng.choice(list(CELLS)))
        self.is_lstm, self.returns, self.reverse = kind == "lstm", returns, bool(rng.integers(2))
        options: dict[str, Any] = {"bias": bool(rng.integers(2)), **F64}
        options |= {"nonlinearity": str(rng.choice(["tanh", "relu"]))} if kind == "rnn" else {}
        sizes = [inputs, *[units] * int(rng.integers(1, 3))]
        self.cells = nn.ModuleList(CELLS[kind](below, units, **options) for below in sizes[:-1])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        states: list[Any] = [None] * len(self.cells)
        outputs = []
        for step in reversed(x.unbind(1)) if self.reverse else x.unbind(1):
            for index, cell in enumerate(self.cells):
                states[index] = cell(step, states[index])
                step = states[index][0] if self.is_lstm else states[index]
            outputs.append(step)
        if self.returns == "final":
            return outputs[-1]
        sequence = torch.stack(outputs[::-1] if self.reverse else outputs, 1)
        return sequence[:, -1] if self.returns == "last" else sequence


def random_torch_case(
    rng: Generator, largest_size: int = 300, longest: int = 200, largest_batch: int = 64
) -> tuple[nn.Module, NDArray[np.float64], NDArray[np.int64] | None, NDArray[np.float64]]:
    """Return a module in float64, inputs, their lengths or ``None``, and what the module gives.

    Inputs are (batch, time, features) and outputs batch first, whatever the module's layout. Beyond the length of a sequence the
    expected outputs are 0, as a network gives them.
    """
    torch.manual_seed(int(rng.integers(2**31)))
    inputs, units = rng.integers(1, largest_size + 1, 2).tolist()
    time, batch = int(rng.integers(1, longest + 1)), int(rng.integers(1, largest_batch + 1))
    returns, x = str(rng.choice(RETURNS)), rng.normal(size=(batch, time, inputs))
    if not rng.integers(5):
        loop = Loop(rng, inputs, units, returns)
        return loop, x, None, loop(torch.tensor(x)).detach().numpy()
    packed, batch_first = bool(rng.integers(2)), bool(rng.integers(2))
    kind = Packed if packed else Recurrent
    module = kind(rng, inputs, units, batch_first, packed, "final" if packed and returns == "last" else returns)
    module.eval()
    lengths = rng.integers(1, time + 1, batch) if packed else None
    if lengths is not None:
        lengths[rng.integers(batch)] = time
    given = torch.tensor(x if batch_first else x.swapaxes(0, 1))
    with torch.no_grad():
        expected = (module(given) if lengths is None else module(given, torch.tensor(lengths))).numpy()
    if module.returns == "sequence":
        expected = expected if batch_first else expected.swapaxes(0, 1)
        if lengths is not None:
            expected = np.where(np.arange(time)[:, np.newaxis] < lengths[:, np.newaxis, np.newaxis], expected, 0)
    return module, x, lengths, expected
