"""Networks from ONNX: equal to what the operators' specification says, whatever exporter arranged the graph."""

import io
import runpy
import warnings
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from random_onnx import random_onnx_case
from torch import nn

import fxlstm as fx

EXAMPLE = Path(__file__).resolve().parents[2] / "examples/from_onnx.py"


@pytest.fixture(scope="module")
def backend_cases():
    """ONNX's own node tests of the three operators, by operator."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of other operators' cases
        from onnx.backend.test.case.node import collect_testcases

        cases = {case.name: case for case in collect_testcases(None)}
    operators = {name: {node.op_type for node in case.model.graph.node} for name, case in cases.items()}
    return {kind: [case for name, case in cases.items() if kind in operators[name]] for kind in ("LSTM", "GRU", "RNN")}


@pytest.mark.parametrize("operator", ["LSTM", "GRU", "RNN"])
def test_onnx_own_node_tests_hold_for_every_output(backend_cases, operator):
    cases = backend_cases[operator]
    assert len(cases) >= 6
    for case in cases:
        graph = case.model.graph
        batch_first = any(attribute.name == "layout" and attribute.i for attribute in graph.node[0].attribute)
        for inputs, outputs in case.data_sets:
            given = dict(zip([entry.name for entry in graph.input], inputs, strict=True))
            weights = {name: array for name, array in given.items() if name not in ("X", "sequence_lens")}
            x = given["X"] if batch_first else given["X"].swapaxes(0, 1)
            for entry, expected in zip(graph.output, outputs, strict=True):
                result = fx.from_onnx(case.model, weights, entry.name)(x, given.get("sequence_lens"))
                if not batch_first:
                    expected = expected.transpose(2, 0, 1, 3) if entry.name == "Y" else expected.swapaxes(0, 1)
                np.testing.assert_allclose(
                    result, expected.reshape(result.shape), rtol=case.rtol, atol=case.atol, err_msg=f"{case.name}, {entry.name}"
                )


@pytest.mark.parametrize("seed", range(40))
def test_a_random_model_equals_the_equations_of_the_specification(seed):
    model, x, lengths, expected = random_onnx_case(np.random.default_rng(seed), largest=(12, 9, 4))
    onnx.checker.check_model(model)
    np.testing.assert_allclose(fx.from_onnx(model)(x, lengths), expected, atol=1e-9, rtol=1e-9)


SMALL = st.integers(1, 6)


@settings(max_examples=60, deadline=None)
@given(st.data(), SMALL, SMALL, SMALL, SMALL, st.sampled_from(["LSTM", "GRU", "RNN"]), st.integers(0, 2**31))
def test_any_node_equals_the_reference_evaluator(data, inputs, units, time, batch, operator, seed):
    """Over everything that the evaluator implements: directions, biases, initial states, layouts, linear_before_reset, peepholes."""
    rng, blocks = np.random.default_rng(seed), {"LSTM": 4, "GRU": 3, "RNN": 1}[operator]
    direction, layout = data.draw(st.sampled_from(["forward", "reverse", "bidirectional"])), data.draw(st.integers(0, 1))
    count = 2 if direction == "bidirectional" else 1
    state = (batch, count, units) if layout else (count, batch, units)
    shapes = {
        "W": (count, blocks * units, inputs),
        "R": (count, blocks * units, units),
        "B": (count, 2 * blocks * units),
        "initial_h": state,
        **({"initial_c": state, "P": (count, 3 * units)} if operator == "LSTM" else {}),
    }
    weights = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    for name in ("initial_h", "initial_c"):
        if name in weights:  # the same for every sequence
            first = weights[name][:1] if layout else weights[name][:, :1]
            weights[name] = np.broadcast_to(first, state).copy()
    order = ["X", "W", "R", "B", "", "initial_h", "initial_c", "P"] if operator == "LSTM" else ["X", "W", "R", "B", "", "initial_h"]
    attributes = {"linear_before_reset": data.draw(st.integers(0, 1))} if operator == "GRU" else {}
    outputs = ["Y", "Y_h", "Y_c"] if operator == "LSTM" else ["Y", "Y_h"]
    node = helper.make_node(operator, order, outputs, direction=direction, layout=layout, hidden_size=units, **attributes)
    x = rng.normal(size=(batch, time, inputs)).astype(np.float32)
    given_x = x if layout else x.swapaxes(0, 1)
    model = model_of([node], outputs, given_x.shape, weights)
    results = ReferenceEvaluator(model).run(None, {"X": given_x})
    for name, expected in zip(outputs, results, strict=True):
        if not layout:
            expected = expected.transpose(2, 0, 1, 3) if name == "Y" else expected.swapaxes(0, 1)
        result = fx.from_onnx(model, output=name)(x)
        np.testing.assert_allclose(result, expected.reshape(result.shape), atol=2e-5)


def model_of(nodes, outputs, shape, weights, inputs=(), opset=17):
    """A model with the input X and weights as initializers."""
    entries = [helper.make_tensor_value_info("X", TensorProto.FLOAT, shape), *inputs]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
    tensors = [numpy_helper.from_array(np.asarray(array), name) for name, array in weights.items()]
    graph = helper.make_graph(nodes, "model", entries, ends, tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])


class Module(nn.Module):
    """A recurrent body and what ``use`` makes of it."""

    def __init__(self, body, use, outputs=2):
        super().__init__()
        self.body, self.use = body, use
        self.head = nn.Linear(body.hidden_size * (2 if body.bidirectional else 1), outputs)

    def forward(self, x):
        return self.use(self, x)


def exported(module, x, newer, dynamic):
    """The model that one of PyTorch's two exporters writes, with free or fixed lengths of batch and time."""
    x = torch.tensor(x, dtype=torch.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporters
        if newer:
            shapes = ({0: torch.export.Dim("batch"), 1: torch.export.Dim("time")},) if dynamic else None
            return torch.onnx.export(module.eval(), (x,), dynamo=True, verbose=False, dynamic_shapes=shapes).model_proto
        file = io.BytesIO()
        axes = {"dynamic_axes": {"x": {0: "batch", 1: "time"}}, "input_names": ["x"]} if dynamic else {}
        torch.onnx.export(module.eval(), (x,), file, dynamo=False, **axes)
        return onnx.load_from_string(file.getvalue())


def lstm(layers=1, bidirectional=False, batch_first=True):
    return nn.LSTM(3, 6, layers, bidirectional=bidirectional, batch_first=batch_first)


def gru(layers=1, bidirectional=False, batch_first=True):
    return nn.GRU(3, 6, layers, bidirectional=bidirectional, batch_first=batch_first)


MODULES = {
    "stacked": (lstm(2), lambda m, x: m.head(m.body(x)[0])),
    "time first": (gru(2, batch_first=False), lambda m, x: torch.relu(m.head(m.body(x)[0]))),
    "both directions": (lstm(2, True), lambda m, x: m.head(m.body(x)[0])),
    "both directions, last": (gru(1, True), lambda m, x: m.head(m.body(x)[0][:, -1])),
    "final states of both directions": (
        lstm(2, True),
        lambda m, x: m.head(torch.cat([m.body(x)[1][0][-2], m.body(x)[1][0][-1]], 1)),
    ),
    "final states, layers and directions apart": (
        gru(2, True),
        lambda m, x: m.head(torch.cat([m.body(x)[1].view(2, 2, x.shape[0], 6)[-1, way] for way in (0, 1)], 1)),
    ),
    "final states, axes swapped": (
        lstm(1, True),
        lambda m, x: m.head(m.body(x)[1][0].permute(1, 0, 2).reshape(x.shape[0], -1)),
    ),
    "last forward and first backward": (
        lstm(1, True),
        lambda m, x: m.head(torch.cat([m.body(x)[0][:, -1, :6], m.body(x)[0][:, 0, 6:]], 1)),
    ),
    "directions added": (lstm(1, True), lambda m, x: m.body(x)[0][..., :6] + m.body(x)[0][..., 6:]),
    "directions added by chunks": (gru(1, True), lambda m, x: sum(m.body(x)[0].chunk(2, -1))),
    "last hidden state": (gru(2), lambda m, x: torch.sigmoid(m.head(m.body(x)[1][-1]))),
    "last cell state": (lstm(), lambda m, x: m.head(m.body(x)[1][1].squeeze(0))),
    "rows of all timesteps": (lstm(), lambda m, x: m.head(m.body(x)[0].reshape(-1, 6)).view(x.shape[0], -1, 2)),
    "normalized input": (lstm(), lambda m, x: m.head(m.body((x - 0.3) / torch.tensor([1.0, 2.0, 3.0]))[0])),
    "scaled outputs": (gru(), lambda m, x: 5 - 2 * m.head(m.body(x)[0])),
    "leaky head": (gru(), lambda m, x: nn.functional.leaky_relu(m.head(m.body(x)[0]), 0.1)),
    "hard sigmoid head": (gru(), lambda m, x: nn.functional.hardsigmoid(m.head(m.body(x)[0]))),
    "activation of states": (lstm(), lambda m, x: m.head(torch.tanh(m.body(x)[0]))),
    "constant initial states": (gru(2), lambda m, x: m.head(m.body(x, torch.full((2, x.shape[0], 6), 0.3))[0])),
}


@pytest.mark.parametrize("newer", [False, True], ids=["script", "dynamo"])
@pytest.mark.parametrize("dynamic", [False, True], ids=["fixed", "free"])
@pytest.mark.parametrize("name", MODULES)
def test_what_pytorch_exports_equals_the_module(name, dynamic, newer):
    torch.manual_seed(1)
    body, use = MODULES[name]
    module, x = Module(body, use), np.random.default_rng(1).normal(size=(4, 5, 3))
    network = fx.from_onnx(exported(module, x, newer, dynamic))
    expected = module(torch.tensor(x, dtype=torch.float32)).detach().numpy()
    if not body.batch_first:
        x, expected = x.swapaxes(0, 1), expected.swapaxes(0, 1)
    np.testing.assert_allclose(network(x), expected, atol=1e-5)


@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_simple_recurrent_module_exported_equals_the_module(nonlinearity, bidirectional):
    body = nn.RNN(3, 6, 2, nonlinearity, batch_first=True, bidirectional=bidirectional)
    module, x = Module(body, lambda m, x: m.head(m.body(x)[0])), np.random.default_rng(1).normal(size=(4, 5, 3))
    network = fx.from_onnx(exported(module, x, newer=False, dynamic=True))
    np.testing.assert_allclose(network(x), module(torch.tensor(x, dtype=torch.float32)).detach().numpy(), atol=1e-5)


@pytest.mark.parametrize(
    ("edge", "function"),
    [("softmax", lambda m, x: torch.softmax(m.head(m.body(x)[0]), -1)), ("argmax", lambda m, x: m.head(m.body(x)[0]).argmax(-1))],
)
@pytest.mark.parametrize("newer", [False, True], ids=["script", "dynamo"])
def test_a_network_ends_before_what_the_host_computes(edge, function, newer):
    module, x = Module(gru(), function), np.random.default_rng(1).normal(size=(4, 5, 3))
    network = fx.from_onnx(exported(module, x, newer, dynamic=False))
    logits = module.head(module.body(torch.tensor(x, dtype=torch.float32))[0]).detach().numpy()
    np.testing.assert_allclose(network(x), logits, atol=1e-5)
    assert network.metadata == {"host_edge": edge}


def test_lengths_that_are_a_graph_input_are_those_of_a_call():
    class Packed(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = lstm(2, True)

        def forward(self, x, lengths):
            packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
            return nn.utils.rnn.pad_packed_sequence(self.body(packed)[0], batch_first=True)[0]

    module, x, lengths = Packed().eval(), torch.randn(3, 5, 3), torch.tensor([5, 2, 4])
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module, (x, lengths), file, dynamo=False, input_names=["x", "lengths"])
    network = fx.from_onnx(onnx.load_from_string(file.getvalue()))
    np.testing.assert_allclose(network(x.numpy(), lengths.numpy()), module(x, lengths).detach().numpy(), atol=1e-5)


def test_initial_states_that_are_a_graph_input_are_those_of_a_call():
    class Stateful(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = gru(2)

        def forward(self, x, h):
            return self.body(x, h)[0]

    module, x, h = Stateful().eval(), torch.randn(3, 5, 3), torch.randn(2, 3, 6)
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module, (x, h), file, dynamo=False)
    network = fx.from_onnx(onnx.load_from_string(file.getvalue()))
    states = dict(zip(network.states, h.numpy(), strict=True))
    np.testing.assert_allclose(network(x.numpy(), states=states), module(x, h).detach().numpy(), atol=1e-5)
    zero = module(x, torch.zeros_like(h)).detach().numpy()
    np.testing.assert_allclose(network(x.numpy()), zero, atol=1e-5)


def test_one_sequence_without_a_batch_axis_is_a_sequence():
    body = gru(2, True)
    module, x = Module(body, lambda m, x: m.head(m.body(x)[0])), torch.randn(5, 3)
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module.eval(), (x,), file, dynamo=False)
    network = fx.from_onnx(onnx.load_from_string(file.getvalue()))
    np.testing.assert_allclose(network(x.numpy()), module(x).detach().numpy(), atol=1e-5)


