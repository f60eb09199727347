"""Monte-Carlo sweeps: what becomes of a task over parameters of hardware, device, wires and quantization, and over seeds."""

from fxlstm.sweep.plan import Plan, Point, load_plan
from fxlstm.sweep.run import run_sweep
from fxlstm.sweep.task import SequenceTask, Task

__all__ = ["Plan", "Point", "SequenceTask", "Task", "load_plan", "run_sweep"]
