"""Images come back as they went, and whatever is wrong with one is refused by the name of its section."""

import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from networks import random_dense, random_lstm, waves

from fxlstm.errors import ImageError, ProgramError
from fxlstm.network import Network, bidirectional
from fxlstm.program import layout
from fxlstm.program.hardware import Hardware
from fxlstm.program.image import from_bytes, load, to_bytes
from fxlstm.program.program import Program
from fxlstm.program.quantize import quantize
from fxlstm.program.reference import Reference

RNG = np.random.default_rng(3)
NETWORK = Network((random_lstm(RNG, 2, 3), random_dense(RNG, 3, 2)))
TILED = quantize(NETWORK, waves(12, 2, RNG))
DIGITAL = quantize(NETWORK, waves(12, 2, RNG), Hardware(adc_bits=None, bias="digital"))
PAIR = bidirectional(random_lstm(RNG, 2, 3), random_lstm(RNG, 2, 2))
BOTH_DIRECTIONS = quantize(Network((PAIR,)), waves(12, 2, RNG))
PROGRAMS = {"tiled": TILED, "digital": DIGITAL, "both directions": BOTH_DIRECTIONS}
IMAGES = {name: to_bytes(program) for name, program in PROGRAMS.items()}


def sealed(image: bytes | bytearray) -> bytes:
    """The image with a CRC that matches, as a hostile or faulty writer would give it."""
    blank = bytearray(image)
    blank[layout.CRC_OFFSET : layout.CRC_OFFSET + 4] = bytes(4)
    blank[layout.CRC_OFFSET : layout.CRC_OFFSET + 4] = zlib.crc32(blank).to_bytes(4, "little")
    return bytes(blank)


def field_offset(record: layout.Record, name: str) -> tuple[int, int]:
    index = record.names.index(name)
    return sum(field.size for field in record.fields[:index]), record.fields[index].size


def section_start(image: bytes, name: str) -> int:
    for index in range(len(layout.SECTIONS)):
        entry = layout.SECTION.format.unpack_from(image, layout.HEADER.format.size + index * layout.SECTION.format.size)
        if entry[0] == layout.SECTIONS[name]:
            return int(entry[1])
    raise KeyError(name)


def with_field(image: bytes, section: str, field: str, value: int, index: int = 0) -> bytes:
    """The sealed image with one field of one record changed; ``section`` may be "header" or "sections"."""
    tables = {"header": (0, layout.HEADER), "sections": (layout.HEADER.format.size, layout.SECTION)}
    start, record = tables.get(section) or (section_start(image, section), layout.SECTION_RECORDS[section])
    offset, size = field_offset(record, field)
    place = start + index * record.format.size + offset
    return sealed(image[:place] + value.to_bytes(size, "little") + image[place + size :])


@pytest.mark.parametrize("name", IMAGES)
def test_a_program_comes_back_from_its_image_unchanged(name: str) -> None:
    program = from_bytes(IMAGES[name])
    assert to_bytes(program) == IMAGES[name]
    codes = RNG.integers(-32768, 32768, (5, 2)).astype(np.int16)
    original = PROGRAMS[name]
    assert Reference(program).run_codes(codes).tolist() == Reference(original).run_codes(codes).tolist()
    assert (program.hardware, program.inputs, program.outputs, program.slices, program.sweeps) == (
        original.hardware,
        original.inputs,
        original.outputs,
        original.slices,
        original.sweeps,
    )


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match=r"cannot write .*none/model\.fxl.*; choose another place"):
        TILED.save(tmp_path / "none" / "model.fxl")


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    TILED.save(tmp_path / "model.fxl")
    assert Program.load(tmp_path / "model.fxl").to_bytes() == IMAGES["tiled"]
    broken = replace(TILED, sweeps=())
    with pytest.raises(ImageError):
        broken.save(tmp_path / "model.fxl")
    assert [path.name for path in tmp_path.iterdir()] == ["model.fxl"]
    assert (tmp_path / "model.fxl").read_bytes() == IMAGES["tiled"]


def test_errors_of_files_name_the_file(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"absent\.fxl: .*check the path"):
        load(tmp_path / "absent.fxl")
    (tmp_path / "cut.fxl").write_bytes(IMAGES["tiled"][:100])
    with pytest.raises(ImageError, match=r"cut\.fxl: .*IMAGE_SHORT"):
        load(tmp_path / "cut.fxl")


@given(st.data())
def test_every_flipped_bit_is_noticed(data: st.DataObject) -> None:
    image = bytearray(IMAGES["tiled"])
    place = data.draw(st.integers(0, len(image) - 1))
    image[place] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(ImageError):
        from_bytes(bytes(image))


