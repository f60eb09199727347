"""What the firmware measures of the board itself: every DAC output, every amplifier; and that nothing stays on afterwards."""

from __future__ import annotations

import numpy as np
import pytest
from device import Device, Refused

from fxlstm.emulator.faults import ChipFaults
from fxlstm.program.hardware import load_board

BOARD = load_board("reference")
MONITOR_ADC = BOARD["monitor_adc"]["first_chip_select"]
CODES = np.arange(16, dtype="<u2") * 4000 + 1000


def outputs(device: Device, chip: int, log2_reads: int = 0, codes: np.ndarray = CODES) -> np.ndarray:
    """Volts."""
    answer = device.request("measure_outputs", chip=chip, log2_reads=log2_reads, outputs=codes.tobytes())
    return answer["codes"].astype(float) * 10 / 32768


def amplifiers(device: Device, row: int = 3, code: int = 20000, range: int = 0, log2_reads: int = 2) -> dict[str, np.ndarray]:
    return device.request("measure_amplifiers", row=row, code=code, range=range, log2_reads=log2_reads)


def everything_is_off(device: Device) -> bool:
    bus = device.bus
    return not (bus._monitor.driving() or bus._monitor.calibrating or bus._row_outputs.any() or bus._gate_outputs.any())


@pytest.mark.parametrize(("chip", "span"), [(0, (-5, 5)), (7, (-5, 5)), (8, (0, 5)), (11, (0, 5))])
def test_every_output_of_a_dac_is_measured_in_volts(device: Device, chip: int, span: tuple[float, float]) -> None:
    low, high = span
    np.testing.assert_allclose(outputs(device, chip), low + CODES / 65536 * (high - low), atol=2e-3)
    assert everything_is_off(device)
    assert device.bus.violations == []


def test_the_other_outputs_stay_at_0_volts_meanwhile(device: Device) -> None:
    seen = []
    sample = device.bus._sample
    device.bus._sample = lambda: seen.append((device.bus._row_outputs.copy(), device.bus._gate_outputs.copy())) or sample()
    outputs(device, 2)
    rows, gates = seen[-1]
    assert len(seen) == 16
    assert np.flatnonzero(rows).tolist() == list(range(32, 48)) and not gates.any()


def test_the_mean_of_many_conversions_is_taken(device: Device) -> None:
    count = device.request("snapshot")["conversions"]
    outputs(device, 0, log2_reads=3)
    assert device.request("snapshot")["conversions"] - count == 16 * 8


@pytest.mark.parametrize("code", [20000, -20000])
def test_amplifiers_measure_the_current_that_the_bus_gives(device: Device, code: int) -> None:
    for range in (0, 3):
        answer = amplifiers(device, code=code, range=range)
        net, bus = answer["net"] * 10 / 32768, answer["bus"] * 10 / 32768
        full_scale = BOARD["front_end"]["adc_range_volts"][range] / BOARD["front_end"]["transimpedance_ohms"][range]
        assert net == pytest.approx(code / 32768 * 5, abs=2e-3)
        assert bus == pytest.approx(net, rel=0.01) and abs(bus) < abs(net)
        expected = bus / BOARD["monitor"]["column_ohms"] / full_scale * 32768
        np.testing.assert_allclose(answer["codes"], expected, rtol=5e-4)
    assert everything_is_off(device)
    assert device.bus.violations == []


def test_cells_have_no_part_in_it(device: Device) -> None:
    before = amplifiers(device)["codes"]
    gates = np.full(64, 60000, "<u2").tobytes()
    device.request("pulse", row=3, millivolts=2500, microseconds=5, gates=gates)
    np.testing.assert_array_equal(amplifiers(device)["codes"], before)


def test_an_array_is_read_as_before_after_a_self_test(device: Device) -> None:
    gates = (np.arange(64, dtype="<u2") * 1000).tobytes()
    device.request("pulse", row=9, millivolts=2500, microseconds=5, gates=gates)
    read = {"row": 9, "rows": 1, "range": 0, "log2_reads": 0}
    before = device.request("read_conductance", **read)["codes"]
    outputs(device, 0)
    amplifiers(device)
    np.testing.assert_array_equal(device.request("read_conductance", **read)["codes"], before)


