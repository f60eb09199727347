"""Sequences that a program generates: outputs fed back as inputs, and decoders that go on from an encoder's states."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fxlstm.errors import ModelError, ProgramError
from fxlstm.network.layers.layer import as_float
from fxlstm.network.topologies.lengths import equal_lengths
from fxlstm.network.topologies.streaming import check_steps
from fxlstm.program.program import Codes, Program
from fxlstm.program.running.reading import Reading

Floats = NDArray[np.float64]
RunPhases = Callable[[Sequence[Codes], Sequence[int]], Codes]


class RunsPhases(Protocol):
    """What runs the phases of a program: :class:`Reference`, :class:`fxlstm.Engine`, :class:`fxlstm.Board`."""

    @property
    def program(self) -> Program:
        """The program."""
        ...

    def run_phases(self, inputs: Sequence[Codes], timesteps: Sequence[int]) -> Codes:
        """Run every phase from reset for so many timesteps, on codes (batch, given, inputs) for each."""
        ...


def generate(
    runner: RunsPhases, x: ArrayLike, steps: int, start: ArrayLike | None = None, lengths: ArrayLike | None = None
) -> Floats:
    """Return ``steps`` outputs, (batch, steps, outputs), of a network that feeds back or of an encoder-decoder.

    ``x``: (time, features) or (batch, time, features), what the network or the encoder reads first; the result has the same form.
    ``start``, ``lengths``: as of ``EncoderDecoder.generate``. Raises :class:`ModelError` for what does not fit,
    :class:`ProgramError` for a program that cannot generate.
    """
    program = runner.program
    check_steps(steps)
    feed = program.metadata.get("feed")
    if feed is None and not program.metadata.get("feeds_back"):
        raise ProgramError("the program's network does not feed its outputs back; quantize one with feeds_back=True")
    values = as_float(x, "the input")
    single = values.ndim == 2
    reading = Reading(program, values[np.newaxis] if single else values, lengths)
    codes = program.encode(reading.x)
    if codes.ndim != 3 or not codes.shape[1] or codes.shape[2] != program.inputs[0][0].length:
        raise ModelError(f"the input has shape {values.shape}; give (batch, time, {program.inputs[0][0].length})")
    if feed is None:
        if start is not None or lengths is not None:
            raise ModelError("a network that feeds back takes neither start nor lengths; give x alone")
        outputs = _fed_back(runner, codes, steps)
    else:
        second = _decoder_codes(program, feed, start, single, len(codes), steps)
        outputs = _decoded(runner, codes, reading, second, steps)
    decoded = program.decode(outputs)
    return decoded[0] if single else decoded


def _fed_back(runner: RunsPhases, codes: Codes, steps: int) -> Codes:
    """Return the outputs from the last timestep of ``codes`` on."""
    time = codes.shape[1]
    if runner.program.returns_last:
        return np.stack([runner.run_phases([codes], [time + step]) for step in range(steps)], axis=1)
    return runner.run_phases([codes], [time + steps - 1])[:, time - 1 :]


def _decoded(runner: RunsPhases, codes: Codes, reading: Reading, second: Codes, steps: int) -> Codes:
    """Return the decoder's outputs after the encoder has read sequences of their own lengths."""
    batch, time, _ = codes.shape
    counts = np.full(batch, time) if reading.lengths is None else np.asarray(reading.lengths)
    outputs = np.zeros((batch, steps, runner.program.output.length), np.int16)
    for length, rows in equal_lengths(counts):
        inputs = [np.ascontiguousarray(codes[rows, :length]), np.ascontiguousarray(second[rows])]
        outputs[rows] = runner.run_phases(inputs, [length, steps])
    return outputs


def _decoder_codes(program: Program, feed: str, start: ArrayLike | None, single: bool, batch: int, steps: int) -> Codes:
    """Return what the decoder is given, (batch, given, inputs)."""
    features = sum(part.length for part in program.inputs[1])
    if feed == "context" and start is not None:
        raise ModelError("the decoder reads the encoder's context; leave start out")
    if feed == "given" and start is None:
        raise ModelError("give the decoder's inputs as start, (batch, steps, inputs)")
    if start is None:
        return np.zeros((batch, 0, features), np.int16)
    wanted = (batch, features) if feed == "feedback" else (batch, steps, features)
    values = as_float(start, "start")
    if values.shape != (wanted[1:] if single else wanted):
        raise ModelError(f"start has shape {values.shape}; give {wanted[1:] if single else wanted}")
    return program.encode(values.reshape(batch, -1, features), phase=1)
