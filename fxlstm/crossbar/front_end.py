"""What is imperfect about an array's converters and amplifiers: plain numbers, all zero when ideal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from numbers import Integral, Real
from typing import Any

from fxlstm.errors import ArrayError
from fxlstm.program.formats import CODE_BITS

LARGEST_ERROR = 32768  # half of the scale, in steps of 16 bits


@dataclass(frozen=True)
class Converter:
    """Errors of a family of DACs or ADCs, one channel per row or column; 0, the default, is ideal.

    All but ``gain`` are in steps of a 16-bit code, also when fewer bits are converted. ``offset`` and ``gain`` (relative) are
    standard deviations from channel to channel. Integral non-linearity is a smooth bow, the same in all channels, which is
    ``bow`` in the middle of the scale and 0 at its ends, and a random part of standard deviation ``ripple``, each channel its own.
    ``noise``: standard deviation from conversion to conversion.
    Raises :class:`ArrayError` for numbers that are not finite or too large, and for negative standard deviations.
    """

    offset: float = 0.0
    gain: float = 0.0
    bow: float = 0.0
    ripple: float = 0.0
    noise: float = 0.0

    def __post_init__(self) -> None:
        for part in fields(self):
            most = 0.5 if part.name == "gain" else LARGEST_ERROR
            _check_number(part.name, getattr(self, part.name), -most if part.name == "bow" else 0, most)

    @property
    def ideal(self) -> bool:
        """Whether nothing is wrong."""
        return not any((self.offset, self.gain, self.bow, self.ripple, self.noise))


@dataclass(frozen=True)
class FrontEnd:
    """What stands between the codes and the wires of a simulated array; the default is ideal and changes no bit.

    ``dac`` drives the rows, ``adc`` measures the columns. ``settling``: time constant of the rows in seconds; after the board's
    settling time t (``fxlstm/boards``) a part exp(-t / settling) of the previous vector is still there. ``automatic_range``: both
    gains of the amplifiers are measured, and each column takes the fine one where it does not clip, as in Li et al. 2019; codes
    keep the unit of the range that was asked for. ``reads``: conversions that are averaged for one code, 1 to 4096.
    ``serial_bits``: 0 applies a row code in multiplying as one amplitude; 2 to 16 round it to so many bits and apply its magnitude
    bit by bit, as pulses of full amplitude and the code's sign whose conversions are shifted and added, as in Wan et al. 2022.
    The input resistance of the amplifiers is among the :class:`Wires`.
    Raises :class:`ArrayError` for numbers out of range.
    """

    dac: Converter = field(default_factory=Converter)
    adc: Converter = field(default_factory=Converter)
    settling: float = 0.0
    automatic_range: bool = False
    reads: int = 1
    serial_bits: int = 0

    def __post_init__(self) -> None:
        for name in ("dac", "adc"):
            if not isinstance(getattr(self, name), Converter):
                raise ArrayError(f"{name} = {getattr(self, name)!r}: give a Converter")
        _check_number("settling", self.settling, 0, 1)
        if not isinstance(self.automatic_range, bool):
            raise ArrayError(f"automatic_range = {self.automatic_range!r}: choose True or False")
        object.__setattr__(self, "reads", _whole("reads", self.reads, 1, 4096))
        object.__setattr__(self, "serial_bits", _whole("serial_bits", self.serial_bits, 0, CODE_BITS))
        if self.serial_bits == 1:
            raise ArrayError("serial_bits = 1: choose 0 for amplitudes, or 2 to 16, the sign among them")

    @classmethod
    def of(cls, numbers: Mapping[str, Any]) -> FrontEnd:
        """Read the record from a mapping as :func:`dataclasses.asdict` gives it."""
        converters = {name: Converter(**numbers[name]) for name in ("dac", "adc") if name in numbers}
        return cls(**{**numbers, **converters})

    @property
    def ideal(self) -> bool:
        """Whether codes pass as the board's exact converters take and give them."""
        return self == FrontEnd()

    def __str__(self) -> str:
        values = {**_not_zero("dac", self.dac), **_not_zero("adc", self.adc)}
        values |= {part.name: getattr(self, part.name) for part in fields(self)[2:] if getattr(self, part.name) != part.default}
        return f"FrontEnd({', '.join(f'{name}={value!r}' for name, value in values.items())})"


def _not_zero(name: str, converter: Converter) -> dict[str, float]:
    return {f"{name}.{part}": value for part, value in asdict(converter).items() if value}


def _whole(name: str, value: object, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral) or not low <= int(value) <= high:
        raise ArrayError(f"{name} = {value!r}: choose a whole number from {low} to {high}")
    return int(value)


def _check_number(name: str, value: object, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, Real) or not low <= float(value) <= high:
        raise ArrayError(f"{name} = {value!r}: choose a number from {low:g} to {high:g}")
