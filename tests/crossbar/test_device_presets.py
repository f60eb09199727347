"""Device presets: every number has a source, and schemes follow from them in device codes."""

from __future__ import annotations

from dataclasses import fields
from importlib.resources import files

import numpy as np
import pytest

from fxlstm.board.protocol import MESSAGE_BY_NAME, RECORDS
from fxlstm.crossbar import SimulatedArray
from fxlstm.errors import ArrayError
from fxlstm.program.device import Preset, load_device
from fxlstm.program.hardware import Hardware, load_board
from fxlstm.program.mapping import LEAVE
from fxlstm.program.scheme import GATE_SCHEMES, scheme_for
from fxlstm.program.scheme_parameters import GateScheme, IncrementalScheme, Ladder, Scheme

PRESETS = sorted(
    entry.name.removesuffix(".toml") for entry in (files("fxlstm") / "devices").iterdir() if entry.name.endswith(".toml")
)


@pytest.mark.parametrize("name", PRESETS)
def test_every_shipped_preset_makes_an_array_and_a_scheme(name):
    preset = load_device(name)
    assert all(len(source) > 10 for source in preset.sources.values())
    array = SimulatedArray(rows=2, cols=2, device=name, board=preset.board, seed=1)
    assert array.identity.device == name
    assert array.program(np.array([[0, 1000], [LEAVE, 65534]], np.uint16)).targeted.sum() == 3
    if preset.scheme in GATE_SCHEMES:
        assert scheme_for(name, Hardware()).set_millivolts == round(preset["set.voltage"] * 1000)


def test_presets_are_kept_apart_from_boards_whose_units_leave_their_window():
    for name in ("hfox", "taox", "pcm"):
        with pytest.raises(ArrayError, match=rf"cells of device '{name}' take .*Hardware\(board='reference-1"):
            SimulatedArray(rows=1, cols=1, device=name, seed=1).program(np.array([[65534]], np.uint16))


def test_a_board_of_other_amplifiers_is_the_reference_board_in_all_else():
    reference, other = load_board("reference"), load_board("reference-110k")
    assert other["front_end"]["transimpedance_ohms"] == [110e3] * 3 + [13750.0] * 3
    assert {key for key in reference if reference[key] != other[key]} == {"name", "front_end"}
    assert Hardware(board="reference-110k").conductance_unit == pytest.approx(Hardware().conductance_unit / 11)


def test_an_unknown_preset_lists_the_known_ones():
    for use in (load_device, lambda name: SimulatedArray(device=name), lambda name: scheme_for(name, Hardware())):
        with pytest.raises(ArrayError, match="'nonesuch'; known presets: hfox, hp-tio2, ideal, pcm,"):
            use("nonesuch")


@pytest.mark.parametrize(
    "text, words",
    [
        ("threshold = 1.0", "threshold has no unit and no source"),
        ("[set]\nvoltage = 2.5", "set.voltage has no source"),
        ('[set.voltage]\nvalue = 2.5\nunit = "V"', "set.voltage has no source"),
        ('[set.voltage]\nvalue = 2.5\nunit = "V"\nsource = " "', "set.voltage has no source"),
        ('[set.voltage]\nvalue = 2.5\nunit = "furlong"\nsource = "me"', "set.voltage needs a value and a unit"),
        ('[set.voltage]\nvalue = nan\nunit = "V"\nsource = "me"', "set.voltage needs a value and a unit"),
        ('[set.voltage]\nvalue = true\nunit = "V"\nsource = "me"', "set.voltage needs a value and a unit"),
        ('[set.noise]\nvalue = [1, "a"]\nunit = "V"\nsource = "me"', "set.noise needs a value and a unit"),
        ('[set.noise]\nvalue = [[1, 2], [3]]\nunit = "V"\nsource = "me"', "set.noise needs a value and a unit"),
        ('[set.noise]\nvalue = [1, inf]\nunit = "V"\nsource = "me"', "set.noise needs a value and a unit"),
        ('[set.voltage]\nvalue = -2.5\nunit = "V"\nsource = "me"', "set.voltage = -2.5 is negative"),
        ("[set", "'mine' is no TOML file"),
    ],
)
def test_a_number_without_source_or_unit_is_refused(text, words):
    with pytest.raises(ArrayError, match=words):
        Preset("mine", text)


