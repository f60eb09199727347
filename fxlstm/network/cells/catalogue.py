"""The cells of the literature, each as data: the float forward pass and the quantizer walk these lists and know none by name.

A new cell is a new constant here and nothing else.
"""

from __future__ import annotations

from fxlstm.network.cells.cell import Cell
from fxlstm.network.cells.equations import Activate, Equation, Interpolate, Multiply, Product, ProductSum, Sum

_GREFF = "Greff et al. 2017, LSTM: A Search Space Odyssey"
_TAI = "Tai et al. 2015, Improved Semantic Representations From Tree-Structured LSTM Networks"


def _gates(*names: str) -> tuple[Equation, ...]:
    """Sigmoid gates without peepholes."""
    return tuple(Activate(name, "sigmoid", f"{name}_in") for name in names)


def _peephole_gates(*names: str) -> tuple[Equation, ...]:
    """Sigmoid gates that see the cell state as it is at their place in the list: s(in + p * c)."""
    pairs = [
        (ProductSum(f"{name}_sum", f"p_{name}", "c", "one", f"{name}_in"), Activate(name, "sigmoid", f"{name}_sum"))
        for name in names
    ]
    return tuple(equation for pair in pairs for equation in pair)


# "a" is the cell input: PyTorch's g, Keras's c, z of Greff et al. Gate columns stand in the order a, i, f, o of the 128x64 system
# (Li et al. 2019, memNN).
_A = Activate("a", "tanh", "a_in")
_STATE = ProductSum("c", "i", "a", "f", "c")
_OUTPUT = (Activate("c_out", "tanh", "c"), Product("h", "o", "c_out"))

LSTM = Cell(
    name="lstm",
    equations=(Multiply(("a_in", "i_in", "f_in", "o_in"), ("x", "h")), _A, *_gates("i", "f", "o"), _STATE, *_OUTPUT),
    output="h",
    hidden=("h",),
    memory=("c",),
    source="Gers et al. 2000, Learning to Forget; NP of " + _GREFF,
)

LSTM_PROJECTED = Cell(
    name="lstm-projected",
    equations=(
        Multiply(("a_in", "i_in", "f_in", "o_in"), ("x", "h")),
        _A,
        *_gates("i", "f", "o"),
        _STATE,
        Activate("c_out", "tanh", "c"),
        Product("m", "o", "c_out"),
        Multiply(("h",), ("m",), "projection", "projection_bias"),
    ),
    output="h",
    hidden=("h",),
    memory=("c",),
    lengths={"h": "projected"},
    source="Sak et al. 2014, LSTM with a recurrent projection; proj_size of torch.nn.LSTM",
)

LSTM_1997 = Cell(
    name="lstm-1997",
    equations=(
        Multiply(("a_in", "i_in", "o_in"), ("x", "h")),
        Activate("a", "centred_logistic_g", "a_in"),
        *_gates("i", "o"),
        ProductSum("c", "i", "a", "one", "c"),
        Activate("c_out", "centred_logistic_h", "c"),
        Product("h", "o", "c_out"),
    ),
    output="h",
    hidden=("h",),
    memory=("c",),
    source="Hochreiter and Schmidhuber 1997, Long Short-Term Memory",
)


def _greff(name: str, gates: str, *equations: Equation, hidden: tuple[str, ...] = ("h",)) -> Cell:
    """A cell of the study: one product with a column block for the cell input and for each gate, and a peephole for each gate."""
    columns = tuple(f"{block}_in" for block in "a" + gates)
    return Cell(
        name=name,
        equations=(Multiply(columns, ("x", *hidden)), *equations),
        output="h",
        hidden=hidden,
        memory=("c",),
        parameters=tuple(f"p_{gate}" for gate in gates),
        source=f"{'vanilla' if name == 'lstm-peephole' else name.removeprefix('lstm-').upper()} of {_GREFF}",
    )


_I, _F, _O = _peephole_gates("i"), _peephole_gates("f"), _peephole_gates("o")

LSTM_PEEPHOLE = _greff("lstm-peephole", "ifo", _A, *_I, *_F, _STATE, *_O, *_OUTPUT)
LSTM_NIG = _greff("lstm-nig", "fo", _A, *_F, ProductSum("c", "one", "a", "f", "c"), *_O, *_OUTPUT)
LSTM_NFG = _greff("lstm-nfg", "io", _A, *_I, ProductSum("c", "i", "a", "one", "c"), *_O, *_OUTPUT)
LSTM_NOG = _greff("lstm-nog", "if", _A, *_I, *_F, _STATE, Activate("h", "tanh", "c"))
LSTM_NIAF = _greff("lstm-niaf", "ifo", *_I, *_F, ProductSum("c", "i", "a_in", "f", "c"), *_O, *_OUTPUT)
LSTM_NOAF = _greff("lstm-noaf", "ifo", _A, *_I, *_F, _STATE, *_O, Product("h", "o", "c"))
LSTM_CIFG = _greff("lstm-cifg", "io", _A, *_I, Interpolate("c", "i", "a", "c"), *_O, *_OUTPUT)
LSTM_FGR = _greff("lstm-fgr", "ifo", _A, *_I, *_F, _STATE, *_O, *_OUTPUT, hidden=("h", "i", "f", "o"))

# The time gate k lets a share of the new states in; the output gate's peephole sees the candidate, before the time gate.
PHASED_LSTM = Cell(
    name="lstm-phased",
    equations=(
        Multiply(("a_in", "i_in", "f_in", "o_in"), ("x", "h")),
        _A,
        *_I,
        *_F,
        ProductSum("c_candidate", "i", "a", "f", "c"),
        ProductSum("o_sum", "p_o", "c_candidate", "one", "o_in"),
        Activate("o", "sigmoid", "o_sum"),
        Activate("c_out", "tanh", "c_candidate"),
        Product("h_candidate", "o", "c_out"),
        Interpolate("c", "k", "c_candidate", "c"),
        Interpolate("h", "k", "h_candidate", "h"),
    ),
    output="h",
    hidden=("h",),
    memory=("c",),
    parameters=("p_i", "p_f", "p_o"),
    source="Neil et al. 2016, Phased LSTM",
    inputs=("x", "k"),
    ranges={"k": (0.0, 1.0)},
)

