"""Networks from ONNX: equal to what the operators' specification says, whatever exporter arranged the graph."""

import io
import runpy
import warnings
from importlib import import_module
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

OPERATORS = ("LSTM", "GRU", "RNN")
EXAMPLE = Path(__file__).resolve().parents[2] / "examples/from_onnx.py"


@pytest.fixture(scope="module")
def backend_cases():
    """ONNX's own node tests of the three operators, by operator: importing a module of cases collects them."""
    for operator in OPERATORS:
        import_module(f"onnx.backend.test.case.node.{operator.lower()}")
    collected = import_module("onnx.backend.test.case.node")._NodeTestCases
    return {name: [case for case in collected if case.model.graph.node[0].op_type == name] for name in OPERATORS}


@pytest.mark.parametrize("operator", OPERATORS)
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


@pytest.mark.parametrize(
    ("activation", "function"),
    [("LeakyRelu", lambda x: np.where(x >= 0, x, 0.01 * x)), ("HardSigmoid", lambda x: np.clip(0.2 * x + 0.5, 0, 1))],
)
def test_activations_without_alpha_and_beta_take_those_of_the_specification(activation, function):
    text = f"""<ir_version: 8, opset_import: ["": 17]> g (float[time, batch, 1] x, float[1, 1, 1] W, float[1, 1, 1] R) => (y)
        {{ y = RNN <hidden_size = 1, activations = ["{activation}"]> (x, W, R) }}"""
    network = fx.from_onnx(onnx.parser.parse_model(text), {"W": np.ones((1, 1, 1)), "R": np.zeros((1, 1, 1))})
    x = np.linspace(-4, 4, 9)[:, np.newaxis]
    np.testing.assert_allclose(network(x), function(x), rtol=1e-6)


@pytest.mark.parametrize("seed", range(40))
def test_a_random_model_equals_the_equations_of_the_specification(seed):
    model, x, lengths, expected = random_onnx_case(np.random.default_rng(seed), largest=(12, 9, 4))
    onnx.checker.check_model(model)
    np.testing.assert_allclose(fx.from_onnx(model)(x, lengths), expected, atol=1e-9, rtol=1e-9)


SMALL = st.integers(1, 6)


@settings(max_examples=60, deadline=None)
@given(st.data(), SMALL, SMALL, SMALL, SMALL, st.sampled_from(OPERATORS), st.integers(0, 2**31))
def test_any_node_equals_the_reference_evaluator(data, inputs, units, time, batch, operator, seed):
    """Over all that the evaluator implements: directions, biases, initial states, layouts, linear_before_reset, peepholes."""
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
        self.back = gru()

    def forward(self, x):
        return self.use(self, x)


class Several(nn.Module):
    """Modules that read the same input, each with an output of its own: one export for all of them."""

    def __init__(self, modules):
        super().__init__()
        self.members = nn.ModuleList(modules)

    def forward(self, x):
        return tuple(module(x) for module in self.members)


def exported(module, example, newer=False, dynamic=True, names=("x",)):
    """The model that one of PyTorch's two exporters writes, with free or fixed lengths of batch and time."""
    example = tuple(torch.as_tensor(each) for each in example)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporters
        if newer:
            shapes = ({0: torch.export.Dim("batch"), 1: torch.export.Dim("time")},) if dynamic else None
            return torch.onnx.export(module.eval(), example, dynamo=True, verbose=False, dynamic_shapes=shapes).model_proto
        file, axes = io.BytesIO(), {"x": {0: "batch", 1: "time"}} if dynamic else {}
        torch.onnx.export(module.eval(), example, file, dynamo=False, dynamic_axes=axes, input_names=list(names))
        return onnx.load_from_string(file.getvalue())


def sample(*shape, seed=1):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def close(network, module, x, **call):
    with torch.no_grad():
        np.testing.assert_allclose(network(x, **call), module.eval()(torch.tensor(x)).numpy(), atol=1e-5)


def lstm(layers=1, bidirectional=False):
    return nn.LSTM(3, 6, layers, bidirectional=bidirectional, batch_first=True)


def gru(layers=1, bidirectional=False, batch_first=True):
    return nn.GRU(3, 6, layers, bidirectional=bidirectional, batch_first=batch_first)


def swapped(states):
    """(layers and directions, batch, units) -> (batch, features), by the axes."""
    return states.permute(1, 0, 2).reshape(states.shape[1], -1)


def by_layer(states):
    """The last layer's (batch, features) of four states, by layers and directions."""
    apart = states.view(2, 2, states.shape[1], 6)
    return torch.cat([apart[-1, 0], apart[-1, 1]], 1)


