"""The executors of an engine: made when they are first needed, kept for the runs to come, and the counts of those that have run."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from fxlstm.core._core import Executor, Image
from fxlstm.program.program import Codes, Program
from fxlstm.program.reference import MultipliesTiles


class Executors:
    """Executors of an image on one kernel set, which multiply by an array if there is one; any number of threads may use them.

    ``most``: how many are kept while nobody runs them.
    """

    def __init__(self, image: Image, program: Program, kernels: str, array: MultipliesTiles | None, most: int) -> None:
        self.array = array
        self._image, self._kernels, self._most = image, kernels, most
        self._tiles = [tile for matrix in program.matrices for tile in matrix.tiles]
        self._clipped = np.zeros((len(program.operations), 2), dtype=np.int64)
        self._lock = threading.Lock()
        self._array_lock = threading.Lock()
        self._idle: list[Executor] = []  # the last one that ran at the end

    def make(self, batch: int, timesteps: int = 0) -> Executor:
        """Return a new one for so many sequences of so many timesteps."""
        if self.array is None:
            return Executor(self._image, batch, self._kernels, timesteps=timesteps)
        return Executor(self._image, batch, self._kernels, self._multiply_tile, timesteps, self._native)

    def take(self, batch: int, timesteps: int) -> Executor:
        """Return one for so many sequences of so many timesteps, at reset: one that has run, or a new one."""
        with self._lock:
            for place, executor in enumerate(self._idle):
                if executor.takes(batch, timesteps):
                    del self._idle[place]
                    executor.reset()
                    return executor
        return self.make(batch, timesteps)

    def take_last(self) -> Executor | None:
        """Return the one that ran last, as it is; ``None`` where none is idle."""
        with self._lock:
            return self._idle.pop() if self._idle else None

    def give_back(self, executor: Executor) -> None:
        """Keep one that has run for the runs to come."""
        with self._lock:
            executor.move_clipped(self._clipped)
            self._idle.append(executor)
            del self._idle[: -self._most]

    def retire(self, executor: Executor) -> None:
        """Keep the counts of one that runs no more."""
        with self._lock:
            executor.move_clipped(self._clipped)

    def clipped(self) -> NDArray[np.int64]:
        """Codes clipped by those given back or retired, (operations, 2): by the ADC, in the result."""
        with self._lock:
            return self._clipped.copy()

    def _native(self) -> object:
        """The program's tiles for the executor to multiply by without Python, where the array has such."""
        offer = getattr(self.array, "native", None)
        return None if offer is None else offer(self._tiles)

    def _multiply_tile(self, index: int, codes: Codes) -> Codes:
        assert self.array is not None
        with self._array_lock:
            return self.array.multiply_tile(self._tiles[index], codes)
