"""Layers: a cell with sizes and parameters, its time gate, and builders that make layers of the arrays of a framework."""
