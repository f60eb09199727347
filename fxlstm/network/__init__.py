"""What the user's network is: cells as equations, layers, topologies, float forward pass, files."""

from fxlstm.network.cells import CELLS, DENSE, DENSE_SIGMOID, DENSE_TANH, LSTM, Cell
from fxlstm.network.network import Layer, Network, dense, lstm, lstm_from_torch
from fxlstm.network.storage import load_network, save_network

__all__ = [
    "CELLS",
    "DENSE",
    "DENSE_SIGMOID",
    "DENSE_TANH",
    "LSTM",
    "Cell",
    "Layer",
    "Network",
    "dense",
    "load_network",
    "lstm",
    "lstm_from_torch",
    "save_network",
]
