"""Modules with a forward of their own: however it is written, the network gives what it gives."""

import warnings

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from torch_modules import F64, Model, WithLengths, outputs, same, sample

import fxlstm as fx

UNITS = 6


def lstm(**options):
    return nn.LSTM(3, UNITS, 2, **{"batch_first": True, **options}, **F64)


def cells(model, x, timesteps):
    """The hidden states of a GRU cell called once for each timestep."""
    state, states = x.new_zeros(x.size(0), UNITS), {}
    for t in timesteps:
        states[t] = state = model.body(x[:, t], state)
    return states


def loop(model, x):
    return torch.stack([torch.tanh(model.head(state)) for state in cells(model, x, range(x.size(1))).values()], 1)


def loop_from_the_end(model, x):
    states = cells(model, x, reversed(range(x.size(1))))
    return torch.stack([states[t] for t in range(x.size(1))], 1)


def loop_into_a_tensor(model, x):
    result = torch.zeros(x.size(0), x.size(1), UNITS)
    for t, state in cells(model, x, range(x.size(1))).items():
        result[:, t] = state
    return result.double()


def unpacked(model, x):
    out, (_hidden, _cell) = model.body(x)
    return model.head(out[:, -1])


def hidden_reshaped(model, x):
    hidden = model.body(x)[1][0].view(2, 2, -1, UNITS)[-1]
    return hidden.transpose(0, 1).reshape(x.shape[0], -1)


FORWARDS = {
    "sequence": lambda m, x: m.head(m.body(x)[0]),
    "last of the sequence": lambda m, x: m.head(m.body(x)[0][:, -1]),
    "last, all axes written": lambda m, x: torch.tanh(m.head(m.body(x)[0][:, -1, :])),
    "last after the head": lambda m, x: m.head(m.body(x)[0])[:, -1].sigmoid(),
    "last by its number": lambda m, x: m.head(m.body(x)[0])[:, x.size(1) - 1],
    "last hidden state": lambda m, x: m.head(m.body(x)[1][0][-1]),
    "last hidden state of the first layer": lambda m, x: m.head(m.body(x)[1][0][0]),
    "unpacked": unpacked,
    "dropout as a function": lambda m, x: m.head(nn.functional.dropout(m.body(x)[0], 0.5, training=m.training)),
    "activation behind the body": lambda m, x: m.head(torch.sigmoid(m.body(x)[0])),
    "the state beside the output": lambda m, x: (m.head(m.body(x)[0]), m.body(x)[1]),
    "read backward, put back in order": lambda m, x: m.head(m.body(x.flip(1))[0].flip(1)),
    "read backward, the last read": lambda m, x: torch.tanh(m.head(m.body(x.flip(1))[0][:, -1])),
    "zero states given": lambda m, x: m.head(m.body(x, (torch.zeros(2, x.size(0), UNITS, dtype=x.dtype),) * 2)[0]),
    "turned round and back": lambda m, x: m.head(m.body(x.permute(0, 2, 1).transpose(1, 2))[0]),
    "features in another order": lambda m, x: m.head(m.body(x.flip(2))[0].flip(2)),
    "normalised before": lambda m, x: m.body((x - m.mean) / m.deviation)[0],
    "scaled behind the head": lambda m, x: m.head(m.body(x)[0])[:, -1] * m.deviation[:2] + 3,
    "scaled between": lambda m, x: torch.sigmoid(m.head(-(2 * m.body(x)[0] + 1) / 3) - 1),
    "scaled, then an activation": lambda m, x: torch.tanh(1 - m.body(x)[0] * 2),
    "batch normalisation": lambda m, x: m.head(m.normal(m.body(x)[0].transpose(1, 2)).transpose(1, 2)),
    "a product with a matrix": lambda m, x: m.body(x)[0] @ m.head.weight.T + m.head.bias,
    "some features": lambda m, x: m.body(x)[0][..., 1:4],
}
BOTH_WAYS = {
    "both directions": lambda m, x: m.head(m.body(x)[0]),
    "last hidden states joined": lambda m, x: m.head(torch.cat([m.body(x)[1][0][-2], m.body(x)[1][0][-1]], dim=1)),
    "last hidden states in the other order": lambda m, x: m.head(torch.cat([m.body(x)[1][0][-1], m.body(x)[1][0][-2]], dim=1)),
    "last hidden states reshaped": hidden_reshaped,
    "ends of the sequence joined": lambda m, x: m.head(torch.cat([m.body(x)[0][:, -1, :UNITS], m.body(x)[0][:, 0, UNITS:]], 1)),
    "the backward direction's last": lambda m, x: torch.relu(m.body(x)[1][0][-1]),
    "the forward direction alone": lambda m, x: m.body(x)[0][..., :UNITS],
    "last timestep of both": lambda m, x: m.head(m.body(x)[0][:, -1]),
    "sum of both": lambda m, x: m.body(x)[0][..., :UNITS] + m.body(x)[0][..., UNITS:],
    "sum of the last hidden states": lambda m, x: torch.tanh(m.body(x)[1][0][-1] + m.body(x)[1][0][-2]),
}


