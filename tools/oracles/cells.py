"""Cases of single layers: every cell of the catalogue, and the other activations."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import nn

from fxlstm.network import (
    Layer,
    Network,
    TimeGate,
    Tree,
    TreeNetwork,
    child_sum_tree_lstm,
    conv_lstm_1d,
    conv_lstm_2d,
    dense,
    gru,
    gru_from_torch,
    lstm,
    lstm_1997,
    lstm_from_torch,
    nary_tree_lstm,
    peephole_lstm,
    phased_lstm,
    rnn,
    rnn_from_torch,
)
from fxlstm.network.cells import Activation
from oracles import equations
from oracles.equations import FUNCTIONS, NUMBERS, Array
from oracles.frameworks import arrays_of, filled, torch_outputs
from oracles.measure import Case, generator
from oracles.tasks import Nodes, Sequences

INPUTS, UNITS = 3, 4
BATCH, TIME = 3, 24

# The gates that each variant has, in the order of its columns.
VARIANTS = {"vanilla": "ifo", "nig": "fo", "nfg": "io", "nog": "if", "niaf": "ifo", "noaf": "ifo", "cifg": "io", "fgr": "ifo"}
TREE = Tree([[1, 2], [], [3, 4], [5], [], []])


def sequences(random: np.random.Generator, features: int = INPUTS) -> Array:
    return random.uniform(-1, 1, (BATCH, TIME, features))


def weights(random: np.random.Generator, *shape: int) -> Array:
    return random.uniform(-1, 1, shape)


def recurrent_weights(random: np.random.Generator, blocks: int, driven: int = UNITS) -> list[Array]:
    """Kernel, recurrent weights and bias with so many blocks of columns."""
    columns = blocks * UNITS
    return [weights(random, INPUTS, columns), weights(random, driven, columns), weights(random, columns)]


def of_equations(name: str, paper: str, layer: Layer, x: Array, equation: Callable[[Array], Array]) -> Case:
    """A case whose oracle is a function of one sequence."""
    expected = np.array([equation(sequence) for sequence in x])
    return Case(name, f"equations of {paper}", Network((layer,)), Sequences(x), expected)


def catalogue() -> Iterator[Case]:
    """Every cell by its name in the catalogue."""
    yield from of_torch()
    yield hochreiter_case()
    yield from map(greff_case, VARIANTS)
    yield gru_before_case()
    yield rnn_sigmoid_case()
    yield from map(dense_case, ("linear", "sigmoid", "tanh"))
    yield phased_case()
    yield child_sum_case()
    yield from map(nary_case, (1, 2, 3))
    yield conv_case(1)
    yield conv_case(2)


def of_torch() -> Iterator[Case]:
    """Cells that PyTorch has."""
    builders: dict[str, tuple[Callable[..., nn.Module], Callable[..., Layer]]] = {
        "lstm": (nn.LSTM, lstm_from_torch),
        "lstm-projected": (lambda *sizes, **options: nn.LSTM(*sizes, proj_size=2, **options), lstm_from_torch),
        "gru-reset-after": (nn.GRU, gru_from_torch),
        "rnn-tanh": (nn.RNN, rnn_from_torch),
    }
    for name, (module_of, layer_of) in builders.items():
        random = generator(name)
        module = filled(module_of(INPUTS, UNITS, batch_first=True), random)
        x = sequences(random)
        yield Case(name, "PyTorch", Network((layer_of(**arrays_of(module)),)), Sequences(x), torch_outputs(module, x))


def hochreiter_case() -> Case:
    name = "lstm-1997"
    random = generator(name)
    arrays = recurrent_weights(random, 3)
    layer = lstm_1997(*arrays)
    return of_equations(
        name, "Hochreiter and Schmidhuber 1997", layer, sequences(random), lambda x: equations.hochreiter(x, *arrays)
    )


def greff_case(variant: str) -> Case:
    name = "lstm-peephole" if variant == "vanilla" else f"lstm-{variant}"
    random, gates = generator(name), VARIANTS[variant]
    kernel, recurrent, bias = recurrent_weights(random, 1 + len(gates), 4 * UNITS if variant == "fgr" else UNITS)
    if variant == "fgr":
        recurrent[UNITS:, :UNITS] = 0  # gates reach gates, not the cell input
    peephole = weights(random, len(gates), UNITS)
    layer = peephole_lstm(kernel, recurrent, bias, peephole, variant)
    x = sequences(random)
    return of_equations(
        name, "Greff et al. 2017", layer, x, lambda x: equations.greff(x, kernel, recurrent, bias, peephole, variant, gates)
    )


def gru_before_case() -> Case:
    name = "gru-reset-before"
    random = generator(name)
    arrays = [*recurrent_weights(random, 3), weights(random, 3 * UNITS)]
    functions = (FUNCTIONS["sigmoid"], FUNCTIONS["tanh"])
    layer = gru(*arrays, reset_after=False)
    return of_equations(
        name, "Cho et al. 2014", layer, sequences(random), lambda x: equations.onnx_gru(x, *arrays, functions, False)
    )


def rnn_sigmoid_case() -> Case:
    name = "rnn-sigmoid"
    random = generator(name)
    arrays = recurrent_weights(random, 1)
    return of_equations(
        name, "Elman 1990", rnn(*arrays, "sigmoid"), sequences(random), lambda x: equations.elman(x, *arrays, equations.s)
    )


def dense_case(function: str) -> Case:
    name = "dense" if function == "linear" else f"dense-{function}"
    random = generator(name)
    linear = filled(nn.Linear(INPUTS, UNITS), random)
    heads = {"linear": nn.Identity(), "sigmoid": nn.Sigmoid(), "tanh": nn.Tanh()}
    x = sequences(random)
    layer = dense(linear.weight.detach().numpy().T, linear.bias.detach().numpy(), function)
    return Case(name, "PyTorch", Network((layer,)), Sequences(x), heads[function](linear(torch.tensor(x))).detach().numpy())


def phased_case() -> Case:
    name = "lstm-phased, irregular times"
    random = generator(name)
    arrays, peephole = recurrent_weights(random, 4), weights(random, 3, UNITS)
    gate = random.uniform(2, 9, UNITS), random.uniform(-3, 3, UNITS), random.uniform(0.2, 1, UNITS)
    x, times = sequences(random), np.cumsum(random.uniform(0, 2, (BATCH, TIME)), axis=1)
    pairs = zip(x, times, strict=True)
    expected = np.array([equations.neil(sequence, clock, *arrays, peephole, gate, 0.02) for sequence, clock in pairs])
    network = Network((phased_lstm(*arrays, TimeGate(*gate, 0.02), peephole),))
    return Case(name, "equations of Neil et al. 2016", network, Sequences(x, times=times), expected)


def child_sum_case() -> Case:
    name = "tree-child-sum"
    random = generator(name)
    arrays, x = recurrent_weights(random, 4), weights(random, len(TREE), INPUTS)
    expected = equations.tai_child_sum(x, TREE.children, TREE.root, *arrays)
    return Case(name, "equations of Tai et al. 2015", TreeNetwork(child_sum_tree_lstm(*arrays)), Nodes(x, TREE), expected)


def nary_case(most: int) -> Case:
    name = f"tree-{most}-ary"
    random = generator(name)
    tree = TREE if most > 1 else Tree([[1], [2], [3], []])
    kernel, _, bias = recurrent_weights(random, 4)
    recurrent, x = weights(random, most, UNITS, (3 + most) * UNITS), weights(random, len(tree), INPUTS)
    expected = equations.tai_nary(x, tree.children, tree.root, kernel, recurrent, bias)
    network = TreeNetwork(nary_tree_lstm(kernel, recurrent, bias))
    return Case(name, "equations of Tai et al. 2015", network, Nodes(x, tree), expected)


def conv_case(rank: int) -> Case:
    """ConvLSTM with peepholes; positions and channels of x are flattened."""
    name = f"ConvLSTM, {rank}-D, peepholes"
    random, filters, channels = generator(name), 2, 2
    shape = (6,) if rank == 1 else (3, 4)
    kernel = weights(random, *(2,) * rank, channels, 4 * filters)
    recurrent = weights(random, *(3,) * rank, filters, 4 * filters)
    reached = tuple(positions - 1 for positions in shape)
    bias, peephole = weights(random, 4 * filters), weights(random, 3, *reached, filters)
    x = random.uniform(-1, 1, (BATCH, TIME, *shape, channels))
    layer = (
        conv_lstm_1d(kernel, recurrent, bias, shape[0], peephole=peephole)
        if rank == 1
        else conv_lstm_2d(kernel, recurrent, bias, (shape[0], shape[1]), peephole=peephole)
    )
    expected = np.array([equations.shi(sequence, kernel, recurrent, bias, peephole) for sequence in x])
    return Case(
        name,
        "equations of Shi et al. 2015",
        Network((layer,)),
        Sequences(x.reshape(BATCH, TIME, -1)),
        expected.reshape(BATCH, TIME, -1),
    )


# ---- other activations


def activation(name: str) -> Activation:
    return (name, *NUMBERS[name]) if name in NUMBERS else name


def activations() -> Iterator[Case]:
    """Activations that make another cell than one of the catalogue, gates of other forms, coupled gates and clipping."""
    for name in FUNCTIONS:
        if name != "tanh":
            yield lstm_case(f"lstm, cell and output {name}", "sigmoid", name)
            yield gru_case(f"gru-reset-after, candidate {name}", "sigmoid", name, True)
        if name not in ("sigmoid", "tanh"):
            yield rnn_case(name)
        if name not in ("linear", "sigmoid", "tanh"):
            yield dense_of(name)
    for gate in ("hard_sigmoid", "affine"):
        yield lstm_case(f"lstm, gates {gate}", gate, "tanh")
        yield gru_case(f"gru-reset-before, gates {gate}", gate, "tanh", False)
    yield lstm_case("lstm, coupled gates, clip", "sigmoid", "tanh", coupled=True, clip=0.8)
    yield lstm_case("lstm-peephole, gates hard_sigmoid, clip", "hard_sigmoid", "tanh", peepholes=True, clip=0.8)


def lstm_case(
    name: str, gate: str, function: str, coupled: bool = False, peepholes: bool = False, clip: float | None = None
) -> Case:
    random = generator(name)
    arrays = [array / 2 for array in recurrent_weights(random, 3 if coupled else 4)]
    options = {"gate": activation(gate), "cell": activation(function), "output": activation(function), "clip": clip}
    peephole = weights(random, 3, UNITS) if peepholes else None
    layer = lstm(*arrays, coupled=coupled, **options) if peephole is None else peephole_lstm(*arrays, peephole, **options)
    functions = [FUNCTIONS[gate], FUNCTIONS[function], FUNCTIONS[function]]
    limit = np.inf if clip is None else clip
    return of_equations(
        name,
        "ONNX's LSTM",
        layer,
        sequences(random),
        lambda x: equations.onnx_lstm(x, *arrays, functions, peephole, coupled, limit),
    )


def gru_case(name: str, gate: str, function: str, after: bool) -> Case:
    random = generator(name)
    arrays = [array / 2 for array in (*recurrent_weights(random, 3), weights(random, 3 * UNITS))]
    layer = gru(*arrays, reset_after=after, gate=activation(gate), candidate=activation(function))
    functions = FUNCTIONS[gate], FUNCTIONS[function]
    return of_equations(
        name,
        "ONNX's GRU",
        layer,
        sequences(random),
        lambda x: equations.onnx_gru(x, *arrays, functions, after),
    )


def rnn_case(function: str) -> Case:
    name = f"rnn, {function}"
    random = generator(name)
    arrays = [array / 2 for array in recurrent_weights(random, 1)]
    return of_equations(
        name,
        "ONNX's RNN",
        rnn(*arrays, activation(function)),
        sequences(random),
        lambda x: equations.elman(x, *arrays, FUNCTIONS[function]),
    )


def dense_of(function: str) -> Case:
    name = f"dense, {function}"
    random = generator(name)
    weight, bias = weights(random, INPUTS, UNITS), weights(random, UNITS)
    layer = dense(weight, bias, activation(function))
    return of_equations(name, "ONNX's functions", layer, sequences(random), lambda x: FUNCTIONS[function](x @ weight + bias))