@given(st.integers(0, len(IMAGES["digital"]) - 1))
def test_every_cut_is_noticed(length: int) -> None:
    with pytest.raises(ImageError, match="IMAGE_SHORT"):
        from_bytes(IMAGES["digital"][:length])


@settings(suppress_health_check=[HealthCheck.filter_too_much], max_examples=300)
@given(st.sampled_from(list(IMAGES)), st.data())
def test_an_altered_image_with_a_right_crc_runs_safely_or_is_refused(name: str, data: st.DataObject) -> None:
    image = bytearray(IMAGES[name])
    size = section_start(IMAGES[name], "metadata")
    for _ in range(data.draw(st.integers(1, 3))):
        image[data.draw(st.integers(0, size - 1))] = data.draw(st.integers(0, 255))
    try:
        program = from_bytes(sealed(image))
    except ImageError:
        return
    codes = np.zeros((1, program.input.length), dtype=np.int16)
    assert Reference(program).run_codes(codes).dtype == np.int16


HEADER_CASES = [
    ("magic", 7, "IMAGE_MAGIC"),
    ("version", 1, "IMAGE_VERSION"),
    ("levels", 1, "IMAGE_HEADER"),
    ("levels", 32769, "IMAGE_HEADER"),
    ("dac_bits", 17, "IMAGE_HEADER"),
    ("adc_bits", 1, "IMAGE_HEADER"),
    ("pairing", 3, "IMAGE_HEADER"),
    ("weight_bits", 8, "IMAGE_HEADER"),
    ("weight_bits", 0, "IMAGE_HEADER"),
    ("arena_length", 5, "IMAGE_ARENA"),
    ("section_count", 60000, "IMAGE_SECTIONS"),
]
RECORD_CASES = [
    ("sections", "kind", 0, "IMAGE_SECTIONS"),
    ("sections", "kind", layout.SECTIONS["tiles"], "IMAGE_SECTIONS"),
    ("sections", "start", 12, "IMAGE_SECTIONS"),
    ("sections", "start", 8, "IMAGE_SECTIONS"),
    ("sections", "size", 2**32 - 1, "IMAGE_SECTIONS"),
    ("sections", "size", 3, "IMAGE_SECTIONS"),
    ("operations", "code", 0, "IMAGE_OPERATIONS"),
    ("operations", "matrix", 2, "IMAGE_OPERATIONS"),
    ("operations", "a", 1, "IMAGE_OPERATIONS"),
    ("operations", "a", 2**32 - 2, "IMAGE_OPERATIONS"),
    ("operations", "length", 0, "IMAGE_OPERATIONS"),
    ("operations", "result", 2, "IMAGE_OPERATIONS"),
    ("operations", "shift", 48, "IMAGE_OPERATIONS"),
    ("operations", "shift_ab", 31, "IMAGE_OPERATIONS"),
    ("matrices", "rows", 0, "IMAGE_MATRICES"),
    ("matrices", "rows", 2**32 - 1, "IMAGE_MATRICES"),
    ("matrices", "columns", 2**31, "IMAGE_MATRICES"),
    ("matrices", "stride", 9, "IMAGE_MATRICES"),
    ("matrices", "weights", 1, "IMAGE_MATRICES"),
    ("matrices", "scales", 10**6, "IMAGE_MATRICES"),
    ("matrices", "tile_count", 9, "IMAGE_MATRICES"),
    ("matrices", "tile_count", 0, "IMAGE_TILES"),
    ("tiles", "rows", 1, "IMAGE_TILES"),
    ("tiles", "column", 1, "IMAGE_TILES"),
    ("tiles", "array_row", 127, "IMAGE_TILES"),
    ("tiles", "array_column", 60, "IMAGE_TILES"),
    ("tiles", "gain", 0, "IMAGE_TILES"),
    ("tiles", "gain_shift", 48, "IMAGE_TILES"),
    ("tiles", "align", 16, "IMAGE_TILES"),
    ("tiles", "reserved", 1, "IMAGE_TILES"),
    ("scales", "mantissa", 2**31, "IMAGE_SCALES"),
    ("scales", "shift", 63, "IMAGE_SCALES"),
    ("scales", "bias", 2**63 - 1, "IMAGE_SCALES"),
]


SWEEP_CASES = [
    (0, "operations", 1),
    (0, "step_operations", 1000),
    (0, "reverse", 2),
    (0, "returns_last", 2),
    (1, "period", 0),
    (0, "source", 1),
    (1, "source", 2**32 - 1),
    (0, "input_start", 2**32 - 1),
    (1, "output_start", 2**32 - 1),
    (0, "reserved", 1),
]


