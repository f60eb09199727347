"""The microcontroller resets, faults or hangs amid its work: no pulse is repeated, outputs fall to rest, the campaign goes on.

``--resets`` says at how many bytes, SPI frames and pulses, evenly spread over the work, the reset comes.
"""

from __future__ import annotations

import contextlib
import struct

import numpy as np
import pytest
from firmware_builds import firmware_elf

from fxlstm.board.board import Board
from fxlstm.board.link import Link
from fxlstm.board.messages import records
from fxlstm.emulator.board import EmulatedBoard
from fxlstm.emulator.stm32f405.memory import SRAM, SRAM_SIZE
from fxlstm.emulator.stm32f405.system import RandomNumbers
from fxlstm.errors import LinkError, LinkLost
from fxlstm.program.mapping import LEAVE
from fxlstm.urls.protocol_emu import _named, emulated_board

ROWS, COLUMNS = 128, 64
PULSES = 12
WORK = {"reset_after": 3400, "reset_after_frames": 900, "reset_after_pulses": PULSES}  # what opening and PULSES pulses take
CAMPAIGN = {"reset_after": 3000, "reset_after_frames": 700, "reset_after_pulses": 9}  # each amid the campaign below
FIRST_ROW, GATES = 9, np.full(COLUMNS, 40000, "<u2").tobytes()
NOWHERE, HANG = 0xF0000000, SRAM + SRAM_SIZE - 4


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "reset" in metafunc.fixturenames:
        count = metafunc.config.getoption("--resets")
        resets = [(kind, n) for kind, last in WORK.items() for n in np.linspace(1, last, min(count, last), dtype=int).tolist()]
        metafunc.parametrize("reset", resets, ids=[f"{kind}={n}" for kind, n in resets])


def url(options: str) -> str:
    return f"emu://stm32f405?elf={firmware_elf('gcc')}&board=bench&{options}"


@pytest.fixture(autouse=True)
def no_boards_left() -> None:
    _named.clear()


def pulse_until_it_restarts(port: str) -> int:
    """Ask for pulses, one after the other; return how many were asked for: none when it restarts while the port is opened."""
    try:
        link = Link(port, reconnect=False)
    except LinkError:
        return 0
    asked = 0
    with contextlib.suppress(LinkLost):
        while asked < PULSES:
            asked += 1
            link.request("pulse", row=FIRST_ROW + asked - 1, millivolts=1000, microseconds=50, gates=GATES)
    link.close()
    return asked


def at_rest(board: EmulatedBoard) -> bool:
    return not (board.bus._programming or board.bus._row_outputs.any() or board.bus._gate_outputs.any())


def test_no_pulse_is_repeated_whenever_the_device_resets(reset: tuple[str, int]) -> None:
    kind, n = reset
    asked = pulse_until_it_restarts(url(f"device=ideal&{kind}={n}"))
    board = emulated_board("bench")
    counts = board.array.pulse_counts[:, 0]
    known = slice(FIRST_ROW, FIRST_ROW + max(asked - 1, 0))
    assert (counts[known] == 1).all()
    assert asked - 1 <= counts.sum() <= asked  # of the last one the host has been told that it cannot know
    again = Link(url(""))
    again.request("pulse", row=1, millivolts=1000, microseconds=50, gates=GATES)
    again.close()
    assert board.array.pulse_counts[1].tolist() == [1] * COLUMNS
    assert not board.bus.violations


def test_a_pulse_amid_which_the_device_resets_counts_for_the_budget_of_its_cells() -> None:
    link = Link(url("device=ideal&reset_after_pulses=1"), reconnect=False)
    with pytest.raises(LinkLost):
        link.request("pulse", row=1, millivolts=1000, microseconds=50, gates=GATES)
    link.close()
    again = Link(url(""))
    counted = records("cell_state", again.request("campaign_cells", row=1)["cells"])["pulses"]
    again.close()
    np.testing.assert_array_equal(counted, emulated_board("bench").array.pulse_counts[1])
    assert (counted == 1).all()


@pytest.mark.parametrize("kind", CAMPAIGN)
def test_a_campaign_goes_on_after_a_reset_of_the_device(kind: str) -> None:
    targets = np.full((ROWS, COLUMNS), LEAVE, np.uint16)
    targets[5:7, :6] = np.linspace(1000, 50000, 12).reshape(2, 6)
    options = "device=ta-hfo2&seed=3"
    with pytest.raises(LinkLost, match="restarted"), Board(url(f"{options}&{kind}={CAMPAIGN[kind]}"), log=False) as board:
        board.program(targets)
    assert at_rest(emulated_board("bench"))
    with Board(url(options), log=False) as board:
        report = board.program(targets)
        assert board.snapshot()["reset_reason"] == "pin"
    assert report.success_rate == 1
    assert not emulated_board("bench").bus.violations


