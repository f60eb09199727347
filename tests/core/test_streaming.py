"""Steps on values: exactly what encoding, a step on codes and decoding give, at once, whatever array the values come in."""

from __future__ import annotations

import numpy as np
import pytest
from small_programs import accumulator, doubler

from fxlstm.core import Engine
from fxlstm.errors import ModelError
from fxlstm.program.program import Program

SCALES = (1.0, 4.0, 0.3, 1e-300, 1e300)
CODES = np.arange(-32768, 32769)


def by_definition(program: Program, x: np.ndarray) -> np.ndarray:
    """What a step gives, in NumPy (fxlstm/program/formats.py)."""
    return program.decode(Engine(program).step_codes(program.encode(x)))


def streaming(program: Program, batch: int) -> Engine:
    """An engine that has stepped before, so that it knows its batch."""
    engine = Engine(program)
    engine.reset(batch=batch)
    return engine


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("offset", [0.0, 0.5, np.nextafter(0.5, 0), np.nextafter(0.5, 1), -0.25])
def test_values_around_every_code_and_tie_are_rounded_as_the_definition_rounds(scale: float, offset: float) -> None:
    program = doubler(scale=scale)
    x = np.repeat((CODES + offset) * (scale * 2.0**-15), 2).reshape(-1, 2)
    np.testing.assert_array_equal(streaming(program, len(x)).step(x), by_definition(program, x))


@pytest.mark.parametrize("scale", SCALES)
def test_values_of_any_size_saturate_as_the_definition_says(scale: float) -> None:
    program = doubler(scale=scale)
    sizes = np.array([0.0, 5e-324, 1e-310, 1.0, 32767.5, 65536.0, 2.0**31, 2.0**63, 1e300, np.finfo(float).max])
    x = np.concatenate([sizes, -sizes]).reshape(-1, 2)
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(streaming(program, len(x)).step(x), by_definition(program, x))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_no_number_is_refused_and_leaves_the_state(value: float) -> None:
    engine = Engine(accumulator())
    engine.step(np.array([0.25]))
    with pytest.raises(ModelError, match=r"the input holds -?(nan|inf) at index \(0,\); only finite"):
        engine.step(np.array([value]))
    assert engine.step(np.array([0.25])).tolist() == [0.5]


def forms_of(x: np.ndarray) -> dict[str, object]:
    """The same values in every form that arrays have."""
    shifted = np.frombuffer(bytearray(x.nbytes + 1), np.uint8)[1:].view(x.dtype).reshape(x.shape)
    shifted[...] = x
    frozen = x.copy()
    frozen.flags.writeable = False
    return {
        "list": x.tolist(),
        "float32": x.astype(np.float32),
        "column-major": np.asfortranarray(x),
        "strided": np.repeat(x, 3, axis=-1)[..., ::3],
        "reversed": x[..., ::-1].copy()[..., ::-1],
        "unaligned": shifted,
        "read-only": frozen,
        "other byte order": x.astype(x.dtype.newbyteorder()),
    }


@pytest.mark.parametrize("form", forms_of(np.zeros((1, 2))))
@pytest.mark.parametrize("shape", [(2,), (4, 2)])
def test_values_in_any_form_step_like_an_array_of_float64(form: str, shape: tuple[int, ...]) -> None:
    program = doubler()
    x = np.arange(np.prod(shape)).reshape(shape) / 16
    engine = streaming(program, 1 if len(shape) == 1 else shape[0])
    for _ in range(2):
        np.testing.assert_array_equal(engine.step(forms_of(x)[form]), by_definition(program, x))


@pytest.mark.parametrize("form", ["column-major", "strided", "reversed", "unaligned", "read-only"])
@pytest.mark.parametrize(("call", "shape"), [("step_codes", (4, 2)), ("run_codes", (5, 2)), ("run_codes", (3, 5, 2))])
def test_codes_in_any_form_run_like_those_in_order(form: str, call: str, shape: tuple[int, ...]) -> None:
    codes = np.arange(np.prod(shape)).reshape(shape).astype(np.int16)
    engine = Engine(doubler())
    for _ in range(2):
        result = getattr(engine, call)(forms_of(codes)[form])
        np.testing.assert_array_equal(result, np.concatenate([2 * codes, codes[..., :1]], axis=-1))


@pytest.mark.parametrize("call", ["step", "step_codes"])
def test_no_features_and_no_sequences_are_refused(call: str) -> None:
    kind = np.float64 if call == "step" else np.int16
    for shape in ((0,), (0, 2), (2, 0)):
        with pytest.raises(ModelError, match=r"no sequence|with 2 features"):
            getattr(Engine(doubler()), call)(np.zeros(shape, kind))


def test_a_step_puts_its_values_where_it_is_told() -> None:
    engine, out = Engine(accumulator()), np.zeros(1)
    for total in (0.25, 0.5, 0.75):
        assert engine.step(np.array([0.25]), out=out) is out
        assert out.tolist() == [total]


@pytest.mark.parametrize(
    "out", [np.zeros(1, np.float32), np.zeros(2), np.zeros((1, 1)), [0.0], np.zeros(1, ">f8"), np.broadcast_to(0.0, 1)]
)
def test_an_array_that_cannot_take_the_values_is_refused_and_the_state_stays(out: object) -> None:
    engine = Engine(accumulator())
    for total in (0.25, 0.5):
        with pytest.raises(ModelError, match=r"C-contiguous, writable float64 array of shape \(1,\)"):
            engine.step(np.array([0.25]), out=out)  # type: ignore[arg-type]
        assert engine.step(np.array([0.25])).tolist() == [total]
