"""The network on the device: the integer program's outputs, bit for bit, through DACs, an ideal array and ADCs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from device import Device, Refused
from programs import X, both_directions, loaded, program_for, two_phases

from fxlstm.board.protocol import RUN_FLAGS
from fxlstm.core.engine import Engine
from fxlstm.network import Network, dense
from fxlstm.program.layout import PAIRINGS
from fxlstm.program.program import Program, Slice
from fxlstm.program.quantize import quantize
from fxlstm.program.running.sequences import initial_codes

RESET, ON_ARRAY, LAST, SELECT, SILENT = (RUN_FLAGS[name] for name in ("reset", "on_array", "last_piece", "select", "silent"))

REGISTER_FRAME, SAMPLE_FRAME = 3, 18  # bytes


def run(device: Device, codes: np.ndarray, flags: int, phase: int = 0, further: int = 0) -> np.ndarray:
    return device.request("run", flags=flags, phase=phase, further=further, codes=codes.ravel())["codes"]


@pytest.mark.parametrize("pairing", PAIRINGS)
@pytest.mark.parametrize(("bias", "dac_bits"), [("array", 16), ("digital", 10)])
@pytest.mark.parametrize("flags", [0, ON_ARRAY])
def test_a_sequence_gives_the_engines_codes(pairing, bias, dac_bits, flags):
    program = program_for(pairing=pairing, bias=bias, dac_bits=dac_bits)
    codes = program.encode(X)
    device = loaded(program)
    before = device.request("snapshot")["conversions"]
    np.testing.assert_array_equal(run(device, codes, RESET | flags), Engine(program).run_codes(codes).ravel())
    assert (device.request("snapshot")["conversions"] > before) == bool(flags)
    assert device.bus.violations == []


def test_tiles_beside_each_other_keep_adc_ranges_of_their_own_once_these_are_set():
    x = np.repeat(X, 6, axis=1)  # so many equal inputs need a wider range than what comes of them
    program = quantize(Network((dense(np.ones((12, 5)), np.zeros(5)), dense(np.ones((5, 2)), np.zeros(2)))), x)
    first, second = (tile for matrix in program.matrices for tile in matrix.tiles)
    assert first.range != second.range and second.array_column == 5  # the border cuts through a pair of channels
    codes = program.encode(x)
    device, frames = loaded(program), []
    transfer = device.bus.transfer
    device.bus.transfer = lambda chip, frame: frames.append(len(frame)) or transfer(chip, frame)
    expected = Engine(program).run_codes(codes)
    np.testing.assert_array_equal(run(device, codes[:1], RESET | ON_ARRAY), expected[:1].ravel())
    assert REGISTER_FRAME in frames
    frames.clear()
    np.testing.assert_array_equal(run(device, codes[1:], ON_ARRAY), expected[1:].ravel())
    assert REGISTER_FRAME not in frames
    assert frames.count(SAMPLE_FRAME) == 2 * len(codes[1:])  # one chip has all the columns
    assert device.bus.violations == []


def test_pieces_of_a_sequence_carry_the_state_over_and_reset_starts_anew():
    program = program_for()
    codes = program.encode(X)
    device = loaded(program)
    whole = run(device, codes, RESET | ON_ARRAY)
    pieces = [run(device, codes[:1], RESET | ON_ARRAY), run(device, codes[1:17], ON_ARRAY), run(device, codes[17:], ON_ARRAY)]
    np.testing.assert_array_equal(np.concatenate(pieces), whole)


def test_a_many_to_one_program_answers_once_after_the_last_piece():
    program = program_for("last")
    codes = program.encode(X)
    device = loaded(program)
    assert run(device, codes[:30], RESET | ON_ARRAY).size == 0
    np.testing.assert_array_equal(run(device, codes[30:], ON_ARRAY | LAST), Engine(program).run_codes(codes).ravel())


def test_a_digital_program_runs_and_is_refused_on_the_array():
    program = program_for(adc_bits=None, bias="digital")
    device = loaded(program)
    np.testing.assert_array_equal(run(device, program.encode(X), RESET), Engine(program).run_codes(program.encode(X)).ravel())
    with pytest.raises(Refused, match="ARRAY_NEEDS_ADC"):
        run(device, program.encode(X), RESET | ON_ARRAY)


def test_a_program_for_coarser_converters_than_the_boards_is_refused_on_the_array():
    program = program_for(adc_bits=12)
    with pytest.raises(Refused, match="ARGUMENT"):
        run(loaded(program), program.encode(X), RESET | ON_ARRAY)


def test_after_a_run_all_outputs_are_at_0_volts():
    program = program_for()
    device = loaded(program)
    run(device, program.encode(X), RESET | ON_ARRAY)
    assert not device.bus._row_outputs.any() and not device.bus._gate_outputs.any()


def test_without_a_program_or_a_start_nothing_runs(device):
    with pytest.raises(Refused, match="NO_PROGRAM"):
        run(device, np.zeros(2, np.int16), RESET)
    program = program_for()
    device.load("program", program.to_bytes())
    for flags in (0, ON_ARRAY):
        with pytest.raises(Refused, match="ARGUMENT"):
            run(device, np.zeros(2, np.int16), flags)


def test_a_piece_that_is_no_whole_number_of_timesteps_or_whose_answer_fits_no_frame_is_refused():
    device = loaded(program_for())
    for codes in (3, 2 * 200):
        with pytest.raises(Refused, match="FRAME_LENGTH"):
            run(device, np.zeros(codes, np.int16), RESET)


def test_a_program_that_needs_more_memory_than_the_board_has_is_refused():
    program = program_for(adc_bits=None, bias="digital")
    greedy = replace(program, arena=np.concatenate([program.arena, np.zeros(13000, np.int16)]))
    with pytest.raises(Refused, match="MEMORY"):
        loaded(greedy)


@pytest.mark.parametrize("flags", [0, ON_ARRAY])
def test_a_bidirectional_program_answers_when_its_sequence_is_whole(flags):
    program = both_directions()
    codes = program.encode(X)
    device = loaded(program)
    assert run(device, codes[:13], RESET | flags).size == 0
    whole = run(device, codes[13:], flags | LAST)
    np.testing.assert_array_equal(whole, Engine(program).run_codes(codes).ravel())


def test_outputs_that_fit_no_single_answer_are_fetched_by_last_pieces_without_codes():
    program = both_directions()
    codes = np.tile(program.encode(X), (4, 1))
    device = loaded(program)
    answers = [run(device, codes, RESET | LAST)]
    while answers[-1].size:
        answers.append(run(device, codes[:0], LAST))
    assert len(answers) > 2
    np.testing.assert_array_equal(np.concatenate(answers), Engine(program).run_codes(codes).ravel())
    with pytest.raises(Refused, match="ARGUMENT"):
        run(device, codes[:1], LAST)


def test_a_bidirectional_many_to_one_program_answers_once():
    program = both_directions("last")
    codes = np.tile(program.encode(X), (4, 1))
    np.testing.assert_array_equal(run(loaded(program), codes, RESET | LAST), Engine(program).run_codes(codes).ravel())


def test_a_sequence_that_the_board_cannot_keep_is_refused_with_the_timesteps_that_fit():
    program = both_directions()
    codes = np.tile(program.encode(X), (5, 1))
    device = loaded(program)
    run(device, codes, RESET)
    with pytest.raises(Refused, match="SEQUENCE_TOO_LONG") as refused:
        for _ in range(20):
            run(device, codes, 0)
    assert 200 < refused.value.detail < 24 * 1024 / 2 / 8
    with pytest.raises(Refused, match="ARGUMENT"):
        run(device, codes, LAST)


def test_a_new_program_replaces_the_old_one_only_when_it_is_whole():
    program = program_for()
    device = loaded(program)
    device.request("object_begin", object=1, size=500, crc=1)
    with pytest.raises(Refused, match="NO_PROGRAM"):
        run(device, program.encode(X), RESET)


def test_clipped_codes_of_the_adc_are_counted():
    program = program_for()
    device = loaded(program)
    device.request("multiply", range=0, codes=np.full(128, 32767, np.int16))
    assert device.request("snapshot")["adc_clipped"] > 0


def state_of(program: Program, name: str) -> Slice:
    return next(part for part in program.slices if part.name == name)


@pytest.mark.parametrize("flags", [0, ON_ARRAY])
def test_states_put_before_the_first_piece_are_what_the_sequence_starts_from(flags):
    program = program_for()
    codes = program.encode(X[:20])
    states = {"lstm/h": np.full((1, 5), 0.5), "lstm/c": np.linspace(-1, 1, 5)[np.newaxis]}
    device = loaded(program)
    run(device, codes[:0], RESET | flags)
    for start, values in initial_codes(program, states, 1).items():
        device.request("put_state", start=start, codes=values[0])
        read = device.request("get_state", start=start, length=len(values[0]))["codes"]
        np.testing.assert_array_equal(read, values[0])
    expected = Engine(program).run_codes(codes[np.newaxis], states=states)
    np.testing.assert_array_equal(run(device, codes, flags), expected.ravel())


def test_states_beyond_the_arena_or_outside_a_sequence_are_refused_and_nothing_is_written():
    program = program_for()
    device = loaded(program)
    put = {"start": 0, "codes": np.zeros(1, np.int16)}
    for name, values in (("put_state", put), ("get_state", {"start": 0, "length": 1})):
        with pytest.raises(Refused, match="ARGUMENT"):
            device.request(name, **values)
    run(device, np.zeros(0, np.int16), RESET)
    end = len(program.arena)
    for start in (end - 3, end, 2**32 - 2):
        with pytest.raises(Refused, match="ARGUMENT") as refused:
            device.request("put_state", start=start, codes=np.full(4, 77, np.int16))
        assert refused.value.detail % 2**32 == start
        with pytest.raises(Refused, match="ARGUMENT"):
            device.request("get_state", start=start, length=4)
    with pytest.raises(Refused, match="ARGUMENT"):
        device.request("get_state", start=0, length=513)
    codes = device.request("get_state", start=0, length=end)["codes"]
    np.testing.assert_array_equal(codes, program.arena)


@pytest.mark.parametrize("flags", [0, ON_ARRAY])
def test_timesteps_beyond_the_codes_run_on_what_stands_at_the_input(flags):
    program = program_for()
    codes = program.encode(X[:7])
    device = loaded(program)
    outputs = [run(device, codes, RESET | flags, further=30), run(device, codes[:0], flags, further=12)]
    np.testing.assert_array_equal(np.concatenate(outputs), Engine(program).run_phases([codes], [49]).ravel())


@pytest.mark.parametrize("flags", [0, ON_ARRAY])
def test_phases_follow_one_another_on_one_arena(flags):
    program = two_phases()
    first, second = program.encode(X[:7]), program.encode(X[7:10])
    device = loaded(program)
    assert run(device, first, RESET | flags | LAST | SILENT).size == 0
    outputs = run(device, second, flags | SELECT | LAST, phase=1, further=6)
    np.testing.assert_array_equal(outputs, Engine(program).run_phases([first, second], [7, 9]).ravel())
    with pytest.raises(Refused, match="ARGUMENT"):
        run(device, second, flags | SELECT, phase=2)


def test_answers_that_fit_no_frame_are_refused_and_silent_ones_are_not():
    device = loaded(program_for())
    with pytest.raises(Refused, match="FRAME_LENGTH"):
        run(device, np.zeros(2, np.int16), RESET, further=1000)
    assert run(device, np.zeros(2, np.int16), RESET | SILENT, further=1000).size == 0


def test_a_program_that_reads_backward_runs_no_further_than_its_inputs():
    device = loaded(both_directions())
    with pytest.raises(Refused, match="ARGUMENT"):
        run(device, np.zeros(2, np.int16), RESET | LAST, further=1)


def test_a_phase_that_does_not_exist_leaves_the_sequence_as_it_was():
    program = both_directions()
    codes = program.encode(X)
    device = loaded(program)
    run(device, codes[:5], RESET)
    with pytest.raises(Refused, match="ARGUMENT"):
        run(device, codes[5:6], SELECT, phase=1)
    np.testing.assert_array_equal(run(device, codes[5:], LAST), Engine(program).run_codes(codes).ravel())
