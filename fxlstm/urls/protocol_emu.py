"""``emu://host?device=ideal&seed=1``: a board without hardware, opened like any serial port.

``emu://host`` runs the firmware compiled for this process, ``emu://stm32f405`` its ELF file on an emulated Cortex-M4.

Options: ``device``, ``seed`` (of the array), ``board`` (a name: the board lives on in this process when the port is closed, and is
found again by that name), ``state`` (a file that keeps the array between processes), ``elf`` (the image of a microcontroller, by
default the one built last), what surrounds the cells (``wires.row=0.3``,
``adc.noise=2``, ... or ``around``, a TOML file of it, see :mod:`fxlstm.crossbar.surroundings`), and every fault of
:mod:`fxlstm.emulator.faults`: of the link (``drop``, ``flip``, ``duplicate``, ``disconnect_after``, ``stall_ms``, ...), the chips
(``dead_row``, ...) and the cells (``stuck_cell``, ``read_noise``, ``temperature``, ...).
Time is virtual: a read that would wait in vain returns at once and has let its time-out pass on the board. Closing the port does
not reset the board.
"""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from serial.serialutil import PortNotOpenError, SerialBase, SerialException

from fxlstm.crossbar.surroundings import DEFAULTS as AROUND
from fxlstm.crossbar.surroundings import from_options as around_from_options
from fxlstm.emulator.board import EmulatedBoard
from fxlstm.emulator.faults import CellFaults, ChipFaults, LinkFaults, Unplugged, from_options, option_names
from fxlstm.emulator.link import EmulatedLink
from fxlstm.emulator.processors import PROCESSORS
from fxlstm.errors import LinkError

BOARD_OPTIONS = ("device", "seed", "board", "state", "elf", "around")
LINK_OPTIONS = option_names(LinkFaults)
OPTIONS = (*BOARD_OPTIONS, *AROUND, *LINK_OPTIONS, *option_names(ChipFaults), *option_names(CellFaults))

_named: dict[str, tuple[dict[str, str], EmulatedLink]] = {}  # by the name in ``board=``, with the options it was made with
_held: set[int] = set()  # boards, by id, whose port is open


class EmulatedPortError(LinkError, SerialException):
    """An ``emu://`` URL that cannot be opened; pyserial's programs and fxlstm's both catch it."""


def emulated_board(name: str) -> EmulatedBoard:
    """Return the board that ``emu://host?board=<name>`` opened in this process. Raises :class:`LinkError` when there is none."""
    if name not in _named:
        raise LinkError(f"no emulated board named {name!r} in this process; open emu://host?board={name} first")
    return _named[name][1].board


def parse(url: str) -> dict[str, str]:
    """Return the options of a URL, and its ``processor``. Raises :class:`LinkError` for an unknown one and for unknown options."""
    parts = urlsplit(url)
    if parts.scheme != "emu" or parts.netloc not in PROCESSORS or parts.path not in ("", "/"):
        raise EmulatedPortError(
            f"{url}: there is no such emulated board; use {' or '.join('emu://' + name for name in PROCESSORS)}"
        )
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    options = dict(pairs)
    unknown = [name for name in options if name not in OPTIONS]
    if unknown or len(options) < len(pairs):
        wrong = f"unknown option {unknown[0]!r}" if unknown else "an option is given twice"
        raise EmulatedPortError(f"{url}: {wrong}; the options are {', '.join(OPTIONS)}")
    return {"processor": parts.netloc, **options}


def link_from(options: dict[str, str]) -> EmulatedLink:
    """Return the line to the board that the options describe: the one of that name, if it exists, else a new one."""
    faults = from_options(LinkFaults, options)
    name = options.get("board")
    making = {option: text for option, text in options.items() if option not in LINK_OPTIONS}
    if name is None:
        return EmulatedLink(_make(making), faults)
    made, link = _named.get(name) or (making, EmulatedLink(_make(making), faults))
    if not making.items() <= made.items():
        raise EmulatedPortError(
            f"board {name!r} lives already, made with {made}; open it with these options or choose another name"
        )
    if faults != link.faults:
        link = EmulatedLink(link.board, faults)
    _named[name] = made, link
    return link


