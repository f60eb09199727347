"""``emu://`` behaves like a serial port."""

from pathlib import Path

import pytest
import serial

from fxlstm.emulator.board import EmulatedBoard
from fxlstm.emulator.faults import CellFaults
from fxlstm.errors import ArrayError, LinkError
from fxlstm.urls.protocol_emu import OPTIONS, emulated_board

pytestmark = pytest.mark.usefixtures("echo")


def open_port(options: str = "", **settings: object) -> serial.SerialBase:
    return serial.serial_for_url(f"emu://host?device=ideal&{options}".rstrip("?&"), **{"timeout": 0.01, **settings})


def test_bytes_come_back() -> None:
    with open_port() as port:
        assert port.write(b"hello") == 5
        assert port.in_waiting == 5
        assert port.read(3) == b"hel"
        assert port.read(10) == b"lo"


def test_a_read_in_vain_takes_virtual_time_only() -> None:
    with open_port(timeout=3600) as port:
        before = port.emulated.clock.now()
        assert port.read(1) == b""
        assert port.emulated.clock.now() - before >= 3600 * 10**9


def test_reset_input_buffer_forgets_what_has_come() -> None:
    with open_port() as port:
        port.write(b"old")
        port.reset_input_buffer()
        port.write(b"new")
        assert port.read(10) == b"new"


def test_settings_of_a_real_port_are_accepted() -> None:
    with open_port(baudrate=9600, parity="E", write_timeout=1, exclusive=True) as port:
        port.timeout = 0
        port.dtr = port.rts = False
        port.flush()
        port.reset_output_buffer()
        assert port.read(1) == b""
        assert (port.cts, port.out_waiting) == (True, 0)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("emu://stm32f405?device=hfox", "built for the board 'reference'"),
        ("emu://elsewhere", "use emu://host or emu://stm32f405"),
        ("emu://host/path", "use emu://host"),
        ("emu://host?colour=red", "colour.*drop"),
        ("emu://host?seed=1&seed=2", "twice"),
        ("emu://host?seed=-1", "seed = '-1'"),
        ("emu://host?drop=2", "drop = 2.0"),
        ("emu://host?dead_row=128", "dead_row = 128: choose a row of 0 to 127"),
        ("emu://host?saturated_column=64", "saturated_column = 64: choose a column of 0 to 63"),
        ("emu://host?missing_chip=21", "missing_chip = 21: choose a chip select of 0 to 20"),
        ("emu://host?dead_monitor=12", "dead_monitor = 12: choose a DAC of 0 to 11"),
        ("emu://host?dead_gate=-2", "dead_gate = -2"),
        ("emu://host?bad_crc=-3", "bad_crc = -3"),
        ("emu://host?elf=firmware.elf", "elf.*emu://stm32f405"),
        ("emu://host?dead_crystal=1", "dead_crystal.*emu://stm32f405"),
    ],
)
def test_wrong_urls_say_what_is_wrong(url: str, words: str) -> None:
    with pytest.raises(LinkError, match=words):
        serial.serial_for_url(url)


def test_unknown_option_lists_the_known_ones() -> None:
    with pytest.raises(serial.SerialException) as refused:
        open_port("colour=red")
    assert all(option in str(refused.value) for option in OPTIONS)


def test_unknown_device_is_refused() -> None:
    with pytest.raises(ArrayError, match="unobtainium"):
        serial.serial_for_url("emu://host?device=unobtainium")


def test_named_board_lives_on_when_its_port_is_closed() -> None:
    with open_port("board=bench&seed=3"):
        board = emulated_board("bench")
    with open_port("board=bench&seed=3&drop=0.1") as port:
        assert port.emulated is board


def test_named_board_cannot_become_another_one() -> None:
    open_port("board=bench&seed=3").close()
    with pytest.raises(LinkError, match="lives already"):
        open_port("board=bench&seed=4")


def test_boards_without_a_name_are_separate_but_survive_reopening() -> None:
    with open_port() as one, open_port() as two:
        board = one.emulated
        assert two.emulated is not board
        one.close()
        one.open()
        assert one.emulated is board


def test_no_second_port_to_one_board() -> None:
    with open_port("board=bench"), pytest.raises(LinkError, match="in use"):
        open_port("board=bench")


def test_unknown_board_name_is_an_error() -> None:
    with pytest.raises(LinkError, match="bench"):
        emulated_board("bench")


def test_time_goes_on_while_the_port_is_closed() -> None:
    with open_port("board=bench"):
        before = emulated_board("bench").clock.now()
    with open_port("board=bench"):
        assert emulated_board("bench").clock.now() > before


def test_unplugged_port_fails_like_a_real_one_and_opens_again() -> None:
    port = open_port("disconnect_after=8")
    port.write(b"12345")
    with pytest.raises(serial.SerialException, match="disconnected"):
        port.read(5)
    for use in (lambda: port.write(b"1"), lambda: port.read(1), lambda: port.in_waiting):
        with pytest.raises(serial.SerialException, match="disconnected"):
            use()
    port.close()
    port.open()
    port.write(b"6789")
    assert port.read(4) == b"6789"
    port.close()


def test_closed_port_cannot_be_used() -> None:
    port = open_port()
    port.close()
    with pytest.raises(serial.PortNotOpenError):
        port.read(1)


def test_same_fault_seed_same_bytes() -> None:
    def passed(seed: int) -> bytes:
        with open_port(f"drop=0.02&flip=0.02&duplicate=0.02&fault_seed={seed}") as port:
            port.write(bytes(range(256)) * 4)
            return port.read(2000)

    assert passed(1) == passed(1) != passed(2)


def test_stalled_answers_come_later() -> None:
    with open_port("stall_ms=25") as port:
        port.write(b"slow")
        assert [port.read(4) for _ in range(4)] == [b"", b"", b"slow", b""]


def test_board_resets_after_so_many_bytes() -> None:
    with open_port("reset_after=7") as port:
        port.write(b"123")
        assert port.read(8) == b"123"
        port.write(b"4")
        assert port.read(8) == b"reset4"


def test_state_keeps_the_array_between_boards(tmp_path: Path) -> None:
    state = tmp_path / "array.npz"
    with open_port(f"state={state}") as port:
        port.emulated.array.pulse_counts[3, 4] = 7
    assert EmulatedBoard("ideal", state=state).array.pulse_counts[3, 4] == 7


def test_state_of_another_device_is_refused(tmp_path: Path) -> None:
    open_port(f"state={tmp_path / 'array.npz'}").close()
    with pytest.raises(ArrayError, match="'ideal'"):
        EmulatedBoard("ta-hfo2", state=tmp_path / "array.npz")


def test_imperfections_of_the_cells_are_options(tmp_path: Path) -> None:
    physical = {"device": "ta-hfo2", "seed": 3}
    cells = EmulatedBoard(**physical, cells=CellFaults(stuck_cell=2 * 64 + 5)).array.stuck
    assert cells[2, 5] and cells.sum() > 1
    with serial.serial_for_url("emu://host?device=ta-hfo2&seed=3&stuck=0&stuck_cell=133&read_noise=0") as port:
        array = port.emulated.array
        assert [list(map(int, place)) for place in zip(*array.stuck.nonzero(), strict=True)] == [[2, 5]]
        assert (array.read_conductance() == array.read_conductance()).all()


@pytest.mark.parametrize("option", ["stuck=2", "stuck=yes", "stuck_cell=8192", "stuck_cell=-2", "read_noise=0.1"])
def test_impossible_imperfections_are_refused(option: str) -> None:
    with pytest.raises((LinkError, ArrayError), match=option.partition("=")[0]):
        open_port(option)
