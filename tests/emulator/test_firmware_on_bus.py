"""The real firmware on the emulated bus, compiled for this process and on the microcontroller, spoken to by the host's link."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from fxlstm.board.board import Board
from fxlstm.board.link import Link
from fxlstm.emulator.board import EmulatedBoard
from fxlstm.errors import BoardError, LinkLost
from fxlstm.status import BY_CODE
from fxlstm.urls.protocol_emu import emulated_board

ROWS, COLUMNS = 128, 64
CODES = 40000 + 300 * np.arange(COLUMNS)


@pytest.fixture
def link(emu: Callable[[str], str]) -> Iterator[Link]:
    link = Link(emu("device=ideal&board=bench"))
    yield link
    link.close()


@pytest.fixture
def board(link: Link) -> EmulatedBoard:
    return emulated_board("bench")


def pulse(link: Link, row: int, millivolts: int = 2500, gates: np.ndarray = CODES) -> None:
    link.request("pulse", row=row, millivolts=millivolts, microseconds=100, gates=gates.astype("<u2").tobytes())


def multiply(link: Link, codes: np.ndarray, range_index: int) -> np.ndarray:
    return np.asarray(link.request("multiply", range=range_index, codes=codes.astype(np.int16))["codes"])


def chip_failures(link: Link) -> list[tuple[int, int, str]]:
    """Kind, index and status of every chip that the self-test finds bad."""
    chips = np.frombuffer(link.request("selftest")["chips"], "u1,u1,<u2,<i4")
    return [(int(kind), int(index), BY_CODE[int(status)].symbol) for kind, index, status, _ in chips if status]


def test_board_says_its_size(link: Link) -> None:
    assert (link.identity["rows"], link.identity["columns"]) == (ROWS, COLUMNS)


def test_self_test_finds_every_chip(link: Link, board: EmulatedBoard) -> None:
    assert len(link.request("selftest")["chips"]) == 21 * 8
    assert chip_failures(link) == []
    assert not board.bus.violations


def test_outputs_and_amplifiers_are_measured(link: Link, board: EmulatedBoard) -> None:
    codes = np.arange(16) * 4096
    measured = link.request("measure_outputs", chip=9, log2_reads=0, outputs=codes.astype("<u2").tobytes())["codes"]
    np.testing.assert_allclose(measured * (10 / 32768), codes / 65536 * 5, atol=2e-3)
    answer = link.request("measure_amplifiers", row=100, code=-16384, range=3, log2_reads=1)
    amperes = answer["bus"] * (10 / 32768) / 20_000
    assert amperes == pytest.approx(-2.5 / 20_000, rel=0.01)
    np.testing.assert_allclose(answer["codes"], amperes * 1250 / 2.5 * 32768, atol=2)
    assert not board.bus.violations


def test_a_pulse_is_given_once_to_the_cells_asked_for(link: Link, board: EmulatedBoard) -> None:
    pulse(link, 70)
    expected = np.zeros((ROWS, COLUMNS), int)
    expected[70] = 1
    assert np.array_equal(board.array.pulse_counts, expected)
    assert not board.bus.violations


def test_cells_with_a_closed_gate_are_left_alone(link: Link, board: EmulatedBoard) -> None:
    pulse(link, 70, gates=np.where(np.arange(COLUMNS) % 2, CODES, 0))
    assert board.array.pulse_counts[70].tolist() == [0, 1] * 32


def test_width_of_a_pulse_is_kept(link: Link, board: EmulatedBoard, monkeypatch: pytest.MonkeyPatch) -> None:
    widths: list[float] = []
    monkeypatch.setattr(board.array, "pulse", lambda rows, gates, seconds: widths.append(seconds))
    pulse(link, 1)
    assert widths == [pytest.approx(100e-6, rel=0.1)]


@pytest.mark.parametrize("range_index", range(6))
def test_multiply_through_the_chips_is_exact(link: Link, board: EmulatedBoard, range_index: int) -> None:
    random = np.random.default_rng(range_index)
    for row in range(0, ROWS, 16):
        pulse(link, row, gates=random.integers(1, 65535, COLUMNS))
    codes = random.integers(-3000, 3000, ROWS)
    assert np.array_equal(multiply(link, codes, range_index), board.array.convert(codes, range_index))
    assert not board.bus.violations


def test_rows_are_read_one_by_one_exactly(link: Link, board: EmulatedBoard) -> None:
    pulse(link, 127)
    answer = link.request("read_conductance", row=126, rows=2, range=1, log2_reads=2)["codes"]
    one = np.zeros((2, ROWS), int)
    one[0, 126] = one[1, 127] = 32767
    assert np.array_equal(np.reshape(answer, (2, COLUMNS)), board.array.convert(one, 1))


def test_silence_drives_everything_to_zero(link: Link, board: EmulatedBoard) -> None:
    multiply(link, np.full(ROWS, 1000), 0)
    link.listen(3.0)
    assert not board.bus._row_outputs.any()
    assert not board.bus._gate_outputs.any()


def test_board_goes_on_after_its_port_was_closed(emu: Callable[[str], str], link: Link, board: EmulatedBoard) -> None:
    pulse(link, 5)
    link.close()
    with_same_board = Link(emu("board=bench"))
    assert with_same_board.request("snapshot")["pulses"] == 1
    with_same_board.close()


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        ("missing_chip=3", (0, 3, "DAC_ECHO")),
        ("missing_chip=9", (1, 1, "DAC_ECHO")),
        ("missing_chip=14", (2, 2, "ADC_IDENTITY")),
    ],
)
def test_self_test_names_a_missing_chip(emu: Callable[[str], str], fault: str, found: tuple[int, int, str]) -> None:
    link = Link(emu(f"device=ideal&{fault}"))
    assert chip_failures(link) == [found]
    link.close()


def test_adc_frames_with_a_bad_crc_are_read_again(emu: Callable[[str], str]) -> None:
    link = Link(emu("device=ideal&bad_crc=3"))
    for _ in range(6):
        multiply(link, np.zeros(ROWS), 0)
    assert link.request("snapshot")["adc_crc_errors"] >= 8
    link.close()


@pytest.mark.parametrize(("fault", "symbol"), [("bad_crc=1", "ADC_CRC"), ("stuck_busy=1", "ADC_BUSY")])
def test_broken_converters_are_named(emu: Callable[[str], str], fault: str, symbol: str) -> None:
    link = Link(emu(f"device=ideal&{fault}"))
    with pytest.raises(BoardError, match=symbol):
        multiply(link, np.zeros(ROWS), 0)
    link.close()


def test_dead_row_output_shows_in_the_product(emu: Callable[[str], str]) -> None:
    link = Link(emu("device=ideal&dead_row=20&board=bench"))
    for row in (20, 21):
        pulse(link, row)
    counts = emulated_board("bench").array.pulse_counts
    assert (counts[20].max(), counts[21].min()) == (0, 1)
    link.close()


def test_a_restarted_board_is_named_and_its_array_untouched(emu: Callable[[str], str]) -> None:
    link = Link(emu("device=ideal&board=bench&reset_after=1000"))
    with pytest.raises(LinkLost, match="restarted"):
        for _ in range(100):
            pulse(link, 9)
    link.close()
    counts = emulated_board("bench").array.pulse_counts
    again = Link(emu("board=bench"))
    assert again.identity["reset_reason"] == 1
    assert again.request("snapshot")["pulses"] == 0
    assert counts[9].min() == counts[9].max() > 0
    again.close()


def test_boards_in_one_process_do_not_know_each_other(emu: Callable[[str], str]) -> None:
    one, other = Link(emu("device=ideal&board=one")), Link(emu("device=ideal&board=other"))
    pulse(one, 1)
    pulse(other, 2)
    assert np.flatnonzero(emulated_board("one").array.pulse_counts.any(axis=1)).tolist() == [1]
    assert np.flatnonzero(emulated_board("other").array.pulse_counts.any(axis=1)).tolist() == [2]
    one.close()
    other.close()


def test_write_verify_on_physical_cells_counts_every_pulse_over_a_bad_link(emu: Callable[[str], str]) -> None:
    targets = np.full((ROWS, COLUMNS), 65535, np.uint16)
    targets[30] = np.linspace(1000, 50000, COLUMNS)
    with Board(emu("device=ta-hfo2&seed=4&board=bench&drop=3e-4&flip=3e-4&duplicate=3e-4"), log=False) as board:
        report = board.program(targets)
    emulated = emulated_board("bench")
    assert np.array_equal(report.pulses, emulated.array.pulse_counts)
    assert report.pulses[30].min() >= 1
    assert not emulated.bus.violations
