"""Networks from PyTorch: equal to the module in evaluation, or refused with the layer, the reason and what is supported."""

import runpy
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import fxlstm as fx

EXAMPLE = Path(__file__).resolve().parents[2] / "examples/from_torch.py"
F64 = {"dtype": torch.float64}
SIZE = st.integers(1, 40)


class Model(nn.Module):
    """A recurrent body and what ``use`` makes of it: the smallest module with a forward of its own."""

    def __init__(self, body, use, head=None):
        super().__init__()
        self.body, self.use, self.head = body, use, head or nn.Linear(body.hidden_size, 2, **F64)

    def forward(self, x):
        return self.use(self, x)


def sample(inputs, batch=3, time=7, seed=0):
    return np.random.default_rng(seed).normal(size=(batch, time, inputs))


def outputs(module, x):
    """What the module gives in evaluation, batch first; of a recurrent module its output sequence."""
    result = module.eval()(torch.tensor(x))
    return (result[0] if isinstance(result, tuple) else result).detach().numpy()


def same(network, expected, x):
    np.testing.assert_allclose(network(x), expected, atol=1e-6, rtol=0)


@settings(max_examples=60, deadline=None)
@given(st.data(), SIZE, SIZE, st.integers(1, 3), st.booleans(), st.booleans(), st.integers(0, 2**31))
def test_a_recurrent_module_with_any_flags_equals_torch(data, inputs, units, layers, bias, batch_first, seed):
    torch.manual_seed(seed)
    kind = data.draw(st.sampled_from([nn.LSTM, nn.GRU, nn.RNN]))
    options = {"proj_size": data.draw(st.integers(0, units - 1))} if kind is nn.LSTM else {}
    dropout = 0.5 if layers > 1 else 0.0
    module = kind(inputs, units, layers, bias=bias, batch_first=batch_first, dropout=dropout, **options, **F64)
    network, x = fx.from_torch(module), sample(inputs, seed=seed)
    assert module.training and len(network.layers) == layers
    if batch_first:
        same(network, outputs(module, x), x)
    else:
        same(network, outputs(module, x.swapaxes(0, 1)).swapaxes(0, 1), x)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kind", [nn.LSTMCell, nn.GRUCell, nn.RNNCell])
def test_a_cell_is_a_layer_that_runs_over_the_sequence(kind, bias):
    cell, x = kind(3, 5, bias, **F64), sample(3)
    state, expected = None, []
    for step in torch.tensor(x).unbind(1):
        state = cell(step, state)
        expected.append((state[0] if kind is nn.LSTMCell else state).detach().numpy())
    same(fx.from_torch(cell), np.stack(expected, 1), x)


FORWARDS = {
    "sequence": lambda m, x: m.head(m.body(x)[0]),
    "last of the sequence": lambda m, x: m.head(m.body(x)[0][:, -1]),
    "last, all axes written": lambda m, x: torch.tanh(m.head(m.body(x)[0][:, -1, :])),
    "last after the head": lambda m, x: m.head(m.body(x)[0])[:, -1].sigmoid(),
    "last hidden state": lambda m, x: m.head(m.body(x)[1][0][-1]),
    "dropout as a function": lambda m, x: m.head(nn.functional.dropout(m.body(x)[0], 0.5, training=m.training)),
    "activation behind the body": lambda m, x: m.head(torch.sigmoid(m.body(x)[0])),
}


@pytest.mark.parametrize("use", FORWARDS.values(), ids=FORWARDS)
def test_a_module_with_a_forward_of_its_own_equals_torch(use):
    model, x = Model(nn.LSTM(3, 6, 2, batch_first=True, **F64), use), sample(3)
    same(fx.from_torch(model), outputs(model, x), x)


def test_unpacked_outputs_are_followed():
    def use(model, x):
        out, (_hidden, _cell) = model.body(x)
        return model.head(out[:, -1])

    model, x = Model(nn.LSTM(3, 6, batch_first=True, **F64), use), sample(3)
    network = fx.from_torch(model)
    assert network.returns == "last"
    same(network, outputs(model, x), x)


def test_the_last_timestep_is_found_where_time_comes_first():
    model, x = Model(nn.GRU(3, 6, **F64), lambda m, x: m.head(m.body(x)[0][-1])), sample(3)
    same(fx.from_torch(model), outputs(model, x.swapaxes(0, 1)), x)


def test_a_sequential_fuses_activations_and_drops_what_does_nothing():
    first, second = nn.Linear(3, 4, **F64), nn.Linear(4, 2, bias=False, **F64)
    module, x = nn.Sequential(first, nn.Dropout(), nn.Tanh(), nn.Identity(), nn.Flatten(2), second, nn.Sigmoid()), sample(3)
    network = fx.from_torch(module)
    assert [layer.cell.name for layer in network.layers] == ["dense-tanh", "dense-sigmoid"]
    same(network, outputs(module, x), x)


