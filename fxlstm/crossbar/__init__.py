"""The array: weights as conductances, device models, programming, wires, converters."""

from fxlstm.crossbar.array import Array
from fxlstm.crossbar.incremental import IncrementalPulses
from fxlstm.crossbar.integer import IntegerArray
from fxlstm.crossbar.schemes import Refinement, programming_scheme
from fxlstm.crossbar.simulated import SimulatedArray
from fxlstm.crossbar.wires import Wires, effective_conductance
from fxlstm.program.identity import Identity

__all__ = [
    "Array",
    "Identity",
    "IncrementalPulses",
    "IntegerArray",
    "Refinement",
    "SimulatedArray",
    "Wires",
    "effective_conductance",
    "programming_scheme",
]
