"""The cells of the literature in floating point: against PyTorch where it has them, else against the paper's equations."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fxlstm.errors import ModelError
from fxlstm.network import (
    CELLS,
    Cell,
    Layer,
    Network,
    gru,
    gru_from_torch,
    load_network,
    lstm,
    lstm_1997,
    lstm_from_torch,
    peephole_lstm,
    rnn,
    rnn_from_torch,
    save_network,
)
from fxlstm.network.cells import Activate, Complement, Interpolate, Multiply, Product, Sum

SIZES = (st.integers(1, 6), st.integers(2, 8), st.integers(1, 4), st.integers(1, 12), st.integers(0, 2**31))
VARIANTS = {"vanilla": "ifo", "nig": "fo", "nfg": "io", "nog": "if", "niaf": "ifo", "noaf": "ifo", "cifg": "io", "fgr": "ifo"}


def arrays_of(module: torch.nn.Module) -> dict[str, np.ndarray]:
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
    return {name: getattr(module, f"{name}_l0").detach().numpy() for name in names if hasattr(module, f"{name}_l0")}


def check_against_torch(module: torch.nn.Module, layer: Layer, batch: int, time: int, seed: int) -> None:
    x = np.random.default_rng(seed).normal(size=(batch, time, layer.inputs)) * 3
    np.testing.assert_allclose(Network([layer])(x), module(torch.tensor(x))[0].detach().numpy(), atol=1e-6, rtol=0)


@settings(max_examples=20)
@given(*SIZES)
def test_a_gru_equals_torch(inputs, units, batch, time, seed):
    torch.manual_seed(seed)
    module = torch.nn.GRU(inputs, units, batch_first=True, dtype=torch.float64)
    check_against_torch(module, gru_from_torch(**arrays_of(module)), batch, time, seed)


@settings(max_examples=20)
@given(*SIZES)
def test_a_simple_rnn_equals_torch(inputs, units, batch, time, seed):
    torch.manual_seed(seed)
    module = torch.nn.RNN(inputs, units, batch_first=True, dtype=torch.float64)
    check_against_torch(module, rnn_from_torch(**arrays_of(module)), batch, time, seed)


@settings(max_examples=20)
@given(*SIZES, st.data())
def test_an_lstm_with_projection_equals_torch(inputs, units, batch, time, seed, data):
    torch.manual_seed(seed)
    projected = data.draw(st.integers(1, units - 1))
    module = torch.nn.LSTM(inputs, units, proj_size=projected, batch_first=True, dtype=torch.float64)
    layer = lstm_from_torch(**arrays_of(module))
    assert (layer.units, layer.outputs) == (units, projected)
    check_against_torch(module, layer, batch, time, seed)


def s(x):
    return 1 / (1 + np.exp(-x))


def blocks(array: np.ndarray, names: str) -> dict[str, np.ndarray]:
    """Column blocks of an array by the letters of what they compute."""
    return dict(zip(names, np.split(array, len(names), axis=-1), strict=True))


def greff(variant: str, x: np.ndarray, kernel: dict, recurrent: dict, bias: dict, peephole: dict) -> np.ndarray:
    """The vanilla LSTM of Greff et al. with one change, equation by equation; R' of FGR are rows of ``recurrent``."""
    units = len(bias["a"])
    c, previous = np.zeros(units), {name: np.zeros(units) for name in "yifo"}
    outputs = []
    for x_t in x:
        driven = np.concatenate(list(previous.values())) if variant == "fgr" else previous["y"]
        net = {name: x_t @ kernel[name] + driven @ recurrent[name] + bias[name] for name in kernel}
        z = net["a"] if variant == "niaf" else np.tanh(net["a"])
        i = 1 if variant == "nig" else s(net["i"] + peephole["i"] * c)
        gateless = {"nfg": 1, "cifg": 1 - i}
        f = gateless[variant] if variant in gateless else s(net["f"] + peephole["f"] * c)
        c = z * i + c * f
        o = 1 if variant == "nog" else s(net["o"] + peephole["o"] * c)
        previous = {"y": (c if variant == "noaf" else np.tanh(c)) * o, "i": i, "f": f, "o": o}
        outputs.append(previous["y"])
    return np.array(outputs)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_peephole_lstm_and_its_variants_are_the_equations_of_the_study(variant):
    random = np.random.default_rng(3)
    gates = VARIANTS[variant]
    columns, rows = 5 * (1 + len(gates)), 20 if variant == "fgr" else 5
    kernel, recurrent, bias = random.normal(size=(3, columns)), random.normal(size=(rows, columns)), random.normal(size=columns)
    peephole, x = random.normal(size=(len(gates), 5)), random.normal(size=(11, 3))
    if variant == "fgr":
        recurrent[5:, :5] = 0  # gates reach the gates, not the cell input
    expected = greff(
        variant, x, *(blocks(array, "a" + gates) for array in (kernel, recurrent, bias)), dict(zip(gates, peephole, strict=True))
    )
    np.testing.assert_allclose(Network([peephole_lstm(kernel, recurrent, bias, peephole, variant)])(x), expected, atol=1e-12)