@pytest.mark.parametrize(
    ("name", "values", "status", "detail"),
    [
        ("measure_outputs", {"chip": 12, "log2_reads": 0, "outputs": bytes(32)}, "RANGE", 12),
        ("measure_outputs", {"chip": 0, "log2_reads": 9, "outputs": bytes(32)}, "ARGUMENT", 0),
        ("measure_outputs", {"chip": 0, "log2_reads": 0, "outputs": bytes(30)}, "FRAME_LENGTH", 0),
        ("measure_amplifiers", {"row": 128, "code": 0, "range": 0, "log2_reads": 0}, "RANGE", 128),
        ("measure_amplifiers", {"row": 0, "code": 0, "range": 6, "log2_reads": 0}, "RANGE", 6),
        ("measure_amplifiers", {"row": 0, "code": 0, "range": 0, "log2_reads": 9}, "ARGUMENT", 0),
    ],
)
def test_what_the_board_does_not_have_is_refused(device: Device, name: str, values: dict, status: str, detail: int) -> None:
    with pytest.raises(Refused) as refusal:
        device.request(name, **values)
    assert (refusal.value.status, refusal.value.detail) == (status, detail)


def test_without_the_monitors_adc_the_array_works_and_the_self_test_names_it() -> None:
    device = Device(faults=ChipFaults(missing_chip=MONITOR_ADC)).open()
    assert device.request("read_conductance", row=0, rows=1, range=0, log2_reads=0)["codes"].tolist() == [0] * 64
    for measure in (lambda: outputs(device, 0), lambda: amplifiers(device)):
        with pytest.raises(Refused) as refusal:
            measure()
        assert (refusal.value.status, refusal.value.detail) == ("ADC_IDENTITY", MONITOR_ADC)
    assert everything_is_off(device)


@pytest.mark.parametrize("damaged", range(0, 220, 7))
def test_a_damaged_frame_leaves_nothing_on_and_no_two_monitor_outputs_meet(damaged: int) -> None:
    device = Device().open()
    transfer, frames = device.bus.transfer, iter(range(10**6))

    def damage(chip: int, frame: bytes) -> bytes:
        if next(frames) == damaged:
            frame = frame[:1] + bytes((frame[1] ^ 0x40,)) + frame[2:]
        return transfer(chip, frame)

    device.bus.transfer = damage
    for chip in (0, 1):
        try:
            outputs(device, chip)
        except Refused as refusal:
            assert refusal.status in ("DAC_ECHO", "ADC_CRC")
        assert everything_is_off(device)
    device.bus.transfer = transfer
    np.testing.assert_allclose(outputs(device, 1), -5 + CODES / 65536 * 10, atol=2e-3)
    assert not [violation for violation in device.bus.violations if "monitor outputs" in violation]


def test_a_chip_whose_monitor_output_does_not_obey_is_brought_up_anew_before_another_one_is_looked_at(device: Device) -> None:
    transfer, damaged = device.bus.transfer, iter([True, True])
    off = bytes((0, 0xB0, 0, 0))
    device.bus.transfer = lambda chip, frame: transfer(chip, bytes(4) if frame == off and next(damaged, False) else frame)
    with pytest.raises(Refused, match="DAC_ECHO"):
        outputs(device, 0)
    assert device.bus._monitor.driving() == [0]
    outputs(device, 1)
    assert everything_is_off(device)
    assert not [violation for violation in device.bus.violations if "monitor outputs" in violation]


@pytest.mark.parametrize("frame", range(1, 100, 9))
def test_a_reset_amid_a_measurement_leaves_nothing_on(frame: int) -> None:
    device = Device().open()
    device.bus._faults = ChipFaults(reset_after_frames=device.bus.frames + frame)
    resets = []
    device.bus.on_reset = lambda power: resets.append(device.bus.release()) or device.firmware.reset(1)
    device.firmware.feed(device.frame("measure_amplifiers", row=3, code=20000, range=3, log2_reads=2))
    device.poll()
    assert len(resets) == 1
    assert everything_is_off(device)
    device.open()
    assert np.abs(outputs(device, 8)).max() > 4
    assert device.bus.violations == []
