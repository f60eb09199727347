"""Networks from PyTorch: equal to the module in evaluation, whatever its flags."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch_modules import F64, Model, outputs, same, sample

import fxlstm as fx

SIZE = st.integers(1, 40)
ACTIVATIONS = [nn.Sigmoid(), nn.Tanh(), nn.ReLU(), nn.ReLU(inplace=True), nn.LeakyReLU(0.2), nn.Hardsigmoid()]


@settings(max_examples=60, deadline=None)
@given(st.data(), SIZE, SIZE, st.integers(1, 3), st.tuples(st.booleans(), st.booleans(), st.booleans()), st.integers(0, 2**31))
def test_a_recurrent_module_with_any_flags_equals_torch(data, inputs, units, layers, flags, seed):
    torch.manual_seed(seed)
    bias, batch_first, bidirectional = flags
    kind = data.draw(st.sampled_from([nn.LSTM, nn.GRU, nn.RNN]))
    options = {"dropout": 0.5 if layers > 1 else 0.0, "bidirectional": bidirectional}
    if kind is nn.LSTM:
        options["proj_size"] = data.draw(st.integers(0, units - 1))
    if kind is nn.RNN:
        options["nonlinearity"] = data.draw(st.sampled_from(["tanh", "relu"]))
    module = kind(inputs, units, layers, bias=bias, batch_first=batch_first, **options, **F64)
    network, x = fx.from_torch(module), sample(inputs, seed=seed)
    assert module.training and len(network.layers) == layers
    if batch_first:
        same(network, outputs(module, x), x)
    else:
        same(network, outputs(module, x.swapaxes(0, 1)).swapaxes(0, 1), x)


CELLS = {
    "lstm": lambda bias: nn.LSTMCell(3, 5, bias, **F64),
    "gru": lambda bias: nn.GRUCell(3, 5, bias, **F64),
    "rnn": lambda bias: nn.RNNCell(3, 5, bias, **F64),
    "rnn with ReLU": lambda bias: nn.RNNCell(3, 5, bias, "relu", **F64),
}


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kind", CELLS)
def test_a_cell_is_a_layer_that_runs_over_the_sequence(kind, bias):
    cell, x = CELLS[kind](bias), sample(3)
    state, expected = None, []
    for step in torch.tensor(x).unbind(1):
        state = cell(step, state)
        expected.append((state[0] if kind == "lstm" else state).detach().numpy())
    network = fx.from_torch(cell)
    assert [layer.name for layer in network.layers] == [type(cell).__name__.lower()]
    same(network, np.stack(expected, 1), x)


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=str)
def test_an_activation_joins_the_linear_layer_before_it(activation):
    module, x = nn.Sequential(nn.Linear(3, 4, **F64), activation), sample(3)
    network = fx.from_torch(module)
    assert len(network.layers) == 1
    same(network, outputs(module, x), x)


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=str)
def test_an_activation_behind_another_layer_is_a_layer_of_identity_weights(activation):
    module, x = nn.Sequential(nn.GRU(3, 4, batch_first=True, **F64), activation), sample(3)
    network = fx.from_torch(module)
    assert [layer.name for layer in network.layers] == ["0", "1"]
    same(network, activation(torch.tensor(outputs(module[0], x))).numpy(), x)


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


def test_layers_are_called_as_the_modules_that_hold_their_weights():
    inner = nn.Sequential(nn.LSTM(3, 6, 2, bidirectional=True, **F64), nn.Identity())
    network = fx.from_torch(nn.Sequential(inner, nn.Linear(12, 2, **F64)))
    assert network.layer_names == ("0.0.0.forward", "0.0.0.backward", "0.0.1.forward", "0.0.1.backward", "1")


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_an_imported_network_survives_a_file_and_quantization(kind, tmp_path):
    torch.manual_seed(1)
    model = Model(kind(3, 12, batch_first=True), lambda m, x: m.head(m.body(x)[0]), nn.Linear(12, 2))
    x = sample(3, time=30).clip(-1, 1)
    fx.save_network(fx.from_torch(model), tmp_path / "net.safetensors")
    program = fx.quantize(fx.load_network(tmp_path / "net.safetensors"), calibration=x, hardware=fx.Hardware(levels=32768))
    expected = outputs(model, x.astype(np.float32))
    error = fx.Engine(program).run(x) - expected
    assert 10 * np.log10((expected**2).sum() / (error**2).sum()) > 60


@pytest.mark.parametrize("half", [torch.float16, torch.bfloat16, torch.float32])
def test_weights_of_any_precision_are_taken_as_they_are(half):
    module = nn.LSTM(3, 6, dtype=half)
    network = fx.from_torch(module)
    assert np.array_equal(network.layers[0].parameters["bias"][6:12], (module.bias_ih_l0.double() + module.bias_hh_l0)[:6].detach())