def test_the_lstm_of_1997_never_forgets_and_has_centred_squashers():
    random = np.random.default_rng(4)
    kernel, recurrent, bias = random.normal(size=(2, 12)), random.normal(size=(4, 12)), random.normal(size=12)
    w, u, b = (blocks(array, "cio") for array in (kernel, recurrent, bias))
    x, y, state, expected = random.normal(size=(9, 2)), np.zeros(4), np.zeros(4), []
    for x_t in x:
        net = {name: x_t @ w[name] + y @ u[name] + b[name] for name in "cio"}
        state = state + s(net["i"]) * (4 * s(net["c"]) - 2)
        y = s(net["o"]) * (2 * s(state) - 1)
        expected.append(y)
    np.testing.assert_allclose(Network([lstm_1997(kernel, recurrent, bias)])(x), expected, atol=1e-12)


def cho(x: np.ndarray, w: dict, u: dict, b: dict, mix: str) -> np.ndarray:
    """A GRU that resets before the product; ``mix`` is what z weighs: "old" as in Keras, "new" as in Chung et al. 2014."""
    h, outputs = np.zeros(len(b["z"])), []
    for x_t in x:
        z, r = (s(x_t @ w[gate] + h @ u[gate] + b[gate]) for gate in "zr")
        n = np.tanh(x_t @ w["n"] + (r * h) @ u["n"] + b["n"])
        h = z * h + (1 - z) * n if mix == "old" else (1 - z) * h + z * n
        outputs.append(h)
    return np.array(outputs)


@pytest.mark.parametrize("mix", ["old", "new"])
def test_a_gru_may_reset_before_the_product_and_take_either_mix(mix):
    random = np.random.default_rng(5)
    kernel, recurrent, bias = random.normal(size=(2, 12)), random.normal(size=(4, 12)), random.normal(size=12)
    x = random.normal(size=(9, 2))
    expected = cho(x, *(blocks(array, "zrn") for array in (kernel, recurrent, bias)), mix)
    if mix == "new":
        for array in (kernel, recurrent, bias):
            array[..., :4] *= -1
    np.testing.assert_allclose(Network([gru(kernel, recurrent, bias, reset_after=False)])(x), expected, atol=1e-12)


def test_a_simple_rnn_may_have_a_sigmoid():
    random = np.random.default_rng(6)
    kernel, recurrent, bias = random.normal(size=(2, 3)), random.normal(size=(3, 3)), random.normal(size=3)
    x, h, expected = random.normal(size=(7, 2)), np.zeros(3), []
    for x_t in x:
        h = s(x_t @ kernel + h @ recurrent + bias)
        expected.append(h)
    np.testing.assert_allclose(Network([rnn(kernel, recurrent, bias, "sigmoid")])(x), expected, atol=1e-12)


