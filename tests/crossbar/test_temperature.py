"""What temperature does to cells: published numbers hold, and presets without them refuse."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import pytest
from crossbar_programs import make_program

from fxlstm.board.board import Board
from fxlstm.crossbar import SimulatedArray
from fxlstm.crossbar.temperature import Warmth
from fxlstm.errors import ArrayError
from fxlstm.program.device import Preset, device_names, load_device
from fxlstm.program.hardware import Hardware
from fxlstm.urls.protocol_emu import emulated_board

DAY = 86400.0


def own(least: float = 200, most: float = 400, **numbers: tuple[float, str]) -> Preset:
    """A preset that only says what temperature does."""
    rows = {"least": (least, "K"), "most": (most, "K")} | numbers
    lines = [f'{name} = {{ value = {value}, unit = "{unit}", source = "a test" }}' for name, (value, unit) in rows.items()]
    return Preset("mine", "[temperature]\n" + "\n".join(lines))


def drifted(kelvin: float) -> np.ndarray:
    """Drift exponents of PCM cells after a day at a temperature."""
    array = SimulatedArray(64, 64, "pcm", 1, "reference-125k", temperature=kelvin, read_noise=False)
    array.program(np.full((64, 64), 30000, np.uint16))
    written = array.conductance
    array.elapse(DAY)
    return -np.log(array.conductance / written) / np.log((DAY + 20) / 20)


def test_the_drift_of_pcm_falls_from_0_11_at_300_kelvin_to_0_07_at_125_as_published():
    room = drifted(300)
    np.testing.assert_allclose(drifted(125), room * 0.07 / 0.11, rtol=0.01)
    middle = 1 / (0.5 / 125 + 0.5 / 300)
    np.testing.assert_allclose(drifted(middle), room * 0.09 / 0.11, rtol=0.01)  # half way over 1/kT


def test_taox_conducts_alike_at_every_temperature_that_is_published():
    cold, room = (SimulatedArray(4, 4, "taox", 1, "reference-174k", temperature=kelvin) for kelvin in (100, 300))
    np.testing.assert_array_equal(cold.read_conductance(), room.read_conductance())


def test_a_metal_conducts_less_and_a_thermally_activated_current_more_when_warm():
    assert Warmth.of(own(resistance=(0.002, "1/K")), 350).conductance == pytest.approx(1 / 1.1)
    energy = 0.1 / 8.617333262e-5
    assert Warmth.of(own(activation=(0.1, "eV")), 350).conductance == pytest.approx(np.exp(energy / 300 - energy / 350))
    assert Warmth.of(own(activation=(0.1, "eV")), 250).conductance < 1


def test_readings_and_products_are_those_of_warm_cells(tmp_path):
    text = (files("fxlstm") / "devices" / "taox.toml").read_text()
    text = text.replace("most = { value = 300", "most = { value = 400").replace(
        "resistance = { value = 0,", "resistance = { value = 0.002,"
    )
    path = tmp_path / "mine.toml"
    path.write_text(text)
    options = {"seed": 1, "board": "reference-174k", "read_noise": False}
    warm, room = (SimulatedArray(4, 4, str(path), temperature=kelvin, **options) for kelvin in (350, 300))
    np.testing.assert_allclose(warm.conductance, room.conductance / 1.1, rtol=1e-12)
    codes = np.full(4, 20000, np.int16)
    np.testing.assert_allclose(warm.multiply(codes), room.multiply(codes) / 1.1, atol=1)


@pytest.mark.parametrize("device", [name for name in device_names() if "temperature.least" not in load_device(name)])
def test_a_preset_without_published_numbers_refuses_every_temperature_but_300_kelvin(device):
    SimulatedArray(2, 2, device, 1, load_device(device).board, temperature=300.0)
    with pytest.raises(ArrayError, match=f"temperature = 350 K: device preset '{device}' has no number about temperature"):
        SimulatedArray(2, 2, device, 1, load_device(device).board, temperature=350.0)


@pytest.mark.parametrize("kelvin", [124.0, 301.0, -1.0, float("nan")])
def test_a_temperature_beyond_what_was_measured_is_refused(kelvin):
    with pytest.raises(ArrayError, match="holds from 125 to 300 K"):
        SimulatedArray(2, 2, "pcm", 1, "reference-125k", temperature=kelvin)


@pytest.mark.parametrize("kelvin", ["hot", None, True])
def test_what_is_no_temperature_is_refused(kelvin):
    with pytest.raises(ArrayError, match="give kelvin"):
        SimulatedArray(2, 2, "pcm", 1, "reference-125k", temperature=kelvin)


def test_numbers_that_make_no_sense_at_a_temperature_are_refused():
    with pytest.raises(ArrayError, match="makes no sense at 200 K"):
        Warmth.of(own(drift=(0.1, "eV")), 200)
    with pytest.raises(ArrayError, match="makes no sense at 200 K"):
        Warmth.of(own(resistance=(0.02, "1/K")), 200)


def test_a_saved_array_stays_as_cold_as_it_was(tmp_path):
    array = SimulatedArray(2, 2, "pcm", 1, "reference-125k", temperature=200.0)
    array.save(tmp_path / "array.npz")
    assert SimulatedArray.load(tmp_path / "array.npz").temperature == 200.0


def test_an_emulated_board_can_stand_in_the_cold():
    with Board("emu://host?device=pcm&temperature=200&board=cold", log=False):
        assert emulated_board("cold").array.temperature == 200.0


def test_cells_held_at_measured_conductances_are_not_warmed_twice(tmp_path):
    text = (files("fxlstm") / "devices" / "pcm.toml").read_text()
    warm = '[temperature]\nactivation = { value = 0.1, unit = "eV", source = "a test" }'
    path = tmp_path / "mine.toml"
    path.write_text(text.replace("[temperature]", warm))
    program = make_program([np.full((2, 2), 100)], Hardware(board="reference-125k"))
    held = SimulatedArray.holding(program, np.full((128, 64), 1e-5), str(path), temperature=200.0)
    np.testing.assert_allclose(held.conductance, 1e-5, rtol=1e-12)
