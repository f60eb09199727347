"""The parameters of every way to program cells, as whole numbers in the units of the device; nonsense is refused as they are made.

Whatever array carries them out, simulated or a board, takes the same numbers: they are the fields of the link's
``campaign_scheme``.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import ClassVar

from fxlstm.errors import ArrayError

GATE_CODES = 65536  # codes of the gate DAC's span
SCHEME_KINDS: dict[str, int] = {"gate": 0, "incremental": 1}  # how the parameters are read on the link

# Least and greatest value of every number of a scheme; the board refuses others as well, and pulses beyond its own limits.
_MOST_MILLIVOLTS = 2**15 - 1
_LIMITS = {
    "range": (0, 255),
    "log2_reads": (0, 8),
    "tolerance": (0, 65535),
    "base_units": (0, 2**32 - 1),
    "passes": (1, 255),
    "wait_milliseconds": (0, 2**31 - 1),
    "verify": (0, 1),
    "skip": (0, 1),
    "max_cycles": (1, 65535),
    "set_millivolts": (0, _MOST_MILLIVOLTS),
    "reset_millivolts": (-_MOST_MILLIVOLTS, 0),
    "set_microseconds": (1, 2**32 - 1),
    "reset_microseconds": (1, 2**32 - 1),
    "reset_gate": (0, GATE_CODES - 1),
    "gate_min": (0, GATE_CODES - 1),
    "gate_max": (0, GATE_CODES - 1),
    "gate_offset": (-(2**31), 2**31 - 1),
    "gate_slope": (0, 2**32 - 1),
    "gate_correction": (0, 2**32 - 1),
    "reversals": (0, 65535),
    "most_pulses": (1, 65535),
}
_LADDER_LIMITS = {
    "millivolts": (-_MOST_MILLIVOLTS, _MOST_MILLIVOLTS),
    "step_millivolts": (-_MOST_MILLIVOLTS, _MOST_MILLIVOLTS),
    "most_millivolts": (-_MOST_MILLIVOLTS, _MOST_MILLIVOLTS),
    "gate": (1, GATE_CODES - 1),
    "microseconds": (1, 2**32 - 1),
}


def _check_numbers(what: str, whole: object, limits: dict[str, tuple[int, int]]) -> None:
    """Refuse fields of ``whole`` that are no whole numbers within their limits."""
    for name, (low, high) in limits.items():
        value = getattr(whole, name, low)
        if not isinstance(value, Integral) or not low <= int(value) <= high:
            raise ArrayError(f"{what} with {name} = {value}: choose {low} to {high}, a whole number")


@dataclass(frozen=True, kw_only=True)
class Scheme:
    """What all ways of programming have in common; whole numbers in the units of the device, as they travel over the link.

    Readings take the mean of ``2**log2_reads`` conversions in front-end range ``range``; ``tolerance`` is their accepted error in
    ADC codes of that range. ``base_units``: conductance units of target 0. ``passes`` above 1 refine against relaxation: after
    ``wait_milliseconds`` all cells are read again, and those that left their tolerance are written again.
    Raises :class:`ArrayError` for numbers that make no sense.
    """

    kind: ClassVar[str] = ""  # of SCHEME_KINDS
    range: int
    log2_reads: int
    tolerance: int
    base_units: int
    passes: int = 1
    wait_milliseconds: int = 0

    @property
    def waits(self) -> float:
        """Seconds that pass between all passes."""
        return (self.passes - 1) * self.wait_milliseconds / 1000

    def __post_init__(self) -> None:
        _check_numbers("a programming scheme", self, _LIMITS)


@dataclass(frozen=True, kw_only=True)
class GateScheme(Scheme):
    """RESET, then SET at a gate voltage; fields and meanings as in the link's record ``gate_scheme``.

    ``verify`` 0 is the two-pulse open loop, 1 write-verify. Gate fields are gate DAC codes; slope and correction are fixed-point
    factors times 65536.
    """

    kind = "gate"
    verify: int
    skip: int
    max_cycles: int
    set_millivolts: int
    reset_millivolts: int
    set_microseconds: int
    reset_microseconds: int
    reset_gate: int
    gate_min: int
    gate_max: int
    gate_offset: int
    gate_slope: int
    gate_correction: int

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.gate_min > self.gate_max:
            raise ArrayError(f"a programming scheme with gate_min = {self.gate_min} above gate_max = {self.gate_max}: choose less")


@dataclass(frozen=True)
class Ladder:
    """Pulses of one polarity, each a step stronger than the one before; fields as in the link's record ``ladder``.

    ``millivolts`` of the weakest, of a step and at most, all of the polarity's sign; ``gate``: gate DAC code.
    """

    millivolts: int
    step_millivolts: int
    most_millivolts: int
    gate: int
    microseconds: int

    def __post_init__(self) -> None:
        _check_numbers("a ladder of pulses", self, _LADDER_LIMITS)
        sign = 1 if self.millivolts > 0 else -1
        if not 0 < sign * self.millivolts <= sign * self.most_millivolts or sign * self.step_millivolts < 0:
            raise ArrayError(f"{self}: choose a step of the sign of the weakest pulse, and at most no weaker than that")

    @property
    def top(self) -> int:
        """Rung of the strongest pulse; the weakest is 0."""
        return -((self.millivolts - self.most_millivolts) // self.step_millivolts) if self.step_millivolts else 0

    def at(self, rung: int) -> int:
        """Millivolts of the pulse on a rung."""
        return self.most_millivolts if rung >= self.top else self.millivolts + rung * self.step_millivolts


@dataclass(frozen=True, kw_only=True)
class IncrementalScheme(Scheme):
    """Growing pulses of one polarity until the reading passes the target, then of the other from its weakest, and so to and fro.

    A cell is given up after ``reversals`` changes of polarity or ``most_pulses`` pulses.
    """

    kind = "incremental"
    reversals: int
    most_pulses: int
    up: Ladder
    down: Ladder

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (isinstance(self.up, Ladder) and isinstance(self.down, Ladder) and self.up.millivolts > 0 > self.down.millivolts):
            raise ArrayError(f"a programming scheme with up = {self.up}, down = {self.down}: choose ladders of SETs and of RESETs")
