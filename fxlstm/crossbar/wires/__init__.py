"""The wires between converters and cells: what their resistance makes of a crossbar, solved exactly."""

from fxlstm.crossbar.wires.changing import ChangingConductance
from fxlstm.crossbar.wires.collapse import effective_conductance
from fxlstm.crossbar.wires.cubic import cubic_currents
from fxlstm.crossbar.wires.error import WireError, wire_error
from fxlstm.crossbar.wires.gated import solve_gated
from fxlstm.crossbar.wires.nodal import Solution, solve, solve_nonlinear
from fxlstm.crossbar.wires.resistances import Wires

__all__ = [
    "ChangingConductance",
    "Solution",
    "WireError",
    "Wires",
    "cubic_currents",
    "effective_conductance",
    "solve",
    "solve_gated",
    "solve_nonlinear",
    "wire_error",
]
