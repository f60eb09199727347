"""The time model of the physical board: it counts what the firmware does, and its microseconds are those of the emulated boards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from firmware_builds import firmware_elf

from fxlstm.analysis.timing.prices import prices, spi_hertz
from fxlstm.analysis.timing.sequence import programming_work, pulse_work, read_out_work, run_work
from fxlstm.analysis.timing.times import TimeTable, board_times
from fxlstm.analysis.timing.work import CountedFrontEnd, Step, Work
from fxlstm.app.demos.airline_task import AirlineTask, load_trained
from fxlstm.board.board import Board
from fxlstm.emulator import bus
from fxlstm.emulator.board import EmulatedBoard
from fxlstm.emulator.chips import ad7606c
from fxlstm.errors import ModelError
from fxlstm.program.hardware import Hardware, load_board
from fxlstm.program.program import Program
from fxlstm.program.quantize import quantize
from fxlstm.urls.protocol_emu import emulated_board

DAC_STEPS = (Step.ROW_FRAME, Step.GATE_FRAME, Step.PROOF_FRAME, Step.STAGED_FRAME)
ADC_STEPS = (Step.SAMPLE_FRAME, Step.REGISTER_FRAME)
TOLERANCE, CAMPAIGN_TOLERANCE = 0.05, 0.1  # of a campaign, what the board says of itself meanwhile is not counted
SHORT, LONG = 2, 16


@pytest.fixture(scope="module")
def airline() -> Program:
    return quantize(load_trained(), AirlineTask.load().inputs, Hardware())


def months(count: int) -> np.ndarray:
    return AirlineTask.load().inputs[:count]


def counted(program: Program, timesteps: int) -> Work:
    front_end = CountedFrontEnd()
    run_work(program, [program.encode(months(timesteps))], [timesteps], front_end)
    return front_end.work


def frames(work: Work) -> Counter[str]:
    return Counter(dac=sum(work[step] for step in DAC_STEPS), adc=sum(work[step] for step in ADC_STEPS))


def counting(emulated: EmulatedBoard) -> Counter[str]:
    """Frames that the chips of an emulated board execute from now on."""
    seen: Counter[str] = Counter()
    executed = emulated.bus._executed

    def count(chip: object) -> None:
        seen["adc" if isinstance(chip, ad7606c.AD7606C) else "dac"] += 1
        executed(chip)  # type: ignore[arg-type]

    emulated.bus._executed = count  # type: ignore[method-assign]
    return seen


@pytest.fixture
def host() -> tuple[Board, EmulatedBoard]:
    board = Board("emu://host?device=ideal&seed=1", log=False)
    return board, board._link._port._serial.emulated


Verb = Callable[[Board], object]
VERBS: dict[str, tuple[Verb, Callable[[Program, CountedFrontEnd], None]]] = {
    "a run": (
        lambda board: board.run(months(LONG)),
        lambda program, front_end: run_work(program, [program.encode(months(LONG))], [LONG], front_end),
    ),
    "a read-out": (lambda board: board.read_conductance(), lambda _, front_end: read_out_work(front_end)),
    "a pulse": (
        lambda board: board._driver.pulse(0, 1000, 50, np.arange(1, 65, dtype=np.uint16)),
        lambda _, front_end: pulse_work(front_end, 50),
    ),
    "programming": (
        lambda board: board.program(board.loaded),
        lambda program, front_end: programming_work(program, "ideal", front_end),
    ),
}


@pytest.mark.parametrize("verb", VERBS)
def test_every_frame_on_the_bus_is_counted(verb: str, host: tuple[Board, EmulatedBoard], airline: Program) -> None:
    board, emulated = host
    do, count = VERBS[verb]
    front_end = CountedFrontEnd()
    with board:
        if verb != "programming":
            board.program(airline)
        board.load(airline)
        board.safe_idle()
        seen = counting(emulated)
        do(board)
        assert seen["adc"] or verb == "a pulse"
        count(airline, front_end)
        assert seen == frames(front_end.work)


def test_the_frames_of_a_run_take_the_time_that_they_take_on_the_emulated_bus(
    host: tuple[Board, EmulatedBoard], airline: Program
) -> None:
    board, emulated = host
    work, settling = counted(airline, LONG), load_board("reference")["settling"]["read_microseconds"]
    size = {Step.SAMPLE_FRAME: 18, Step.REGISTER_FRAME: 3} | dict.fromkeys(DAC_STEPS, 4)
    expected = bus.SPI_NANOSECONDS_PER_BYTE * sum(work[step] * count for step, count in size.items())
    expected += bus.PIN_NANOSECONDS * work[Step.EDGE] + 1000 * settling * work[Step.READ_SETTLING]
    expected += (1000 + ad7606c.CONVERSION_NANOSECONDS[0]) * work[Step.CONVERSION]
    with board:
        board.program(airline)
        board.safe_idle()
        since = emulated.clock.now()
        board.run(months(LONG))
        assert emulated.clock.now() - since == pytest.approx(expected, rel=0.01)


@pytest.fixture(scope="module")
def device(airline: Program) -> dict[str, float]:
    """Microseconds by the clock of the ELF file on the emulated STM32F405: of a timestep and of programming."""
    with Board(f"emu://stm32f405?device=ideal&seed=1&board=times&elf={firmware_elf('gcc')}", log=False) as board:
        report, conversions = board.program(airline), moments_of_conversions(emulated_board("times"))
        board.run(months(LONG))
    firsts = conversions[:: len(conversions) // LONG]  # of each timestep
    return {"timestep": (firsts[LONG - 1] - firsts[SHORT - 1]) / (LONG - SHORT), "programming": 1e6 * report.seconds}


def moments_of_conversions(emulated: EmulatedBoard) -> list[float]:
    """Microseconds at which a board converts from now on."""
    moments: list[float] = []
    convert = emulated.bus._convert

    def noted() -> None:
        moments.append(emulated.clock.now() / 1e3)
        convert()

    emulated.bus._convert = noted  # type: ignore[method-assign]
    return moments


def test_a_timestep_takes_what_it_takes_on_the_emulated_microcontroller(device: dict[str, float], airline: Program) -> None:
    work = counted(airline, LONG)
    work.subtract(counted(airline, SHORT))
    work[Step.SERIAL_BYTE] = 0  # all inputs are there before, no output has gone
    expected = TimeTable.of("", work, prices(), LONG - SHORT).microseconds
    assert expected == pytest.approx(device["timestep"], rel=TOLERANCE)


def test_programming_takes_what_it_takes_on_the_emulated_microcontroller(device: dict[str, float], airline: Program) -> None:
    assert board_times(airline, device="ideal").programming.microseconds == pytest.approx(
        device["programming"], rel=CAMPAIGN_TOLERANCE
    )


def test_the_spi_clock_is_the_fastest_that_the_chips_bear() -> None:
    board = load_board("reference")
    assert spi_hertz(board, "row_dac") == 42e6
    assert spi_hertz(board, "column_adc") == 21e6
    slow = board | {"column_adc": board["column_adc"] | {"spi_hertz": 20e6}}
    assert spi_hertz(slow, "column_adc") == 10.5e6


def test_the_board_file_and_the_emulated_chip_agree_on_a_conversion() -> None:
    assert 1000 * load_board("reference")["column_adc"]["conversion_microseconds"] == ad7606c.CONVERSION_NANOSECONDS[0]


def test_an_output_that_holds_its_code_costs_no_frame() -> None:
    front_end, codes = CountedFrontEnd(), np.arange(128)
    front_end.convert(0, codes)
    front_end.work.clear()
    front_end.convert(0, codes)
    assert not front_end.work[Step.ROW_FRAME] and not front_end.work[Step.PROOF_FRAME]
    assert front_end.work[Step.SAMPLE_FRAME] == 8


def test_a_change_of_adc_range_dominates_and_a_change_of_gain_alone_costs_nothing() -> None:
    front_end, codes = CountedFrontEnd(), np.zeros(128, np.int64)
    front_end.convert(0, codes)
    front_end.convert(3, codes)
    assert not front_end.work[Step.REGISTER_FRAME]
    front_end.work.clear()
    front_end.convert(1, codes)
    table = TimeTable.of("", front_end.work, prices())
    assert table.dominant.step == Step.REGISTER_FRAME.value


def test_tiles_beside_each_other_keep_their_ranges_and_are_read_apart() -> None:
    front_end, codes = CountedFrontEnd(), np.zeros(128, np.int64)
    for timestep in range(2):
        front_end.work.clear()
        front_end.convert(1, codes, columns=slice(0, 60))
        front_end.convert(0, codes, columns=slice(60, 62))
        assert front_end.work[Step.SAMPLE_FRAME] == 8 + 1
        assert front_end.work[Step.REGISTER_FRAME] == (8 * 3 + 30 * 3 if timestep == 0 else 0)


def test_bytes_on_the_line_cost_no_time_of_their_own_where_the_board_works_meanwhile() -> None:
    work = Work({Step.SERIAL_BYTE: 1000, Step.READ_SETTLING: 10})
    line, settling = 1000 * prices()[Step.SERIAL_BYTE].waiting, 10 * prices()[Step.READ_SETTLING].waiting
    assert TimeTable.of("", work, prices(), line_overlaps=True).microseconds == line
    apart = TimeTable.of("", work, prices())
    assert apart.microseconds == pytest.approx(line + settling + 1000 * prices()[Step.SERIAL_BYTE].computing)


def test_the_tables_say_what_dominates_and_their_shares_make_a_whole(airline: Program) -> None:
    times = board_times(airline, months(LONG))
    assert sum(map(times.timestep.share, times.timestep.rows)) == pytest.approx(1)
    assert f"most by {times.read_out.dominant.step}" in str(times) and times.read_out.dominant.step == Step.SERIAL_BYTE.value
    assert times.as_dict()["timestep"]["microseconds"] == times.timestep.microseconds


@pytest.mark.parametrize("x", [np.zeros((2, 3, 1)), np.zeros((0, 1)), np.zeros((3, 2)), np.array([[np.nan]])])
def test_what_is_no_sequence_of_the_program_is_refused(x: np.ndarray, airline: Program) -> None:
    with pytest.raises(ModelError):
        board_times(airline, x)
