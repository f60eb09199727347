"""What one point measures."""

import dataclasses

import numpy as np
import pytest

import fxlstm as fx
from fxlstm.sweep.measure import measure
from fxlstm.sweep.plan import Plan, read_plan


def points(text: str, seeds: str = "[1]"):
    return read_plan(f'task = "small"\nseeds = {seeds}\n{text}').points


def test_a_point_is_a_pure_function(task, plan: Plan):
    forward = [measure(task, point) for point in plan.points[:4]]
    backward = [measure(task, point) for point in reversed(plan.points[:4])]
    assert forward == backward[::-1] and len({outcome.metrics["rmse"] for outcome in forward}) == 4


def test_a_point_is_what_its_parts_give_by_hand(task, network):
    (point,) = points("[hardware]\nlevels = 32\n[device]\nread.noise = 0.1\n[wires]\nrow = 0.5\n[quantize]\nmethod = 'error'")
    program = fx.quantize(network, task.calibration, fx.Hardware(levels=32), method="error")
    array = fx.SimulatedArray(device="ta-hfo2?read.noise=0.1", seed=point.own_seed, wires=fx.Wires(row=0.5))
    report = array.program(program)
    outputs = fx.Engine(program, array=array).run(task.inputs)
    metrics = measure(task, point).metrics
    assert metrics["rmse"] == metrics["output_error"] == np.sqrt(np.mean((outputs - network(task.inputs)) ** 2))
    assert metrics["programming_success"] == report.success_rate
    assert metrics["pulses"] == report.pulses.sum()


def test_converters_of_a_point_have_its_errors(task):
    (point,) = points("[adc]\noffset = 50\nnoise = 2\n[dac]\ngain = 0.01\n[front_end]\nreads = 2")
    adc, dac = fx.Converter(offset=50, noise=2), fx.Converter(gain=0.01)
    program = fx.quantize(task.model, task.calibration)
    array = fx.SimulatedArray(seed=point.own_seed, front_end=fx.FrontEnd(dac, adc, reads=2))
    array.program(program)
    outputs = fx.Engine(program, array=array).run(task.inputs)
    assert measure(task, point).metrics["rmse"] == np.sqrt(np.mean((outputs - task.targets) ** 2))


def test_numbers_of_the_preset_act():
    assert fx.SimulatedArray(device="ta-hfo2?stuck.fraction=1", seed=1).stuck.all()


def test_without_an_adc_there_is_no_array(task):
    (digital,) = points("[hardware]\nadc_bits = 0")
    assert digital.parameters["hardware.adc_bits"] is None
    assert measure(task, digital).metrics.keys() == {"rmse", "output_error", "signal_to_noise"}


def test_parameters_of_programming_act(task):
    (loose,) = points("[programming]\ntolerance = 1e-3")
    (once,) = points("[programming]\nname = 'open-loop'")
    assert measure(task, loose).metrics["programming_success"] > measure(task, once).metrics["programming_success"]


def test_what_cannot_be_run_is_an_outcome(task):
    (small,) = points("[array]\nrows = 2\ncols = 2")
    outcome = measure(task, small)
    assert outcome.metrics == {} and outcome.error


def test_a_worker_of_another_version_is_refused(task, plan: Plan):
    with pytest.raises(fx.FxlstmError, match=r"the sweep is of 9\.9"):
        measure(task, plan.points[0], "9.9")


def test_tasks_are_kept_apart(task, plan: Plan):
    other = dataclasses.replace(task, identity="other", targets=task.targets + 1)
    assert measure(task, plan.points[0]).metrics["rmse"] != measure(other, plan.points[0]).metrics["rmse"]
