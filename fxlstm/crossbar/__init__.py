"""The array: weights as conductances, device models, programming, converters."""

from fxlstm.crossbar.array import Array, Identity
from fxlstm.crossbar.integer import IntegerArray
from fxlstm.crossbar.simulated import SimulatedArray

__all__ = ["Array", "Identity", "IntegerArray", "SimulatedArray"]
