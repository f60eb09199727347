"""What the user's network is: cells as equations, layers, topologies, float forward pass, files."""

from fxlstm.network.builders import (
    bidirectional,
    dense,
    gru,
    gru_from_torch,
    lstm,
    lstm_1997,
    lstm_from_torch,
    peephole_lstm,
    phased_lstm,
    rnn,
    rnn_from_torch,
)
from fxlstm.network.cells import CELLS, DENSE, DENSE_SIGMOID, DENSE_TANH, LSTM, Activation, Cell
from fxlstm.network.convolution import conv_lstm_1d, conv_lstm_2d, convolved_shape
from fxlstm.network.directions import Backward, Bidirectional, Block, directed_layers, layers_of, merged
from fxlstm.network.layer import Layer
from fxlstm.network.network import Network
from fxlstm.network.storage import load_network, save_network
from fxlstm.network.timing import TimeGate

__all__ = [
    "CELLS",
    "DENSE",
    "DENSE_SIGMOID",
    "DENSE_TANH",
    "LSTM",
    "Activation",
    "Backward",
    "Bidirectional",
    "Block",
    "Cell",
    "Layer",
    "Network",
    "TimeGate",
    "bidirectional",
    "conv_lstm_1d",
    "conv_lstm_2d",
    "convolved_shape",
    "dense",
    "directed_layers",
    "gru",
    "gru_from_torch",
    "layers_of",
    "load_network",
    "lstm",
    "lstm_1997",
    "lstm_from_torch",
    "merged",
    "peephole_lstm",
    "phased_lstm",
    "rnn",
    "rnn_from_torch",
    "save_network",
]