def scaled(model):
    """A model with constants to scale by."""
    random = torch.Generator().manual_seed(5)
    model.mean, model.deviation = (torch.rand(3, generator=random, **F64) + 0.5 for _ in range(2))
    model.normal = nn.BatchNorm1d(UNITS, **F64)
    for array in (model.normal.running_mean, model.normal.running_var, model.normal.weight.data, model.normal.bias.data):
        array.uniform_(0.5, 2, generator=random)
    return model


LOOPS = {"loop": loop, "loop from the end": loop_from_the_end, "loop into a tensor": loop_into_a_tensor}
MODELS = (
    {name: scaled(Model(lstm(), use)) for name, use in FORWARDS.items()}
    | {name: Model(lstm(bidirectional=True), use) for name, use in BOTH_WAYS.items()}
    | {name: Model(nn.GRUCell(3, UNITS, **F64), use) for name, use in LOOPS.items()}
)


@pytest.mark.parametrize("name", MODELS)
def test_a_module_with_a_forward_of_its_own_equals_torch(name):
    model, x = MODELS[name], sample(3)
    same(fx.from_torch(model), outputs(model, x), x)


@pytest.mark.parametrize("name", [name for name in MODELS if name != "loop into a tensor"])
def test_an_exported_program_equals_torch(name):
    model, x = MODELS[name], sample(3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch.export, about attributes of recurrent modules
        program = torch.export.export(model.eval(), (torch.tensor(x),))
    same(fx.from_torch(program), outputs(model, x), x)


@pytest.mark.parametrize("name", sorted(FORWARDS.keys() - {"zero states given"}))
def test_a_traced_module_equals_torch(name):
    model, x = MODELS[name], sample(3)
    same(fx.from_torch(torch.fx.symbolic_trace(model.eval())), outputs(model, x), x)


@pytest.mark.parametrize(
    ("name", "returns"),
    [
        ("sequence", "sequence"),
        ("last hidden state", "last"),
        ("read backward, the last read", "final"),
        ("last hidden states joined", "final"),
        ("last timestep of both", "last"),
    ],
)
def test_what_is_returned_is_known(name, returns):
    assert fx.from_torch(MODELS[name]).returns == returns


LAYOUTS = {
    "time first": (lambda m, x: m.head(m.body(x)[0]), False, (1, 0, 2)),
    "last where time is first": (lambda m, x: m.head(m.body(x)[0][-1]), False, (1, 0, 2)),
    "features before time": (lambda m, x: m.head(m.body(x.transpose(1, 2))[0][:, -1]), True, (0, 2, 1)),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_networks_take_batches_first_whatever_the_layout_of_the_module(name):
    use, batch_first, axes = LAYOUTS[name]
    model, x = Model(nn.GRU(3, UNITS, batch_first=batch_first, **F64), use), sample(3)
    expected = outputs(model, x.transpose(axes))
    same(fx.from_torch(model), expected.swapaxes(0, 1) if expected.ndim == 3 else expected, x)


def test_a_dimension_of_one_feature_may_lack():
    body = nn.GRU(1, UNITS, batch_first=True, **F64)
    model = Model(body, lambda m, x: m.head(m.body(x.unsqueeze(-1))[0]).squeeze(-1), nn.Linear(UNITS, 1, **F64))
    x = sample(1)
    same(fx.from_torch(model), outputs(model, x[..., 0])[..., np.newaxis], x)


def test_a_module_for_one_sequence_at_a_time():
    model = Model(nn.LSTM(3, UNITS, **F64), lambda m, x: m.head(m.body(x.view(len(x), 1, -1))[0].view(len(x), -1)))
    x = sample(3)[0]
    same(fx.from_torch(model), outputs(model, x), x)


def test_constant_initial_states_become_those_of_the_network():
    model = Model(lstm(bidirectional=True), None)
    model.h0, model.c0 = (nn.Parameter(torch.tensor(sample(UNITS, 4, 1, seed))) for seed in (1, 2))
    model.use = lambda m, x: m.head(m.body(x, (m.h0.expand(-1, len(x), -1).contiguous(), m.c0.repeat(1, len(x), 1)))[0])
    network, x = fx.from_torch(model), sample(3)
    assert set(network.initial) == set(network.states)
    same(network, outputs(model, x), x)


def test_what_a_hook_computes_is_seen():
    module, x = nn.Sequential(nn.Linear(3, 3, **F64)), sample(3)
    module[0].register_forward_hook(lambda module, inputs, output: output * 2)
    same(fx.from_torch(module), outputs(module, x), x)


@pytest.mark.parametrize(("name", "layers"), [("normalised before", 2), ("scaled between", 3), ("scaled behind the head", 3)])
def test_constants_join_the_layers_beside_them(name, layers):
    assert len(fx.from_torch(MODELS[name]).layers) == layers


@pytest.mark.parametrize("function", ["softmax", "log_softmax", "argmax"])
def test_what_the_host_computes_at_the_end_is_left_to_it(function):
    model, x = Model(lstm(), lambda m, x: getattr(torch, function)(m.head(m.body(x)[0][:, -1]), dim=-1)), sample(3)
    network = fx.from_torch(model)
    assert network.metadata["host_edge"] == function
    same(lambda x: getattr(torch, function)(torch.tensor(network(x)), dim=-1), outputs(model, x), x)


def packed(batch_first, use):
    def forward(model, x, lengths):
        given = pack_padded_sequence(x, lengths, batch_first=batch_first, enforce_sorted=False)
        out, state = model.body(given)
        return use(model, pad_packed_sequence(out, batch_first=batch_first)[0], state)

    return forward


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("batch_first", [False, True])
def test_a_packed_sequence_has_the_lengths_of_the_call(batch_first, bidirectional):
    use = packed(batch_first, lambda m, out, state: m.head(out))
    model = WithLengths(lstm(batch_first=batch_first, bidirectional=bidirectional), use)
    x, lengths = sample(3, batch=4), np.array([3, 7, 1, 6])
    expected = outputs(model, x if batch_first else x.swapaxes(0, 1), lengths)
    expected = expected if batch_first else expected.swapaxes(0, 1)
    same(fx.from_torch(model), np.where(np.arange(7)[:, None] < lengths[:, None, None], expected, 0), x, lengths)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_the_last_hidden_state_of_a_packed_sequence(bidirectional):
    directions = 2 if bidirectional else 1
    use = packed(True, lambda m, out, state: m.head(torch.cat(list(state[0][-directions:]), 1)))
    model = WithLengths(lstm(bidirectional=bidirectional), use)
    x, lengths = sample(3, batch=4), np.array([3, 7, 1, 6])
    network = fx.from_torch(model)
    assert network.returns == ("final" if bidirectional else "last")
    same(network, outputs(model, x, lengths), x, lengths)


def test_the_last_timestep_taken_by_lengths():
    model = WithLengths(lstm(), lambda m, x, lengths: m.head(m.body(x)[0][torch.arange(len(x)), lengths - 1]))
    x, lengths = sample(3, batch=4), np.array([3, 7, 1, 6])
    same(fx.from_torch(model), outputs(model, x, lengths), x, lengths)