GRU_RESET_BEFORE = Cell(
    name="gru-reset-before",
    equations=(
        Multiply(("z_in", "r_in"), ("x", "h")),
        *_gates("z", "r"),
        Product("rh", "r", "h"),
        Multiply(("n_in",), ("x", "rh"), "candidate", "candidate_bias"),
        Activate("n", "tanh", "n_in"),
        Interpolate("h", "z", "h", "n"),
    ),
    output="h",
    hidden=("h",),
    source="Cho et al. 2014; Keras with reset_after=False",
)

# One reading of the array: what the candidate gets from x and from h are columns of their own, zero in the rows of the other.
GRU_RESET_AFTER = Cell(
    name="gru-reset-after",
    equations=(
        Multiply(("z_in", "r_in", "n_x", "n_h"), ("x", "h")),
        *_gates("z", "r"),
        ProductSum("n_in", "r", "n_h", "one", "n_x"),
        Activate("n", "tanh", "n_in"),
        Interpolate("h", "z", "h", "n"),
    ),
    output="h",
    hidden=("h",),
    source="torch.nn.GRU, cuDNN, Keras with reset_after=True",
)


_CHILD = (-1.0, 1.0)

# A node's children are its timesteps; once they are summed, the closing equations give the node's own h and c. A leaf has one
# child of zeros.
TREE_CHILD_SUM = Cell(
    name="tree-child-sum",
    equations=(
        Multiply(("f_in",), ("x", "h_k"), "forget", "forget_bias"),
        *_gates("f"),
        ProductSum("c_sum", "f", "c_k", "one", "c_sum"),
        Sum("h_sum", "h_k", "h_sum"),
    ),
    closing=(
        Multiply(("a_in", "i_in", "o_in"), ("x", "h_sum")),
        _A,
        *_gates("i", "o"),
        ProductSum("c", "i", "a", "one", "c_sum"),
        *_OUTPUT,
    ),
    output="h",
    hidden=("h_sum",),
    memory=("c_sum",),
    inputs=("x", "h_k", "c_k"),
    ranges={"h_k": _CHILD},
    passes=("c",),
    source=_TAI,
)


def tree_nary(children: int) -> Cell:
    """Return the N-ary Tree-LSTM of Tai et al. for nodes with up to so many children, each with a forget gate of its own.

    The columns are a, i, f_1 .. f_N, o; a node is one timestep, children that are absent are zeros.
    """
    numbers = range(1, children + 1)
    forget = tuple(f"f_{number}" for number in numbers)
    return Cell(
        name=f"tree-{children}-ary",
        equations=(
            Multiply(("a_in", "i_in", *(f"{gate}_in" for gate in forget), "o_in"), ("x", *(f"h_{number}" for number in numbers))),
            _A,
            *_gates("i", *forget, "o"),
            ProductSum("c" if children == 1 else "c_from_1", "i", "a", "f_1", "c_1"),
            *(
                ProductSum("c" if n == children else f"c_from_{n}", f"f_{n}", f"c_{n}", "one", f"c_from_{n - 1}")
                for n in numbers[1:]
            ),
            *_OUTPUT,
        ),
        output="h",
        inputs=("x", *(f"h_{number}" for number in numbers), *(f"c_{number}" for number in numbers)),
        ranges={f"h_{number}": _CHILD for number in numbers},
        passes=("c",),
        source=_TAI,
    )


def _rnn(function: str) -> Cell:
    return Cell(
        name=f"rnn-{function}",
        equations=(Multiply(("h_in",), ("x", "h")), Activate("h", function, "h_in")),
        output="h",
        hidden=("h",),
        source="Elman 1990, Finding Structure in Time; torch.nn.RNN, Keras SimpleRNN",
    )


RNN_TANH, RNN_SIGMOID = _rnn("tanh"), _rnn("sigmoid")

DENSE = Cell(name="dense", equations=(Multiply(results=("y",), operands=("x",)),), output="y")


def _dense(function: str) -> Cell:
    return Cell(f"dense-{function}", (Multiply(("y_in",), ("x",)), Activate("y", function, "y_in")), "y")


DENSE_SIGMOID, DENSE_TANH = _dense("sigmoid"), _dense("tanh")

GREFF_VARIANTS: dict[str, Cell] = {
    "vanilla": LSTM_PEEPHOLE,
    "nig": LSTM_NIG,
    "nfg": LSTM_NFG,
    "nog": LSTM_NOG,
    "niaf": LSTM_NIAF,
    "noaf": LSTM_NOAF,
    "cifg": LSTM_CIFG,
    "fgr": LSTM_FGR,
}

CELLS: dict[str, Cell] = {
    cell.name: cell
    for cell in (
        LSTM,
        LSTM_PROJECTED,
        LSTM_1997,
        *GREFF_VARIANTS.values(),
        GRU_RESET_BEFORE,
        GRU_RESET_AFTER,
        RNN_TANH,
        RNN_SIGMOID,
        DENSE,
        DENSE_SIGMOID,
        DENSE_TANH,
    )
}

# Cells that take more than x, by their names in files: a time gate, what the children of a tree's node give.
WITH_MORE_INPUTS: dict[str, Cell] = {cell.name: cell for cell in (PHASED_LSTM, TREE_CHILD_SUM)}
