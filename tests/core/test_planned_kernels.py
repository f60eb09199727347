"""What kernel sets do by a plan gives the integers of the portable set, which runs the operations one by one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from planned_programs import LARGE, planned_programs
from small_programs import DIGITAL

from fxlstm.core import Engine, activation, crc32, kernel_names
from fxlstm.program.operations import FUNCTIONS, MAX_FRACTION
from fxlstm.program.program import Matrix, Operation, Program, Slice, Tile
from fxlstm.program.reference import Reference

SETS = [name for name in kernel_names() if name != "portable"]
ALL_CODES = np.arange(-32768, 32768).astype(np.int16)
TIMESTEPS = 14  # two rounds of inputs multiplied ahead, and a rest


def codes(batch: int, program: Program) -> np.ndarray:
    random = np.random.default_rng(batch)
    return random.integers(-32768, 32768, (batch, TIMESTEPS, program.input.length)).astype(np.int16)


def outcome(program: Program, kernels: str, x: np.ndarray, array: AnyCodes | None = None) -> tuple[list, object]:
    engine = Engine(program, array=array, kernels=kernels)
    return engine.run_codes(x).tolist(), engine.saturations


@pytest.mark.parametrize("kernels", SETS)
@pytest.mark.parametrize("name", planned_programs())
def test_every_set_equals_the_portable_one_with_the_same_counts(name: str, kernels: str) -> None:
    program = planned_programs()[name]
    for batch in (1, 2, 9, 37):
        x = codes(batch, program)
        assert outcome(program, kernels, x) == outcome(program, "portable", x)


def product(columns: int, levels: int, dac_bits: int) -> Program:
    """A product of 50 rows of which many results do not fit a code."""
    random = np.random.default_rng([columns, levels, dac_bits])
    weights = random.integers(1 - levels, levels, (50, columns)).astype(np.int16)
    scales = {"mantissa": 2**35 // levels, "shift": 36, "bias": 0}
    matrix = Matrix("m", weights, tiles=(), **{name: np.full(columns, value, np.int64) for name, value in scales.items()})
    ends = Slice("x", 0, 50, 15), Slice("y", 50, columns, 15)
    hardware = replace(DIGITAL, levels=levels, dac_bits=dac_bits)
    arena = np.zeros(50 + columns, np.int16)
    return Program.of_one_sweep(hardware, arena, (Operation("multiply", columns, result=50, a=0),), (matrix,), *ends)


@pytest.mark.parametrize("kernels", SETS)
@pytest.mark.parametrize(("levels", "dac_bits"), [(128, 16), (128, 8), (32768, 16)])
@pytest.mark.parametrize("columns", [1, 16, 17, 33, 48, 80, 97])
def test_every_count_of_columns_and_sequences_clips_what_the_portable_set_clips(
    columns: int, levels: int, dac_bits: int, kernels: str
) -> None:
    program = product(columns, levels, dac_bits)
    for batch in (1, 7, 8, 16, 17, 31, 32, 33, 41):
        x = codes(batch, program)[:, :2]
        found = outcome(program, kernels, x)
        assert found == outcome(program, "portable", x)
        assert 0 < found[1][0].result < x.shape[1] * batch * columns or columns == 1


@pytest.mark.parametrize("kernels", SETS)
@pytest.mark.parametrize("form", ["bytes", "top"])
def test_sums_of_8_bit_weights_that_32_bits_do_not_hold_are_exact(form: str, kernels: str) -> None:
    program = planned_programs()[f"dense-large-{form}"]
    weights = program.matrices[0].weights.astype(np.int64)
    x = 32767 * np.sign(weights.T)  # for each column the codes of its largest sum
    assert np.abs(x @ weights).max() > 2**31
    sequences = np.concatenate([x, -x])[:, np.newaxis].astype(np.int16)
    for batch in (1, 2, 9, len(sequences)):
        assert outcome(program, kernels, sequences[:batch]) == outcome(program, "portable", sequences[:batch])


@pytest.mark.parametrize("kernels", SETS)
@pytest.mark.parametrize("dac_bits", [8, 16])
@pytest.mark.parametrize("code_of_2_31", [14_000, 33_000, 40_000])  # none clips; some that need more than 32 bits do; all do
def test_sums_that_32_bits_do_not_hold_clip_only_where_their_results_do(code_of_2_31: int, dac_bits: int, kernels: str) -> None:
    rows, columns = LARGE, 35
    weights = np.random.default_rng(rows).integers(-127, 128, (rows, columns)).astype(np.int16)
    weights[:, :3] = np.array([127, -127, 60])
    scales = {"mantissa": code_of_2_31 << 14, "shift": 45, "bias": 0}
    matrix = Matrix("m", weights, tiles=(), **{name: np.full(columns, value, np.int64) for name, value in scales.items()})
    ends = Slice("x", 0, rows, 15), Slice("y", rows, columns, 15)
    hardware, arena = replace(DIGITAL, levels=128, dac_bits=dac_bits), np.zeros(rows + columns, np.int16)
    program = Program.of_one_sweep(hardware, arena, (Operation("multiply", columns, result=rows, a=0),), (matrix,), *ends)
    shares = np.random.default_rng(1).uniform(-1, 1, (36, 1, 1))  # of full scale, at whose ends all sums have been
    x = np.clip(32768 * shares * np.sign(weights.T[:, np.newaxis])[np.arange(36) % columns], -32768, 32767).astype(np.int16)
    found = outcome(program, kernels, x)
    assert found == outcome(program, "portable", x)
    assert (found[1][0].result == 0) == (code_of_2_31 == 14_000)


class AnyCodes:
    """An array that gives any codes, the same ones for the same rows."""

    def multiply_tile(self, tile: Tile, codes: np.ndarray) -> np.ndarray:
        rows = [np.random.default_rng([crc32(row.tobytes()), tile.row]) for row in codes]
        return np.array([random.integers(-32768, 32768, tile.columns) for random in rows], np.int16)


@pytest.mark.parametrize("kernels", SETS)
@pytest.mark.parametrize("name", [name for name, program in planned_programs().items() if program.hardware.adc_bits])
def test_around_an_array_every_set_equals_the_portable_one_with_the_same_counts(name: str, kernels: str) -> None:
    program = planned_programs()[name]
    for batch in (1, 9):
        x = codes(batch, program)
        found, wanted = (outcome(program, chosen, x, AnyCodes()) for chosen in (kernels, "portable"))
        assert found == wanted


@pytest.mark.parametrize("name", ["lstm-split", "lstm-adc", "gru-reset-before-adc-split"])
def test_the_portable_set_equals_the_reference_on_the_same_programs(name: str) -> None:
    program = planned_programs()[name]
    x = codes(1, program)[:, :3]
    assert outcome(program, "portable", x)[0] == Reference(program).run_codes(x).tolist()


@pytest.mark.parametrize("kernels", SETS)
def test_steps_equal_a_run_whose_inputs_are_multiplied_ahead(kernels: str) -> None:
    program = planned_programs()["lstm-bytes"]
    engine = Engine(program, kernels=kernels)
    x = codes(1, program)[0]
    np.testing.assert_array_equal([engine.step_codes(row) for row in x], engine.run_codes(x))


@pytest.mark.parametrize("kernels", SETS)
@pytest.mark.parametrize("function", [function.name for function in FUNCTIONS])
def test_every_code_of_every_format_is_activated_to_the_nearest_code(function: str, kernels: str) -> None:
    length = 1 << 12
    for fraction in range(MAX_FRACTION + 1):
        activate = Operation("activate", length, result=length, a=0, function=function, fraction=fraction)
        ends = Slice("x", 0, length, fraction), Slice("y", length, length, 15)
        program = Program.of_one_sweep(DIGITAL, np.zeros(2 * length, np.int16), (activate,), (), *ends)
        result = Engine(program, kernels=kernels).run_codes(ALL_CODES.reshape(-1, length))
        np.testing.assert_array_equal(result.ravel(), activation(function, fraction, ALL_CODES))
