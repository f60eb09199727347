"""Whatever the engine runs a board runs too: lengths, states, phases, times, generation; to the bit, and in the same words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from fxlstm.board.board import Board
from fxlstm.board.log import MeasurementLog
from fxlstm.board.protocol import MAX_PAYLOAD
from fxlstm.core.engine import Engine
from fxlstm.errors import FxlstmError
from fxlstm.network import EncoderDecoder, Network, TimeGate, bidirectional, dense, lstm, phased_lstm
from fxlstm.program.program import Program, Slice
from fxlstm.program.quantize import quantize

Runner = Engine | Board
X = np.sin(np.arange(120)[:, np.newaxis] / [3.0, 5.0])
BATCH = np.stack([X, -X, X / 2])


def made(*shapes: tuple[int, ...]) -> list[np.ndarray]:
    random = np.random.default_rng(31)
    return [random.normal(0, 0.5, shape) for shape in shapes]


def an_lstm(inputs: int, units: int):  # type: ignore[no-untyped-def]
    return lstm(*made((inputs, 4 * units), (units, 4 * units), (4 * units,)))


FORWARD = Network([an_lstm(2, 5), dense(*made((5, 2), (2,)))], feeds_back=True)
BOTH = Network([bidirectional(an_lstm(2, 3), an_lstm(2, 3))], returns="last")
GATED = Network([phased_lstm(*made((2, 16), (4, 16), (16,)), TimeGate([5.0, 7.0, 9.0, 30.0], np.zeros(4), 0.5))])
TIMES = np.cumsum(np.abs(np.random.default_rng(3).normal(size=120)))
MASKED = Network([an_lstm(2, 4)], mask_value=0.0)


@pytest.fixture(scope="module")
def board() -> Iterator[Board]:
    with Board("emu://host?device=ideal&seed=1", log=False) as board:
        yield board


def states(batch: int) -> dict[str, np.ndarray]:
    return {"lstm/h": np.full((batch, 5), 0.4), "lstm/c": np.tile(np.linspace(-1, 1, 5), (batch, 1))}


CALLS: dict[str, tuple[Network, Callable[[Runner], np.ndarray]]] = {
    "lengths": (FORWARD, lambda runner: runner.run(BATCH, lengths=[120, 7, 1])),
    "states": (FORWARD, lambda runner: runner.run(BATCH[:, :9], states=states(3))),
    "states of one sequence": (FORWARD, lambda runner: runner.run(X[:9], states=states(1))),
    "lengths and states": (FORWARD, lambda runner: runner.run(BATCH, lengths=[3, 3, 8], states=states(3))),
    "both directions": (BOTH, lambda runner: runner.run(BATCH, lengths=[50, 7, 1])),
    "times": (GATED, lambda runner: runner.run(BATCH, times=np.tile(TIMES, (3, 1)), lengths=[120, 60, 3])),
    "masks": (MASKED, lambda runner: runner.run(np.where(np.arange(120)[:, np.newaxis] % 3 == 1, 0.0, X))),
    "generation": (FORWARD, lambda runner: runner.generate(X[:20], 30)),
    "further timesteps": (FORWARD, lambda runner: runner.run_phases([runner_codes(runner)], [900])),
}


def runner_codes(runner: Runner) -> np.ndarray:
    return quantize(FORWARD, X).encode(X[:11])


@pytest.mark.parametrize("name", CALLS)
def test_a_board_gives_what_the_engine_gives(board: Board, name: str) -> None:
    network, call = CALLS[name]
    program = quantize(network, X)
    board.program(program)
    np.testing.assert_array_equal(call(board), call(Engine(program)))


@pytest.mark.parametrize("feed", ["feedback", "context"])
def test_an_encoder_hands_its_states_to_a_decoder_on_the_board(board: Board, feed: str) -> None:
    encoder = Network([an_lstm(2, 4)], returns="last")
    inputs = 2 if feed == "feedback" else 4
    decoder = Network([an_lstm(inputs, 4), dense(*made((4, 2), (2,)))])
    bridge = {"lstm/h": "lstm/h", "lstm/c": "lstm/c"}
    program = quantize(EncoderDecoder(encoder, decoder, bridge, feed), BATCH[:, :20], steps=8)
    board.program(program)
    lengths = [20, 5, 13]
    wanted = Engine(program).generate(BATCH[:, :20], 40, lengths=lengths)
    np.testing.assert_array_equal(board.generate(BATCH[:, :20], 40, lengths=lengths), wanted)
    np.testing.assert_array_equal(board.generate(X[:20], 5, on_array=False), Engine(program).generate(X[:20], 5))


MISTAKES: tuple[Callable[[Runner], object], ...] = (
    lambda runner: runner.run(BATCH, lengths=[1, 2]),
    lambda runner: runner.run(BATCH, lengths=[0, 1, 2]),
    lambda runner: runner.run(BATCH, states={"lstm/z": np.zeros((3, 5))}),
    lambda runner: runner.run(BATCH, states={"lstm/h": np.zeros((3, 4))}),
    lambda runner: runner.run(X[:0]),
    lambda runner: runner.run_codes(X),  # type: ignore[arg-type]
    lambda runner: runner.run_phases([], []),
    lambda runner: runner.generate(X, 0),
    lambda runner: runner.generate(X, 3, start=X[0]),
)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_refused_in_the_words_of_the_engine(board: Board, mistake: Callable[[Runner], object]) -> None:
    program = quantize(FORWARD, X)
    board.load(program)
    with pytest.raises(FxlstmError) as by_engine:
        mistake(Engine(program))
    with pytest.raises(type(by_engine.value)) as by_board:
        mistake(board)
    assert str(by_board.value) == str(by_engine.value)


def test_the_states_that_a_sequence_ends_in_can_be_read_and_gone_on_from(board: Board) -> None:
    program = quantize(FORWARD, X)
    board.program(program)
    whole = board.run(X)
    board.run(X[:70])
    reached = {name: values[np.newaxis] for name, values in board.states().items()}
    assert reached.keys() == FORWARD.states.keys()
    np.testing.assert_array_equal(board.run(X[70:], states=reached), whole[70:])


def test_states_longer_than_a_frame_are_put_and_read_whole(board: Board) -> None:
    program = quantize(FORWARD, X)
    large = Slice("large", len(program.arena), 2 * MAX_PAYLOAD, 15)
    arena = np.concatenate([program.arena, np.zeros(large.length, np.int16)])
    metadata = program.metadata | {"states": [*program.metadata["states"], large.name]}
    board.load(replace(program, arena=arena, slices=(*program.slices, large), metadata=metadata))
    values = np.arange(large.length) / 32768
    board.run(X[:1], states={large.name: values[np.newaxis]}, on_array=False)
    np.testing.assert_array_equal(board.states()[large.name], values)


def test_what_a_run_was_given_is_in_the_log(tmp_path) -> None:  # type: ignore[no-untyped-def]
    program: Program = quantize(FORWARD, X)
    with Board("emu://host?device=ideal", log=tmp_path / "log.db") as board:
        board.load(program)
        outputs = board.run_phases([program.encode(X[:4])], [9], {3: np.array([5, -7], np.int16)}, on_array=False)
    with MeasurementLog(tmp_path / "log.db", writable=False) as log:
        (run,) = log.rows("runs")
    assert (run["phases"], run["states"]) == ('[{"given": 4, "timesteps": 9}]', '{"3": [5, -7]}')
    assert (run["timesteps"], run["input"], run["codes"]) == (9, program.encode(X[:4]).tobytes(), outputs.tobytes())
