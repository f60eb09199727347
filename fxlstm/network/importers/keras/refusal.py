"""What the importer knows, said once, and how it refuses the rest."""

from __future__ import annotations

from typing import NoReturn

from fxlstm.errors import ModelError

SUPPORTED = (
    "Sequential models and functional ones that are a chain, of LSTM, GRU, SimpleRNN, ConvLSTM1D and ConvLSTM2D, Bidirectional "
    "(concat, sum, ave), RNN over LSTMCell, GRUCell, SimpleRNNCell and StackedRNNCells, Dense, TimeDistributed, "
    "BatchNormalization, Normalization, Rescaling, Activation, ReLU, "
    "LeakyReLU, Softmax at the end, Masking at the front, RepeatVector between an encoder and a decoder, "
    "Dropout and noise, Flatten and Reshape where they do nothing; "
    "with the activations linear, sigmoid, tanh, relu, hard_sigmoid and leaky_relu"
)


def refuse(layer: str, reason: str) -> NoReturn:
    """Raise the error for a layer that cannot be imported."""
    raise ModelError(f"layer {layer!r}: {reason}; from_keras supports {SUPPORTED}")
