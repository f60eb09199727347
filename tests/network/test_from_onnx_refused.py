"""ONNX models that cannot be networks: refused with the node's name, the reason and what is supported, whatever is in the file."""

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, external_data_helper, numpy_helper
from random_onnx import random_onnx_case

import fxlstm as fx

WEIGHTS = {"W": (1, 8, 3), "R": (1, 8, 2), "W1": (1, 2, 3), "R1": (1, 2, 2), "W2": (2, 2, 3), "R2": (2, 2, 2), "W3": (1, 2, 2)}
WEIGHTS |= {"W4": (1, 4, 3), "R4": (1, 4, 4)}


def model(body, inputs="float[time, batch, 3] x", opset=17, **weights):
    """A graph in ONNX's own text, from x to y; W and R are of an LSTM of 2 units, W1 and R1 of an RNN, W2, R2 of one both ways."""
    text = f'<ir_version: 8, opset_import: ["": {opset}, "own": 1]> graph ({inputs}) => (y) {{ {body} }}'
    parsed = onnx.parser.parse_model(text)
    arrays = {name: np.full(shape, 0.1, np.float32) for name, shape in WEIGHTS.items()} | weights
    parsed.graph.initializer.extend(numpy_helper.from_array(np.asarray(array), name) for name, array in arrays.items())
    return parsed


def refused(onnx_model, message, **options):
    with pytest.raises(fx.ModelError, match=message) as error:
        fx.from_onnx(onnx_model, **options)
    assert str(error.value).startswith("node '") and "from_onnx supports LSTM, GRU, RNN" in str(error.value)


