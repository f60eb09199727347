"""The measured table of schemes in docs/devices.md is what tools/schemes_table.py measures."""

from __future__ import annotations

import pytest

import schemes_table
from fxlstm.program.device import device_names
from generators.pages import part


def printed_rows() -> dict[tuple[str, str], tuple[str, ...]]:
    lines = part(schemes_table.PAGE.read_text(), "schemes").splitlines()[2:]
    cells = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]
    return {(line[0].strip("`"), line[1]): line for line in cells}


def test_every_scheme_of_every_preset_is_in_the_table():
    known = {(device, name) for device in device_names() for name, _ in schemes_table.known_schemes(device)}
    assert set(printed_rows()) == known
    assert {name for _, name in known} == {"open-loop", "write-verify", "incremental", "refined"}


@pytest.mark.parametrize(("device", "name"), [("ta-hfo2", "open-loop"), ("hfox", "incremental")])
def test_a_line_of_the_table_is_what_is_measured(device, name):
    scheme = dict(schemes_table.known_schemes(device))[name]
    measured, printed = schemes_table.row(device, name, scheme), printed_rows()[device, name]
    assert measured[:-1] == printed[:-1]
    assert float(measured[-1]) == pytest.approx(float(printed[-1]), rel=0.05)  # the board's clock also counts what the host asks