MODULES = {
    "stacked": (lstm(2), lambda m, x: m.head(m.body(x)[0])),
    "time first": (gru(2, batch_first=False), lambda m, x: torch.relu(m.head(m.body(x.swapaxes(0, 1))[0])).swapaxes(0, 1)),
    "both directions": (lstm(2, True), lambda m, x: m.head(m.body(x)[0])),
    "both directions, last": (gru(1, True), lambda m, x: m.head(m.body(x)[0][:, -1])),
    "final states": (lstm(2, True), lambda m, x: (lambda h: m.head(torch.cat([h[-2], h[-1]], 1)))(m.body(x)[1][0])),
    "final states, layers and directions apart": (gru(2, True), lambda m, x: m.head(by_layer(m.body(x)[1]))),
    "final states, axes swapped": (lstm(1, True), lambda m, x: m.head(swapped(m.body(x)[1][0]))),
    "last forward and first backward": (
        lstm(1, True),
        lambda m, x: (lambda y: m.head(torch.cat([y[:, -1, :6], y[:, 0, 6:]], 1)))(m.body(x)[0]),
    ),
    "directions added": (lstm(1, True), lambda m, x: (lambda y: y[..., :6] + y[..., 6:])(m.body(x)[0])),
    "directions added by chunks": (gru(1, True), lambda m, x: sum(m.body(x)[0].chunk(2, -1))),
    "last hidden state": (gru(2), lambda m, x: torch.sigmoid(m.head(m.body(x)[1][-1]))),
    "last cell state": (lstm(), lambda m, x: m.head(m.body(x)[1][1].squeeze(0))),
    "rows of all timesteps": (lstm(), lambda m, x: m.head(m.body(x)[0].reshape(-1, 6)).view(x.shape[0], -1, 2)),
    "normalized input": (lstm(), lambda m, x: m.head(m.body((x - 0.3) / torch.tensor([1.0, 2.0, 3.0]))[0])),
    "scaled outputs": (gru(), lambda m, x: 5 - 2 * m.head(m.body(x)[0])),
    "leaky head": (gru(), lambda m, x: nn.functional.leaky_relu(m.head(m.body(x)[0]), 0.1)),
    "hard sigmoid head": (gru(), lambda m, x: nn.functional.hardsigmoid(m.head(m.body(x)[0]))),
    "activation of states": (lstm(), lambda m, x: m.head(torch.tanh(m.body(x)[0]))),
    "a second body from the end, joined": (
        gru(),
        lambda m, x: torch.cat([m.body(x)[0], m.back(x.flip(1))[0].flip(1)], -1),
    ),
    "reading from the end": (lstm(2), lambda m, x: m.head(m.body(x.flip(1))[0].flip(1))),
    "reading from the end, first timestep": (gru(2), lambda m, x: m.head(m.body(x.flip(1))[0][:, -1])),
    "outputs in the order of reading": (gru(2), lambda m, x: m.head(m.body(x.flip(1))[0])),
    "constant initial states": (gru(2), lambda m, x: m.head(m.body(x, torch.full((2, x.shape[0], 6), 0.3))[0])),
}


@pytest.mark.parametrize(
    ("newer", "dynamic"), [(False, False), (False, True), (True, True)], ids=["script, fixed", "script, free", "dynamo, free"]
)
def test_what_pytorch_exports_equals_the_module(newer, dynamic):
    torch.manual_seed(1)
    modules = {name: Module(body, use) for name, (body, use) in MODULES.items()}
    x = sample(4, 5, 3)
    example = x[:2, :2] if dynamic else x  # free lengths hold beyond the example's
    model = exported(Several(modules.values()), (example,), newer, dynamic)
    for entry, (name, module) in zip(model.graph.output, modules.items(), strict=True):
        expected = module.eval()(torch.tensor(x)).detach().numpy()
        np.testing.assert_allclose(fx.from_onnx(model, output=entry.name)(x), expected, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_simple_recurrent_module_exported_equals_the_module(nonlinearity, bidirectional):
    body = nn.RNN(3, 6, 2, nonlinearity, batch_first=True, bidirectional=bidirectional)
    module, x = Module(body, lambda m, x: m.head(m.body(x)[0])), sample(4, 5, 3)
    close(fx.from_onnx(exported(module, (x,))), module, x)


HOST_EDGES = {
    "softmax": lambda y: torch.softmax(y, -1),
    "log_softmax": lambda y: torch.log_softmax(y, -1),
    "argmax": lambda y: y.argmax(-1),
}


@pytest.mark.parametrize("edge", HOST_EDGES)
def test_a_network_ends_before_what_the_host_computes(edge):
    module, x = Module(gru(), lambda m, x: m.head(m.body(x)[0])), sample(4, 5, 3)
    network = fx.from_onnx(exported(nn.Sequential(module, Edge(HOST_EDGES[edge])), (x,)))
    close(network, module, x)
    assert network.metadata == {"host_edge": edge}


class Edge(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, y):
        return self.function(y)


class Packed(nn.Module):
    def __init__(self, body):
        super().__init__()
        self.body = body

    def forward(self, x, lengths):
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True)
        return nn.utils.rnn.pad_packed_sequence(self.body(packed)[0], batch_first=True)[0]


