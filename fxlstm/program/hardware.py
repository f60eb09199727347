"""What a program is quantized for: levels, converters, array size, front-end ranges.

The ranges and the read voltage come from a board file (``fxlstm/boards/*.toml``), so a program quantized here has the gains that
board's amplifiers have.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from numbers import Integral, Real
from typing import Any

from fxlstm.errors import ArrayError, ModelError
from fxlstm.program.layout import PAIRINGS

# Fields of Hardware that are whole numbers, with their least and greatest value.
_WHOLE_NUMBERS = {"levels": (2, 32768), "dac_bits": (2, 16), "adc_bits": (2, 16), "bias_rows": (1, 16)}
CONVERTERS = ("row_dac", "gate_dac", "column_adc", "monitor_adc")  # sections of a board file, in the order of their chip selects
LARGEST_BASE = 0.01  # siemens, far above any published memristor
LARGEST_UNITS = 65534  # a target map stores a conductance in 16 bits; 65535 means "leave this cell alone"


def board_names() -> list[str]:
    """Return the names of all board descriptions."""
    return sorted(entry.name[:-5] for entry in (files("fxlstm") / "boards").iterdir() if entry.name.endswith(".toml"))


@lru_cache
def load_board(name: str) -> dict[str, Any]:
    """Return the board description ``name`` (``fxlstm/boards/<name>.toml``) as a dictionary.

    A file that says ``based_on`` holds only what differs from that other board.
    """
    source = files("fxlstm") / "boards" / f"{name}.toml"
    if not source.is_file():
        raise ModelError(f"no board named {name!r}; known boards: {', '.join(board_names())}")
    board = tomllib.loads(source.read_text())
    if "based_on" not in board:
        return board
    basis = load_board(board.pop("based_on"))
    return basis | {key: basis.get(key, {}) | part if isinstance(part, dict) else part for key, part in board.items()}


def converter_sections(board: dict[str, Any]) -> list[str]:
    """Return the section of the board description that the chip at each chip select belongs to."""
    return [name for name in CONVERTERS for _ in range(board[name]["chips"])]


@dataclass(frozen=True)
class Hardware:
    """Converters, levels and array that a program is made for.

    ``levels``: conductance levels per device, 2..32768. ``dac_bits``: 2..16. ``adc_bits``: 2..16, or ``None`` for a
    program that runs on no array (no ADC stage, one rounding less). ``bias``: ``"digital"`` adds the bias
    after the ADC, ``"array"`` drives ``bias_rows`` row pairs at ``bias_value`` (fraction of full scale; 0.2 in Li et al. 2019).
    ``pairing``: how a weight's two devices stand, in two rows driven at +V and -V, ``"adjacent"`` or in two ``"halves"``, or in two
    neighbouring ``"columns"`` that are converted apart and subtracted after the ADC. ``base``: siemens of a device at level 0, as
    the cells' preset says (``conductance.base``). It cancels in a pair of rows; each column of a pair carries it, and its
    front-end range must hold it too. ``board`` names the board file with ranges and size.
    """

    levels: int = 256
    dac_bits: int = 16
    adc_bits: int | None = 16
    bias: str = "array"
    bias_rows: int = 1
    bias_value: float = 0.2
    pairing: str = "adjacent"
    board: str = "reference"
    base: float = 0.0

    def __post_init__(self) -> None:
        for name, (low, high) in _WHOLE_NUMBERS.items():
            value = getattr(self, name)
            if name == "adc_bits" and value is None:
                continue
            if not isinstance(value, Integral) or not low <= int(value) <= high:
                none = ", or None for a digital program" if name == "adc_bits" else ""
                raise ModelError(f"{name} = {value!r}: choose a whole number from {low} to {high}{none}")
            object.__setattr__(self, name, int(value))
        if not isinstance(self.bias_value, Real) or not 0 < float(self.bias_value) <= 1:
            raise ModelError(f"bias_value = {self.bias_value!r}: choose a number above 0, at most 1")
        object.__setattr__(self, "bias_value", float(self.bias_value))
        if self.bias not in ("digital", "array"):
            raise ModelError(f"bias = {self.bias!r}: choose 'digital' or 'array'")
        if self.pairing not in PAIRINGS:
            raise ModelError(f"pairing = {self.pairing!r}: choose 'adjacent', 'halves' or 'columns'")
        load_board(self.board)
        if isinstance(self.base, bool) or not isinstance(self.base, Real) or not 0 <= float(self.base) <= LARGEST_BASE:
            raise ModelError(f"base = {self.base!r}: choose siemens from 0 to {LARGEST_BASE:g}, for instance 1e-4")
        object.__setattr__(self, "base", float(self.base))

    @property
    def rows(self) -> int:
        """Physical rows of the array."""
        return int(load_board(self.board)["array"]["rows"])

    @property
    def columns(self) -> int:
        """Physical columns of the array."""
        return int(load_board(self.board)["array"]["columns"])

    @property
    def level_units(self) -> int:
        """Conductance units between two neighbouring levels."""
        return LARGEST_UNITS // (self.levels - 1)

    @property
    def range_count(self) -> int:
        """Number of front-end ranges; range r has a full scale 2**range_octaves(r) times that of range 0."""
        return len(load_board(self.board)["front_end"]["adc_range_volts"])

    @property
    def conductance_unit(self) -> float:
        """Siemens per conductance unit."""
        return self.full_scale_current(0) / (self.read_voltage * 2.0 ** int(load_board(self.board)["front_end"]["unit_shift"]))

    @property
    def base_levels(self) -> float:
        """Conductance of a device at level 0, in steps between two levels."""
        return self.base / (self.conductance_unit * self.level_units)

    @property
    def read_voltage(self) -> float:
        """Volts on a row at code 32768."""
        return float(load_board(self.board)["front_end"]["read_volts"])

    def full_scale_current(self, range_index: int) -> float:
        """Amperes of ADC code 32768 in a range."""
        front_end = load_board(self.board)["front_end"]
        return float(front_end["adc_range_volts"][range_index]) / float(front_end["transimpedance_ohms"][range_index])

    def unit_shift(self, range_index: int) -> int:
        """``s`` such that ADC code = sum(row code * conductance units) >> s in a range; exact by the board's design."""
        if not 0 <= range_index < self.range_count:
            raise ArrayError(f"range {range_index}: the board has ranges 0 to {self.range_count - 1}")
        ratio = self.full_scale_current(range_index) / self.full_scale_current(0)
        octaves = round(ratio).bit_length() - 1
        if abs(ratio - 2.0**octaves) > 1e-9:
            raise ModelError(f"board {self.board!r}: range {range_index} is {ratio:g} times range 0; ranges must be powers of two")
        return int(load_board(self.board)["front_end"]["unit_shift"]) + octaves

    def gain(self, range_index: int) -> tuple[int, int]:
        """``(gain, gain_shift)``: ADC code = sum(row code * level difference) * gain >> gain_shift."""
        return self.level_units, self.unit_shift(range_index)