def test_a_preset_that_lacks_a_number_says_which():
    with pytest.raises(ArrayError, match=r"'mine' lacks set\.voltage"):
        Preset("mine", "")["set.voltage"]


def own(tmp_path, **changed):
    """The path of a copy of ta-hfo2 in which some lines are others."""
    text = (files("fxlstm") / "devices" / "ta-hfo2.toml").read_text()
    for old, new in changed.values():
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return str(path)


def test_a_file_of_ones_own_is_a_preset_too(tmp_path):
    path = own(tmp_path)
    targets = np.full((4, 4), 20000, np.uint16)
    mine, shipped = (SimulatedArray(4, 4, name, seed=1) for name in (path, "ta-hfo2"))
    assert str(mine.program(targets)) == str(shipped.program(targets))
    np.testing.assert_array_equal(mine.conductance, shipped.conductance)
    with pytest.raises(ArrayError, match=r"'/nowhere/mine\.toml' cannot be read"):
        load_device("/nowhere/mine.toml")


@pytest.mark.parametrize(
    "old, new, words",
    [
        (
            "integer = false",
            'integer = false\nlaw = "magic"',
            "law = 'magic'; choose one of gate-limited, direct, bounded, ion-drift",
        ),
        ("integer = false", 'integer = false\nageing = "magic"', "ageing = 'magic'; choose one of none"),
        ("integer = false", 'integer = false\nreading = "flicker"', "lacks read.factor"),
        ("[conductance.maximum]\nvalue = 900", "[conductance.maximum]\nvalue = 90", "must hold the initial conductances"),
        ("[stuck.fraction]\nvalue = 0.002", "[stuck.fraction]\nvalue = 1.2", "more than all cells"),
    ],
)
def test_a_preset_that_makes_no_sense_is_refused(old, new, words, tmp_path):
    with pytest.raises(ArrayError, match=words):
        SimulatedArray(2, 2, own(tmp_path, changed=(old, new)), seed=1)


def test_values_are_in_si_units():
    preset = load_device("ta-hfo2")
    assert preset["gate.slope"] == pytest.approx(291.7e-6)
    assert preset["set.width"] == pytest.approx(10e-6)


def test_the_ta_hfo2_scheme_puts_target_zero_at_100_microsiemens_and_half_a_volt():
    hardware = Hardware()
    scheme = scheme_for("ta-hfo2", hardware)
    assert scheme.base_units * hardware.conductance_unit == pytest.approx(100e-6, rel=1e-4)
    assert scheme.gate_offset / 65536 * 5 == pytest.approx(0.5, abs=1e-4)
    full_scale_volts = (scheme.gate_offset + (65534 * scheme.gate_slope >> 16)) / 65536 * 5
    assert full_scale_volts == pytest.approx(0.5 + 65534 * hardware.conductance_unit / 291.7e-6, abs=2e-4)


def test_tolerance_is_given_in_siemens_and_kept_in_adc_codes():
    hardware = Hardware()
    code = 250e-6 / 0.2 / 32768  # siemens per ADC code of range 0
    assert scheme_for("ta-hfo2", hardware, tolerance=100 * code).tolerance == 100
    assert scheme_for("ideal", hardware).tolerance == 0


@pytest.mark.parametrize(
    "wrong", [{"tolerance": float("nan")}, {"tolerance": -1e-6}, {"tolerance": 2.0}, {"max_cycles": 0}, {"max_cycles": 65536}]
)
def test_a_nonsensical_scheme_is_refused(wrong):
    with pytest.raises(ArrayError, match=f"{next(iter(wrong))} = "):
        scheme_for("ta-hfo2", Hardware(), **wrong)


def test_schemes_have_the_fields_that_travel_over_the_link():
    common = [field.name for field in fields(Scheme)]
    assert {"kind", *common, "parameters"} == {field.name for field in MESSAGE_BY_NAME["campaign_scheme"].request}
    ladders = ["up", "down"]
    for kind, record, apart in ((GateScheme, "gate_scheme", []), (IncrementalScheme, "incremental_scheme", ladders)):
        assert [field.name for field in fields(kind)] == common + [field.name for field in RECORDS[record]] + apart
    assert [field.name for field in fields(Ladder)] == [field.name for field in RECORDS["ladder"]]