def test_a_new_kind_of_cell_is_a_list_of_equations():
    cell = Cell(
        "leaky",
        (
            Multiply(("g_in", "u"), ("x",)),
            Activate("g", "sigmoid", "g_in"),
            Complement("k", "g"),
            Product("d", "k", "u"),
            Sum("v", "d", "b"),
            Interpolate("m", "g", "m", "v"),
        ),
        output="m",
        memory=("m",),
        parameters=("b",),
    )
    random = np.random.default_rng(7)
    weight, b, x = random.normal(size=(2, 6)), random.normal(size=3), random.normal(size=(8, 2))
    m, expected = np.zeros(3), []
    for x_t in x:
        g = s(x_t @ weight[:, :3])
        m = g * m + (1 - g) * ((1 - g) * (x_t @ weight[:, 3:]) + b)
        expected.append(m)
    layer = Layer(cell, 2, 3, {"weight": weight, "bias": np.zeros(6), "b": b})
    np.testing.assert_allclose(Network([layer])(x), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("equation", "message"),
    [
        (Product("y", "x", "nothing"), "reads 'nothing', which nothing gives it"),
        (Multiply(("y",), ("one",)), "reads 'one'"),
        (Complement("x", "x"), "assigns 'x', which is given"),
        (Complement("p", "x"), "assigns 'p', which is given"),
        (Sum("y", "x", "p"), "mixes vectors of different lengths"),
        (Complement("z", "p"), "no equation assigns its output 'y'"),
    ],
)
def test_equations_that_do_not_fit_together_are_refused(equation, message):
    with pytest.raises(ModelError, match=message):
        Cell("wrong", (equation,), "y", parameters=("p",))


def test_arrays_that_do_not_fit_a_builder_are_named():
    zeros = np.zeros
    with pytest.raises(ModelError, match="peephole has 3 rows; variant 'nog' needs one for each of i, f"):
        peephole_lstm(zeros((1, 6)), zeros((2, 6)), zeros(6), zeros((3, 2)), "nog")
    with pytest.raises(ModelError, match="variant 'np' is unknown; choose one of vanilla"):
        peephole_lstm(zeros((1, 6)), zeros((2, 6)), zeros(6), zeros((2, 2)), "np")
    with pytest.raises(ModelError, match=r"recurrent \(2, 8\); both need 6 columns"):
        gru(zeros((1, 6)), zeros((2, 8)), zeros(6))
    with pytest.raises(ModelError, match=r"recurrent_bias has shape \(2,\)"):
        gru(zeros((1, 6)), zeros((2, 6)), zeros(6), zeros(2))
    with pytest.raises(ModelError, match="all four need 3 blocks"):
        gru_from_torch(zeros((8, 1)), zeros((8, 2)), zeros(8), zeros(8))
    with pytest.raises(ModelError, match="both need 12 columns"):
        lstm(zeros((1, 8)), zeros((2, 8)), zeros(8), projection=zeros((3, 2)))
    with pytest.raises(ModelError, match=r"sizes \{\}; its cell needs \(projected\)"):
        Layer(CELLS["lstm-projected"], 1, 1, {})


def test_sizes_and_parameter_vectors_survive_a_file(tmp_path):
    random = np.random.default_rng(8)
    projected = lstm(random.normal(size=(2, 16)), random.normal(size=(3, 16)), np.zeros(16), projection=random.normal(size=(4, 3)))
    kernel, recurrent, peephole = random.normal(size=(3, 20)), random.normal(size=(5, 20)), random.normal(size=(3, 5))
    network = Network([projected, peephole_lstm(kernel, recurrent, np.zeros(20), peephole)])
    save_network(network, tmp_path / "net.safetensors")
    x = random.normal(size=(6, 2))
    np.testing.assert_array_equal(load_network(tmp_path / "net.safetensors")(x), network(x))
