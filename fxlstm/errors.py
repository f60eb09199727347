"""The exceptions of fxlstm: one small tree whose class says where something broke.

Every message names the thing, the value and what to do next. Catch :class:`FxlstmError` to catch them all.
"""

from __future__ import annotations

from fxlstm.status import BY_CODE


class FxlstmError(Exception):
    """Something fxlstm could not do. ``code`` is the status number when the reason came from C, else ``None``."""

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


class ModelError(FxlstmError):
    """The network, its weights, its inputs or its shapes are not usable."""


class ImageError(FxlstmError):
    """An ``.fxl`` image is cut short, altered, or of another version."""


class ProgramError(FxlstmError):
    """A program cannot be run as asked: memory, arguments, or an array that does not fit it."""


class ArrayError(FxlstmError):
    """A crossbar, simulated or real, cannot do what was asked: size, preset, placement, voltage."""


class ConvergenceError(ArrayError):
    """The voltages of an array of non-linear cells were not found."""


class SweepError(FxlstmError):
    """A sweep's plan, its results, or what is to compute them cannot be used."""


class LinkError(FxlstmError):
    """Bytes do not get through: port absent or busy, silence, garbage, unplugged."""


class LinkLost(LinkError):
    """The port closed or the board stopped answering; nothing can be said about the last request."""


class BoardError(FxlstmError):
    """The board answered that it will not or cannot do it; ``code`` holds its status."""


class FirmwareError(FxlstmError):
    """The firmware cannot be built or written into a microcontroller: sources, compiler, tool or board absent."""


_CLASSES: dict[str, type[FxlstmError]] = {
    "image": ImageError,
    "program": ProgramError,
    "link": LinkError,
    "board": BoardError,
}


def from_status(code: int, context: str, detail: int | None = None) -> FxlstmError:
    """Return the exception for a C status code; ``context`` names the thing and its value, ``detail`` is the number sent with it.

    An unknown code, as newer firmware may send, becomes a :class:`BoardError` that shows the number.
    """
    status = BY_CODE.get(code)
    if status is None:
        return BoardError(f"{context}: status {code}, unknown to this release; update fxlstm", code)
    shown = f" ({status.detail} {detail})" if status.detail and detail is not None else ""
    return _CLASSES[status.part](f"{context}{shown}: {status.words} [{status.symbol}]", code)
