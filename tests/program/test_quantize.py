import numpy as np
import pytest
from networks import random_dense, random_lstm, waves

from fxlstm.errors import ModelError
from fxlstm.network import Network
from fxlstm.program.hardware import Hardware
from fxlstm.program.image import from_bytes
from fxlstm.program.program import Program
from fxlstm.program.quantize import quantize
from fxlstm.program.reference import Reference

DIGITAL = Hardware(levels=32768, adc_bits=None, bias="digital")


def run(program: Program, x: np.ndarray) -> np.ndarray:
    return program.decode(Reference(program).run_codes(program.encode(x)))


@pytest.mark.parametrize(("inputs", "units", "timesteps"), [(1, 15, 400), (64, 64, 60)])
def test_a_16_bit_digital_lstm_errs_by_at_most_three_lsb_rms(
    inputs: int, units: int, timesteps: int, rng: np.random.Generator
) -> None:
    network = Network((random_lstm(rng, inputs, units, spread=4.0),))
    x = waves(timesteps, inputs, rng)
    error = run(quantize(network, x, DIGITAL), x) - network(x)
    assert np.sqrt(np.mean(error**2)) * 2**15 < 3


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
    kinds = [operation.kind for operation in program.operations[program.step_operations :]]
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
