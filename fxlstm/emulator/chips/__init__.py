"""Emulated SPI chips: each decodes the frames that the real chip gets and reports what a real chip would not put up with."""

from fxlstm.emulator.chips.ad7606c import AD7606C
from fxlstm.emulator.chips.ltc2668 import LTC2668

__all__ = ["AD7606C", "LTC2668"]
