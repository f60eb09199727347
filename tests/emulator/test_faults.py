"""Links that are bad on purpose."""

import pytest

from fxlstm.emulator.faults import ChipFaults, FaultyWire, LinkFaults, Unplugged, from_options
from fxlstm.errors import LinkError

DATA = bytes(range(256)) * 400


def test_good_wire_carries_everything() -> None:
    assert FaultyWire(LinkFaults(), "in").carry(DATA) == DATA


def test_same_seed_same_faults_however_the_bytes_are_cut() -> None:
    faults = LinkFaults(drop=0.01, flip=0.01, duplicate=0.01, fault_seed=7)
    whole = FaultyWire(faults, "in").carry(DATA)
    wire = FaultyWire(faults, "in")
    assert b"".join(wire.carry(DATA[start : start + 17]) for start in range(0, len(DATA), 17)) == whole
    assert FaultyWire(LinkFaults(drop=0.01, flip=0.01, duplicate=0.01, fault_seed=8), "in").carry(DATA) != whole


def test_directions_have_different_faults() -> None:
    faults = LinkFaults(drop=0.01)
    assert FaultyWire(faults, "in").carry(DATA) != FaultyWire(faults, "out").carry(DATA)


@pytest.mark.parametrize(("name", "sign"), [("drop", -1), ("duplicate", 1)])
def test_as_many_bytes_are_lost_or_doubled_as_asked(name: str, sign: int) -> None:
    arrived = FaultyWire(LinkFaults(**{name: 0.01}), "in").carry(DATA)
    assert sign * (len(arrived) - len(DATA)) == pytest.approx(0.01 * len(DATA), rel=0.2)


def test_flip_inverts_one_bit_of_a_byte() -> None:
    arrived = FaultyWire(LinkFaults(flip=0.01), "in").carry(DATA)
    changed = [a ^ b for a, b in zip(arrived, DATA, strict=True) if a != b]
    assert len(changed) == pytest.approx(0.01 * len(DATA), rel=0.2)
    assert all(difference.bit_count() == 1 for difference in changed)


def test_cut_wire_delivers_what_came_before() -> None:
    with pytest.raises(Unplugged) as cut:
        FaultyWire(LinkFaults(disconnect=0.01), "in").carry(DATA)
    assert DATA.startswith(cut.value.delivered)
    assert len(cut.value.delivered) < len(DATA)


def test_options_are_text() -> None:
    assert from_options(LinkFaults, {"drop": "0.25", "disconnect_after": "9"}) == LinkFaults(drop=0.25, disconnect_after=9)
    assert from_options(ChipFaults, {"stuck_busy": "1", "dead_row": "3"}) == ChipFaults(stuck_busy=True, dead_row=3)


@pytest.mark.parametrize(
    "options", [{"drop": "much"}, {"drop": "0.9"}, {"flip": "-1"}, {"stall_ms": "nan"}, {"disconnect_after": "1.5"}]
)
def test_impossible_faults_are_refused(options: dict[str, str]) -> None:
    with pytest.raises(LinkError, match=next(iter(options))):
        from_options(LinkFaults, options)