RNN = "y1, h1 = RNN (x, W1, R1)\n flat = Squeeze (y1, one)\n"
BOTH = "y1, h1 = RNN <direction = 'bidirectional'> (x, W2, R2)\n".replace("'", '"')
ONE = np.asarray([1])
BODIES = {
    "an unknown operator": ("y = Softsign (x)", r"\(Softsign\): is not supported"),
    "another domain": ("y = own.Fancy (x)", r"\(own.Fancy\): is not supported"),
    "what no node gives": ("y, h = LSTM (nothing, W, R)", "reads 'nothing', which no node before it gives"),
    "nodes in a ring": ("a = Relu (b)\n b = Relu (a)\n y = Relu (b)", "which no node before it gives"),
    "a transposition that puts batch where time was": (
        RNN + "turned = Transpose <perm = [1, 0, 2]> (flat)\n y, h = RNN (turned, W3, R1)",
        r"has the axes \(batch, time, features\) where layout=0 has \(time, batch, features\)",
    ),
    "the other layout": (RNN + "y, h = RNN <layout = 1> (flat, W3, R1)", r"where layout=1 has \(batch, time, features\)"),
    "features in the middle": (
        RNN + "t = Transpose <perm = [0, 2, 1]> (flat)\n y, h = RNN (t, W3, R1)",
        "the last must be the features",
    ),
    "a squeezed axis that is not 1": ("y1, h1 = RNN (x, W1, R1)\n y = Squeeze (y1, two)", "whose length is not known to be 1"),
    "directions not joined": (
        BOTH + "y = MatMul (y1, M)",
        r"\(time, directions, batch, features\); the features of all directions",
    ),
    "directions joined after the features": (
        BOTH + "t = Transpose <perm = [0, 2, 3, 1]> (y1)\n s = Reshape (t, sizes)\n y = MatMul (s, M4)",
        r"\(time, batch, features x directions\)",
    ),
    "a reshape that takes an axis apart": (
        "y1, h1 = RNN (x, W4, R4)\n f = Squeeze (y1, one)\n y = Reshape (f, halves)",
        "which takes an axis apart",
    ),
    "timesteps among the features": (
        RNN + "y = Flatten <axis = 0> (flat)",
        r"\(1, time x batch x features\); features must not be mixed",
    ),
    "the first timestep of a forward layer": (RNN + "y = Gather (flat, zero)", "takes the first timestep"),
    "a timestep in the middle": (RNN + "y = Gather (flat, two)", "takes a part of axis 0"),
    "one of the sequences": (RNN + "y = Gather <axis = 1> (flat, zero)", "takes a part of axis 1"),
    "some of the features": (RNN + "y = Slice (flat, zero, one, two)", "takes some of the features"),
    "an index beyond the axis": (BOTH + "y = Gather <axis = 0> (h1, two)", r"takes the indices \[2\] of an axis of length 2"),
    "a recurrent layer behind the last timestep": (
        RNN + "last = Gather (flat, minus)\n s = Unsqueeze (last, zero)\n y, h = RNN (s, W3, R1)",
        "reads one timestep of another layer",
    ),
    "a residual sum": (RNN + "y2, h2 = RNN (flat, W3, R1)\n f2 = Squeeze (y2, one)\n y = Add (flat, f2)", "takes the outputs of"),
    "the input beside a layer": (RNN + "y = Concat <axis = 2> (flat, x)", "takes the outputs of"),
    "two layers of one direction": (
        RNN + "y2, h2 = RNN (x, W1, R1)\n f2 = Squeeze (y2, one)\n y = Concat <axis = 2> (flat, f2)",
        "the first must run forward and the second backward",
    ),
    "a sum of data that only look alike": (
        "y1, h1 = RNN (x5, W1, R1)\n f = Squeeze (y1, one)\n t = Transpose <perm = [1, 0, 2]> (f)\n y = Add (f, t)",
        r"adds \(time, batch, features\) and \(batch, time, features\)",
    ),
    "data joined with themselves turned round": (
        "y1, h1 = RNN (x5, W1, R1)\n f = Squeeze (y1, one)\n"
        "t = Slice (f, minus1, least, zero, minus1)\n y = Concat <axis = 2> (f, t)",
        "directions, layers or features can be joined",
    ),
    "sequences turned round that have lengths": (
        "t = ReverseSequence <time_axis = 0, batch_axis = 1> (x, n)\n y, h = RNN (t, W1, R1)",
        "direction=reverse with sequence_lens does the same",
    ),
    "lengths of sequences turned round whole": (
        "t = Slice (x, minus1, least, zero, minus1)\n y, h = RNN (t, W1, R1, , n)",
        "turned round whole; use direction=reverse",
    ),
    "features turned round": (RNN + "y = Slice (flat, minus1, least, two, minus1)", "only time can run backward"),
    "sequences turned round that are batches": (
        "t = Slice (x, minus1, least, one, minus1)\n y, h = RNN (t, W1, R1)",
        "has the axes",
    ),
    "timesteps joined": (RNN + "y = Concat <axis = 0> (flat, flat)", "directions, layers or features can be joined"),
    "data joined with constants": (RNN + "y = Concat <axis = 2> (flat, M)", "joins data with constants"),
    "states of another layer": (RNN + "y, h = RNN (flat, W3, R1, , , h1)", "another layer's output"),
    "initial states that differ": ("y, h = RNN (x, W1, R1, , , starts)", "differs from sequence to sequence"),
    "initial states of another size": ("y, h = RNN (x, W1, R1, , , M3)", "needs 1 directions of 2 units"),
    "constant lengths": ("y, h = RNN (x, W1, R1, , two)", "sequence_lens are neither a graph input nor the whole sequences"),
    "the last timestep of different lengths": (
        "y1, h = RNN (x, W1, R1, , n)\n f = Squeeze (y1, one)\n y = Gather (f, minus)",
        "different lengths, which is beyond the shorter ones; take Y_h",
    ),
    "lengths of one layer alone": (
        "y1, h = RNN (x, W1, R1, , n)\n f = Squeeze (y1, one)\n y, g = RNN (f, W3, R1)",
        "other sequence_lens",
    ),
    "one input as data and as states": ("y, h = RNN (x, W1, R1, , , x)", "as data and as lengths or initial states"),
    "a part of an input as data": ("p = Slice (x, zero, one, zero)\n y, h = RNN (p, W1, R1)", "its X is not the network's input"),
    "computing with a part of an input": ("p = Slice (x, zero, one, zero)\n y = Relu (p)", "computes with a part of a graph input"),
    "weights from the data": ("y, h = RNN (x, x, R1)", "its W comes from the graph input 'x'; give its value: constants="),
    "weights of the wrong rank": ("y, h = RNN (x, M, R1)", r"its W has shape \(2, 5\) .* 3 dimensions"),
    "weights of the wrong shape": ("y, h = RNN (x, W, R1)", r"its W has shape \(1, 8, 3\); .* it needs \(1, 2, 3\)"),
    "another hidden_size": ("y, h = RNN <hidden_size = 7> (x, W1, R1)", "its W has shape"),
    "weights of another number of features": (RNN + "y = MatMul (flat, M4)", "its input has 2 features"),
    "integer weights where none can be": ("y, h = RNN (x, texts, R1)", "numbers"),
    "an input without three axes": ("s = Squeeze (x1, zero)\n y, h = RNN (s, W1, R1)", "it must have three"),
    "a product from the left": ("y = MatMul (M, x)", "multiplies constants by data"),
    "division by zero": (RNN + "y = Div (flat, zeros)", "divides by 0"),
    "division by data": (RNN + "y = Div (M, flat)", "divides a constant by data"),
    "a sum that differs by timestep": (RNN + "y = Add (flat, M3)", "one number or one for each of the 2 features"),
    "numbers made integers": (RNN + "y = Cast <to = 7> (flat)", "makes integers of data"),
    "data repeated": (RNN + "y = Expand (flat, sizes)", "repeats data"),
    "an embedding": ("y = Gather (M, ids)", "looks up rows by data"),
    "a softmax over time": (RNN + "y = Softmax <axis = 0> (flat)", r"works on axis 0 of \(time, batch, features\)"),
    "a softmax in the middle": (RNN + "s = Softmax (flat)\n y, h = RNN (s, W3, R1)", "stands behind softmax"),
    "an output without data": ("y = Identity (M)", "does not depend on the network's input"),
    "an output that is the input": ("y = Identity (x)", "is the input itself"),
    "an unknown direction": ('y, h = RNN <direction = "sideways"> (x, W1, R1)', "direction = 'sideways'"),
    "an attribute of another operator": ("y, h = RNN <input_forget = 1> (x, W1, R1)", "attribute 'input_forget'"),
    "another layout": ("y, h = RNN <layout = 2> (x, W1, R1)", "layout = 2"),
    "a negative clip": ("y, h = RNN <clip = -1.0> (x, W1, R1)", "clip = -1"),
    "an activation without an integer form": (
        'y, h = RNN <activations = ["Softplus"]> (x, W1, R1)',
        "'Softplus' has no correctly rounded integer form; choose one of linear, sigmoid",
    ),
    "too few activations": ('y, h = LSTM <activations = ["Tanh"]> (x, W, R)', "has 1 activations; it needs 3"),
    "alphas that nothing uses": ("y, h = RNN <activation_alpha = [0.1]> (x, W1, R1)", "more values in activation_alpha"),
    "alphas that are missing": ('y, h = RNN <activations = ["Affine"]> (x, W1, R1)', "needs activation_alpha"),
    "an array too large to make": ("c = ConstantOfShape (huge)\n y = Add (x, c)", "elements can be made"),
}
ARRAYS = {
    "zero": np.asarray([0]),
    "one": ONE,
    "two": np.asarray([2]),
    "minus1": np.asarray([-1]),
    "least": np.asarray([-(1 << 63)]),
    "minus": np.asarray(-1),
    "M": np.ones((2, 5), np.float32),
    "M3": np.ones((1, 1, 3), np.float32),
    "M4": np.ones((4, 5), np.float32),
    "zeros": np.zeros(2, np.float32),
    "sizes": np.asarray([0, 0, 4]),
    "halves": np.asarray([0, 0, 2, 2]),
    "starts": np.arange(8, dtype=np.float32).reshape(1, 4, 2),
    "huge": np.asarray([1 << 40]),
    "texts": np.asarray(["a", "b"], dtype=object),
}
INPUTS = "float[time, batch, 3] x, float[1, batch, 3] x1, float[5, 5, 3] x5, int32[batch] n, int64[time] ids"


