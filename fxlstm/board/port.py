"""A serial port whose failures have words. The only module that uses pyserial.

What pyserial and the system raise for a port becomes an error of the link; every other exception, say of an emulated board in this
process, is a mistake in a program and comes out as it is.
"""

from __future__ import annotations

import errno

import serial

from fxlstm.errors import FxlstmError, LinkError, LinkLost
from fxlstm.program.hardware import load_board

TICK = 0.01  # seconds one empty read lasts
BAUD_RATE = int(load_board("reference")["microcontroller"]["serial_baud"])
WRITE_TIMEOUT = 5.0

_REMEDIES = {
    errno.ENOENT: "is absent; plug the board in, or list the ports with `python -m serial.tools.list_ports`",
    errno.EACCES: "may not be opened by this user; join its group (`sudo usermod -aG dialout $USER`, then log in again)",
    errno.EAGAIN: "is in use by another program; close that first",
    errno.EBUSY: "is in use by another program; close that first",
}


class Port:
    """A serial port by name or pyserial URL, held exclusively. It fails as :class:`LinkError`, once open as :class:`LinkLost`."""

    def __init__(self, url: str) -> None:
        self.url = url
        if "fxlstm.urls" not in serial.protocol_handler_packages:
            serial.protocol_handler_packages.append("fxlstm.urls")
        try:
            self._serial = serial.serial_for_url(url, BAUD_RATE, do_not_open=True, timeout=TICK, write_timeout=WRITE_TIMEOUT)
            self._serial.exclusive = True
        except FxlstmError:
            raise
        except (ValueError, serial.SerialException) as error:
            raise LinkError(f"port {url!r} cannot be used: {error}; give /dev/tty*, socket://host:port or emu://host") from error
        self.open()

    def open(self) -> None:
        """Open the port, again if it was open."""
        self.close()
        try:
            self._serial.open()
        except FxlstmError:
            raise
        except (OSError, _termios_error()) as error:
            raise self._not_opened(error) from error
        except ValueError as error:
            if isinstance(self._serial, serial.Serial):  # whose driver refuses the rate
                raise self._not_opened(error) from error
            raise

    def close(self) -> None:
        """Close the port; never fails."""
        try:
            self._serial.close()
        except (OSError, _termios_error()):
            pass

    def read(self) -> bytes:
        """Return what is there, or what comes within a tick, possibly nothing."""
        try:
            if not self._serial.is_open:  # in_waiting does not look
                raise serial.PortNotOpenError
            return bytes(self._serial.read(self._serial.in_waiting or 1))
        except (OSError, _termios_error()) as error:
            raise self._lost(error) from error

    def write(self, data: bytes) -> None:
        """Send bytes."""
        try:
            self._serial.write(data)
        except serial.SerialTimeoutException as error:
            raise LinkLost(f"port {self.url} takes no more bytes; reset the board and check that its firmware runs") from error
        except (OSError, _termios_error()) as error:
            raise self._lost(error) from error

    def _not_opened(self, error: Exception) -> LinkError:
        remedy = _REMEDIES.get(
            getattr(error, "errno", None) or 0, "cannot be opened; check the name and that its other end is there"
        )
        return LinkError(f"port {self.url} {remedy} ({error})")

    def _lost(self, error: Exception) -> LinkLost:
        return LinkLost(
            f"port {self.url} was lost ({error}); check the cable and that no other program reads the port, then open it again"
        )


def _termios_error() -> type[Exception]:
    """``termios.error``, which is no OSError, where there is one."""
    try:
        import termios
    except ImportError:
        return OSError
    return termios.error
