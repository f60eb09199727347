"""The network on the device: the integer program's outputs, bit for bit, through DACs, an ideal array and ADCs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from device import Device, Refused

from fxlstm.board.protocol import RUN_FLAGS
from fxlstm.core.engine import Engine
from fxlstm.network import Network, bidirectional, dense, lstm
from fxlstm.program.hardware import Hardware
from fxlstm.program.mapping import target_map
from fxlstm.program.program import Program
from fxlstm.program.quantize import quantize
from fxlstm.program.scheme import scheme_for

RESET, ON_ARRAY, LAST = RUN_FLAGS["reset"], RUN_FLAGS["on_array"], RUN_FLAGS["last_piece"]


def network(returns: str = "sequence", units: int = 5) -> Network:
    random = np.random.default_rng(7)
    kernels = (random.normal(size=shape) for shape in ((2, 4 * units), (units, 4 * units), (4 * units,), (units, 3), (3,)))
    kernel, recurrent, bias, head, head_bias = kernels
    return Network([lstm(kernel, recurrent, bias), dense(head, head_bias)], returns=returns)


X = np.random.default_rng(8).normal(size=(40, 2))


def program_for(returns: str = "sequence", **hardware) -> Program:
    return quantize(network(returns), X, Hardware(**hardware))


def run(device: Device, codes: np.ndarray, flags: int, phase: int = 0, further: int = 0) -> np.ndarray:
    return device.request("run", flags=flags, phase=phase, further=further, codes=codes.ravel())["codes"]


def loaded(program: Program) -> Device:
    """A board with the program in memory and, if it has tiles, on its ideal array."""
    device = Device().open()
    device.load("program", program.to_bytes())
    if program.hardware.adc_bits:
        device.start_campaign(target_map(program), scheme_for("ideal", program.hardware))
        device.finish_campaign()
    return device


@pytest.mark.parametrize("pairing", ["adjacent", "halves"])
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
    greedy = replace(program, arena=np.concatenate([program.arena, np.zeros(9000, np.int16)]))
    with pytest.raises(Refused, match="MEMORY"):
        loaded(greedy)


def both_directions(returns: str = "sequence") -> Program:
    random = np.random.default_rng(9)
    pair = (lstm(*(random.normal(size=shape) for shape in ((2, 12), (3, 12), (12,)))) for _ in range(2))
    return quantize(Network([bidirectional(*pair)], returns=returns), X)


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
    assert 200 < refused.value.detail < 16 * 1024 / 2 / 8
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
