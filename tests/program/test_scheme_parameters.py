"""Schemes of programming are numbers that every array takes alike; nonsense is refused as they are made."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fxlstm.crossbar import SimulatedArray, programming_scheme
from fxlstm.errors import ArrayError
from fxlstm.program.scheme_parameters import Ladder


@pytest.mark.parametrize(
    ("name", "value"),
    [("tolerance", -1), ("reversals", -1), ("most_pulses", 0), ("log2_reads", 9), ("passes", 0), ("wait_milliseconds", -1)],
)
def test_a_scheme_that_makes_no_sense_is_refused_by_the_number(name, value):
    with pytest.raises(ArrayError, match=f"a programming scheme with {name} = {value}: choose"):
        replace(programming_scheme("hfox"), **{name: value})


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_cycles": 2.5},
        {"verify": 2},
        {"set_millivolts": -1},
        {"reset_millivolts": 1},
        {"set_microseconds": 0},
        {"reset_gate": 65536},
        {"gate_min": 60000, "gate_max": 100},
        {"gate_slope": -1},
        {"gate_offset": 2**31},
    ],
)
def test_a_gate_scheme_is_refused_on_every_array_for_what_the_board_would_refuse(wrong):
    with pytest.raises(ArrayError, match=f"a programming scheme with {next(iter(wrong))} = "):
        replace(programming_scheme("ta-hfo2"), **wrong)


def test_ladders_of_the_other_polarity_are_refused():
    scheme = programming_scheme("hfox")
    with pytest.raises(ArrayError, match="choose ladders of SETs and of RESETs"):
        replace(scheme, up=scheme.down, down=scheme.up)


@pytest.mark.parametrize("wrong", [{"gate": 0}, {"gate": 65536}, {"microseconds": 0}, {"step_millivolts": 12.5}])
def test_a_ladder_of_pulses_is_made_of_whole_numbers_that_a_board_knows(wrong):
    name, value = next(iter(wrong.items()))
    with pytest.raises(ArrayError, match=f"a ladder of pulses with {name} = {value}: choose"):
        replace(programming_scheme("hfox").up, **wrong)


def test_a_scheme_that_reads_in_a_range_that_the_board_lacks_is_refused():
    array = SimulatedArray(2, 2, device="hfox", seed=1)
    with pytest.raises(ArrayError, match="range 7: the board has ranges 0 to"):
        array.program(np.zeros((2, 2), np.uint16), scheme=replace(programming_scheme("hfox"), range=7))


@pytest.mark.parametrize("wrong", [{"millivolts": 0}, {"millivolts": 3001}, {"step_millivolts": -1}, {"most_millivolts": -2000}])
def test_a_ladder_of_pulses_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ArrayError, match="choose a step of the sign of the weakest pulse"):
        replace(programming_scheme("hfox").up, **wrong)


def test_a_ladder_climbs_by_its_step_and_stays_at_its_strongest_pulse():
    up, down, flat = Ladder(1000, 400, 2100, 1, 1), Ladder(-1000, -300, -1900, 1, 1), Ladder(2000, 0, 2000, 1, 1)
    assert (up.top, [up.at(rung) for rung in range(5)]) == (3, [1000, 1400, 1800, 2100, 2100])
    assert (down.top, [down.at(rung) for rung in range(5)]) == (3, [-1000, -1300, -1600, -1900, -1900])
    assert (flat.top, flat.at(7)) == (0, 2000)