def test_in_a_sequential_the_output_sequence_goes_on():
    body, head, x = nn.LSTM(3, 6, batch_first=True, **F64), nn.Linear(6, 2, **F64), sample(3)
    expected = head(body(torch.tensor(x))[0]).detach().numpy()
    same(fx.from_torch(nn.Sequential(body, head)), expected, x)


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_an_imported_network_survives_a_file_and_quantization(kind, tmp_path):
    torch.manual_seed(1)
    model, x = Model(kind(3, 12, batch_first=True), FORWARDS["sequence"], nn.Linear(12, 2)), sample(3, time=30).clip(-1, 1)
    fx.save_network(fx.from_torch(model), tmp_path / "net.safetensors")
    program = fx.quantize(fx.load_network(tmp_path / "net.safetensors"), calibration=x, hardware=fx.Hardware(levels=32768))
    expected = outputs(model, x.astype(np.float32))
    error = fx.Engine(program).run(x) - expected
    assert 10 * np.log10((expected**2).sum() / (error**2).sum()) > 60


class Clipped(nn.Linear):
    def forward(self, x):
        return super().forward(x).clip(0, 1)


def branch(model, x):
    return x if x.sum() > 0 else model.body(x)[0]


LSTM = nn.LSTM(3, 6, batch_first=True)
REFUSED = [
    (nn.Sequential(nn.LSTM(3, 6, bidirectional=True)), "layer '0': is bidirectional"),
    (nn.RNN(3, 6, nonlinearity="relu"), "layer 'rnn': has the nonlinearity 'relu'"),
    (nn.RNNCell(3, 6, nonlinearity="relu"), "layer 'rnncell': has the nonlinearity 'relu'"),
    (nn.Sequential(nn.Linear(3, 3), nn.ReLU()), "layer '1': ReLU is not supported"),
    (nn.Sequential(nn.Conv1d(3, 3, 1)), "layer '0': Conv1d is not supported"),
    (nn.Sequential(nn.Tanh(), nn.Linear(3, 3)), "layer '0': is a tanh before any layer"),
    (nn.Sequential(nn.Linear(3, 3), nn.Flatten()), "layer '1': Flatten from dimension 1 mixes timesteps"),
    (nn.Sequential(LSTM, nn.GRU(6, 6)), "layer '1': has batch_first=False"),
    (nn.Identity(), "layer 'identity': has no layer with weights"),
    (Model(LSTM, lambda m, x: m.body(x)[0] + x), "layer 'add': .add. works on"),
    (Model(LSTM, lambda m, x: m.body(x)[0] * 2), "layer 'mul': the operation mul is not supported"),
    (Model(LSTM, lambda m, x: m.body(x)[0].mean(1)), "layer 'mean': the operation mean is not supported"),
    (Model(LSTM, lambda m, x: m.body(x)[0][-1]), "the index -1 takes something other than the last timestep; its time is axis 1"),
    (Model(LSTM, lambda m, x: m.body(x)[0][:, 0]), "something other than the last timestep"),
    (Model(LSTM, lambda m, x: m.head(m.body(x)[1][1][-1])), "the index 1 takes the cell state"),
    (Model(LSTM, lambda m, x: m.body(x)[1]), "layer 'model': returns a recurrent layer's state"),
    (Model(LSTM, lambda m, x: m.body(m.head(m.body(x)[0][:, -1]))), "recurrent layer behind the last timestep"),
    (Model(LSTM, lambda m, x: nn.functional.dropout(m.body(x)[0])), "the operation dropout is not supported"),
]


@pytest.mark.parametrize(("module", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_what_is_not_supported_is_refused_with_layer_reason_and_remedy(module, message):
    with pytest.raises(fx.ModelError, match=message) as error:
        fx.from_torch(module)
    assert str(error.value).startswith("layer '") and "from_torch supports LSTM, GRU and RNN" in str(error.value)


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (Model(LSTM, branch), "module 'model': torch.fx cannot trace its forward"),
        (Model(LSTM, lambda m, x: (m.head(x), x)), "module 'model' returns several values"),
        (nn.LSTM(3, 6).state_dict(), "takes a torch.nn.Module, not OrderedDict"),
    ],
)
def test_modules_that_cannot_be_followed_are_refused(module, message):
    with pytest.raises(fx.ModelError, match=message):
        fx.from_torch(module)


def test_hooks_are_refused_as_they_may_change_what_a_layer_computes():
    module = nn.Sequential(nn.Linear(3, 3))
    module[0].register_forward_hook(lambda module, inputs, output: output * 2)
    with pytest.raises(fx.ModelError, match="layer '0': has hooks"):
        fx.from_torch(module)


def test_a_subclass_is_refused_as_it_may_compute_something_else():
    module = nn.Sequential(nn.Linear(3, 3), Clipped(3, 3))
    with pytest.raises(fx.ModelError, match="layer '1': Clipped is not supported"):
        fx.from_torch(module)


@pytest.mark.parametrize("suffix", ["pt", "pth", "PT", "pkl"])
def test_pickles_are_refused_without_being_opened(tmp_path, suffix):
    path = tmp_path / f"net.{suffix}"
    torch.save(nn.LSTM(1, 2).state_dict(), path)
    with pytest.raises(fx.ModelError, match=r"no code is ever executed from a file; .*from_torch.*save_network"):
        fx.load_network(path)


def test_the_example_has_less_than_twenty_lines_and_runs(capsys):
    assert len(EXAMPLE.read_text().splitlines()) < 20
    runpy.run_path(str(EXAMPLE))
    assert "integers differ from floats by" in capsys.readouterr().out
