"""The parameters that a sweep knows, read from the things that take them, so that none is listed twice."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fxlstm.crossbar.simulated import SimulatedArray
from fxlstm.crossbar.surroundings import SECTIONS as AROUND
from fxlstm.crossbar.surroundings import surroundings
from fxlstm.errors import FxlstmError, SweepError
from fxlstm.program.calibration.methods import find_method
from fxlstm.program.device import load_device
from fxlstm.program.hardware import Hardware
from fxlstm.program.quantize import quantize
from fxlstm.program.scheme import programming_scheme
from fxlstm.program.scheme_parameters import Scheme
from fxlstm.sweep.axes import Value

Parameters = Mapping[str, Value]

# Section of a plan -> (what takes its parameters, those that a plan does not give because the sweep itself does).
_TAKERS: dict[str, tuple[Callable[..., Any], set[str]]] = {
    "hardware": (Hardware, set()),
    "quantize": (quantize, {"network", "calibration", "hardware", "times", "steps", "start"}),
    "array": (SimulatedArray, {"device", "seed", "board", "wires", "front_end"}),
    **{section: (kind, set()) for section, kind in AROUND.items()},
    "programming": (programming_scheme, {"device", "hardware"}),
}
_KINDS: dict[str, type] = {"bool": bool, "int": int, "float": float, "str": str}
DEVICE = "device.preset"
BOARD = "hardware.board"
DEFAULT_DEVICE = "ta-hfo2"
ARRAY_SIZE = {"array.rows": "rows", "array.cols": "columns"}  # by default that of the hardware


@dataclass(frozen=True)
class Known:
    """One parameter: its kind of value and its default."""

    kind: type
    default: Value

    def checked(self, name: str, value: Value) -> Value:
        """Return a value in the parameter's kind. Raises :class:`SweepError` for another kind."""
        if self.kind is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if type(value) is not self.kind:
            words = {bool: "true or false", int: "a whole number", float: "a number", str: "a word in quotes"}
            raise SweepError(f"{name} = {value!r}: give {words[self.kind]}")
        return value


def _known() -> dict[str, Known]:
    found = {DEVICE: Known(str, DEFAULT_DEVICE)}
    for section, (taker, excluded) in _TAKERS.items():
        for name, parameter in inspect.signature(taker).parameters.items():
            kind = _KINDS.get(str(parameter.annotation).split(" | ")[0])
            if name not in excluded and kind is not None:
                found[f"{section}.{name}"] = Known(kind, parameter.default)
    return found


KNOWN: dict[str, Known] = _known()
SECTIONS = (*_TAKERS, "device")
OF_A_PROGRAM = ("hardware.", "quantize.")  # which a finished program brings with it


def find_parameter(name: str) -> Known:
    """Return what is known of a parameter, be it a number of a device preset.

    Raises :class:`SweepError` with the list for an unknown one.
    """
    if name in KNOWN:
        return KNOWN[name]
    section = name.partition(".")[0]
    if section == "device":
        return Known(float, None)  # whether the preset has it is known when the preset is
    members = [key for key in KNOWN if key.startswith(f"{section}.")] or list(KNOWN)
    raise SweepError(f"no parameter {name!r}; choose from {', '.join(members)}, or a number of the preset as in device.read.noise")


def completed(given: Parameters) -> dict[str, Value]:
    """Return the parameters in effect: those given, and the defaults of all others; the board is the one that suits the device."""
    values = {name: known.default for name, known in KNOWN.items()} | dict(given)
    if BOARD not in given:
        values[BOARD] = load_device(str(values[DEVICE])).board
    if values["hardware.adc_bits"] == 0:
        values["hardware.adc_bits"] = None
    hardware = Hardware(**section(values, "hardware"))
    return values | {name: getattr(hardware, side) for name, side in ARRAY_SIZE.items() if name not in given}


def section(parameters: Parameters, name: str) -> dict[str, Any]:
    """Return the parameters of one section of the plan by their names in it."""
    return {key.removeprefix(f"{name}."): value for key, value in parameters.items() if key.startswith(f"{name}.")}


def device_name(parameters: Parameters) -> str:
    """Return the device preset with the numbers that stand in place of its own."""
    numbers = section(parameters, "device")
    preset = str(numbers.pop("preset"))
    changes = "&".join(f"{key}={value!r}" for key, value in numbers.items())
    return f"{preset}?{changes}" if changes else preset


def make_array(parameters: Parameters, hardware: Hardware, seed: int) -> SimulatedArray:
    """Return a fresh array with a point's parameters."""
    around, switches = surroundings(parameters)._asdict(), section(parameters, "array")
    return SimulatedArray(device=device_name(parameters), seed=seed, board=hardware.board, **around, **switches)


def check(parameters: Parameters) -> None:
    """Raise :class:`SweepError` for a set of parameters that cannot be run, with its reason."""
    try:
        hardware = Hardware(**section(parameters, "hardware"))
        find_method(**section(parameters, "quantize"))
        load_device(device_name(parameters))
        make_array(parameters, hardware, seed=0)
        make_scheme(parameters, hardware)
    except FxlstmError as error:
        raise SweepError(f"the plan asks for what is not possible: {error}") from None


def make_scheme(parameters: Parameters, hardware: Hardware) -> Scheme:
    """Return how a point's array is programmed."""
    return programming_scheme(device_name(parameters), hardware, **section(parameters, "programming"))
