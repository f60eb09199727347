"""What the user's network is: cells as equations, layers, topologies, float forward pass, files."""

from fxlstm.network.cells import CELLS, DENSE, DENSE_SIGMOID, DENSE_TANH, LSTM, Activation, Cell
from fxlstm.network.importers.door import load_network
from fxlstm.network.layers.builders import (
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
from fxlstm.network.layers.convolution import conv_lstm_1d, conv_lstm_2d, convolved_shape
from fxlstm.network.layers.layer import Layer
from fxlstm.network.layers.timing import TimeGate
from fxlstm.network.layers.tree_layers import child_sum_tree_lstm, nary_tree_lstm
from fxlstm.network.network import Network
from fxlstm.network.storage import save_network
from fxlstm.network.structure import Model
from fxlstm.network.topologies.directions import Backward, Bidirectional, Block, directed_layers, layers_of, merged
from fxlstm.network.topologies.encoder_decoder import EncoderDecoder
from fxlstm.network.topologies.trees import Tree, TreeNetwork

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
    "EncoderDecoder",
    "Layer",
    "Model",
    "Network",
    "TimeGate",
    "Tree",
    "TreeNetwork",
    "bidirectional",
    "child_sum_tree_lstm",
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
    "nary_tree_lstm",
    "peephole_lstm",
    "phased_lstm",
    "rnn",
    "rnn_from_torch",
    "save_network",
]
