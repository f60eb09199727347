"""What time is it on an emulated board."""

import time

from fxlstm.emulator.clock import RealClock, VirtualClock


def test_virtual_time_passes_only_when_told() -> None:
    clock = VirtualClock()
    time.sleep(0.002)
    assert clock.tick() == clock.now() == 0
    clock.advance(7)
    assert clock.now() == 7


def test_real_time_follows_the_wall_between_ticks_and_stands_still_within() -> None:
    clock = RealClock()
    time.sleep(0.002)
    assert clock.now() == 0
    assert clock.tick() >= 2_000_000
