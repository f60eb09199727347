"""The core's arithmetic, proved by an SMT solver from its source: nothing overflows, and every result is the definition's.

The definition is ``fxlstm/program``'s own code, run on the solver's integers. Operands range over everything the image's rules let
through, shifts over every value one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import z3
from c_as_integers import Run, bounds, within

from fxlstm.program import formats, reference
from fxlstm.program.operations import MAX_ALIGN, MAX_LEFT_SHIFT, MAX_RIGHT_SHIFT, MAX_SCALE_SHIFT
from fxlstm.program.pairs import pair_code

CODE = bounds(16, True)
ROW = (-formats.ROW_MAX, formats.ROW_MAX)
MOST_ROWS = 65535  # of an array: the image's field has 16 bits
LARGEST_WEIGHT = 32767


class Exact:
    """A solver's integer with Python's operators, so that the definition can be run on it."""

    def __init__(self, term: Any) -> None:
        self.term = term

    def __add__(self, other: Any) -> Exact:
        return Exact(self.term + _term(other))

    def __sub__(self, other: Any) -> Exact:
        return Exact(self.term - _term(other))

    def __rsub__(self, other: Any) -> Exact:
        return Exact(_term(other) - self.term)

    def __mul__(self, other: Any) -> Exact:
        return Exact(self.term * _term(other))

    def __lshift__(self, distance: int) -> Exact:
        return Exact(self.term * (1 << distance))

    def __rshift__(self, distance: int) -> Exact:
        return Exact(self.term / (1 << distance))

    def __ne__(self, other: object) -> Any:
        return self.term != _term(other)

    __hash__ = None  # type: ignore[assignment]
    __radd__, __rmul__ = __add__, __mul__


def _term(value: Any) -> Any:
    return value.term if isinstance(value, Exact) else value


def limited(value: Any, low: int = formats.CODE_MIN, high: int = formats.CODE_MAX) -> Exact:
    """What ``saturate`` says, for the solver: min and max ask for a decision that it cannot give."""
    term = _term(value)
    return Exact(z3.If(term < low, low, z3.If(term > high, high, term)))


def variables(names: str, low: int, high: int) -> tuple[dict[str, Any], list[Any]]:
    terms = {name: z3.Int(name) for name in names.split()}
    return terms, [within(term, low, high) for term in terms.values()]


def prove(assumptions: list[Any], claims: list[tuple[str, Any]]) -> None:
    """Fail with the operands for which a claim does not hold."""
    for reason, claim in claims:
        solver = z3.Solver()
        solver.set("timeout", 20_000)
        solver.add(*assumptions, z3.Not(claim))
        verdict = solver.check()
        assert verdict == z3.unsat, f"{reason}: {verdict}, {solver.model() if verdict == z3.sat else solver.reason_unknown()}"


def named(claims: list[tuple[str, Any]], *names: tuple[Any, Any]) -> list[tuple[str, Any]]:
    """Claims with a name in place of each term, of which then only what is assumed of the name is known: products become linear."""
    return [(reason, z3.substitute(claim, *names)) for reason, claim in claims]


def prove_equal(run: Run, got: Any, wanted: Any, assumptions: list[Any]) -> None:
    prove(assumptions, [*run.obligations, ("differs from the definition", got == _term(wanted))])


TWO_TERMS = [
    {"shift_ab": ab, "shift_cd": cd, "shift": s} for ab, cd in ((0, 0), (0, 30), (15, 7), (30, 30)) for s in (0, 1, 15, 47)
]
ELEMENTWISE: list[tuple[str, str, str, Callable[..., Any], list[dict[str, int]]]] = [
    ("kernels/portable.c", "fx_product_operation", "a b", reference._product, [{"shift": s} for s in range(MAX_RIGHT_SHIFT + 1)]),
    ("operations.c", "interpolate", "a b c", reference._interpolate, [{}]),
    ("operations.c", "complement", "a", reference._complement, [{"shift": s} for s in range(MAX_LEFT_SHIFT + 1)]),
    (
        "operations.c",
        "copy",
        "a",
        reference._copy,
        [{"shift_ab": left, "shift": s} for left in (0, MAX_LEFT_SHIFT) for s in range(MAX_RIGHT_SHIFT + 1)],
    ),
    (
        "operations.c",
        "sum",
        "a b",
        reference._sum,
        TWO_TERMS,
    ),
    (
        "kernels/portable.c",
        "fx_product_sum",
        "a b c d",
        reference._product_sum,
        TWO_TERMS,
    ),
]


@pytest.mark.parametrize(("source", "name", "operands", "definition", "shifts"), ELEMENTWISE, ids=[case[1] for case in ELEMENTWISE])
def test_an_operation_is_its_definition_for_all_codes(
    source: str, name: str, operands: str, definition: Callable[..., Any], shifts: list[dict[str, int]]
) -> None:
    codes, assumptions = variables(operands, *CODE)
    products, small = variables("ab cd", -(2**30) + 2**15, 2**30)
    prove(assumptions, [("a product of two codes", within(codes["a"] * codes.get("b", 0), -(2**30) + 2**15, 2**30))])
    for chosen in shifts:
        run = Run(source, name, {**codes, **chosen})
        (exact,) = definition(SimpleNamespace(**chosen), *([Exact(code)] for code in codes.values()), *[[]] * (4 - len(codes)))
        wanted = limited(exact)
        claims = [*run.obligations, ("differs from the definition", run.results["result"] == wanted.term)]
        claims += [("miscounts what it clipped", run.results["clipped"] == z3.If(wanted != exact, 1, 0))]
        pairs = [(codes[x] * codes[y], products[x + y]) for x, y in ("ab", "cd") if y in codes]
        prove(assumptions + small, named(claims, *pairs))


def test_clamp_is_its_definition_for_all_codes() -> None:
    codes, assumptions = variables("a low high", *CODE)
    run = Run("operations.c", "clamp", codes)
    a, low, high = codes.values()
    raised = z3.If(a > low, a, low)
    prove_equal(run, run.results["result"], z3.If(raised < high, raised, high), assumptions)


@pytest.fixture
def symbolic_saturation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "saturate", limited)
    monkeypatch.setattr("fxlstm.program.pairs.saturate", limited)


@pytest.mark.parametrize("bits", range(2, 17))
def test_a_dac_drives_what_the_definition_says(bits: int, symbolic_saturation: None) -> None:
    codes, assumptions = variables("code", *CODE)
    run = Run("multiply.c", "drive", {**codes, "bits": bits})
    prove_equal(run, run.returned, formats.dac(Exact(codes["code"]), bits), assumptions)  # type: ignore[arg-type]
    prove(assumptions, [("drives beyond the rows", within(run.returned, *ROW))])


@pytest.mark.parametrize(
    ("source", "name", "total"), [("multiply.c", "multiply_exactly", "accumulators"), ("column_pairs.c", "convert", "sum")]
)
@pytest.mark.parametrize("bits", range(2, 17))
def test_an_adc_gives_what_the_definition_says(source: str, name: str, total: str, bits: int, symbolic_saturation: None) -> None:
    most = MOST_ROWS * formats.ROW_MAX * LARGEST_WEIGHT
    sums, limits = variables(total, -most, most)
    gains, positive = variables("gain", 1, 65535)
    scaled = z3.Int("scaled")
    prove(limits + positive, [("a sum times its gain", within(sums[total] * gains["gain"], -most * 65535, most * 65535))])
    for gain_shift in (0, MAX_RIGHT_SHIFT - bits):
        run = Run(source, name, {**sums, **gains, "bits": bits, "adc_bits": bits, "gain_shift": gain_shift, "count": 1})
        code, clipped = formats.adc(Exact(scaled), gain_shift, bits)  # type: ignore[arg-type]
        got = run.results.get("columns", run.returned)
        claims = [*run.obligations, ("differs from the definition", got == code.term)]
        claims += [("miscounts what it clipped", run.results["clipped"] == z3.If(clipped, 1, 0))]
        prove(
            [*limits, *positive, within(scaled, -most * 65535, most * 65535)], named(claims, (sums[total] * gains["gain"], scaled))
        )


def test_the_difference_of_two_adcs_is_the_definitions(symbolic_saturation: None) -> None:
    codes, assumptions = variables("positive negative", *CODE)
    run = Run("column_pairs.c", "fx_pair_code", codes)
    wanted, _ = pair_code(Exact(codes["positive"]), Exact(codes["negative"]))  # type: ignore[arg-type]
    prove_equal(run, run.returned, wanted, assumptions)


def test_the_loader_admits_exactly_the_scales_whose_rescale_fits_64_bits() -> None:
    """``product_within(a, b, limit)`` is a * b <= limit, though a * b itself may not fit."""
    a, b, limit, high, low, high_b, low_b = z3.Ints("a b limit high low high_b low_b")
    run = Run("check_matrices.c", "product_within", {"a": a, "b": b, "limit": limit})
    claims = [*run.obligations, ("differs from the definition", run.returned == (high_b * 2**32 + low_b <= limit))]
    halves = [(a / 2**32, high), (a % 2**32, low)]
    products = [(high * b, high_b), (low * b, low_b)]
    known = [within(high_b, 0, (2**31 - 1) ** 2), within(low_b, 0, (2**32 - 1) * (2**31 - 1)), within(limit, 0, 2**63 - 1)]
    known += [within(low, 0, 2**32 - 1), within(high, 0, 2**31 - 1), within(b, 0, 2**31 - 1)]
    prove(known, named(named(claims, *halves), *products))


@pytest.mark.parametrize("shift", range(MAX_SCALE_SHIFT + 1))
def test_a_rescale_that_the_loader_admits_is_exact_with_mantissas_of_31_bits(shift: int) -> None:
    total, mantissa, bias, product = z3.Ints("sums mantissa bias product")
    half = 1 << shift - 1 if shift else 0
    run = Run("kernels/portable.c", "fx_rescale", {"sums": total, "mantissa": mantissa, "bias": bias, "shift": shift})
    wanted = limited(formats.round_shift(Exact(product + bias), shift))  # type: ignore[arg-type]
    claims = [*run.obligations, ("differs from the definition", run.results["result"] == wanted.term)]
    room = 2**63 - 1 - half - z3.If(bias < 0, -bias, bias)
    known = [within(total, *bounds(64, True)), within(mantissa, 0, 2**31 - 1), room >= 0, within(product, -room, room)]
    prove(known, named(claims, (total * mantissa, product)))


@pytest.mark.parametrize("align", range(MAX_ALIGN + 1))
def test_a_tiles_code_is_aligned_exactly(align: int) -> None:
    codes, assumptions = variables("codes", *CODE)
    run = Run("multiply.c", "add_tile", {**codes, "align": align})
    prove_equal(run, run.results["sums"], codes["codes"] * 2**align, assumptions)


def test_the_proofs_notice_an_overflow_and_a_wrong_rounding() -> None:
    term = z3.Int("value")
    run = Run("multiply.c", "fx_round", {"value": term, "shift": 15})
    with pytest.raises(AssertionError, match="fx_round: BinaryOperator \\+ leaves 64 bits: sat"):
        prove([within(term, *bounds(64, True))], run.obligations)
    with pytest.raises(AssertionError, match="differs from the definition: sat"):
        prove_equal(run, run.returned, term / 2**15, [within(term, *CODE)])
