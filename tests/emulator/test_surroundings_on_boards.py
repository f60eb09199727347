"""Wires and converters with errors in an emulated board: the real firmware reads and multiplies through them."""

from __future__ import annotations

import numpy as np
import pytest

import fxlstm as fx
from fxlstm.app.commands import emulate
from fxlstm.emulator.board import EmulatedBoard
from fxlstm.urls.protocol_emu import emulated_board

URL = "emu://host?device=ta-hfo2&seed=1&read_noise=0&board=bench"
WIRES = fx.Wires(row=0.5, column=0.5, driver=5, amplifier=2)
THROUGH_WIRES = "&wires.row=0.5&wires.column=0.5&wires.driver=5&wires.amplifier=2"


@pytest.fixture(autouse=True)
def own_boards(monkeypatch):
    monkeypatch.setattr("fxlstm.urls.protocol_emu._named", {})


def twin(**options) -> fx.SimulatedArray:
    """A simulated array with the cells of the board's seed."""
    return fx.SimulatedArray(seed=1, read_noise=False, **options)


def test_the_firmware_reads_what_the_wires_leave_of_the_cells():
    with fx.Board(URL + THROUGH_WIRES, log=False) as board:
        measured = board.read_conductance(range=0)
    left = fx.effective_conductance(emulated_board("bench").array.conductance, WIRES)
    np.testing.assert_allclose(measured, left, atol=0.03e-6)


def test_the_firmware_multiplies_through_converters_with_errors():
    front_end = fx.FrontEnd(dac=fx.Converter(offset=40, gain=0.01), adc=fx.Converter(offset=200, gain=0.02, bow=50))
    named = "&dac.offset=40&dac.gain=0.01&adc.offset=200&adc.gain=0.02&adc.bow=50"
    codes = np.random.default_rng(3).integers(-3000, 3000, (4, 128)).astype(np.int16)
    with fx.Board(URL + named, log=False) as board:
        through_firmware = board.multiply(codes, 3)
    np.testing.assert_array_equal(through_firmware, twin(front_end=front_end).multiply(codes, 3))
    assert (through_firmware != twin().multiply(codes, 3)).mean() > 0.9


def test_the_noise_of_the_adcs_falls_with_the_readings_that_are_averaged():
    with fx.Board(URL + "&adc.noise=30", log=False) as board:
        codes = np.full((60, 128), 500, np.int16)
        single = board.multiply(codes, 5).std(axis=0).mean()
    with fx.Board("emu://host?seed=1&read_noise=0&adc.noise=30&front_end.reads=9", log=False) as board:
        averaged = board.multiply(codes, 5).std(axis=0).mean()
    assert single == pytest.approx(30, rel=0.1)
    assert averaged == pytest.approx(10, rel=0.1)


def test_a_file_may_describe_the_surroundings(tmp_path):
    path = tmp_path / "array.toml"
    path.write_text("[wires]\nrow = 0.5\n[front_end]\nreads = 2\n")
    with fx.Board(f"{URL}&around={path}&wires.column=0.4", log=False):
        array = emulated_board("bench").array
    assert array.wires == fx.Wires(row=0.5, column=0.4)
    assert array.front_end == fx.FrontEnd(reads=2)


def test_a_board_that_is_served_has_the_surroundings_of_its_options():
    link = emulate._link("ta-hfo2", 0, None, ["wires.row=0.3", "adc.noise=2"], ["drop=0.001"])
    assert link.board.array.wires == fx.Wires(row=0.3)
    assert link.board.array.front_end == fx.FrontEnd(adc=fx.Converter(noise=2))


@pytest.mark.parametrize("option", ["wires.row=0.3", "adc.noise=2"])
def test_cells_that_are_exact_in_integers_refuse_them(option):
    with pytest.raises(fx.ArrayError, match="'ideal', which are exact in integers"):
        fx.Board(f"emu://host?device=ideal&{option}", log=False)


def test_a_saved_array_keeps_its_surroundings_and_refuses_others(tmp_path):
    url = f"emu://host?device=ta-hfo2&seed=1&state={tmp_path / 'array.npz'}"
    with fx.Board(f"{url}&wires.row=0.5", log=False) as board:
        board.pulse(0, 2.0, 1e-5, 1.2)
    with fx.Board(url, log=False):
        pass
    assert EmulatedBoard(state=tmp_path / "array.npz").array.wires == fx.Wires(row=0.5)
    with pytest.raises(fx.ArrayError, match=r"holds an array behind Wires\(row=0.5"):
        fx.Board(f"{url}&wires.row=0.6", log=False)
