"""Cases of networks: how layers stand to one another, what goes in and what comes out. PyTorch is the oracle of nearly all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from fxlstm.network import (
    Backward,
    Bidirectional,
    EncoderDecoder,
    Layer,
    Network,
    Tree,
    TreeNetwork,
    bidirectional,
    child_sum_tree_lstm,
    dense,
    gru_from_torch,
    lstm_from_torch,
)
from oracles.equations import tai_child_sum
from oracles.frameworks import Array, arrays_of, filled, torch_outputs
from oracles.measure import Case, generator
from oracles.tasks import Generation, Nodes, Pieces, Sequences

INPUTS, UNITS, OUTPUTS = 3, 4, 2
BATCH, TIME = 3, 18
LENGTHS = np.array([TIME, 5, 11])


def sequences(random: np.random.Generator, features: int = INPUTS) -> Array:
    return random.uniform(-1, 1, (BATCH, TIME, features))


def body(random: np.random.Generator, inputs: int = INPUTS, units: int = UNITS, **options: bool) -> nn.LSTM:
    return filled(nn.LSTM(inputs, units, batch_first=True, **options), random)


def head(random: np.random.Generator, inputs: int = UNITS, outputs: int = OUTPUTS) -> nn.Linear:
    return filled(nn.Linear(inputs, outputs), random)


def lstm_layer(module: nn.LSTM, suffix: str = "l0", name: str = "lstm") -> Layer:
    return lstm_from_torch(**arrays_of(module, suffix), name=name)


def pair(module: nn.LSTM, merge: str) -> Bidirectional:
    return bidirectional(lstm_layer(module), lstm_layer(module, "l0_reverse"), merge)


def dense_layer(module: nn.Linear, name: str = "dense") -> Layer:
    return dense(module.weight.detach().numpy().T, module.bias.detach().numpy(), name=name)


def hidden(module: nn.RNNBase, x: Array) -> Array:
    """The final hidden states of both directions side by side, (batch, directions x units)."""
    with torch.no_grad():
        states = module(torch.tensor(x))[1][0]
    array: Array = states.transpose(0, 1).reshape(len(x), -1).numpy()
    return array


def topologies() -> Iterator[Case]:
    """One case of each."""
    yield from stacks()
    yield from directions()
    yield from ends()
    yield hierarchy()
    yield tree_with_head()
    yield from sequences_of_all_kinds()
    yield generation()
    yield from map(encoder_decoder, ("feedback", "context", "given"))


def stacks() -> Iterator[Case]:
    random = generator(name := "stacked: LSTM, GRU, dense; many-to-many")
    below, above, last = body(random), filled(nn.GRU(UNITS, 5, batch_first=True), random), head(random, 5)
    x = sequences(random)
    expected = last(above(below(torch.tensor(x))[0])[0]).detach().numpy()
    network = Network((lstm_layer(below), gru_from_torch(**arrays_of(above)), dense_layer(last)))
    yield Case(name, "PyTorch", network, Sequences(x), expected)

    random = generator(name := "feed-forward; one-to-one")
    first, last = head(random, INPUTS, UNITS), head(random)
    x = sequences(random)[:, :1]
    with_tanh = replace(dense_layer(first), cell=dense(np.zeros((1, 1)), [0.0], "tanh").cell)
    yield Case(
        name,
        "PyTorch",
        Network((with_tanh, dense_layer(last))),
        Sequences(x),
        torch_outputs(nn.Sequential(first, nn.Tanh(), last), x),
    )


def directions() -> Iterator[Case]:
    for merge in ("concat", "sum"):
        random = generator(name := f"bidirectional, {merge}")
        module, x = body(random, bidirectional=True), sequences(random)
        both = torch_outputs(module, x)
        expected = both if merge == "concat" else both[..., :UNITS] + both[..., UNITS:]
        yield Case(name, "PyTorch", Network((pair(module, merge),)), Sequences(x), expected)
    random = generator(name := "backward layer below a forward one")
    below, above, x = body(random), body(random, UNITS), sequences(random)
    reversed_outputs = torch_outputs(below, x[:, ::-1].copy())[:, ::-1].copy()
    network = Network((Backward(lstm_layer(below)), lstm_layer(above, name="above")))
    yield Case(name, "PyTorch", network, Sequences(x), torch_outputs(above, reversed_outputs))


def ends() -> Iterator[Case]:
    random = generator(name := "many-to-one: last output")
    module, last, x = body(random), head(random), sequences(random)
    network = Network((lstm_layer(module), dense_layer(last)), "last")
    yield Case(name, "PyTorch", network, Sequences(x), torch_outputs(last, torch_outputs(module, x)[:, -1]))
    random = generator(name := "many-to-one: final states of both directions")
    module, last, x = body(random, bidirectional=True), head(random, 2 * UNITS), sequences(random)
    network = Network((pair(module, "concat"), dense_layer(last)), "final")
    yield Case(name, "PyTorch", network, Sequences(x), torch_outputs(last, hidden(module, x)))


def hierarchy() -> Case:
    random = generator(name := "hierarchical: every timestep, every 2nd, every 5th")
    periods, modules = (1, 2, 5), [body(random), body(random, UNITS), body(random, UNITS)]
    last, x = head(random), sequences(random)
    held = [torch.zeros(BATCH, 1, UNITS, dtype=torch.float64)] * len(modules)
    states: list[tuple[torch.Tensor, torch.Tensor] | None] = [None] * len(modules)
    outputs = []
    with torch.no_grad():
        for t, step in enumerate(torch.tensor(x).split(1, dim=1)):
            for index, (period, module) in enumerate(zip(periods, modules, strict=True)):
                if (t + 1) % period == 0:
                    held[index], states[index] = module(step, states[index])
                step = held[index]
            outputs.append(last(step))
    layers = [replace(lstm_layer(module, name=f"every-{p}"), period=p) for p, module in zip(periods, modules, strict=True)]
    return Case(name, "PyTorch", Network((*layers, dense_layer(last))), Sequences(x), torch.cat(outputs, 1).numpy())


def tree_with_head() -> Case:
    random = generator(name := "tree: child-sum, dense layer at every node")
    tree = Tree([[1, 2, 3], [], [4], [], [5, 6], [], []])
    arrays = [random.uniform(-1, 1, shape) for shape in ((INPUTS, 4 * UNITS), (UNITS, 4 * UNITS), (4 * UNITS,))]
    last, x = head(random), random.uniform(-1, 1, (len(tree), INPUTS))
    network = TreeNetwork(child_sum_tree_lstm(*arrays), (dense_layer(last),))
    expected = torch_outputs(last, tai_child_sum(x, tree.children, tree.root, *arrays))
    return Case(name, "equations of Tai et al. 2015, PyTorch", network, Nodes(x, tree), expected)


def sequences_of_all_kinds() -> Iterator[Case]:
    random = generator(name := "different lengths in a batch, bidirectional")
    module, x = body(random, bidirectional=True), sequences(random)
    packed = pack_padded_sequence(torch.tensor(x), torch.tensor(LENGTHS), batch_first=True, enforce_sorted=False)
    expected = pad_packed_sequence(module(packed)[0], batch_first=True)[0].detach().numpy()
    yield Case(name, "PyTorch", Network((pair(module, "concat"),)), Sequences(x, LENGTHS), expected)

    random = generator(name := "initial states given")
    module, x = body(random), sequences(random)
    h, c = random.uniform(-1, 1, (2, BATCH, UNITS))
    expected = module(torch.tensor(x), (torch.tensor(h)[None], torch.tensor(c)[None]))[0].detach().numpy()
    states = {"lstm/h": h, "lstm/c": c}
    # Calibration begins from the network's own states, which are near the largest of those given.
    network = Network((lstm_layer(module),), initial={state: np.abs(values).max(axis=0) for state, values in states.items()})
    yield Case(name, "PyTorch", network, Sequences(x, states=states), expected)

    random = generator(name := "initial states of the network")
    module, x = body(random), sequences(random)
    h, c = random.uniform(-1, 1, (2, UNITS))
    first = tuple(torch.tensor(state).expand(1, BATCH, UNITS).contiguous() for state in (h, c))
    network = Network((lstm_layer(module),), initial={"lstm/h": h, "lstm/c": c})
    yield Case(name, "PyTorch", network, Sequences(x), module(torch.tensor(x), first)[0].detach().numpy())

    random = generator(name := "streaming: in pieces, one run expected")
    module, last, x = body(random), head(random), sequences(random)
    network = Network((lstm_layer(module), dense_layer(last)))
    yield Case(name, "PyTorch", network, Pieces(x, 4), torch_outputs(last, torch_outputs(module, x)))


def generation() -> Case:
    random = generator(name := "one-to-many: 12 outputs, each fed back")
    module, last, x = body(random, OUTPUTS), head(random), sequences(random, OUTPUTS)[:, :1]
    step, state, outputs = torch.tensor(x), None, []
    with torch.no_grad():
        for _ in range(12):
            output, state = module(step, state)
            step = last(output)
            outputs.append(step)
    network = Network((lstm_layer(module), dense_layer(last)), feeds_back=True)
    return Case(name, "PyTorch", network, Generation(x, 12), torch.cat(outputs, 1).numpy())


def encoder_decoder(feed: str) -> Case:
    """The encoder's final states start the decoder, which is fed in one of three ways."""
    random = generator(name := f"encoder-decoder, {feed}")
    inputs, steps = {"feedback": OUTPUTS, "context": UNITS, "given": INPUTS}[feed], 9
    reader, writer, last, x = body(random), body(random, inputs), head(random), sequences(random)
    start = {"feedback": sequences(random, OUTPUTS)[:, 0], "context": None, "given": sequences(random)[:, :steps]}[feed]
    with torch.no_grad():
        context, state = reader(torch.tensor(x))
        given = context[:, -1:].repeat(1, steps, 1) if start is None else torch.tensor(start)
        if feed == "feedback":
            step, outputs = given[:, None], []
            for _ in range(steps):
                output, state = writer(step, state)
                step = last(output)
                outputs.append(step)
            expected = torch.cat(outputs, 1)
        else:
            expected = last(writer(given, state)[0])
    encoder = Network((lstm_layer(reader, name="reader"),))
    decoder = Network((lstm_layer(writer, name="writer"), dense_layer(last)))
    bridge = {"writer/h": "reader/h", "writer/c": "reader/c"}
    network = EncoderDecoder(encoder, decoder, bridge, feed)
    return Case(name, "PyTorch", network, Generation(x, steps, start), expected.numpy())