def test_functions_of_the_model_are_unfolded():
    weights = {"W": np.ones((1, 2, 3), np.float32), "R": np.ones((1, 2, 2), np.float32)}
    call = helper.make_node("Body", ["X", "W", "R"], ["Y"], domain="own", name="call")
    model = model_of([call], ["Y"], ("t", "b", 3), weights)
    inner = helper.make_node("RNN", ["a", "w", "r"], ["y"], hidden_size=2, name="inner")
    opsets = [helper.make_opsetid("", 17)]
    model.functions.append(helper.make_function("own", "Body", ["a", "w", "r"], ["y"], [inner], opsets))
    model.opset_import.append(helper.make_opsetid("own", 1))
    assert fx.from_onnx(model).layers[0].cell.name == "rnn-tanh"


def test_a_scale_of_the_input_costs_no_layer():
    module = Module(lstm(1, True), lambda m, x: m.body((x - 1) / 2)[0])
    network = fx.from_onnx(exported(module, np.zeros((2, 3, 3)), newer=False, dynamic=True))
    assert [len(network.layers), len(network.every_layer)] == [1, 2]


def test_external_data_beside_the_model_is_read(tmp_path):
    module, x = Module(lstm(), lambda m, x: m.head(m.body(x)[0])), np.random.default_rng(1).normal(size=(4, 5, 3))
    model = exported(module, x, newer=False, dynamic=True)
    expected = fx.from_onnx(model)(x)
    onnx.save_model(model, tmp_path / "model.onnx", save_as_external_data=True, location="weights.bin", size_threshold=0)
    network = fx.from_onnx(tmp_path / "model.onnx")
    np.testing.assert_array_equal(network(x), expected)
    assert network.name == "model"


@pytest.mark.parametrize("seed", range(8))
def test_an_imported_network_survives_a_file(seed, tmp_path):
    model, x, lengths, expected = random_onnx_case(np.random.default_rng(1000 + seed), largest=(8, 6, 3))
    fx.save_network(fx.from_onnx(model), tmp_path / "net.safetensors")
    network = fx.load_network(tmp_path / "net.safetensors")
    np.testing.assert_allclose(network(x, lengths), expected, atol=1e-9, rtol=1e-9)


def test_the_example_has_less_than_twenty_lines_and_runs(capsys):
    assert len(EXAMPLE.read_text().splitlines()) < 20
    runpy.run_path(str(EXAMPLE))
    assert "integers differ from floats by" in capsys.readouterr().out
