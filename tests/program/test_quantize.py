from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from networks import random_dense, random_lstm, waves

from fxlstm.errors import ModelError
from fxlstm.network import Layer, Network, dense
from fxlstm.network.cells import Activate, Cell, Multiply, Product, ProductSum
from fxlstm.program.hardware import Hardware
from fxlstm.program.image import from_bytes
from fxlstm.program.program import Program
from fxlstm.program.quantize import quantize
from fxlstm.program.reference import Reference

DIGITAL = Hardware(levels=32768, adc_bits=None, bias="digital")


def run(program: Program, x: np.ndarray) -> np.ndarray:
    return program.decode(Reference(program).run_codes(program.encode(x)))


@pytest.mark.parametrize(("inputs", "units", "timesteps"), [(1, 15, 400), (64, 64, 60)])
def test_a_16_bit_digital_lstm_errs_by_a_few_lsb_rms(inputs: int, units: int, timesteps: int, rng: np.random.Generator) -> None:
    network = Network((random_lstm(rng, inputs, units, spread=4.0),))
    x = waves(timesteps, inputs, rng)
    error = run(quantize(network, x, DIGITAL), x) - network(x)
    assert np.sqrt(np.mean(error**2)) * 2**15 < 3.5


def test_a_cell_state_may_grow_by_half_beyond_the_calibration_before_it_saturates(rng: np.random.Generator) -> None:
    for units in range(1, 17):
        network = Network((random_lstm(rng, 2, units),))
        x = rng.normal(size=(20, 2))
        state = next(part for part in quantize(network, x, DIGITAL).slices if part.name == "lstm/c")
        largest, peak = 2.0 ** (15 - state.fraction), np.abs(network.trace(x)[0]["c"]).max()
        assert 1.5 * peak <= largest
        assert largest < 3 * peak or state.fraction == 15


def test_the_largest_calibrated_input_is_what_a_narrow_dac_can_drive() -> None:
    network = Network((dense(np.ones((1, 1)), [0.0]),))
    program = quantize(network, [[1.0], [-1.0]], Hardware(dac_bits=4, bias="digital"))
    assert program.encode([[1.0]]).tolist() == [[7 << 12]]
    assert run(program, np.array([[1.0], [-1.0]])) == pytest.approx(np.array([[1.0], [-1.0]]), abs=1e-3)


@pytest.mark.parametrize(
    ("hardware", "tolerance"),
    [
        (DIGITAL, 0.002),
        (Hardware(levels=32768, bias="digital"), 0.003),
        (Hardware(levels=32768), 0.003),
        (Hardware(), 0.05),
        (Hardware(bias_rows=3), 0.05),
        (Hardware(levels=256, dac_bits=10, adc_bits=12, bias="digital"), 0.08),
    ],
)
def test_the_program_follows_the_network_as_closely_as_its_hardware_allows(
    hardware: Hardware, tolerance: float, airline_shaped: Network, rng: np.random.Generator
) -> None:
    x = waves(100, 1, rng)
    assert np.abs(run(quantize(airline_shaped, x, hardware), x) - airline_shaped(x)).max() < tolerance


def test_both_layers_of_the_published_airline_network_share_one_array(airline_shaped: Network, rng: np.random.Generator) -> None:
    tiles = [matrix.tiles[0] for matrix in quantize(airline_shaped, waves(50, 1, rng)).matrices]
    assert [(2 * tile.rows, tile.columns) for tile in tiles] == [(34, 60), (32, 1)]
    assert [(tile.array, tile.array_row, tile.array_column) for tile in tiles] == [(0, 0, 0), (0, 0, 60)]


def test_a_matrix_larger_than_the_array_becomes_tiles_that_add_up(rng: np.random.Generator) -> None:
    network = Network((random_lstm(rng, 70, 20), random_dense(rng, 20, 3)))
    x = waves(30, 70, rng)
    program = quantize(network, x, Hardware(levels=32768))
    assert len(program.matrices[0].tiles) == 4
    assert np.abs(run(program, x) - network(x)).max() < 0.005


def test_a_many_to_one_network_runs_its_head_once(rng: np.random.Generator) -> None:
    layers = (random_lstm(rng, 2, 6), random_lstm(rng, 6, 5), random_dense(rng, 5, 4, "tanh"), random_dense(rng, 4, 2))
    network = Network(layers, returns="last")
    x = np.stack([waves(20, 2, rng), waves(20, 2, rng)])
    program = quantize(network, x, DIGITAL)
    kinds = [operation.kind for operation in program.operations[program.sweeps[-1].step_operations :]]
    assert kinds == ["copy", "multiply", "activate", "copy", "multiply"]
    assert run(program, x).shape == (2, 2)
    assert np.abs(run(program, x) - network(x)).max() < 0.003


def test_equal_programs_have_equal_bytes_and_survive_them(airline_shaped: Network, rng: np.random.Generator) -> None:
    x = waves(40, 1, rng)
    image = quantize(airline_shaped, x).to_bytes()
    assert image == quantize(airline_shaped, x).to_bytes()
    again = from_bytes(image)
    assert again.to_bytes() == image
    assert again.report().as_dict() == quantize(airline_shaped, x).report().as_dict()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_calibration_data_that_are_not_finite_are_refused(bad: float, airline_shaped: Network) -> None:
    with pytest.raises(ModelError, match="finite"):
        quantize(airline_shaped, [[0.0], [bad]])


def test_a_bias_that_the_dac_cannot_drive_is_refused(airline_shaped: Network) -> None:
    with pytest.raises(ModelError, match="bias_value"):
        quantize(airline_shaped, [[0.0], [1.0]], Hardware(dac_bits=2, bias_value=0.1))


