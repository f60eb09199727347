"""What from_torch does not support is refused with the layer, the reason and what is supported."""

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence
from torch_modules import Model, WithLengths

import fxlstm as fx

LSTM = nn.LSTM(3, 6, batch_first=True)
AGAIN = nn.LSTM(3, 6, batch_first=True).double()
BOTH = nn.LSTM(3, 6, batch_first=True, bidirectional=True)


class Clipped(nn.Linear):
    def forward(self, x):
        return super().forward(x).clip(0, 1)


def branch(model, x):
    return x if x.sum() > 0 else model.body(x)[0]


def packed_otherwise(model, x, lengths):
    return model.body(pack_padded_sequence(x, lengths - 1, batch_first=True))[1][0][-1]


def fed_back(model, x):
    state, fed = torch.zeros(len(x), 3), x[:, 0]
    for _ in range(x.size(1)):
        fed = state = model.body(fed, state)
    return state


def forgetful(model, x):
    return torch.stack([model.body(step) for step in x.unbind(1)], 1)


REFUSED = [
    (nn.Sequential(nn.Linear(3, 3), nn.Softplus()), "layer '1': the operation softplus is not supported"),
    (nn.Sequential(nn.Conv1d(3, 3, 1)), "layer '0': the operation conv1d is not supported"),
    (nn.Sequential(nn.Linear(3, 3), Clipped(3, 3)), "layer '1': the operation clip is not supported"),
    (nn.Sequential(nn.Tanh(), nn.Linear(3, 3)), "layer '0': is a tanh before any layer"),
    (nn.Sequential(LSTM, nn.GRU(6, 6)), "layer '1': has batch_first=False"),
    (nn.Sequential(nn.Linear(3, 3), nn.Softmax(1)), "layer '1': works over dimension 1 .* give dim=-1"),
    (nn.Sequential(nn.Linear(3, 3), nn.Softmax(-1), nn.Linear(3, 3)), "layer '2': works on the softmax of '1', .* the host"),
    (nn.Identity(), "layer 'identity': has no layer with weights"),
    (Model(LSTM, lambda m, x: m.body(x)[0] + x[..., :1]), "layer 'add': adds two tensors"),
    (Model(LSTM, lambda m, x: m.head(torch.cat([m.body(x)[0], x], 2)), nn.Linear(9, 2)), "layer 'head': joins 'input' and 'body'"),
    (Model(LSTM, lambda m, x: m.body(x)[0].exp()), "layer 'exp': the operation exp is not supported"),
    (Model(LSTM, lambda m, x: m.body(x)[0] * m.body(x)[0]), "layer 'mul': multiplies or adds what layers compute"),
    (Model(LSTM, lambda m, x: 1 / m.body(x)[0]), "layer 'rdiv': the operation __rdiv__ is not supported"),
    (Model(LSTM, lambda m, x: m.body(x)[0] * torch.rand(x.size(1), 1)), "layer 'mul': joins a constant that differs from timestep"),
    (Model(LSTM, lambda m, x: m.body(x)[0] @ m.body(x)[0].transpose(1, 2)), "layer 'matmul': multiplies by something other"),
    (nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(5, track_running_stats=False)), "layer '1': normalises by the batch"),
    (Model(LSTM, lambda m, x: m.body(x)[0].mean(1)), "layer 'mean': the operation mean is not supported"),
    (Model(LSTM, lambda m, x: m.body(x)[0][-1]), "layer 'model': returns .* another order"),
    (Model(LSTM, lambda m, x: m.body(x)[0][:, 0]), "layer 'model': returns timestep 0 of 5"),
    (Model(LSTM, lambda m, x: m.body(x)[0][:, 4]), "layer 'model': returns timestep 4 of 7"),
    (Model(LSTM, lambda m, x: m.body(x)[0][:, 1:]), "layer 'model': returns .* some timesteps"),
    (Model(LSTM, lambda m, x: m.body(x.flip(1))[0]), "layer 'model': returns timesteps in another order"),
    (Model(BOTH, lambda m, x: m.body(x.flip(1))[0]), "layer 'body': reads a reversed sequence in both directions"),
    (
        Model(BOTH, lambda m, x: m.head(torch.cat([m.body(x)[0][:, 0, :6], m.body(x)[0][:, -1, 6:]], 1))),
        "mixes timesteps of 'body'",
    ),
    (Model(LSTM, lambda m, x: m.head(m.body(x)[1][1][-1])), "layer 'head': takes the cell state of 'body'"),
    (Model(LSTM, lambda m, x: m.body(x)[1][1][-1]), "layer 'model': returns a cell state"),
    (Model(LSTM, lambda m, x: AGAIN(m.body(x)[0][:, -1:, :3])), "layer 'lstm': is a recurrent layer over something other"),
    (Model(LSTM, lambda m, x: nn.functional.dropout(m.body(x)[0])), "layer 'dropout': drops elements at random"),
    (Model(LSTM, lambda m, x: m.body(x, (torch.randn(1, len(x), 6),) * 2)[0]), "layer 'body': starts from a state h that differs"),
    (Model(LSTM, lambda m, x: m.body(x, m.body(x)[1])[0]), "layer 'body': starts from a state that another layer computes"),
    (
        Model(LSTM, lambda m, x: nn.functional.embedding(x, m.head.weight)),
        "embedding is not supported; give the network the vectors",
    ),
    (Model(LSTM, branch), "layer 'sum': the operation sum is not supported"),
    (Model(nn.GRUCell(3, 3), fed_back), "layer 'body': takes its state or its input from elsewhere"),
    (Model(nn.GRUCell(3, 3), forgetful), "layer 'body': starts anew at timestep 1"),
    (WithLengths(BOTH, lambda m, x, lengths: m.body(x)[0]), "layer 'body': reads padding backward"),
    (WithLengths(LSTM, packed_otherwise), "layer 'body': reads a packed sequence of other lengths"),
]


