"""Random Keras 3 models over random data, with what Keras itself predicts: for a handful of cases or for thousands."""

import os
import warnings

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
import numpy as np
from keras import layers

ACTIVATIONS = ("linear", "sigmoid", "tanh", "relu", "hard_sigmoid", "leaky_relu")
GATES = ("sigmoid", "hard_sigmoid", "tanh", "linear")
MERGES = ("concat", "sum", "ave")


def random_keras_case(rng, largest=300, longest=200, most=64):
    """Return (model, x, expected): a model, an input for it and its prediction; x is (batch, time, ...).

    Keras computes in float32. ``largest`` bounds units and features, ``longest`` timesteps, ``most`` sequences; small numbers
    are as likely as large ones.
    ``x.reshape(batch, time, -1)`` is what the imported network takes; its outputs are ``expected`` with positions flattened. A
    case whose numbers leave -1000..1000, as linear and relu cells may make them, is drawn again.
    """
    while True:
        model = _convolved(rng, longest) if rng.random() < 0.15 else _stacked(rng, largest, longest)
        for variable in model.variables:
            fan = max(variable.shape[0], 1)
            if "float" in variable.dtype:  # not the seeds of Dropout
                variable.assign(rng.normal(0, rng.uniform(0.2, 0.8) / np.sqrt(fan), variable.shape))
        x = rng.normal(size=(_some(rng, most), *model.input_shape[1:])).astype(np.float32)
        if isinstance(model.layers[0], layers.Masking):
            masked = rng.random(x.shape[:2]) < rng.uniform(0, 0.7)
            masked[np.arange(len(x)), rng.integers(x.shape[1], size=len(x))] = False
            x[masked] = model.layers[0].mask_value
        expected = predicted(model, x)
        if np.abs(expected).max() < 1000:
            return model, x, expected


def quietly(act, *arguments):
    """What ``act`` returns, without Keras's warnings about NumPy."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return act(*arguments)


def predicted(model, x):
    """What Keras predicts."""
    return quietly(model.predict_on_batch, x)


def _some(rng, most):
    """A number from 1 to ``most``, its logarithm equally distributed."""
    return int(np.exp(rng.uniform(0, np.log(most + 0.99))))


def _stacked(rng, largest, longest):
    """A stack of recurrent layers of any kind and flags, with what may stand between and behind them."""
    is_sequence, count, masked = rng.random() < 0.5, rng.integers(1, 4), rng.random() < 0.25
    parts = [layers.Input((_some(rng, longest), _some(rng, largest)))]
    if masked:
        parts.append(layers.Masking(float(rng.choice([0.0, -1.0]))))
    for index in range(count):
        is_last = index == count - 1
        # Refused: a pair's outputs at masked timesteps, which Keras sets to 0, and a mask behind a layer that reversed the data.
        pair_allowed = not (masked and is_sequence and is_last)
        backwards = rng.random() < 0.25 and (is_last or not masked)
        parts += _between(rng, largest)
        parts.append(_recurrent(rng, largest, is_sequence or not is_last, bool(backwards), pair_allowed))
    parts += _head(rng, largest, is_sequence)
    return keras.Sequential(parts)


def _between(rng, largest):
    choices = {
        0: layers.Dropout(0.5),
        1: layers.TimeDistributed(layers.Dense(_some(rng, largest), activation=_activation(rng))),
        2: layers.Dense(_some(rng, largest), use_bias=bool(rng.integers(2))),
        3: layers.Activation(_activation(rng)),
        4: layers.LeakyReLU(negative_slope=rng.uniform(0, 0.5)),
    }
    return [choices[index] for index in rng.choice(12, rng.integers(0, 3), replace=False) if index in choices]


def _head(rng, largest, is_sequence):
    dense = layers.Dense(_some(rng, largest), activation=_activation(rng))
    wrapped = layers.TimeDistributed(dense) if is_sequence and rng.integers(2) else dense
    return [[], [wrapped], [layers.Dense(_some(rng, largest)), wrapped]][rng.integers(3)]


def _activation(rng):
    return str(rng.choice(ACTIVATIONS))


def _recurrent(rng, largest, return_sequences, go_backwards, pair_allowed):
    form = rng.choice(4)
    options = {"return_sequences": return_sequences, "go_backwards": go_backwards}
    if form == 0 and pair_allowed:
        merge = str(rng.choice(MERGES))
        kind, settings = _cell(rng, largest)
        forward = _layer(kind, settings, options)
        own = options["go_backwards"] or rng.random() < 0.5  # by itself Keras makes the second one go backwards
        plain = {"units": settings["units"], "go_backwards": not options["go_backwards"]}
        other = _layer(kind, {}, {**options, **plain}) if own else None
        return layers.Bidirectional(forward, merge_mode=merge, backward_layer=other)
    if form == 1:
        cells = [_rnn_cell(*_cell(rng, largest)) for _ in range(rng.integers(1, 4))]
        return layers.RNN(cells if len(cells) > 1 else cells[0], **options)
    return _layer(*_cell(rng, largest), options)


def _cell(rng, largest):
    """A kind of cell and its settings."""
    kind = str(rng.choice(["LSTM", "GRU", "SimpleRNN"]))
    settings = {"units": _some(rng, largest), "use_bias": bool(rng.random() < 0.8)}
    if rng.random() < 0.5:
        settings["activation"] = _activation(rng)
    if kind != "SimpleRNN" and rng.random() < 0.5:
        settings["recurrent_activation"] = str(rng.choice(GATES))
    if kind == "GRU":
        settings["reset_after"] = bool(rng.integers(2))
    return kind, settings


def _layer(kind, settings, options):
    return getattr(layers, kind)(**{**settings, **options})


def _rnn_cell(kind, settings):
    return getattr(layers, f"{kind}Cell")(**settings)


def _convolved(rng, longest):
    """A ConvLSTM of one or two dimensions, perhaps in both directions, with a small head."""
    rank = int(rng.integers(1, 3))
    shape = tuple(int(size) for size in rng.integers(3, 8, rank))
    kind = layers.ConvLSTM1D if rank == 1 else layers.ConvLSTM2D
    is_sequence = bool(rng.integers(2))
    stride = int(rng.integers(1, 3))
    cell = kind(
        int(rng.integers(1, 5)),
        tuple(int(size) for size in rng.integers(1, 4, rank)),
        strides=stride,
        dilation_rate=1 if stride > 1 else int(rng.integers(1, 3)) if min(shape) > 4 else 1,
        padding=str(rng.choice(["same", "valid"])),
        activation=str(rng.choice(["tanh", "relu", "sigmoid"])),
        recurrent_activation=str(rng.choice(GATES)),
        use_bias=bool(rng.integers(2)),
        return_sequences=is_sequence,
        go_backwards=bool(rng.random() < 0.25),
    )
    body = layers.Bidirectional(cell, merge_mode=str(rng.choice(MERGES))) if not cell.go_backwards and rng.random() < 0.4 else cell
    head = layers.Dense(2, activation=_activation(rng))
    flat = layers.TimeDistributed(layers.Flatten()) if is_sequence else layers.Flatten()
    heads = [[], [head], [flat, head]][rng.integers(3)]
    channels = int(rng.integers(1, 4))
    return keras.Sequential([layers.Input((_some(rng, min(longest, 20)), *shape, channels)), body, *heads])
