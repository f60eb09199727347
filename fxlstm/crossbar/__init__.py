"""The array: weights as conductances, device models, programming, wires, converters."""

from fxlstm.crossbar.array import Array
from fxlstm.crossbar.arrays import SimulatedArrays
from fxlstm.crossbar.correction import CorrectedTargets, corrected_targets
from fxlstm.crossbar.front_end import Converter, FrontEnd
from fxlstm.crossbar.integer import IntegerArray
from fxlstm.crossbar.simulated import SimulatedArray
from fxlstm.crossbar.wires import Wires, effective_conductance
from fxlstm.program.identity import Identity
from fxlstm.program.scheme import programming_scheme

__all__ = [
    "Array",
    "Converter",
    "CorrectedTargets",
    "FrontEnd",
    "Identity",
    "IntegerArray",
    "SimulatedArray",
    "SimulatedArrays",
    "Wires",
    "corrected_targets",
    "effective_conductance",
    "programming_scheme",
]
