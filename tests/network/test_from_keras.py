"""Networks from Keras 3: equal to what Keras predicts, or refused with the layer, the reason and what is supported."""

import runpy
from pathlib import Path

import numpy as np
import pytest
from keras_models import SEQUENCE, model_of, same, sample
from random_keras import ACTIVATIONS, GATES, keras, layers, predicted, random_keras_case

import fxlstm as fx

EXAMPLE = Path(__file__).resolve().parents[2] / "examples/from_keras.py"


def chain(use, shape=(7, 3)):
    """A functional model."""
    front = keras.Input(shape)
    return keras.Model(front, use(front))


@pytest.mark.parametrize("seed", range(20))
def test_a_random_model_equals_keras(seed):
    model, x, expected = random_keras_case(np.random.default_rng(seed), largest=12, longest=9, most=4)
    network = fx.from_keras(model)
    outputs = network(x.reshape(*x.shape[:2], -1))
    np.testing.assert_allclose(outputs, expected.reshape(outputs.shape), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_of_every_cell(activation):
    same(model_of(layers.LSTM(4, activation=activation), layers.Dense(3, activation=activation)))
    same(model_of(layers.GRU(4, activation=activation, **SEQUENCE), layers.SimpleRNN(3, activation=activation)))


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("cell", [layers.LSTM, layers.GRU])
def test_every_activation_of_the_gates(cell, gate):
    same(model_of(cell(4, recurrent_activation=gate)))


@pytest.mark.parametrize("options", [{"use_bias": False}, {"unroll": True}, {"dropout": 0.5, "recurrent_dropout": 0.5}])
@pytest.mark.parametrize("cell", [layers.LSTM, layers.GRU, layers.SimpleRNN])
def test_options_that_change_no_result_of_inference_or_leave_out_biases(cell, options):
    same(model_of(cell(4, **options)))


@pytest.mark.parametrize("reset_after", [True, False])
@pytest.mark.parametrize("use_bias", [True, False])
def test_both_forms_of_the_gru(reset_after, use_bias):
    same(model_of(layers.GRU(4, reset_after=reset_after, use_bias=use_bias)))


DIRECTIONS = [
    (["b"], "sequence"),
    (["b"], "last"),
    (["f", "b"], "sequence"),
    (["f", "b"], "last"),
    (["b", "b"], "sequence"),
    (["b", "f", "b"], "last"),
    (["2", "b"], "sequence"),
    (["b", "2"], "last"),
    (["r", "f"], "sequence"),
    (["r", "b"], "last"),
    (["2", "r"], "last"),
]


@pytest.mark.parametrize("merge", ["concat", "sum", "ave"])
@pytest.mark.parametrize(("directions", "returns"), DIRECTIONS, ids=str)
def test_layers_that_go_backwards_alone_stacked_and_in_pairs(directions, returns, merge):
    """f: forward, b: backwards, 2: a pair, r: a pair whose first layer goes backwards."""
    parts = []
    for index, direction in enumerate(directions):
        options = {"return_sequences": returns == "sequence" or index < len(directions) - 1}
        layer = layers.GRU(3, go_backwards=direction in "br", **options)
        other = layers.GRU(3, go_backwards=direction != "r", **options)
        parts.append(layers.Bidirectional(layer, merge, backward_layer=other) if direction in "2r" else layer)
    same(model_of(*parts, layers.Dense(2)))


def test_the_last_output_of_a_pair_is_that_of_each_layer_at_its_end():
    assert same(model_of(layers.Bidirectional(layers.LSTM(4)))).returns == "final"


def test_cells_and_stacks_of_cells():
    cells = [layers.LSTMCell(4), layers.GRUCell(3, reset_after=False), layers.SimpleRNNCell(5), layers.LSTMCell(2)]
    assert same(model_of(layers.RNN(cells, name="stack"))).layer_names == ("stack.0", "stack.1", "stack.2", "stack.3")
    same(model_of(layers.RNN(layers.GRUCell(4), go_backwards=True, **SEQUENCE)))
    same(model_of(layers.Bidirectional(layers.RNN(layers.LSTMCell(4)))))


CONVOLUTIONS = [
    {"kernel_size": 3},
    {"kernel_size": 2, "padding": "same", "strides": 2},
    {"kernel_size": 3, "dilation_rate": 2, "padding": "same", "use_bias": False},
    {"kernel_size": 1, "recurrent_activation": "hard_sigmoid", "activation": "relu", "go_backwards": True},
]


@pytest.mark.parametrize("options", CONVOLUTIONS, ids=str)
@pytest.mark.parametrize(("kind", "shape"), [(layers.ConvLSTM1D, (4, 6, 2)), (layers.ConvLSTM2D, (3, 5, 4, 2))])
def test_convolutional_layers_over_flattened_positions(kind, shape, options):
    same(model_of(kind(3, **options), layers.Flatten(), layers.Dense(2), shape=shape))
    same(model_of(kind(3, **options, **SEQUENCE), layers.Dense(2, activation="tanh"), shape=shape))  # at each position


@pytest.mark.parametrize("merge", ["concat", "sum", "ave"])
def test_a_convolutional_pair_keeps_the_channels_of_a_position_together(merge):
    pair = layers.Bidirectional(layers.ConvLSTM1D(2, 3, **SEQUENCE), merge_mode=merge)
    same(model_of(pair, layers.ConvLSTM1D(3, 2), layers.Dense(2), shape=(4, 6, 2)))


MASKED = {
    "last": [layers.LSTM(4)],
    "sequence": [layers.GRU(4, **SEQUENCE), layers.TimeDistributed(layers.Dense(2, activation="sigmoid"))],
    "stacked": [layers.Dense(5, activation="tanh"), layers.LSTM(4, **SEQUENCE), layers.Dropout(0.5), layers.GRU(3)],
    "backwards": [layers.LSTM(4, go_backwards=True, **SEQUENCE)],
    "pair": [layers.Bidirectional(layers.LSTM(4, **SEQUENCE)), layers.Bidirectional(layers.GRU(3)), layers.Dense(2)],
    "cells": [layers.RNN([layers.LSTMCell(4), layers.GRUCell(3)], **SEQUENCE)],
}


@pytest.mark.parametrize("parts", MASKED.values(), ids=MASKED)
@pytest.mark.parametrize("value", [0.0, -1.0])
def test_masked_timesteps_are_left_out(parts, value):
    model = model_of(layers.Masking(value), *copied(parts))
    x = sample(model)
    x[0, 4:] = x[1, :2] = x[2, 3] = value
    assert same(model, x).mask_value == value


def copied(parts):
    """Layers of the same settings that no other model has built."""
    return [type(part).from_config(part.get_config()) for part in parts]


@pytest.mark.parametrize(
    "head",
    [
        [layers.Dense(4, activation="softmax")],
        [layers.Dense(4), layers.Softmax()],
        [layers.Dense(4), layers.Activation("softmax"), layers.Dropout(0.1)],
    ],
    ids=len,
)
def test_a_softmax_at_the_end_is_left_to_the_host(head):
    model = model_of(layers.LSTM(5), *copied(head))
    network, x = fx.from_keras(model), sample(model)
    assert network.metadata == {"host_edge": "softmax"} and network.every_layer[-1].cell.name == "dense"
    np.testing.assert_allclose(fx.softmax(network(x)), predicted(model, x), atol=1e-6)


ACTIVATION_LAYERS = {
    "tanh": layers.Activation("tanh"),
    "linear": layers.Activation("linear"),
    "relu": layers.ReLU(),
    "sloped relu": layers.ReLU(negative_slope=0.25),
    "leaky": layers.LeakyReLU(),
    "leaky by an eighth": layers.LeakyReLU(negative_slope=0.125),
}


@pytest.mark.parametrize(("name", "layer"), ACTIVATION_LAYERS.items(), ids=ACTIVATION_LAYERS)
def test_activation_layers_join_the_dense_layer_before_them_or_stand_alone(name, layer):
    front, middle, end = (renamed(layer, place) for place in ("front", "middle", "end"))
    model = model_of(front, layers.LSTM(3, **SEQUENCE), middle, layers.Dense(4), end)
    assert len(same(model).layers) == (2 if name == "linear" else 4)
    same(model_of(layers.GRU(3, activation=renamed(layer, "inside"))))


def renamed(layer, name):
    return type(layer).from_config({**layer.get_config(), "name": name})


def test_what_does_nothing_in_inference_is_dropped():
    parts = [
        layers.Dropout(0.5),
        layers.SpatialDropout1D(0.5),
        layers.GaussianNoise(1.0),
        layers.GaussianDropout(0.5),
        layers.ActivityRegularization(0.1),
        layers.Identity(),
    ]
    assert len(same(model_of(*parts, layers.LSTM(4), layers.Flatten(), layers.Reshape((2, 2)), layers.Flatten())).layers) == 1


def test_a_functional_chain_whose_recurrent_layer_also_returns_its_state():
    model = chain(lambda x: layers.Dense(2)(layers.LSTM(4, return_state=True, name="body")(layers.Dropout(0.5)(x))[0]))
    assert [layer.name for layer in same(model).every_layer] == ["body", model.layers[-1].name]


def test_models_within_models():
    inner = keras.Sequential([layers.Input((7, 3)), layers.LSTM(4, **SEQUENCE), layers.LSTM(4, **SEQUENCE)])
    outer = chain(lambda x: layers.GRU(2)(keras.Sequential([layers.Input((7, 4)), layers.LSTM(4, **SEQUENCE)])(inner(x))))
    assert len(same(outer).layers) == 4


def test_a_model_within_time_distributed_sees_positions_and_channels():
    inner = keras.Sequential([layers.Input((4, 2)), layers.Dense(3, activation="relu"), layers.Flatten()])
    same(model_of(layers.TimeDistributed(inner), layers.GRU(2), shape=(5, 4, 2)))


def test_a_model_without_recurrent_layers_takes_rows_as_timesteps():
    same(model_of(layers.Dense(4, activation="relu"), layers.Dense(2), shape=(3,)))


def test_a_stateful_model_starts_from_zero_states():
    model = keras.Sequential([keras.Input(batch_shape=(3, 7, 3)), layers.LSTM(4, stateful=True)])
    x = sample(model)
    network = fx.from_keras(model)
    np.testing.assert_allclose(network(x), predicted(model, x), atol=1e-6)
    np.testing.assert_allclose(fx.from_keras(model)(x), network(x))  # not from what the model remembers by now


def test_an_imported_network_survives_a_file_and_quantization(tmp_path):
    model = model_of(layers.LSTM(12, **SEQUENCE), layers.Dense(2), shape=(30, 3))
    x = sample(model).clip(-1, 1)
    fx.save_network(fx.from_keras(model), tmp_path / "net.safetensors")
    program = fx.quantize(fx.load_network(tmp_path / "net.safetensors"), calibration=x, hardware=fx.Hardware(levels=32768))
    expected = predicted(model, x)
    error = fx.Engine(program).run(x) - expected
    assert 10 * np.log10((expected**2).sum() / (error**2).sum()) > 60


class Doubled(layers.Dense):
    def call(self, inputs, training=None):
        return 2 * super().call(inputs, training)


class Tower(keras.Model):
    def __init__(self):
        super().__init__(name="tower")
        self.body = layers.LSTM(3)

    def call(self, x):
        return self.body(x)


def doubled(x):
    return 2 * x


LAST = {"name": "it"}
REFUSED = [
    ([layers.Lambda(doubled, **LAST)], "Lambda is not supported"),
    ([layers.Conv1D(2, 2, **LAST)], "Conv1D is not supported"),
    ([layers.LSTM(2, **SEQUENCE), layers.TimeDistributed(layers.RepeatVector(3), **LAST)], "is TimeDistributed over RepeatVector"),
    ([layers.LSTM(2), layers.RepeatVector(3), layers.LSTM(2), layers.RepeatVector(2, **LAST)], "repeats the output of a decoder"),
    ([Doubled(2, **LAST)], "is of a class of its own, .*Doubled"),
    ([layers.LSTM(2, activation="elu", **LAST)], "has the activation 'elu'"),
    ([layers.LSTM(2, activation=doubled, **LAST)], "has the activation 'doubled'"),
    ([layers.LSTM(2, activation="softmax", **LAST)], "has the activation 'softmax'"),
    ([layers.GRU(2, recurrent_activation="silu", **LAST)], "has the activation 'silu'"),
    ([layers.Dense(2, activation="softmax", **LAST), layers.LSTM(2, name="above")], "is a softmax before layer 'above'"),
    ([layers.LSTM(2, **SEQUENCE), layers.BatchNormalization(axis=1, **LAST)], "normalises over axis 1"),
    ([layers.Dense(2), layers.Softmax(axis=1, **LAST)], "is a softmax over axis 1"),
    ([layers.Dense(2), layers.ReLU(max_value=6, **LAST)], "is a ReLU with max_value 6"),
    ([layers.Bidirectional(layers.LSTM(2), merge_mode="mul", **LAST)], "has merge_mode='mul'"),
    ([layers.Bidirectional(layers.RNN([layers.LSTMCell(2), layers.LSTMCell(2)]), **LAST)], "is Bidirectional over stacked cells"),
    ([layers.LSTM(2, **SEQUENCE), layers.Masking(**LAST), layers.LSTM(2)], "is a Masking behind another layer"),
    ([layers.Masking(0.1, **LAST), layers.LSTM(2)], "masks 0.1, which float32 does not hold"),
    ([layers.Masking(), layers.Bidirectional(layers.LSTM(2, **SEQUENCE), **LAST)], "gives 0 at masked timesteps"),
    ([layers.Masking(), layers.GRU(2, go_backwards=True, **SEQUENCE), layers.GRU(2, **LAST)], "is masked behind .* go_backwards"),
    ([layers.LSTM(2, **SEQUENCE), layers.Flatten(**LAST)], "is a Flatten that makes one vector of all timesteps"),
    ([layers.LSTM(2, **SEQUENCE), layers.Reshape((14,), **LAST)], "is a Reshape to .14,., which may mix timesteps"),
    ([layers.TimeDistributed(layers.LSTM(2), **LAST)], "is TimeDistributed over LSTM"),
]


@pytest.mark.parametrize(("parts", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_what_is_not_supported_is_refused_with_layer_reason_and_remedy(parts, message):
    shape = (7, 3, 2) if isinstance(parts[0], layers.TimeDistributed) else (7, 3)
    model = keras.Sequential([layers.Input(shape), *parts])
    with pytest.raises(fx.ModelError, match=f"^layer 'it': {message}.*from_keras supports Sequential models"):
        fx.from_keras(model)


FUNCTIONAL = [
    (lambda x: layers.Add(name="it")([layers.LSTM(3)(x), layers.GRU(3)(x)]), "layer 'it': takes 2 inputs"),
    (lambda x: layers.Dense(2, name="it")(layers.LSTM(3, return_state=True)(x)[1]), "layer 'it': takes output 1 of layer 'lstm"),
    (lambda x: layers.GRU(3, name="it")(x, initial_state=layers.LSTM(3)(x)), "layer 'it': takes 2 inputs"),
    (lambda x: layers.LSTM(3)(layers.Dropout(0.5, name="it")(x, training=True)), "layer 'it': is called with arguments"),
    (lambda x: [layers.LSTM(3)(x), layers.GRU(3)(x)], "has 2 outputs"),
    (lambda x: layers.LSTM(3, return_state=True)(x)[2], "gives out a state"),
]


@pytest.mark.parametrize(("use", "message"), FUNCTIONAL, ids=[message for _, message in FUNCTIONAL])
def test_functional_models_that_are_no_chain_are_refused(use, message):
    with pytest.raises(fx.ModelError, match=message):
        fx.from_keras(chain(use))


def test_a_model_within_a_masked_model_is_refused():
    inner = keras.Sequential([layers.Input((7, 3)), layers.Masking(), layers.LSTM(4)], name="it")
    with pytest.raises(fx.ModelError, match="layer 'it': is a Sequential model where timesteps are masked"):
        fx.from_keras(chain(lambda x: layers.Dense(2)(inner(x))))


def test_a_layer_that_is_called_twice_is_refused():
    layer = layers.GRU(3, name="it", **SEQUENCE)
    with pytest.raises(fx.ModelError, match="layer 'it': is called 2 times"):
        fx.from_keras(chain(lambda x: layer(layer(x))))


def test_other_objects_and_models_that_are_code_are_refused():
    with pytest.raises(fx.ModelError, match=r"takes a Keras model or the path of a .keras or .h5 file, not LSTM"):
        fx.from_keras(layers.LSTM(3))
    tower = Tower()
    predicted(tower, np.zeros((1, 7, 3), np.float32))
    with pytest.raises(fx.ModelError, match=r"model.* is (of a class of its own, .*Tower|a Tower)"):
        fx.from_keras(tower)


def test_a_model_that_is_not_built_yet_is_refused():
    with pytest.raises(fx.ModelError, match="build"):
        fx.from_keras(keras.Sequential([layers.LSTM(3)]))


def test_the_example_has_less_than_twenty_lines_and_runs(capsys):
    assert len(EXAMPLE.read_text().splitlines()) < 20
    runpy.run_path(str(EXAMPLE))
    assert "integers differ from floats by" in capsys.readouterr().out