@pytest.mark.parametrize("name", BODIES)
def test_what_is_not_supported_is_refused_with_node_reason_and_remedy(name):
    body, message = BODIES[name]
    refused(model(body, INPUTS, **ARRAYS), message)


def test_what_the_output_does_not_need_is_not_looked_at():
    body = "y, h = RNN (x, W1, R1)\n other = Softsign (x)\n text = Identity (texts)"
    assert fx.from_onnx(model(body, INPUTS, **ARRAYS)).outputs == 2


def test_weights_that_are_not_finite_are_refused():
    for value in (np.nan, np.inf):
        with pytest.raises(fx.ModelError, match=r"node 'y', its W holds (nan|inf) at index \(0, 0, 0\)"):
            fx.from_onnx(model("y, h = RNN (x, W1, R1)", W1=np.full((1, 2, 3), value, np.float32)))


def test_weights_that_are_graph_inputs_need_their_values():
    graph = model("y, h = RNN (x, K, R1)", "float[time, batch, 3] x, float[1, 2, 3] K")
    refused(graph, r"its W comes from the graph input 'K'; give its value: constants=\{'K': array\}")
    assert fx.from_onnx(graph, {"K": np.ones((1, 2, 3))}).inputs == 3
    with pytest.raises(fx.ModelError, match="constants names 'Z', which is no graph input; the inputs: x, K"):
        fx.from_onnx(graph, {"Z": 1})


