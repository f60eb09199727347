"""Boards without hardware: emulated chips on the SPI bus, a simulated array behind them, links that can be made bad on purpose."""
