"""Batches of unequal sequences, given states and both directions: the engine does what the reference does one by one."""

from __future__ import annotations

import numpy as np
import pytest

from fxlstm.core import Engine, kernel_names
from fxlstm.errors import ModelError, ProgramError
from fxlstm.network import Layer, Network, bidirectional, dense, lstm
from fxlstm.program.program import Program
from fxlstm.program.quantize import quantize
from fxlstm.program.reference import Reference
from fxlstm.program.running.sequences import batched, initial_codes

RANDOM = np.random.default_rng(5)
X = RANDOM.normal(size=(5, 8, 2))
LENGTHS = [8, 3, 1, 3, 8]


def random_lstm(inputs: int, units: int) -> Layer:
    return lstm(*(RANDOM.normal(size=shape) / 2 for shape in ((inputs, 4 * units), (units, 4 * units), (4 * units,))))


HEAD = dense(RANDOM.normal(size=(5, 2)), RANDOM.normal(size=2))
FORWARD = (random_lstm(2, 5), HEAD)
BOTH = (bidirectional(random_lstm(2, 3), random_lstm(2, 2)), HEAD)
NETWORKS = {
    f"{name}-{returns}": Network(layers, returns=returns)
    for name, layers in (("forward", FORWARD), ("both", BOTH))
    for returns in ("sequence", "last")
}
PROGRAMS: dict[str, Program] = {name: quantize(network, X) for name, network in NETWORKS.items()}


def states_of(name: str) -> dict[str, np.ndarray]:
    random = np.random.default_rng(6)
    return {state: random.uniform(-0.5, 0.5, (5, length)) for state, length in NETWORKS[name].states.items()}


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", PROGRAMS)
def test_each_sequence_of_a_batch_runs_as_it_would_alone(name: str, threads: int) -> None:
    program, states = PROGRAMS[name], states_of(name)
    codes = program.encode(X)
    outputs = Engine(program, threads=threads).run_codes(codes, LENGTHS, states)
    initial = initial_codes(program, states, len(X))
    for index, length in enumerate(LENGTHS):
        own = {start: values[index] for start, values in initial.items()}
        alone = Reference(program).run_codes(codes[index, :length], own)
        np.testing.assert_array_equal(outputs[index] if program.returns_last else outputs[index, :length], alone)
        assert program.returns_last or not outputs[index, length:].any()


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_program_follows_its_float_network_also_from_given_states(name: str) -> None:
    states = states_of(name)
    wanted = NETWORKS[name](X, LENGTHS, states)
    error = Engine(PROGRAMS[name]).run(X, LENGTHS, states) - wanted
    assert 10 * np.log10((wanted**2).sum() / (error**2).sum()) > 35
    without = Engine(PROGRAMS[name]).run(X, LENGTHS)
    assert np.abs(without - wanted).max() > 10 * np.abs(error).max()


@pytest.mark.parametrize("name", ["both-sequence", "both-last"])
def test_a_bidirectional_network_is_not_stepped(name: str) -> None:
    with pytest.raises(ProgramError, match="needs its whole sequence"):
        Engine(PROGRAMS[name]).step(X[0, 0])
    with pytest.raises(ProgramError, match="needs its whole sequence"):
        Engine(PROGRAMS[name]).reset(batch=1)
    with pytest.raises(ProgramError, match="needs its whole sequence"):
        Reference(PROGRAMS[name]).step([0, 0])


def test_states_and_lengths_that_do_not_fit_are_refused() -> None:
    engine = Engine(PROGRAMS["forward-sequence"])
    with pytest.raises(ModelError, match=r"no state 'lstm/x'; its states: lstm/h, lstm/c"):
        engine.run(X, states={"lstm/x": np.zeros((5, 2))})
    with pytest.raises(ModelError, match=r"shape \(5,\); give \(5, 5\)"):
        engine.run(X, states={"lstm/h": np.zeros(5)})
    with pytest.raises(ModelError, match="a length of 9"):
        engine.run(X, lengths=[9] * 5)


def test_codes_that_lie_in_order_are_run_where_they_are() -> None:
    codes = np.zeros((5, 8, 2), np.int16)
    codes.flags.writeable = False
    for given in (codes, codes[1:4], codes[0]):
        inputs, _ = batched(PROGRAMS["forward-sequence"], given, ("batch", "time", "features"))
        assert np.shares_memory(inputs, codes)


@pytest.mark.parametrize("threads", [1, 2])
def test_sequences_without_timesteps_are_refused_by_name(threads: int) -> None:
    engine = Engine(PROGRAMS["forward-sequence"], threads=threads)
    with pytest.raises(ModelError, match="a length of 0"):
        engine.run(X, lengths=[8, 0, 1, 3, 8])
    with pytest.raises(ModelError, match=r"shape \(5, 0, 2\)|no timestep"):
        engine.run(X[:, :0])
    with pytest.raises(ModelError, match="no timestep"):
        engine.run_codes(np.zeros((5, 0, 2), np.int16))


@pytest.mark.parametrize("name", PROGRAMS)
def test_an_engine_that_has_run_gives_what_a_new_one_gives_for_sequences_of_any_form(name: str) -> None:
    program, used, expected = PROGRAMS[name], Engine(PROGRAMS[name]), Reference(PROGRAMS[name])
    codes = program.encode(X)
    forms = (codes, codes[0], codes[:1], codes[0, :3], codes[1], codes[:, ::2], codes[:, ::2].copy(), codes[:, :1], codes)
    for form in forms:
        for _ in range(2):
            assert np.array_equal(used.run_codes(form), expected.run_codes(form))


@pytest.mark.parametrize("name", PROGRAMS)
def test_an_engine_that_has_run_refuses_what_a_new_one_refuses(name: str) -> None:
    engine, codes = Engine(PROGRAMS[name]), PROGRAMS[name].encode(X)
    engine.run_codes(codes)
    for wrong in (codes[:, :0], codes[..., :1], codes[0, 0], codes.astype(np.int32), codes.astype(float)):
        with pytest.raises(ModelError):
            engine.run_codes(wrong)


def counts_of(engine: Engine) -> np.ndarray:
    return np.array([(clipped.adc, clipped.result) for clipped in engine.saturations])


@pytest.mark.parametrize("kernels", kernel_names())
@pytest.mark.parametrize("name", PROGRAMS)
def test_an_engine_that_has_run_gives_the_values_and_counts_of_new_ones(name: str, kernels: str) -> None:
    program, x = PROGRAMS[name], np.repeat(9 * np.sign(X[:, :1]), 8, axis=1)  # whose states no code holds
    used = Engine(program, kernels=kernels)
    counts = counts_of(used)
    for given, lengths in ((x, None), (x, None), (x[0], None), (x, LENGTHS), (x[:, ::2], None), (X, None), (x, None)):
        new = Engine(program, kernels=kernels)
        np.testing.assert_array_equal(used.run(given, lengths), new.run(given, lengths))
        counts += counts_of(new)
        with pytest.raises(ModelError, match="holds nan"):
            used.run(np.full_like(given, np.nan), lengths)
    np.testing.assert_array_equal(counts_of(used), counts)
    assert counts.any()