def _make(options: dict[str, str]) -> EmulatedBoard:
    text = options.get("seed")
    if text is not None and not text.isdecimal():
        raise EmulatedPortError(f"seed = {text!r}: give a whole number of 0 or more")
    around = [options["around"]] if "around" in options else []
    around += [f"{name}={value}" for name, value in options.items() if name in AROUND]
    return EmulatedBoard(
        options.get("device", "ta-hfo2"),
        None if text is None else int(text),
        faults=from_options(ChipFaults, options),
        cells=from_options(CellFaults, options),
        around=around_from_options(around) if around else None,
        state=options.get("state"),
        processor=options["processor"],
        elf=options.get("elf"),
    )


class Serial(SerialBase):
    """The port of an emulated board. Without ``board=`` the board lives as long as this object keeps its URL."""

    _link: EmulatedLink | None = None
    _link_url: str | None = None

    def open(self) -> None:
        """Open the port; the board goes on where it was, some time later."""
        if self.portstr is None:
            raise SerialException("Port must be configured before it can be used.")
        if self.is_open:
            raise SerialException("Port is already open.")
        if self._link is None or self._link_url != self.portstr:
            self._link, self._link_url = link_from(parse(self.portstr)), self.portstr
        if id(self._link.board) in _held:
            raise EmulatedPortError(f"{self.portstr} is in use in this process; close it first")
        self._received = bytearray()
        self._unplugged = False
        self._link.replug()
        _held.add(id(self._link.board))
        self.is_open = True

    def close(self) -> None:
        """Close the port and keep the array in its state file; the board goes on."""
        if self.is_open and self._link is not None:
            self.is_open = False
            _held.discard(id(self._link.board))
            self._link.board.save()

    @property
    def emulated(self) -> EmulatedBoard:
        """The board behind this port."""
        return self._line().board

    @property
    def in_waiting(self) -> int:
        """Number of bytes that can be read at once."""
        self._pump()
        return len(self._received)

    def read(self, size: int = 1) -> bytes:
        """Return up to ``size`` bytes, fewer when the time-out passes on the board's clock."""
        link = self._line()
        forever = self.timeout is None
        until = link.board.clock.now() + int(1e9 * (0.1 if self.timeout is None else self.timeout))
        while len(self._received) < size:
            arrived = self._guard(link.wait, until)
            self._received += arrived
            if not arrived and not forever:
                break
            if not arrived:
                time.sleep(0.001)
                until = link.board.clock.now() + 100_000_000
        data = bytes(self._received[:size])
        del self._received[:size]
        return data

    def write(self, data: Any, /) -> int:
        """Send bytes through the line; returns their number."""
        self._guard(self._line().write, bytes(data))
        return len(data)

    def flush(self) -> None:
        """Bytes written have been sent already."""
        self._line()

    def reset_input_buffer(self) -> None:
        """Forget what has arrived."""
        self._pump()
        self._received.clear()

    def reset_output_buffer(self) -> None:
        """Nothing waits to be sent."""
        self._line()

    @property
    def out_waiting(self) -> int:
        """Number of bytes waiting to be sent: none."""
        return 0

    def _pump(self) -> None:
        arrived, _ = self._guard(self._line().read)
        self._received += arrived

    def _line(self) -> EmulatedLink:
        if not self.is_open or self._link is None:
            raise PortNotOpenError()
        if self._unplugged:
            raise SerialException("device disconnected")
        return self._link

    def _guard(self, call: Any, *arguments: Any) -> Any:
        """Do something that the line may be cut in."""
        try:
            return call(*arguments)
        except Unplugged:
            self._unplugged = True
            raise SerialException("device disconnected") from None

    def _reconfigure_port(self) -> None:
        """Baud rate, parity and flow control mean nothing here."""

    def _update_rts_state(self) -> None:
        """There is no such line."""

    def _update_dtr_state(self) -> None:
        """There is no such line."""

    def _update_break_state(self) -> None:
        """There is no such line."""

    cts = dsr = ri = cd = property(lambda self: True, doc="Modem lines are always on.")
