"""An array that multiplies for the engine: what it is asked, what may come back, and what becomes of its exceptions."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from small_programs import two_tiles

from fxlstm.core import Engine
from fxlstm.errors import ArrayError, ProgramError
from fxlstm.program.program import Tile

X = np.array([[[100, -32768], [7, 8]]], dtype=np.int16)


class Recorder:
    """Multiplies exactly and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, list[list[int]]]] = []

    def multiply_tile(self, tile: Tile, codes: np.ndarray) -> np.ndarray:
        self.asked.append((tile.row, codes.tolist()))
        return np.clip(codes.astype(np.int32) * (tile.row + 2), -32768, 32767).astype(np.int16)


class Answers:
    """Gives the same answer to everything."""

    def __init__(self, answer: object) -> None:
        self.answer = answer

    def multiply_tile(self, tile: Tile, codes: np.ndarray) -> object:
        return self.answer


class Fails:
    """Raises after a number of tiles."""

    def __init__(self, after: int, error: BaseException) -> None:
        self.after = after
        self.error = error

    def multiply_tile(self, tile: Tile, codes: np.ndarray) -> np.ndarray:
        if self.after == 0:
            raise self.error
        self.after -= 1
        return np.zeros((len(codes), tile.columns), np.int16)


def test_an_array_is_asked_tile_by_tile_with_row_codes_of_the_whole_batch() -> None:
    array = Recorder()
    outputs = Engine(two_tiles(), array=array).run_codes(np.concatenate([X, X]))
    assert array.asked == [(0, [[100], [100]]), (1, [[-32767], [-32767]]), (0, [[7], [7]]), (1, [[8], [8]])]
    np.testing.assert_array_equal(outputs, Engine(two_tiles()).run_codes(np.concatenate([X, X])))


def test_a_program_without_adc_stage_runs_on_no_array() -> None:
    with pytest.raises(ProgramError, match="quantize with adc_bits"):
        Engine(two_tiles(adc_bits=None), array=Recorder())


@pytest.mark.parametrize("answer", [np.zeros((1, 2), np.int16), np.zeros((1, 1)), None, "codes"])
def test_an_answer_of_another_form_is_refused(answer: object) -> None:
    with pytest.raises(ArrayError, match=r"return int16 of shape \(1, 1\)"):
        Engine(two_tiles(), array=Answers(answer)).run_codes(X)


@pytest.mark.parametrize("after", range(4))
@pytest.mark.parametrize("error", [ArrayError("the array is gone"), KeyboardInterrupt(), ZeroDivisionError()], ids=repr)
def test_what_an_array_raises_reaches_the_caller_unharmed(after: int, error: BaseException) -> None:
    engine = Engine(two_tiles(), array=Fails(after, error))
    with pytest.raises(type(error)) as caught:
        engine.run_codes(X)
    assert caught.value is error


def test_after_an_exception_the_engine_runs_on() -> None:
    engine = Engine(two_tiles(), array=Fails(1, ArrayError("once")))
    with pytest.raises(ArrayError):
        engine.step_codes(X[:, 0])
    engine.array = Recorder()
    assert engine.step_codes(np.array([1, 1], np.int16)).tolist() == [5]


def test_threads_that_share_an_array_take_turns() -> None:
    engine = Engine(two_tiles(), array=Recorder(), threads=4)
    expected = Engine(two_tiles()).run_codes(X)
    with ThreadPoolExecutor(4) as pool:
        for outputs in pool.map(lambda _: engine.run_codes(X), range(50)):
            np.testing.assert_array_equal(outputs, expected)