@pytest.mark.parametrize(("module", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_what_is_not_supported_is_refused_with_layer_reason_and_remedy(module, message):
    with pytest.raises(fx.ModelError, match=message) as error:
        fx.from_torch(module)
    assert str(error.value).startswith("layer '") and "from_torch supports LSTM, GRU, RNN" in str(error.value)


class TwoInputs(nn.Module):
    def forward(self, x, other):
        return x + other


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (
            Model(LSTM, lambda m, x: m.body(x.view(3, 28, 3))[0]),
            r"module 'model' cannot be run on \(batch, time, features\) = \(3, 5, 3\)",
        ),
        (Model(LSTM, lambda m, x: (m.head(m.body(x)[0]), x)), "module 'model' returns several values"),
        (Model(LSTM, lambda m, x: {"y": m.body(x)[0]}), "module 'model' returns a dict"),
        (TwoInputs(), "module 'twoinputs': its forward needs other beside the sequence"),
        (nn.LSTM(3, 6).state_dict(), "takes a torch.nn.Module or an exported program, not OrderedDict"),
    ],
)
def test_modules_that_cannot_be_followed_are_refused(module, message):
    with pytest.raises(fx.ModelError, match=message):
        fx.from_torch(module)


def test_a_program_exported_with_one_timestep_is_refused():
    program = torch.export.export(nn.Sequential(nn.Linear(3, 3)), (torch.zeros(1, 1, 3),))
    with pytest.raises(fx.ModelError, match="one timestep; export it with a longer sequence"):
        fx.from_torch(program)


def test_the_module_itself_is_not_changed():
    module = nn.Sequential(nn.LSTM(3, 6, batch_first=True), nn.Linear(6, 2))
    fx.from_torch(module)
    assert module.training and module[1].weight.dtype is torch.float32 and not module[0]._forward_hooks


@pytest.mark.parametrize("suffix", ["pt", "pth", "PT", "pkl"])
def test_pickles_are_refused_without_being_opened(tmp_path, suffix):
    path = tmp_path / f"net.{suffix}"
    torch.save(nn.LSTM(1, 2).state_dict(), path)
    with pytest.raises(fx.ModelError, match=r"no code is ever executed from a file; .*from_torch.*save_network"):
        fx.load_network(path)
