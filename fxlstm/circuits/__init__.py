"""Circuits for SPICE: what an array looks like to a circuit simulator."""

from fxlstm.circuits.netlist import array_netlist, gated_netlist

__all__ = ["array_netlist", "gated_netlist"]