@pytest.mark.parametrize(("index", "field", "value"), SWEEP_CASES)
def test_a_wrong_sweep_is_refused(index: int, field: str, value: int) -> None:
    with pytest.raises(ImageError, match="IMAGE_SWEEPS"):
        from_bytes(with_field(IMAGES["both directions"], "sweeps", field, value, index))


def test_metadata_that_contradict_the_sweeps_are_refused() -> None:
    with pytest.raises(ImageError, match="'inputs' contradicts the sweeps"):
        from_bytes(with_field(IMAGES["both directions"], "sweeps", "input_start", 1))


PHASE_CASES = [
    (0, "phase", 1),
    (2, "phase", 2),
    (2, "reverse", 1),
    (0, "returns_last", 1),
    (0, "step_operations", 0),
    (2, "output_length", 0),
]


@pytest.mark.parametrize(("index", "field", "value"), PHASE_CASES)
def test_a_sweep_out_of_place_in_its_phase_is_refused(index: int, field: str, value: int) -> None:
    with pytest.raises(ImageError, match="IMAGE_PHASES"):
        from_bytes(_without_metadata(with_field(IMAGES["both directions"], "sweeps", field, value, index)))


@pytest.mark.parametrize(("field", "value"), [("input_length", 0), ("output_length", 0), ("phase", 1)])
def test_a_program_takes_something_gives_something_and_begins_with_phase_0(field: str, value: int) -> None:
    with pytest.raises(ImageError, match="IMAGE_PHASES"):
        from_bytes(with_field(IMAGES["tiled"], "sweeps", field, value))


@pytest.mark.parametrize(("field", "value", "reason"), HEADER_CASES)
def test_a_wrong_header_is_refused(field: str, value: int, reason: str) -> None:
    with pytest.raises(ImageError, match=reason):
        from_bytes(with_field(IMAGES["tiled"], "header", field, value))


@pytest.mark.parametrize(("section", "field", "value", "reason"), RECORD_CASES)
def test_a_wrong_record_is_refused_by_its_section(section: str, field: str, value: int, reason: str) -> None:
    with pytest.raises(ImageError, match=reason):
        from_bytes(with_field(IMAGES["tiled"], section, field, value))


def test_a_weight_beyond_the_levels_is_refused() -> None:
    start = section_start(IMAGES["tiled"], "weights")
    image = IMAGES["tiled"]
    with pytest.raises(ImageError, match="IMAGE_WEIGHTS"):
        from_bytes(sealed(image[:start] + (256).to_bytes(2, "little") + image[start + 2 :]))


def test_tiles_in_a_digital_program_are_refused() -> None:
    with pytest.raises(ImageError, match="IMAGE_TILES"):
        to_bytes(replace(DIGITAL, matrices=TILED.matrices))


def test_a_scale_that_could_overflow_64_bits_is_refused() -> None:
    matrix = DIGITAL.matrices[0]
    heavy = replace(matrix, mantissa=np.full_like(matrix.mantissa, 2**31 - 1), weights=np.full((40000, 12), 255, dtype=np.int16))
    with pytest.raises(ImageError, match="IMAGE_SCALES"):
        to_bytes(replace(DIGITAL, matrices=(heavy, *DIGITAL.matrices[1:])))


def _without_metadata(image: bytes) -> bytes:
    index = list(layout.SECTIONS).index("metadata")
    return with_field(image, "sections", "size", 0, index)


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_without_metadata_runs_the_same(name: str) -> None:
    program = from_bytes(_without_metadata(IMAGES[name]))
    codes = RNG.integers(-32768, 32768, (4, 2)).astype(np.int16)
    assert Reference(program).run_codes(codes).tolist() == Reference(from_bytes(IMAGES[name])).run_codes(codes).tolist()
    assert program.input.scale == 1.0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda text: text.replace(b'"levels":256', b'"levels":255'), "levels = 255"),
        (lambda text: text.replace(b'"board":"reference"', b'"board":"refarence"'), "hardware"),
        (lambda text: b"[" + text[1:-1] + b"]", "JSON"),
        (lambda text: b"[" + b" " * (len(text) - 2) + b"]", "list"),
    ],
)
def test_metadata_that_cannot_be_used_are_refused(change: Callable[[bytes], bytes], reason: str) -> None:
    image = IMAGES["tiled"]
    start = section_start(image, "metadata")
    end = image.rindex(b"}") + 1
    with pytest.raises(ImageError, match=reason):
        from_bytes(sealed(image[:start] + change(image[start:end]) + image[end:]))
