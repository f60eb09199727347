"""One point: its parameters and its seed become an array, a program on it, and metrics. Nothing else goes in."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

import fxlstm
from fxlstm.core.engine import Engine
from fxlstm.crossbar.simulated import SimulatedArray
from fxlstm.errors import FxlstmError
from fxlstm.network import Network
from fxlstm.program.hardware import Hardware
from fxlstm.program.program import Program
from fxlstm.program.programming_report import ProgrammingReport
from fxlstm.program.quantize import quantize
from fxlstm.sweep.parameters import Parameters, make_array, make_scheme, section
from fxlstm.sweep.plan import Point
from fxlstm.sweep.task import Floats, Task

PROGRAMS = 8  # that a process keeps: neighbouring points often share theirs


@dataclass(frozen=True)
class Outcome:
    """What became of a point: its metrics, or why it could not be run."""

    metrics: dict[str, float]
    error: str | None = None


class Measurer:
    """Measures points of one task; keeps what they share: the outputs without any array, and the latest programs."""

    def __init__(self, task: Task) -> None:
        self.task = task
        model = task.model
        self._exact = task.outputs(model if isinstance(model, Network) else Engine(model).run)
        self._program = lru_cache(maxsize=PROGRAMS)(self._quantized)

    def __call__(self, point: Point) -> Outcome:
        """Return a point's outcome. What cannot be run, such as a program too large for its array, is an outcome too."""
        try:
            return Outcome(self._metrics(point))
        except FxlstmError as error:
            return Outcome({}, str(error))

    def _metrics(self, point: Point) -> dict[str, float]:
        parameters = point.parameters
        program = self._program_of(parameters)
        if program.hardware.adc_bits is None:
            array, report = None, None
        else:
            array = make_array(parameters, program.hardware, point.own_seed)
            report = array.program(program, scheme=make_scheme(parameters, program.hardware))
        outputs = self.task.outputs(Engine(program, array=array).run)
        metrics = dict(self.task.metrics(outputs)) | self._errors(outputs)
        return metrics if array is None or report is None else metrics | _of_array(array, report)

    def _program_of(self, parameters: Parameters) -> Program:
        if isinstance(self.task.model, Program):
            return self.task.model
        parts = (tuple(section(parameters, name).items()) for name in ("hardware", "quantize"))
        return self._program(*parts)

    def _quantized(self, hardware: tuple[tuple[str, Any], ...], method: tuple[tuple[str, Any], ...]) -> Program:
        assert isinstance(self.task.model, Network)
        return quantize(self.task.model, self.task.calibration, Hardware(**dict(hardware)), **dict(method))

    def _errors(self, outputs: Floats) -> dict[str, float]:
        """Return the outputs' error about the float network, or the exact program, and signal to noise in decibel."""
        error, signal = (float(np.sqrt(np.mean(values**2))) for values in (outputs - self._exact, self._exact))
        ratio = 20 * float(np.log10(signal / error)) if error and signal else float("inf") if signal else float("nan")
        return {"output_error": error, "signal_to_noise": ratio}


def _of_array(array: SimulatedArray, report: ProgrammingReport) -> dict[str, float]:
    cells = report.targeted
    return {
        "programming_success": report.success_rate,
        "programming_cycles": float(report.cycles[cells].mean()),
        "programming_error": float(np.sqrt(np.nanmean(report.error[cells] ** 2))),
        "pulses": float(report.pulses.sum()),
        "adc_clipped": float(array.adc_clipped),
    }


_measurers: dict[str, Measurer] = {}
_lock = threading.Lock()


def measure(task: Task, point: Point, version: str = fxlstm.__version__) -> Outcome:
    """Return the outcome of a point; a process prepares each task once.

    ``version``: of the fxlstm that asks. Raises :class:`FxlstmError` where another one is installed: it may compute otherwise.
    """
    if version != fxlstm.__version__:
        raise FxlstmError(f"a worker has fxlstm {fxlstm.__version__}, the sweep is of {version}; install the same")
    with _lock:
        if task.identity not in _measurers:
            _measurers.clear()
            threadpool_limits(1, user_api="blas")  # for good: the last bits would depend on the number of threads
            _measurers[task.identity] = Measurer(task)
        measurer = _measurers[task.identity]
    return measurer(point)
