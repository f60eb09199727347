"""Device presets: every number has a source, and schemes follow from them in device codes."""

from __future__ import annotations

from dataclasses import fields
from importlib.resources import files

import pytest

from fxlstm.board.protocol import MESSAGE_BY_NAME
from fxlstm.crossbar import SimulatedArray
from fxlstm.errors import ArrayError
from fxlstm.program.device import Preset, load_device
from fxlstm.program.hardware import Hardware
from fxlstm.program.scheme import Scheme, scheme_for

PRESETS = sorted(
    entry.name.removesuffix(".toml") for entry in (files("fxlstm") / "devices").iterdir() if entry.name.endswith(".toml")
)


@pytest.mark.parametrize("name", PRESETS)
def test_every_shipped_preset_makes_an_array_and_a_scheme(name):
    preset = load_device(name)
    assert all(len(source) > 10 for source in preset.sources.values())
    assert SimulatedArray(rows=2, cols=2, device=name).identity.device == name
    assert scheme_for(name, Hardware()).set_millivolts == round(preset["set.voltage"] * 1000)


def test_an_unknown_preset_lists_the_known_ones():
    for use in (load_device, lambda name: SimulatedArray(device=name), lambda name: scheme_for(name, Hardware())):
        with pytest.raises(ArrayError, match="'nonesuch'; known presets: ideal, ta-hfo2"):
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
    ],
)
def test_a_number_without_source_or_unit_is_refused(text, words):
    with pytest.raises(ArrayError, match=words):
        Preset("mine", text)


def test_a_preset_that_lacks_a_number_says_which():
    with pytest.raises(ArrayError, match=r"'mine' lacks set\.voltage"):
        Preset("mine", "")["set.voltage"]


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


def test_a_scheme_has_the_fields_of_the_links_campaign_scheme():
    assert [field.name for field in fields(Scheme)] == [field.name for field in MESSAGE_BY_NAME["campaign_scheme"].request]
