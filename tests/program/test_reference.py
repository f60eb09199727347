import numpy as np
import pytest

from fxlstm.errors import ProgramError
from fxlstm.program.hardware import Hardware
from fxlstm.program.program import Matrix, Operation, Program, Slice, Tile
from fxlstm.program.reference import Clipped, Reference

X = Slice("x", 0, 2, 15)


def elementwise(operation: Operation, arena: list[int]) -> Program:
    contents = np.array(arena, dtype=np.int16)
    return Program.of_one_sweep(Hardware(), contents, (operation,), (), X, Slice("y", operation.result, operation.length, 15))


def product(
    weights: list[list[int]], mantissa: int, shift: int, bias: int, adc_bits: int | None, tiles: tuple[Tile, ...]
) -> Program:
    """Two inputs at 0, one output at 2."""
    scale = (np.array([value], dtype=np.int64) for value in (mantissa, shift, bias))
    matrix = Matrix("w", np.array(weights, dtype=np.int16), *scale, tiles)
    operations = (Operation("multiply", 1, 2, 0),)
    hardware = Hardware(adc_bits=adc_bits)
    return Program.of_one_sweep(hardware, np.zeros(3, dtype=np.int16), operations, (matrix,), X, Slice("y", 2, 1, 15), 1)


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (Operation("product", 1, 4, 0, 1, shift=1), -3),  # -3.5, halves go up
        (Operation("product_sum", 1, 4, 0, 1, 1, 1, shift=2, shift_ab=1), -3),  # (-14 + 1) / 4
        (Operation("sum", 1, 4, 0, 1, shift_ab=3, shift=1), -27),  # (-56 + 1) / 2 = -27.5
        (Operation("complement", 1, 4, 0, shift=4), 23),
        (Operation("interpolate", 1, 4, 2, 0, 1), -7),
        (Operation("copy", 1, 4, 0, shift_ab=4, shift=1), -56),
    ],
)
def test_an_elementwise_operation_rounds_once(operation: Operation, expected: int) -> None:
    assert Reference(elementwise(operation, [-7, 1, 32767, 0, 0])).step([-7, 1]) == [expected]


def test_a_digital_product_rounds_product_and_bias_together() -> None:
    program = product([[3], [-1]], mantissa=1, shift=2, bias=1, adc_bits=None, tiles=())
    assert Reference(program).step([2, 1]) == [2]  # (6 - 1 + 1) / 4 = 1.5


def test_tiles_convert_first_and_add_in_one_unit() -> None:
    fine = Tile(0, 1, 0, 1, gain=1, gain_shift=0)
    coarse = Tile(1, 1, 0, 1, gain=1, gain_shift=2, align=2, array_row=2)
    program = product([[3], [5]], mantissa=1, shift=0, bias=0, adc_bits=16, tiles=(fine, coarse))
    assert Reference(program).step([2, 1]) == [6 + (1 << 2)]  # 5 / 4 rounds to 1


def test_clipped_codes_are_counted_per_operation_adc_and_result_apart() -> None:
    tile = Tile(0, 2, 0, 1, gain=1, gain_shift=0)
    reference = Reference(product([[200], [200]], mantissa=2, shift=0, bias=0, adc_bits=16, tiles=(tile,)))
    assert reference.step([32767, 32767]) == [32767]
    assert reference.step([50, 50]) == [32767]
    assert reference.step([1, 1]) == [800]
    assert reference.clipped == [Clipped(adc=1, result=2)]


def test_an_array_multiplies_in_place_of_the_integers() -> None:
    class Doubling:
        def multiply_tile(self, tile: Tile, codes: np.ndarray) -> np.ndarray:
            return codes[:, :1] * 2

    program = product([[3], [5]], 1, 0, 0, 16, (Tile(0, 2, 0, 1, gain=1, gain_shift=0),))
    assert Reference(program, Doubling()).step([21, 1]) == [42]
    with pytest.raises(ProgramError, match="adc_bits"):
        Reference(product([[3], [5]], 1, 0, 0, None, ()), Doubling())


def test_sequences_start_at_reset_and_steps_carry_on() -> None:
    running_sum = Operation("sum", 1, 2, 0, 2)
    program = elementwise(running_sum, [0, 0, 5])
    reference = Reference(program)
    assert reference.run_codes(np.array([[1, 0], [2, 0]], dtype=np.int16)).tolist() == [[6], [8]]
    assert reference.step([1, 0]) == [9]
    batch = np.array([[[1, 0], [2, 0]], [[3, 0], [4, 0]]], dtype=np.int16)
    assert reference.run_codes(batch).tolist() == [[[6], [8]], [[8], [12]]]


def test_operations_after_the_step_run_only_when_an_output_is_wanted() -> None:
    operations = Operation("sum", 1, 2, 0, 2), Operation("sum", 1, 3, 2, 3)
    y = Slice("y", 3, 1, 15)
    program = Program.of_one_sweep(Hardware(), np.zeros(4, np.int16), operations, (), X, y, step_operations=1, returns_last=True)
    assert Reference(program).run_codes(np.array([[1, 0], [2, 0]], dtype=np.int16)).tolist() == [3]


@pytest.mark.parametrize("shape", [(0, 2), (2,), (3, 1)])
def test_inputs_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    program = elementwise(Operation("copy", 1, 2, 0), [0, 0, 0])
    with pytest.raises(ProgramError):
        Reference(program).run_codes(np.zeros(shape, dtype=np.int16))
