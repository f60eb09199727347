"""The engine: runs an integer program on the host, whole sequences at once or timestep by timestep."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fxlstm.core._core import Executor, Image, Team, default_kernels, kernel_names, kernels_need, kernels_usable
from fxlstm.core.executors import Executors
from fxlstm.core.threads import Workers, work_of
from fxlstm.errors import ModelError, ProgramError
from fxlstm.program.image import from_checked_bytes
from fxlstm.program.program import Codes, Program
from fxlstm.program.reference import Clipped, MultipliesTiles
from fxlstm.program.running.generation import generate
from fxlstm.program.running.reading import check_steps_are_plain, run_factors
from fxlstm.program.running.sequences import Initial, batched, run_phases, run_sequences, run_values

Floats = NDArray[np.float64]

KERNELS_VARIABLE = "FXLSTM_KERNELS"
MOST = 2**31 - 1  # threads, and sequences side by side
BLOCK = 64  # sequences that one executor runs side by side: bounds memory and keeps the batch in the cache


class Engine:
    """Runs a program exactly, as fast as this machine can.

    ``program``: a :class:`Program` or the bytes of an ``.fxl`` image. ``array``: an object with ``multiply_tile(tile, codes)``
    (:class:`SimulatedArray`, ...) that multiplies instead of the exact integers; ``None`` is the ideal array. An array may offer
    ``native(tiles)``, which gives the tiles to be multiplied by without Python, or ``None``. ``threads``: how many threads
    :meth:`run` shares its work among, sequences of a batch or columns of a large layer, where it is enough to be shared; an array
    is always asked by one thread at a time. ``kernels``: name of the
    kernel set; by default the environment variable ``FXLSTM_KERNELS``, else the best one that the machine runs;
    :attr:`kernels` says which that is.

    Inputs and outputs are batch first. Any number of threads may use one engine: every :meth:`run` has its own state and starts
    from reset; the state of :meth:`step` belongs to the engine and is guarded by a lock.

    Raises :class:`ImageError` for a bad image, :class:`ProgramError` for arguments that do not fit.
    """

    def __init__(
        self,
        program: Program | bytes,
        array: MultipliesTiles | None = None,
        threads: int = 1,
        kernels: str | None = None,
    ) -> None:
        if isinstance(program, str | os.PathLike):
            raise ProgramError(f"{os.fspath(program)!r} is a path; give Program.load of it")
        image = program.to_bytes() if isinstance(program, Program) else program
        self._image = Image(image)
        if not isinstance(program, Program):
            program = from_checked_bytes(bytes(image))
        if array is not None and program.hardware.adc_bits is None:
            raise ProgramError("a program without an ADC stage cannot run on an array; quantize with adc_bits")
        _check_count("threads", threads)
        self.program = program
        self.threads = threads
        self.kernels = _choose_kernels(kernels)
        self._executors = Executors(self._image, program, self.kernels, array, threads)
        self._lock = threading.RLock()
        self._stepping: Executor | None = None
        self._workers = Workers(threads)
        self._work = work_of(program)
        # Timesteps, of all sequences together, that one thread runs.
        self._alone = sys.maxsize if array is not None else self._workers.alone(self._work)
        self._factors = run_factors(program)
        self._step_factors = self._factors if program.streams else None

    @property
    def array(self) -> MultipliesTiles | None:
        """What multiplies instead of the exact integers, if anything does; another one may take its place."""
        return self._executors.array

    @array.setter
    def array(self, array: MultipliesTiles | None) -> None:
        self._executors.array = array

    def run(
        self,
        x: ArrayLike,
        lengths: ArrayLike | None = None,
        states: Mapping[str, ArrayLike] | None = None,
        times: ArrayLike | None = None,
    ) -> Floats:
        """Run whole sequences from reset: x (time, features) or (batch, time, features), real values as the network takes them.

        Returns (batch, time, outputs), or (batch, outputs) when the program returns its last output only; without the batch
        axis when x has none. ``lengths``, (batch,): sequence i is its first ``lengths[i]`` timesteps, outputs beyond are 0.
        ``states``: initial values (batch, length) by the names ``layer/state`` (``Network.states``); else the network's own.
        ``times``: (batch, time) or (time,), sorted, for time gates; the timesteps' numbers where not given.
        Values beyond the program's input and state scales saturate. Raises :class:`ModelError` for NaN, infinity or a shape or
        name that does not fit.
        """
        if lengths is None and not states and times is None and self._factors is not None:
            values = self._run_again(Executor.run_values, x, self._alone, *self._factors)
            if values is not None:
                return values
        return run_values(self.program, x, lengths, states, times, self.run_codes)

    def generate(self, x: ArrayLike, steps: int, start: ArrayLike | None = None, lengths: ArrayLike | None = None) -> Floats:
        """Return ``steps`` outputs, (batch, steps, outputs), after x: the first at its last timestep, each the next one's input.

        For networks with ``feeds_back`` and for encoder-decoders; ``start`` and ``lengths`` as of ``EncoderDecoder.generate``.
        x as in :meth:`run`. Raises :class:`ProgramError` for other programs, :class:`ModelError` for what does not fit.
        """
        return generate(self, x, steps, start, lengths)

    def run_codes(self, codes: Codes, lengths: ArrayLike | None = None, states: Mapping[str, ArrayLike] | None = None) -> Codes:
        """Run as :meth:`run`, with input and output as int16 codes."""
        if lengths is None and not states:
            outputs = self._run_again(Executor.run_codes, codes, self._alone)
            if outputs is not None:
                return outputs
        return run_sequences(self.program, codes, lengths, states, self._run_batch)

    def run_phases(self, inputs: Sequence[Codes], timesteps: Sequence[int], initial: Mapping[int, Codes] | None = None) -> Codes:
        """Run every phase from reset for so many ``timesteps``; return the outputs of the last phase, as :meth:`run_codes`.

        ``inputs``: for each phase codes (given, inputs) or (batch, given, inputs), at most its timesteps; a phase that streams runs
        the later ones on what its operations leave at its input. ``initial``: codes (length,) or (batch, length) to put into the
        arena first, by their index there. Raises :class:`ProgramError` for what does not fit the phases.
        """
        return run_phases(self.program, inputs, timesteps, initial, self._run_batch)

    def _run_again(self, run: Callable[..., NDArray[Any] | None], *arguments: object) -> NDArray[Any] | None:
        """Run from reset on the executor that ran last; ``None``, and nothing has happened, where it does not take the arguments.

        Most runs are like the one before, and need nothing found out or checked anew.
        """
        executor = self._executors.take_last()
        if executor is None:
            return None
        outputs = run(executor, *arguments)
        self._executors.give_back(executor)
        return outputs

    def _run_batch(self, inputs: Sequence[Codes], timesteps: Sequence[int], initial: Initial) -> Codes:
        """Run the phases on sequences of one length, in blocks, by as many threads as they are worth."""
        batch, workers = len(inputs[0]), self._workers
        threads = 1 if self.array is not None else workers.worth(batch * max(timesteps) * self._work)
        if threads > 1 and workers.share_columns(batch, self._image.plan(self.kernels).largest_product):
            with workers.team() as team:
                return self._run_blocks(inputs, timesteps, initial, BLOCK, 1, team)
        return self._run_blocks(inputs, timesteps, initial, min(BLOCK, -(-batch // threads)), threads)

    def _run_blocks(
        self,
        inputs: Sequence[Codes],
        timesteps: Sequence[int],
        initial: Initial,
        size: int,
        threads: int,
        team: Team | None = None,
    ) -> Codes:
        """Run blocks of so many sequences, each by one of so many threads, with the help of a team or without."""
        batch = len(inputs[0])
        if batch <= size:
            return self._run_block(inputs, timesteps, initial, None, team)
        time, length = 1 if self.program.returns_last else timesteps[-1], self.program.output.length
        outputs = np.empty((batch, time, length), dtype=np.int16)

        def run(start: int) -> None:
            block = slice(start, start + size)
            own = {place: values[block] for place, values in initial.items()}
            self._run_block([codes[block] for codes in inputs], timesteps, own, outputs[block], team)

        self._workers.spread(run, range(0, batch, size), threads)
        return outputs

    def reset(self, batch: int | None = None) -> None:
        """Start streaming anew: zero states for ``batch`` sequences, by default as many as the next :meth:`step` brings."""
        if batch is not None:
            _check_count("batch", batch)
            self._check_streams()
        with self._lock:
            if self._stepping is not None:
                self._executors.retire(self._stepping)
            self._stepping = None if batch is None else self._executors.make(batch)

    def step(self, x: ArrayLike, out: Floats | None = None) -> Floats:
        """Run one timestep from where the last one left the state: x (features,) or (batch, features); returns the output's values.

        ``out``: a C-contiguous float64 array of the output's shape to put the values into, and to return.
        Raises :class:`ModelError` when x has another number of sequences than the state; :meth:`reset` starts anew;
        :class:`ProgramError` for a bidirectional network, which needs its whole sequence. What an
        array raises comes through and leaves the state between two timesteps: reset before going on.
        """
        with self._lock:
            if self._stepping is not None and self._step_factors is not None:
                values = self._stepping.step_values(x, out, *self._step_factors)
                if values is not None:
                    return values
            return self._step(x, out)

    def step_codes(self, codes: Codes, out: Codes | None = None) -> Codes:
        """Run as :meth:`step`, with input and output as int16 codes.

        ``out``: a C-contiguous int16 array of the output's shape to put the output into, and to return.
        """
        with self._lock:
            if self._stepping is not None:
                outputs = self._stepping.step_codes(codes, out)
                if outputs is not None:
                    return outputs
            return self._step_codes(codes, out)

    def _step(self, x: ArrayLike, out: Floats | None) -> Floats:
        """Check everything, then step."""
        check_steps_are_plain(self.program, x)
        codes = self.program.encode(x)
        if out is not None:
            _check_takes(out, (*codes.shape[:-1], self.program.output.length), np.float64)
        values = self.program.decode(self._step_codes(codes, None))
        if out is None:
            return values
        out[...] = values
        return out

    def _step_codes(self, codes: Codes, out: Codes | None) -> Codes:
        """Check everything, then step."""
        self._check_streams()
        inputs, has_batch = batched(self.program, codes, ("batch", "features"))
        if not len(inputs):
            raise ModelError("x holds no sequence; give at least 1")
        if self._stepping is None:
            self._stepping = self._executors.make(len(inputs))
        held = self._stepping.batch
        if held != len(inputs):
            raise ModelError(f"x holds {len(inputs)} sequences, but the state is of {held}; reset(batch={len(inputs)}) first")
        if out is not None:
            shape = (len(inputs), self.program.output.length) if has_batch else (self.program.output.length,)
            _check_takes(out, shape, np.int16)
        outputs = self._stepping.step_codes(inputs if has_batch else inputs[0], out)
        assert outputs is not None
        return outputs

    def _check_streams(self) -> None:
        if not self.program.streams or len(self.program.phases) > 1:
            raise ProgramError("a bidirectional network needs its whole sequence; use run instead of step")

    @property
    def saturations(self) -> tuple[Clipped, ...]:
        """Codes clipped since the engine was made, one entry per operation of the program.

        ``adc``: by the ADC of the ideal array (another array counts its own, in ``adc_clipped``); ``result``: in the
        operation's result.
        """
        with self._lock:
            streaming = 0 if self._stepping is None else self._stepping.clipped()
            counts = self._executors.clipped() + streaming
        return tuple(Clipped(adc, result) for adc, result in counts.tolist())

    def _run_block(
        self,
        inputs: Sequence[Codes],
        timesteps: Sequence[int],
        initial: Initial,
        out: Codes | None,
        team: Team | None,
    ) -> Codes:
        executor = self._executors.take(len(inputs[0]), max(timesteps))
        for start, values in initial.items():
            executor.put_state(start, np.ascontiguousarray(values))
        last = len(timesteps) - 1
        for phase in range(last):
            executor.run(inputs[phase], timesteps[phase], None, team)
            executor.select(phase + 1)
        outputs = executor.run(inputs[last], timesteps[last], out, team)
        self._executors.give_back(executor)
        return outputs


def _check_count(name: str, value: object) -> None:
    """Raise :class:`ProgramError` unless an argument counts something that C can count."""
    if not isinstance(value, Integral) or not 1 <= int(value) <= MOST:
        raise ProgramError(f"{name} = {value!r}: choose a whole number, 1 or more")


def _check_takes(out: object, shape: tuple[int, ...], kind: type[np.generic]) -> None:
    """Raise :class:`ModelError` unless an array can take a step's output."""
    if not isinstance(out, np.ndarray) or out.shape != shape or out.dtype != kind or not out.flags.carray:
        name = np.dtype(kind).name
        raise ModelError(f"out cannot take the output; give a C-contiguous, writable {name} array of shape {shape}")


def _choose_kernels(name: str | None) -> str:
    """Return the kernel set asked for by argument or environment, else the default."""
    chosen = name or os.environ.get(KERNELS_VARIABLE) or default_kernels()
    if not kernels_usable(chosen):
        needs = kernels_need(chosen)
        lacks = f"this machine cannot run kernels {chosen!r}, which need {needs}"
        reason = lacks if needs else f"no kernels named {chosen!r} on this machine"
        raise ProgramError(f"{reason}; choose from: {', '.join(kernel_names())}")
    return chosen