def test_inputs_beyond_the_calibration_saturate(airline_shaped: Network, rng: np.random.Generator) -> None:
    program = quantize(airline_shaped, waves(40, 1, rng))
    assert program.encode([[100.0], [-100.0]]).tolist() == [[32767], [-32767]]


def test_a_state_that_nothing_bounds_gets_a_power_of_two_that_holds_it(rng: np.random.Generator) -> None:
    integrator = Cell("integrator", (Multiply(("h",), ("x", "h")),), "h", hidden=("h",))
    weight = np.vstack([rng.uniform(-1, 1, (2, 3)), 0.95 * np.eye(3)])
    network = Network((Layer(integrator, 2, 3, {"weight": weight, "bias": np.zeros(3)}),))
    x = waves(60, 2, rng)
    program = quantize(network, x, DIGITAL)
    assert 2.0 ** (15 - program.output.fraction) > np.abs(network(x)).max() > 2.0 ** (14 - program.output.fraction) / 1.25
    assert np.abs(run(program, x) - network(x)).max() < 0.005


def test_a_cell_may_multiply_more_than_once(rng: np.random.Generator) -> None:
    projection = Multiply(("h",), ("m",), "projection", "projection_bias")
    cell = Cell(
        "projected",
        (
            Multiply(("a_in", "f_in"), ("x", "h")),
            Activate("a", "tanh", "a_in"),
            Activate("f", "sigmoid", "f_in"),
            ProductSum("c", "a", "a", "f", "c"),
            Activate("c_out", "centred_logistic_g", "c"),
            Product("m", "c_out", "f"),
            projection,
        ),
        "h",
        hidden=("h",),
        memory=("c",),
    )
    shapes = {"weight": (5, 6), "bias": (6,), "projection": (3, 3), "projection_bias": (3,)}
    network = Network((Layer(cell, 2, 3, {name: rng.uniform(-1, 1, shape) for name, shape in shapes.items()}),))
    x = waves(60, 2, rng)
    for hardware in (DIGITAL, Hardware(levels=32768)):
        assert np.abs(run(quantize(network, x, hardware), x) - network(x)).max() < 0.005


def test_the_report_counts_levels_and_clipping_and_measures_every_stage(airline_shaped: Network, rng: np.random.Generator) -> None:
    report = quantize(airline_shaped, waves(50, 1, rng)).report()
    assert [row.vector for row in report.rows if row.layer == "lstm"][:2] == ["x", "h"]
    assert all(row.signal_to_noise is not None and row.signal_to_noise > 25 for row in report.rows)
    assert all(1 < matrix.levels_used <= 256 and matrix.adc_clipped == 0 for matrix in report.matrices)
    assert all(0 < tile["full_scale"] < 1 for matrix in report.matrices for tile in matrix.tiles)
    assert "S/N dB" in str(report)
    assert "Over 50 timesteps" in str(report)


def test_more_levels_and_bits_are_never_worse_for_the_pre_activations(airline_shaped: Network, rng: np.random.Generator) -> None:
    x = waves(60, 1, rng)
    steps = (Hardware(levels=16, adc_bits=8), Hardware(levels=256, adc_bits=12), Hardware(levels=4096))
    reports = [quantize(airline_shaped, x, hardware).report() for hardware in steps]
    ratios = [next(row.signal_to_noise for row in report.rows if row.vector == "i_in") for report in reports]
    assert ratios == sorted(ratios)


def test_a_column_of_zeros_gives_its_bias(rng: np.random.Generator) -> None:
    network = Network((dense(np.zeros((2, 2)), [0.5, 0.0]),))
    for hardware in (DIGITAL, Hardware()):
        assert np.allclose(run(quantize(network, waves(5, 2, rng), hardware), waves(5, 2, rng)), [0.5, 0.0], atol=1e-4)


def test_one_column_of_all_but_vanished_weights_leaves_the_others_alone(rng: np.random.Generator) -> None:
    weight = rng.normal(size=(5, 2)) * [1.0, 1e-30]
    network = Network((dense(weight, [0.5, 0.25]),))
    x = waves(20, 5, rng)
    for hardware in (DIGITAL, Hardware(levels=32768)):
        assert np.abs(run(quantize(network, x, hardware), x) - network(x)).max() < 0.002


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("levels", 1),
        ("levels", 2.5),
        ("levels", "256"),
        ("dac_bits", 17),
        ("adc_bits", 0),
        ("bias_rows", 1.5),
        ("bias_value", np.nan),
    ],
)
def test_hardware_with_a_number_out_of_range_or_not_whole_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(ModelError, match=f"{name} = .*: choose"):
        Hardware(**{name: value})


def test_hardware_takes_numpy_numbers(airline_shaped: Network) -> None:
    hardware = Hardware(levels=np.int64(16), bias_value=np.float32(0.5))  # type: ignore[arg-type]
    assert from_bytes(quantize(airline_shaped, [[1.0]], hardware).to_bytes()).hardware == hardware


def test_layers_of_one_name_are_told_apart(rng: np.random.Generator) -> None:
    shapes = [("a", 5, 4), ("a", 4, 3), ("a-1", 3, 2)]
    layers = tuple(replace(random_dense(rng, inputs, units), name=name) for name, inputs, units in shapes)
    names = [matrix.name for matrix in quantize(Network(layers), waves(5, 5, rng)).matrices]
    assert names[:2] == ["a-1", "a-2"]
    assert len(set(names)) == 3


def test_weights_beyond_any_scale_are_refused() -> None:
    with pytest.raises(ModelError, match="64-bit"):
        quantize(Network((random_lstm(np.random.default_rng(0), 1, 2, spread=1e12),)), [[1.0]])