def test_lengths_that_are_a_graph_input_are_those_of_a_call():
    module, x, lengths = Packed(lstm(2, True)).eval(), sample(3, 5, 3), np.array([5, 4, 2])
    network = fx.from_onnx(exported(module, (x, lengths), names=("x", "lengths")))
    expected = module(torch.tensor(x), torch.tensor(lengths)).detach().numpy()
    np.testing.assert_allclose(network(x, lengths), expected, atol=1e-5)


class Stateful(nn.Module):
    def __init__(self, body):
        super().__init__()
        self.body = body

    def forward(self, x, h):
        return self.body(x, h)[0]


def test_initial_states_that_are_a_graph_input_are_those_of_a_call():
    module, x, h = Stateful(gru(2)).eval(), sample(3, 5, 3), sample(2, 3, 6, seed=2)
    network = fx.from_onnx(exported(module, (x, h), names=("x", "h")))
    expected = module(torch.tensor(x), torch.tensor(h)).detach().numpy()
    np.testing.assert_allclose(network(x, states=dict(zip(network.states, h, strict=True))), expected, atol=1e-5)
    from_zero = module(torch.tensor(x), torch.zeros(2, 3, 6)).detach().numpy()
    np.testing.assert_allclose(network(x), from_zero, atol=1e-5)


def test_one_sequence_without_a_batch_axis_is_a_sequence():
    module, x = Module(gru(2, True), lambda m, x: m.head(m.body(x)[0])), sample(5, 3)
    close(fx.from_onnx(exported(module, (x,), dynamic=False)), module, x)


def test_a_free_axis_fits_the_fixed_length_that_an_exporter_wrote():
    weights = {"W": np.ones((1, 2, 3), np.float32), "R": np.ones((1, 2, 2), np.float32), "shape": np.asarray([5, -1, 2])}
    nodes = [helper.make_node("RNN", ["X", "W", "R"], ["a"]), helper.make_node("Reshape", ["a", "shape"], ["Y"])]
    network = fx.from_onnx(model_of(nodes, ["Y"], ("t", "b", 3), weights))
    assert network(np.zeros((2, 5, 3))).shape == (2, 5, 2)


@pytest.mark.parametrize("both", [False, True])
def test_sequences_turned_round_whole_are_read_backward(both):
    """As tf2onnx writes Keras layers that go backwards."""
    weights = {"W": sample(1, 2, 3), "R": sample(1, 2, 2), "zero": np.asarray([0]), "one": np.asarray([1])}
    nodes = [
        helper.make_node("Shape", ["X"], ["shape"]),
        helper.make_node("Gather", ["shape", "zero"], ["time"]),
        helper.make_node("Gather", ["shape", "one"], ["batch"]),
        helper.make_node("Expand", ["time", "batch"], ["lengths"]),
        helper.make_node("ReverseSequence", ["X", "lengths"], ["turned"], time_axis=0, batch_axis=1),
        helper.make_node("RNN", ["turned", "W", "R"], ["a"]),
        helper.make_node("Squeeze", ["a", "one"], ["b"]),
        helper.make_node("ReverseSequence", ["b", "lengths"], ["c"], time_axis=0, batch_axis=1),
    ]
    forward = [helper.make_node("RNN", ["X", "W", "R"], ["d"]), helper.make_node("Squeeze", ["d", "one"], ["e"])]
    nodes += [*forward, helper.make_node("Concat", ["e", "c"], ["Y"], axis=2)] if both else []
    x = sample(4, 5, 3)
    model = model_of(nodes, ["Y" if both else "c"], ("t", "b", 3), weights)
    (expected,) = ReferenceEvaluator(model).run(None, {"X": x.swapaxes(0, 1)})
    np.testing.assert_allclose(fx.from_onnx(model)(x), expected.swapaxes(0, 1), atol=1e-5)


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
    module, x = Module(lstm(1, True), lambda m, x: m.body((x - 1) / 2)[0]), sample(2, 4, 3)
    network = fx.from_onnx(exported(module, (x,)))
    close(network, module, x)
    assert [len(network.layers), len(network.every_layer)] == [1, 2]


def test_external_data_beside_the_model_is_read(tmp_path):
    module, x = Module(lstm(), lambda m, x: m.head(m.body(x)[0])), sample(4, 5, 3)
    model = exported(module, (x,))
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
