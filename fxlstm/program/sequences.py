"""Batches of a program's sequences: their lengths, and the states they start from."""

from __future__ import annotations

from collections.abc import Mapping

from numpy.typing import ArrayLike

from fxlstm.errors import ModelError
from fxlstm.network.lengths import checked_lengths, equal_lengths
from fxlstm.program.formats import encode
from fxlstm.program.program import Codes, Program

__all__ = ["Initial", "checked_lengths", "equal_lengths", "initial_codes"]

Initial = dict[int, Codes]  # arena index -> codes (batch, length) to put there after reset


def initial_codes(program: Program, states: Mapping[str, ArrayLike] | None, batch: int) -> Initial:
    """Return the codes of initial states, values (batch, length) by name, and where they belong; values too large saturate.

    Raises :class:`ModelError` for a name that is no state of the program (``layer/state``), or a shape that does not fit.
    """
    known = {part.name: part for part in program.slices if part.name in program.metadata.get("states", ())}
    initial: Initial = {}
    for name, values in (states or {}).items():
        if name not in known:
            raise ModelError(f"the program has no state {name!r}; its states: {', '.join(known) or 'none'}")
        part = known[name]
        codes = encode(values, part.fraction, part.scale)
        if codes.shape != (batch, part.length):
            raise ModelError(f"state {name!r} has shape {codes.shape}; give {(batch, part.length)}")
        initial[part.start] = codes
    return initial
