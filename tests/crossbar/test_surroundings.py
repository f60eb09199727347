"""Wires and front end by name: in options, in a file, in a plan."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

import fxlstm as fx
from fxlstm.crossbar.surroundings import DEFAULTS, from_options, from_texts, surroundings

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "front_end.md"


def test_every_field_of_wires_front_end_and_converters_has_a_name():
    expected = {f"wires.{field.name}" for field in fields(fx.Wires)}
    expected |= {f"front_end.{field.name}" for field in fields(fx.FrontEnd)} - {"front_end.dac", "front_end.adc"}
    expected |= {f"{side}.{field.name}" for field in fields(fx.Converter) for side in ("dac", "adc")}
    assert set(DEFAULTS) == expected


def test_the_page_lists_every_name():
    text = PAGE.read_text()
    assert [name for name in DEFAULTS if f"`{name}`" not in text] == []


def test_nothing_named_is_ideal():
    wires, front_end = surroundings({"levels": 3})
    assert wires.ideal and front_end.ideal


def test_values_are_read_in_the_kind_of_their_field():
    wires, front_end = from_texts(
        {"wires.row": "0.3", "wires.drive": "both", "adc.noise": "2", "front_end.reads": "4", "front_end.automatic_range": "1"}
    )
    assert wires == fx.Wires(row=0.3, drive="both")
    assert front_end == fx.FrontEnd(adc=fx.Converter(noise=2), reads=4, automatic_range=True)


def test_a_later_option_stands_above_a_file(tmp_path):
    path = tmp_path / "array.toml"
    path.write_text("[wires]\nrow = 0.3\ncolumn = 0.4\n[dac]\noffset = 2\n[front_end]\nautomatic_range = true\n")
    wires, front_end = from_options([str(path), "wires.row=1"])
    assert wires == fx.Wires(row=1.0, column=0.4)
    assert front_end == fx.FrontEnd(dac=fx.Converter(offset=2), automatic_range=True)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("wires.rows=1", r"'wires.rows'; choose from wires.row, .*adc.noise"),
        ("reads=4", "front_end.reads"),
        ("wires.row=much", "wires.row = 'much': give a number"),
        ("front_end.reads=1.5", "front_end.reads = '1.5': give a whole number"),
        ("front_end.automatic_range=perhaps", "true or false"),
        ("wires.row=-1", "wires: row = -1.0 ohm"),
        ("wires.row=nan", "wires: row = nan ohm"),
        ("dac.noise=-1", "dac: noise = -1.0"),
        ("adc.noise=-1", "adc: noise = -1.0"),
        ("front_end.reads=0", "front_end: reads = 0"),
        ("nowhere.toml", "'nowhere.toml' is neither NAME=VALUE nor a TOML file"),
    ],
)
def test_what_is_wrong_is_named(option, words):
    with pytest.raises(fx.ArrayError, match=words):
        from_options([option])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[wires]\nrows = 1", "'wires.rows'"),
        ("row = 1", "'row'; choose"),
        ("[lights]\non = true", "'lights.on'"),
        ("[wires", "TOML file"),
        ('[front_end]\nreads = "two"', "reads = 'two'"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(tmp_path, text, words):
    path = tmp_path / "array.toml"
    path.write_text(text)
    with pytest.raises(fx.ArrayError, match=words):
        from_options([str(path)])


@pytest.mark.parametrize("name", ["wires", "front_end", "temperature"])
def test_what_surrounds_the_cells_is_fixed_when_the_array_is_made(name):
    array = fx.SimulatedArray(8, 4)
    with pytest.raises(AttributeError, match=name):
        setattr(array, name, getattr(array, name))
