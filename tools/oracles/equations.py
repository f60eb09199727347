"""The cells' equations as their papers and specifications write them, one timestep after the other; nothing here is fxlstm's.

Arrays are those of the builders: column blocks a (cell input), i, f, o; x is (time, features) and so are the outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Function = Callable[[Array], Array]


def s(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


# The activations that ONNX's specification lists and this package takes, with their numbers.
FUNCTIONS: dict[str, Function] = {
    "linear": lambda x: x,
    "sigmoid": s,
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(0, x),
    "hard_sigmoid": lambda x: np.maximum(0, np.minimum(1, 0.2 * x + 0.5)),
    "affine": lambda x: 0.7 * x + 0.1,
    "leaky_relu": lambda x: np.where(x >= 0, x, 0.01 * x),
    "scaled_tanh": lambda x: 0.8 * np.tanh(1.2 * x),
}
NUMBERS: dict[str, tuple[float, ...]] = {"affine": (0.7, 0.1), "scaled_tanh": (0.8, 1.2)}


def onnx_lstm(
    x: Array,
    kernel: Array,
    recurrent: Array,
    bias: Array,
    functions: Sequence[Function],
    peephole: Array | None = None,
    coupled: bool = False,
    clip: float = np.inf,
) -> Array:
    """The LSTM of ONNX's operator: any f, g, h, peepholes, coupled gates (input_forget), every operand of an activation clipped."""
    f_act, g_act, h_act = (lambda z, act=act: act(np.clip(z, -clip, clip)) for act in functions)
    blocks = 3 if coupled else 4
    h = c = np.zeros(len(bias) // blocks)
    p = np.zeros((blocks - 1, len(h))) if peephole is None else peephole
    outputs = []
    for x_t in x:
        a, i, *f, o = np.split(x_t @ kernel + h @ recurrent + bias, blocks)
        i = f_act(i + p[0] * c)
        forget = 1 - i if coupled else f_act(f[0] + p[1] * c)
        c = forget * c + i * g_act(a)
        h = f_act(o + p[-1] * c) * h_act(c)
        outputs.append(h)
    return np.array(outputs)


def onnx_gru(
    x: Array, kernel: Array, recurrent: Array, bias: Array, recurrent_bias: Array, functions: Sequence[Function], after: bool
) -> Array:
    """The GRU of ONNX's operator, columns z, r, h; ``after`` is its linear_before_reset."""
    f_act, g_act = functions
    w_z, w_r, w_h = np.split(kernel, 3, axis=1)
    u_z, u_r, u_h = np.split(recurrent, 3, axis=1)
    (b_z, b_r, b_h), (d_z, d_r, d_h) = np.split(bias, 3), np.split(recurrent_bias, 3)
    h, outputs = np.zeros(len(b_z)), []
    for x_t in x:
        z = f_act(x_t @ w_z + h @ u_z + b_z + d_z)
        r = f_act(x_t @ w_r + h @ u_r + b_r + d_r)
        from_h = r * (h @ u_h + d_h) if after else (r * h) @ u_h + d_h
        h = (1 - z) * g_act(x_t @ w_h + from_h + b_h) + z * h
        outputs.append(h)
    return np.array(outputs)


def elman(x: Array, kernel: Array, recurrent: Array, bias: Array, function: Function) -> Array:
    """Elman 1990: a simple recurrent layer."""
    h, outputs = np.zeros(len(bias)), []
    for x_t in x:
        h = function(x_t @ kernel + h @ recurrent + bias)
        outputs.append(h)
    return np.array(outputs)


def hochreiter(x: Array, kernel: Array, recurrent: Array, bias: Array) -> Array:
    """Hochreiter and Schmidhuber 1997: no forget gate, g in (-2, 2), h in (-1, 1); columns cell input, i, o."""
    y = state = np.zeros(len(bias) // 3)
    outputs = []
    for x_t in x:
        net_c, net_in, net_out = np.split(x_t @ kernel + y @ recurrent + bias, 3)
        state = state + s(net_in) * (4 * s(net_c) - 2)
        y = s(net_out) * (2 * s(state) - 1)
        outputs.append(y)
    return np.array(outputs)


def greff(x: Array, kernel: Array, recurrent: Array, bias: Array, peephole: Array, variant: str, gates: str) -> Array:
    """Greff et al. 2017: the vanilla LSTM with one change; ``gates``: those that the variant has, in the order of the columns."""
    blocks, units = len(gates) + 1, len(peephole[0])
    p = dict(zip(gates, peephole, strict=True))
    c, y, previous = np.zeros(units), np.zeros(units), {gate: np.zeros(units) for gate in gates}
    outputs = []
    for x_t in x:
        driven = np.concatenate([y, *previous.values()]) if variant == "fgr" else y
        net = dict(zip("z" + gates, np.split(x_t @ kernel + driven @ recurrent + bias, blocks), strict=True))
        z = net["z"] if variant == "niaf" else np.tanh(net["z"])
        i = np.ones(units) if variant == "nig" else s(net["i"] + p["i"] * c)
        gateless = {"nfg": np.ones(units), "cifg": 1 - i}
        f = gateless[variant] if variant in gateless else s(net["f"] + p["f"] * c)
        c = z * i + c * f
        o = np.ones(units) if variant == "nog" else s(net["o"] + p["o"] * c)
        y = (c if variant == "noaf" else np.tanh(c)) * o
        previous = dict(zip("ifo", (i, f, o), strict=True))
        outputs.append(y)
    return np.array(outputs)


def neil(
    x: Array, times: Array, kernel: Array, recurrent: Array, bias: Array, peephole: Array, gate: Sequence[Array], leak: float
) -> Array:
    """Neil et al. 2016: Phased LSTM; ``gate``: period, phase and open ratio of each unit."""
    h, c, outputs = np.zeros(len(bias) // 4), np.zeros(len(bias) // 4), []
    for x_t, time in zip(x, times, strict=True):
        a, i, f, o = np.split(x_t @ kernel + h @ recurrent + bias, 4)
        candidate = s(f + peephole[1] * c) * c + s(i + peephole[0] * c) * np.tanh(a)
        h_candidate = s(o + peephole[2] * candidate) * np.tanh(candidate)
        k = np.array([_openness(time, *row, leak) for row in zip(*gate, strict=True)])
        c, h = k * candidate + (1 - k) * c, k * h_candidate + (1 - k) * h
        outputs.append(h)
    return np.array(outputs)


def _openness(time: float, period: float, phase: float, ratio: float, leak: float) -> float:
    phi = ((time - phase) % period) / period
    if phi < ratio / 2:
        return 2 * phi / ratio
    return 2 - 2 * phi / ratio if phi < ratio else leak * phi


def shi(x: Array, kernel: Array, recurrent: Array, bias: Array, peephole: Array) -> Array:
    """Shi et al. 2015: ConvLSTM without padding over x (time, positions..., channels); a peephole for each position."""
    outputs: list[Array] = []
    h = c = np.zeros(peephole[0].shape)
    reach = np.array(recurrent.shape[:-2]) - 1
    pads = [(int(n) // 2, int(n) - int(n) // 2) for n in reach]
    for x_t in x:
        wide = np.pad(h, [*pads, (0, 0)])
        a, i, f, o = np.split(_convolved(x_t, kernel) + _convolved(wide, recurrent) + bias, 4, axis=-1)
        i, f = s(i + peephole[0] * c), s(f + peephole[1] * c)
        c = f * c + i * np.tanh(a)
        h = s(o + peephole[2] * c) * np.tanh(c)
        outputs.append(h.ravel())
    return np.array(outputs)


def _convolved(image: Array, kernel: Array) -> Array:
    """A convolution as neural networks mean it, without padding: (positions..., channels) to (positions..., filters)."""
    sizes = kernel.shape[:-2]
    shape = [positions - size + 1 for positions, size in zip(image.shape, sizes, strict=False)]
    result = np.zeros((*shape, kernel.shape[-1]))
    for at in product(*map(range, shape)):
        for offset in product(*map(range, sizes)):
            result[at] += image[tuple(np.add(at, offset))] @ kernel[offset]
    return result


Children = Sequence[Sequence[int]]


def tai_child_sum(x: Array, children: Children, root: int, kernel: Array, recurrent: Array, bias: Array) -> Array:
    """Tai et al. 2015: h of every node of a child-sum Tree-LSTM, columns u, i, f, o."""
    units = len(bias) // 4
    h: dict[int, Array] = {}

    def memory(node: int) -> Array:
        below = {child: memory(child) for child in children[node]}
        summed = sum((h[child] for child in below), np.zeros(units))
        u, i, f, o = np.split(x[node] @ kernel + bias, 4)
        u_h, i_h, _, o_h = np.split(summed @ recurrent, 4)
        c = s(i + i_h) * np.tanh(u + u_h)
        for child, c_k in below.items():
            c = c + s(f + np.split(h[child] @ recurrent, 4)[2]) * c_k
        h[node] = s(o + o_h) * np.tanh(c)
        return c

    memory(root)
    return np.array([h[node] for node in range(len(x))])


def tai_nary(x: Array, children: Children, root: int, kernel: Array, recurrent: Array, bias: Array) -> Array:
    """Tai et al. 2015: h of every node of an N-ary Tree-LSTM; ``recurrent``: for each child its columns u, i, f_1 .. f_N, o."""
    units, count = len(bias) // 4, len(recurrent)

    def node_states(node: int) -> tuple[Array, Array]:
        below = [node_states(child) for child in children[node]]
        from_children = sum((h_k @ recurrent[k] for k, (h_k, _) in enumerate(below)), np.zeros((3 + count) * units))
        u_h, i_h, *f_h, o_h = np.split(from_children, 3 + count)
        u, i, f, o = np.split(x[node] @ kernel + bias, 4)
        c = s(i + i_h) * np.tanh(u + u_h)
        for k, (_, c_k) in enumerate(below):
            c = c + s(f + f_h[k]) * c_k
        found[node] = s(o + o_h) * np.tanh(c)
        return found[node], c

    found: dict[int, Array] = {}
    node_states(root)
    return np.array([found[node] for node in range(len(x))])