def strike(board: EmulatedBoard, monkeypatch: pytest.MonkeyPatch, pc: int) -> list[int]:
    """Let the processor's program counter jump while the first pulse is applied; return where the moment of it will stand."""
    core, struck = board.firmware.microcontroller.core, []  # type: ignore[attr-defined]
    moments: list[int] = []
    run = core.run

    def run_and_jump(limit: int) -> None:
        run(limit)
        if struck.pop() if struck else False:
            core._pc = pc
            moments.append(board.clock.now())

    def hit(power: bool) -> None:
        struck.append(True)
        core.processor.attend()

    monkeypatch.setattr(core, "run", run_and_jump)
    board.bus.on_reset = hit
    return moments


def resets(board: EmulatedBoard, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return where the moments of resets will stand."""
    part, moments = board.firmware.microcontroller, []  # type: ignore[attr-defined]
    reset = part._reset

    def noted(flag: int) -> None:
        moments.append(board.clock.now())
        reset(flag)

    monkeypatch.setattr(part, "_reset", noted)
    return moments


@pytest.mark.parametrize(("pc", "reason"), [(NOWHERE, "fault"), (HANG, "watchdog")])
def test_a_fault_or_a_hang_amid_a_pulse_brings_the_array_to_rest_and_is_told(
    pc: int, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = Link(url("device=ideal&reset_after_pulses=1"), reconnect=False)
    board = emulated_board("bench")
    memory = board.firmware.microcontroller.memory  # type: ignore[attr-defined]
    struct.pack_into("<H", memory.sram, HANG - SRAM, 0xE7FE)  # a jump to itself
    struck, restarted = strike(board, monkeypatch, pc), resets(board, monkeypatch)
    with pytest.raises(LinkLost):
        link.request("pulse", row=1, millivolts=1000, microseconds=50, gates=GATES)
    link.close()
    assert at_rest(board)
    seconds = (restarted[0] - struck[0]) * 1e-9
    assert seconds == pytest.approx(1, abs=0.05) if reason == "watchdog" else seconds < 0.01
    assert board.array.pulse_counts.sum() == COLUMNS
    with Board(url(""), log=False) as again:
        snapshot = again.snapshot()
    assert snapshot["reset_reason"] == reason
    assert (snapshot["faults"], snapshot["fault_pc"]) == ((1, NOWHERE) if reason == "fault" else (0, 0))


def test_a_fault_amid_a_pulse_ends_it_by_a_pin_before_a_frame_goes_to_any_chip(monkeypatch: pytest.MonkeyPatch) -> None:
    link = Link(url("device=ideal&reset_after_pulses=1"), reconnect=False)
    board = emulated_board("bench")
    struck, shift, programming = strike(board, monkeypatch, NOWHERE), board.bus.shift, []

    def shifted(byte: int) -> int:
        if struck:
            programming.append(board.bus._programming)
        return shift(byte)

    monkeypatch.setattr(board.bus, "shift", shifted)
    with pytest.raises(LinkLost):
        link.request("pulse", row=1, millivolts=1000, microseconds=50, gates=GATES)
    link.close()
    assert programming and not any(programming)


def test_faults_are_counted_from_restart_to_restart() -> None:
    for faults in (1, 2, 3):
        link = Link(url("device=ideal"), reconnect=False)
        emulated_board("bench").firmware.microcontroller.core._pc = NOWHERE  # type: ignore[attr-defined]
        with pytest.raises(LinkLost):
            link.request("snapshot")
        link.close()
        with Board(url(""), log=False) as again:
            assert again.snapshot()["faults"] == faults


def test_starts_of_a_board_whose_random_numbers_fail_are_told_apart_by_their_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RandomNumbers, "read", lambda generator, offset: 0)
    starts = []
    for _ in range(3):
        link = Link(url("device=ideal"), reconnect=False)
        starts.append(link.identity["boot_id"])
        link.close()
        emulated_board("bench").firmware.reset(1)
    assert len(set(starts)) == 3


def test_a_crystal_that_fails_restarts_the_board_on_its_internal_oscillator() -> None:
    link = Link(url("device=ideal"), reconnect=False)
    emulated_board("bench").firmware.microcontroller.fail_crystal()  # type: ignore[attr-defined]
    with pytest.raises(LinkLost):
        link.request("pulse", row=1, millivolts=1000, microseconds=50, gates=GATES)
    link.close()
    with Board(url(""), log=False) as again:
        snapshot = again.snapshot()
    assert (snapshot["reset_reason"], snapshot["fault_exception"]) == ("fault", 2)  # the non-maskable interrupt
    assert (snapshot["clock"], snapshot["clock_hertz"]) == ("no_crystal", 168_000_000)
