"""fxlstm: a trained recurrent network as one integer program, for hosts, simulated crossbars and memristor boards.

The names below are all that most work needs. Each is imported from its module when it is first used, so
``import fxlstm`` itself costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from fxlstm.analysis.budget import Budget, error_budget
    from fxlstm.analysis.measured import board_budget
    from fxlstm.analysis.sensitivity import weight_sensitivity
    from fxlstm.analysis.twin import compare_with_twin, twin_of
    from fxlstm.board.board import Board
    from fxlstm.core.engine import Engine
    from fxlstm.crossbar.arrays import SimulatedArrays
    from fxlstm.crossbar.correction import corrected_targets
    from fxlstm.crossbar.front_end import Converter, FrontEnd
    from fxlstm.crossbar.integer import IntegerArray
    from fxlstm.crossbar.simulated import SimulatedArray
    from fxlstm.crossbar.wires import Wires, effective_conductance
    from fxlstm.errors import ArrayError, BoardError, FxlstmError, ImageError, LinkError, LinkLost, ModelError, ProgramError
    from fxlstm.network import (
        Backward,
        Bidirectional,
        EncoderDecoder,
        Layer,
        Network,
        TimeGate,
        Tree,
        TreeNetwork,
        bidirectional,
        child_sum_tree_lstm,
        conv_lstm_1d,
        conv_lstm_2d,
        dense,
        gru,
        gru_from_torch,
        load_network,
        lstm,
        lstm_1997,
        lstm_from_torch,
        nary_tree_lstm,
        peephole_lstm,
        phased_lstm,
        rnn,
        rnn_from_torch,
        save_network,
    )
    from fxlstm.network.host_edge import argmax, softmax
    from fxlstm.network.importers import from_keras, from_onnx, from_torch
    from fxlstm.program.hardware import Hardware
    from fxlstm.program.program import Program
    from fxlstm.program.quantize import quantize
    from fxlstm.program.remapping.compensation import compensated_targets
    from fxlstm.program.remapping.faults import Faults
    from fxlstm.program.remapping.remap import Remapped, remapped
    from fxlstm.program.running.trees import run_tree

_MODULES: dict[str, tuple[str, ...]] = {
    "fxlstm.analysis.budget": ("Budget", "error_budget"),
    "fxlstm.analysis.measured": ("board_budget",),
    "fxlstm.analysis.sensitivity": ("weight_sensitivity",),
    "fxlstm.analysis.twin": ("compare_with_twin", "twin_of"),
    "fxlstm.board.board": ("Board",),
    "fxlstm.core.engine": ("Engine",),
    "fxlstm.crossbar.arrays": ("SimulatedArrays",),
    "fxlstm.crossbar.correction": ("corrected_targets",),
    "fxlstm.crossbar.front_end": ("Converter", "FrontEnd"),
    "fxlstm.crossbar.integer": ("IntegerArray",),
    "fxlstm.crossbar.simulated": ("SimulatedArray",),
    "fxlstm.crossbar.wires": ("Wires", "effective_conductance"),
    "fxlstm.errors": (
        "ArrayError",
        "BoardError",
        "FxlstmError",
        "ImageError",
        "LinkError",
        "LinkLost",
        "ModelError",
        "ProgramError",
    ),
    "fxlstm.network": (
        "Backward",
        "Bidirectional",
        "EncoderDecoder",
        "Layer",
        "Network",
        "TimeGate",
        "Tree",
        "TreeNetwork",
        "bidirectional",
        "child_sum_tree_lstm",
        "conv_lstm_1d",
        "conv_lstm_2d",
        "dense",
        "gru",
        "gru_from_torch",
        "load_network",
        "lstm",
        "lstm_1997",
        "lstm_from_torch",
        "nary_tree_lstm",
        "peephole_lstm",
        "phased_lstm",
        "rnn",
        "rnn_from_torch",
        "save_network",
    ),
    "fxlstm.network.host_edge": ("argmax", "softmax"),
    "fxlstm.network.importers": ("from_keras", "from_onnx", "from_torch"),
    "fxlstm.program.hardware": ("Hardware",),
    "fxlstm.program.program": ("Program",),
    "fxlstm.program.quantize": ("quantize",),
    "fxlstm.program.remapping.compensation": ("compensated_targets",),
    "fxlstm.program.remapping.faults": ("Faults",),
    "fxlstm.program.remapping.remap": ("Remapped", "remapped"),
    "fxlstm.program.running.trees": ("run_tree",),
}
_HOME: dict[str, str] = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "ArrayError",
    "Backward",
    "Bidirectional",
    "Board",
    "BoardError",
    "Budget",
    "Converter",
    "EncoderDecoder",
    "Engine",
    "Faults",
    "FrontEnd",
    "FxlstmError",
    "Hardware",
    "ImageError",
    "IntegerArray",
    "Layer",
    "LinkError",
    "LinkLost",
    "ModelError",
    "Network",
    "Program",
    "ProgramError",
    "Remapped",
    "SimulatedArray",
    "SimulatedArrays",
    "TimeGate",
    "Tree",
    "TreeNetwork",
    "Wires",
    "__version__",
    "argmax",
    "bidirectional",
    "board_budget",
    "child_sum_tree_lstm",
    "compare_with_twin",
    "compensated_targets",
    "conv_lstm_1d",
    "conv_lstm_2d",
    "corrected_targets",
    "dense",
    "effective_conductance",
    "error_budget",
    "from_keras",
    "from_onnx",
    "from_torch",
    "gru",
    "gru_from_torch",
    "load_network",
    "lstm",
    "lstm_1997",
    "lstm_from_torch",
    "nary_tree_lstm",
    "peephole_lstm",
    "phased_lstm",
    "quantize",
    "remapped",
    "rnn",
    "rnn_from_torch",
    "run_tree",
    "save_network",
    "softmax",
    "twin_of",
    "weight_sensitivity",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