def test_an_output_that_the_graph_has_not_is_refused():
    with pytest.raises(fx.ModelError, match="output 'Y_c' is none of the graph's: y"):
        fx.from_onnx(model("y, h = RNN (x, W1, R1)"), output="Y_c")


def test_an_old_opset_is_refused_with_the_remedy():
    with pytest.raises(fx.ModelError, match=r"is of opset 6; from_onnx reads 7 and later: .*version_converter"):
        fx.from_onnx(model("y, h = RNN (x, W1, R1)", opset=6))


def test_what_is_neither_a_path_nor_a_model_is_refused():
    with pytest.raises(fx.ModelError, match=r"takes a path or an onnx.ModelProto, not dict"):
        fx.from_onnx({"model": 1})


@pytest.fixture
def whole(tmp_path):
    path = tmp_path / "model.onnx"
    onnx.save(model("y, h = RNN (x, W1, R1)"), path)
    return path


def test_a_file_that_is_absent_or_of_another_kind_is_refused(tmp_path, whole):
    with pytest.raises(fx.ModelError, match=r"no file .*; check the path"):
        fx.from_onnx(tmp_path / "absent.onnx")
    for content in (b"", b"PK\x03\x04 a Keras file", b"\x80\x04\x95 a pickle.", b"\x89HDF\r\n\x1a\n", b"{}", bytes(1000)):
        whole.write_bytes(content)
        with pytest.raises(fx.ModelError, match=r"is not a readable ONNX file|holds no ONNX graph"):
            fx.from_onnx(whole)


def test_a_file_cut_short_is_refused_at_every_length(whole):
    content = whole.read_bytes()
    for length in range(0, len(content), 7):
        whole.write_bytes(content[:length])
        with pytest.raises(fx.ModelError):
            fx.from_onnx(whole)


def test_a_name_that_is_no_text_is_refused(whole):
    whole.write_bytes(whole.read_bytes().replace(b"W1", b"W\x80"))
    with pytest.raises(fx.ModelError, match=r"holds a name that is no text|is not a readable ONNX file"):
        fx.from_onnx(whole)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 30), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_a_damaged_file_is_read_or_refused_and_nothing_else(whole, seed, changes):
    content = bytearray(random_onnx_case(np.random.default_rng(seed), largest=(3, 2, 2))[0].SerializeToString())
    for place, value in changes:
        content[int(place * (len(content) - 1))] = value
    whole.write_bytes(content)
    try:
        network = fx.from_onnx(whole)
    except fx.ModelError:
        return
    assert network.layers


def outside(graph, location):
    """The model with its W in another file."""
    tensor = next(tensor for tensor in graph.graph.initializer if tensor.name == "W1")
    external_data_helper.set_external_data(tensor, location)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    return graph


def test_external_data_is_read_from_beside_the_model_alone(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret.bin").write_bytes(bytes(24))
    (folder / "link.bin").symlink_to(tmp_path / "secret.bin")
    for location in ("../secret.bin", str(tmp_path / "secret.bin"), "link.bin", ""):
        path = folder / "model.onnx"
        onnx.save(outside(model("y, h = RNN (x, W1, R1)"), location), path)
        with pytest.raises(fx.ModelError, match=r"tensor 'W1' is in .*; only files beside the model are read"):
            fx.from_onnx(path)


def test_external_data_that_is_missing_or_short_is_refused(tmp_path):
    path = tmp_path / "model.onnx"
    onnx.save(outside(model("y, h = RNN (x, W1, R1)"), "weights.bin"), path)
    with pytest.raises(fx.ModelError, match="external data cannot be read"):
        fx.from_onnx(path)
    (tmp_path / "weights.bin").write_bytes(bytes(5))
    with pytest.raises(fx.ModelError, match=r"external data cannot be read|damaged"):
        fx.from_onnx(path)
    with pytest.raises(fx.ModelError, match="'W1' is in a file of its own; give from_onnx the model's path"):
        fx.from_onnx(outside(model("y, h = RNN (x, W1, R1)"), "weights.bin"))
