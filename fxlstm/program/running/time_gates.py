"""Time gates at the host's edge: how far they are open at the times of timesteps is part of a program's input."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fxlstm.errors import ModelError
from fxlstm.network.layers.layer import as_float
from fxlstm.network.layers.timing import TimeGate, check_sorted, checked_times
from fxlstm.program.program import Program

Floats = NDArray[np.float64]


def gates_of(program: Program) -> list[TimeGate]:
    """Return the time gates of a program, in the order of its layers."""
    return [
        TimeGate(np.array(gate["period"]), np.array(gate["phase"]), np.array(gate["open_ratio"]), float(gate["leak"]))
        for gate in program.metadata.get("time_gates", ())
    ]


def timed(program: Program, x: ArrayLike, times: ArrayLike | None) -> Floats:
    """Return inputs (time, features) or (batch, time, features) with the openness of every time gate, where it is not there yet."""
    values = as_float(x, "the input")
    features = program.inputs[0][0].length
    if times is None and values.shape[-1:] == (program.input.length,):
        return values
    if values.ndim not in (2, 3) or values.shape[-1] != features:
        raise ModelError(f"the input has shape {values.shape}; give (time, {features}) or (batch, time, {features})")
    return with_openness(program, values, times) if values.ndim == 3 else with_openness(program, values[np.newaxis], times)[0]


def with_openness(program: Program, x: Floats, times: ArrayLike | None) -> Floats:
    """Return inputs (batch, time, features) with the openness of every time gate behind the features.

    ``times``: (batch, time) or (time,), sorted; the timesteps' numbers where not given. Raises :class:`ModelError` for times
    that do not fit, or given to a program without time gates.
    """
    gates = gates_of(program)
    if not gates:
        if times is not None:
            raise ModelError("the program has no time gate to look at times; leave them out")
        return x
    clock = checked_times(times, x.shape[0], x.shape[1])
    check_sorted(clock)
    return np.concatenate([x, *(gate.openness(clock) for gate in gates)], axis=-1)
