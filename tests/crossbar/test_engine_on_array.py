"""An engine multiplies on simulated arrays without Python where it can, and gives the same codes as where it cannot."""

from __future__ import annotations

import threading
from collections.abc import Callable
from importlib.resources import files

import numpy as np
import pytest

import fxlstm as fx
from fxlstm.crossbar import SimulatedArray, SimulatedArrays
from fxlstm.errors import ArrayError
from fxlstm.program.mapping import part_on
from fxlstm.program.program import Program, Tile

WIRES = fx.Wires(row=0.5, column=0.5)


class AskedInPython:
    """An array that hides what it can do without Python."""

    def __init__(self, array: SimulatedArray | SimulatedArrays) -> None:
        self.array = array

    def multiply_tile(self, tile: Tile, codes: np.ndarray) -> np.ndarray:
        return self.array.multiply_tile(tile, codes)


def network(units: int = 6, features: int = 2, seed: int = 0) -> fx.Network:
    random = np.random.default_rng(seed)
    weights = random.normal(0, 0.6, (features, 4 * units)), random.normal(0, 0.5, (units, 4 * units)), np.zeros(4 * units)
    return fx.Network([fx.lstm(*weights), fx.dense(random.normal(0, 0.5, (units, 2)), np.zeros(2))])


def series(batch: int = 9, time: int = 12, features: int = 2) -> np.ndarray:
    return np.random.default_rng(1).uniform(-1, 1, (batch, time, features))


@pytest.fixture(scope="module")
def program() -> Program:
    return fx.quantize(network(), calibration=series()[0])


def holding(program: Program, seed: int = 3, device: str = "ta-hfo2", **options: object) -> SimulatedArray:
    """An array with random cells in place of the program's."""
    cells = np.random.default_rng(seed).uniform(50e-6, 400e-6, (48, 32))
    return SimulatedArray.holding(program, cells, device, seed, **options)


def calibrated(program: Program) -> SimulatedArray:
    array = holding(program)
    array.calibrate_columns(program, 20)
    return array


MADE: dict[str, Callable[[Program], SimulatedArray]] = {
    "plain": holding,
    "wires": lambda program: holding(program, wires=WIRES),
    "calibrated": calibrated,
    "no noise": lambda program: holding(program, read_noise=False),
    "noise by age": lambda program: holding(program, device="pcm", seconds=100.0),
}


@pytest.mark.parametrize("name", MADE)
def test_codes_noise_and_clips_are_those_of_multiply_tile(name, program):
    native, asked = MADE[name](program), MADE[name](program)
    tiles = [tile for matrix in program.matrices for tile in matrix.tiles]
    assert native.native(tiles) is not None
    for _ in range(2):
        found = fx.Engine(program, array=native).run_codes(program.encode(series()))
        wanted = fx.Engine(program, array=AskedInPython(asked)).run_codes(program.encode(series()))
        np.testing.assert_array_equal(found, wanted)
    assert native.adc_clipped == asked.adc_clipped
    assert found.std() > 1000


def test_column_pairs_are_subtracted_without_python():
    program = fx.quantize(network(), calibration=series()[0], hardware=fx.Hardware(pairing="columns"))
    arrays = [
        SimulatedArray.holding(program, np.random.default_rng(3).uniform(50e-6, 400e-6, (24, 52)), seed=3, device="ta-hfo2")
        for _ in range(2)
    ]
    for array in arrays:
        array.calibrate_columns(program, 20)
    x = program.encode(series())
    found, wanted = (fx.Engine(program, array=array).run_codes(x) for array in (arrays[0], AskedInPython(arrays[1])))
    np.testing.assert_array_equal(found, wanted)
    assert found.std() > 1000 and arrays[0].adc_clipped == arrays[1].adc_clipped


def test_several_arrays_serve_an_engine_without_python():
    program = fx.quantize(network(48, 3), series(features=3)[0])
    native, asked = (SimulatedArrays(program, seed=2, device="ta-hfo2") for _ in range(2))
    for arrays in (native, asked):
        for index in range(len(arrays)):
            arrays[index]._standing.add(part_on(program, index))
    x = program.encode(series(features=3))
    found, wanted = fx.Engine(program, array=native).run_codes(x), fx.Engine(program, array=AskedInPython(asked)).run_codes(x)
    np.testing.assert_array_equal(found, wanted)


def test_what_only_python_can_multiply_is_asked_there(program, tmp_path):
    bent = tmp_path / "bent.toml"
    preset = (files("fxlstm") / "devices/taox.toml").read_text()
    bent.write_text(preset + '\n[conduction]\ncubic = { value = 5, unit = "1/V2", source = "a test" }\n')
    ideal = SimulatedArray(48, 32, device="ideal")
    ideal.program(program)
    imperfect = holding(program, front_end=fx.FrontEnd(adc=fx.Converter(offset=30)))
    for array in (ideal, imperfect, holding(program, device=str(bent))):
        assert array.native(program.matrices[0].tiles) is None
        assert fx.Engine(program, array=array).run(series()).shape == (9, 12, 2)


@pytest.mark.parametrize(
    "change",
    [
        lambda array, program: array.elapse(1e6),
        lambda array, program: array.calibrate_columns(program, 20),
        lambda array, program: array.pulse(np.full(48, 2.5), np.full(32, 1.0), 1e-5),
    ],
    ids=["time", "calibration", "pulse"],
)
def test_a_stream_goes_on_with_the_array_as_it_is_now(change, program):
    device = "pcm"
    arrays = [holding(program, device=device, seconds=1.0) for _ in range(2)]
    engines = [fx.Engine(program, array=arrays[0]), fx.Engine(program, array=AskedInPython(arrays[1]))]
    outputs = []
    for step in range(6):
        if step == 3:
            for array in arrays:
                change(array, program)
        outputs.append([engine.step(series()[:, step]) for engine in engines])
    np.testing.assert_array_equal(*np.moveaxis(np.array(outputs), 1, 0))


def test_a_program_that_the_array_does_not_hold_is_refused(program):
    with pytest.raises(ArrayError, match="holds no program"):
        fx.Engine(program, array=SimulatedArray()).run(series())


def test_a_saved_array_goes_on_with_the_noise_where_it_stood(program, tmp_path):
    array = holding(program)
    x = program.encode(series())
    fx.Engine(program, array=array).run_codes(x)
    array.save(tmp_path / "array.npz")
    again = SimulatedArray.load(tmp_path / "array.npz")
    first, second = (fx.Engine(program, array=one).run_codes(x) for one in (array, again))
    np.testing.assert_array_equal(first, second)
    assert (first != fx.Engine(program, array=array).run_codes(x)).any()


def test_other_threads_run_while_an_array_multiplies(program):
    engine = fx.Engine(program, array=holding(program))
    x = program.encode(np.resize(series(1), (1, 60_000, 2)))
    runner = threading.Thread(target=engine.run_codes, args=(x,))
    beats = 0
    runner.start()
    while runner.is_alive():
        beats += 1
        runner.join(0.001)
    assert beats > 3


def test_engines_in_many_threads_share_an_array_and_every_vector_is_counted(program):
    array = holding(program)
    x = program.encode(series())
    threads = [threading.Thread(target=fx.Engine(program, array=array).run_codes, args=(x,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tiles = sum(len(matrix.tiles) for matrix in program.matrices)
    assert array._readings.vectors == 8 * 9 * 12 * tiles
