"""The LSTM, GRU, simple recurrent and dense cells with the activations, clipping and couplings that frameworks offer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from fxlstm.network.cells.catalogue import CELLS
from fxlstm.network.cells.cell import Cell
from fxlstm.network.cells.equations import Complement, Equation, Interpolate, Multiply, Product, ProductSum
from fxlstm.network.cells.functions import Activation, apply, is_gate, parsed, spelled


class _Draft:
    """Equations of a cell under construction, and the constants that they read."""

    def __init__(self, clip: float | None) -> None:
        self.clip = clip
        self.equations: list[Equation] = []
        self.constants: dict[str, float] = {}

    def add(self, *equations: Equation) -> None:
        self.equations += equations

    def activate(self, activation: Activation, operand: str, result: str) -> str:
        """Add ``result = activation(operand)``; return the vector that holds it."""
        applied = apply(activation, operand, result, self.clip)
        self.equations += applied.equations
        self.constants |= applied.constants
        return applied.result

    def blend(self, gate: Activation, weight: str, result: str, a: str, b: str, rest: str) -> None:
        """Add ``result = weight * a + (1 - weight) * b``; ``rest`` names 1 - weight where the gate may leave 0..1."""
        if is_gate(gate):
            self.add(Interpolate(result, weight, a, b))
        else:
            self.add(Complement(rest, weight), ProductSum(result, weight, a, rest, b))


def lstm_cell(
    gate: Activation = "sigmoid",
    cell: Activation = "tanh",
    output: Activation = "tanh",
    peepholes: bool = False,
    coupled: bool = False,
    projected: bool = False,
    clip: float | None = None,
) -> Cell:
    """Return an LSTM cell with activations of its gates, of its cell input and of the cell state on its way out.

    ``peepholes``: gates see the cell state, the output gate the new one. ``coupled``: the forget gate is 1 - i.
    ``projected``: the hidden state is a projection of the output. ``clip`` limits every operand of an activation.
    The columns are a (cell input), i, f, o, without f where coupled. A cell of the catalogue is returned where it is the same.
    """
    gates = "io" if coupled else "ifo"
    draft = _Draft(clip)
    draft.add(Multiply(tuple(f"{block}_in" for block in f"a{gates}"), ("x", "h")))
    a = draft.activate(cell, "a_in", "a")
    before_state = gates[:-1] if peepholes else gates
    opened = {name: _lstm_gate(draft, gate, name, peepholes) for name in before_state}
    if coupled:
        draft.blend(gate, opened["i"], "c", a, "c", "f")
    else:
        draft.add(ProductSum("c", opened["i"], a, opened["f"], "c"))
    o = opened.get("o") or _lstm_gate(draft, gate, "o", peepholes)
    c_out = draft.activate(output, "c", "c_out")
    draft.add(Product("m" if projected else "h", o, c_out))
    if projected:
        draft.add(Multiply(("h",), ("m",), "projection", "projection_bias"))
    features = {"peephole": peepholes, "coupled": coupled, "projected": projected}
    name = "-".join(["lstm", *(feature for feature, present in features.items() if present)])
    return _finished(
        name,
        draft,
        {"gate": (gate, "sigmoid"), "cell": (cell, "tanh"), "output": (output, "tanh")},
        memory=("c",),
        parameters=tuple(f"p_{gate}" for gate in gates) if peepholes else (),
        lengths={"h": "projected"} if projected else {},
    )


def gru_cell(
    gate: Activation = "sigmoid", candidate: Activation = "tanh", reset_after: bool = True, clip: float | None = None
) -> Cell:
    """Return a GRU cell, h = z * h + (1 - z) * n, with activations of its gates z and r and of its candidate n.

    ``reset_after``: r resets h's product with the weights, else h itself. ``clip`` limits every operand of an activation.
    """
    draft = _Draft(clip)
    draft.add(Multiply(("z_in", "r_in", "n_x", "n_h") if reset_after else ("z_in", "r_in"), ("x", "h")))
    z, r = draft.activate(gate, "z_in", "z"), draft.activate(gate, "r_in", "r")
    if reset_after:
        draft.add(ProductSum("n_in", r, "n_h", "one", "n_x"))
    else:
        draft.add(Product("rh", r, "h"), Multiply(("n_in",), ("x", "rh"), "candidate", "candidate_bias"))
    n = draft.activate(candidate, "n_in", "n")
    draft.blend(gate, z, "h", "h", n, "z_rest")
    name = f"gru-reset-{'after' if reset_after else 'before'}"
    return _finished(name, draft, {"gate": (gate, "sigmoid"), "candidate": (candidate, "tanh")})


def rnn_cell(activation: Activation = "tanh", clip: float | None = None) -> Cell:
    """Return a simple recurrent cell, h = activation(x @ kernel + h @ recurrent + bias), its operand limited by ``clip``."""
    draft = _Draft(clip)
    _product(draft, activation, ("x", "h"), "h")
    return _finished(f"rnn-{spelled(activation)}", draft, {})


def dense_cell(activation: Activation = "linear") -> Cell:
    """Return the cell of a fully connected layer, y = activation(x @ weight + bias)."""
    draft = _Draft(None)
    _product(draft, activation, ("x",), "y")
    return _finished(f"dense-{spelled(activation)}", draft, {}, output="y", hidden=())


def _product(draft: _Draft, activation: Activation, operands: tuple[str, ...], result: str) -> None:
    """Add ``result = activation(the product of the operands)``."""
    if parsed(activation)[0] == "linear" and draft.clip is None:
        draft.add(Multiply((result,), operands))
    else:
        draft.add(Multiply((f"{result}_in",), operands))
        draft.activate(activation, f"{result}_in", result)


def _lstm_gate(draft: _Draft, activation: Activation, name: str, peephole: bool) -> str:
    """Add a gate that may see the cell state as it is by now; return the vector that holds it."""
    operand = f"{name}_in"
    if peephole:
        draft.add(ProductSum(f"{name}_sum", f"p_{name}", "c", "one", operand))
        operand = f"{name}_sum"
    return draft.activate(activation, operand, name)


def _finished(
    name: str,
    draft: _Draft,
    activations: Mapping[str, tuple[Activation, Activation]],
    output: str = "h",
    hidden: tuple[str, ...] = ("h",),
    memory: tuple[str, ...] = (),
    parameters: tuple[str, ...] = (),
    lengths: Mapping[str, str] | None = None,
) -> Cell:
    """Return the catalogue's cell with these equations, else one whose name tells what differs from the usual.

    ``activations``: for each part the activation that it has and the one that it usually has.
    """
    differences = [f"{part}={spelled(given)}" for part, (given, usual) in activations.items() if spelled(given) != spelled(usual)]
    differences += [] if draft.clip is None else [f"clip={draft.clip:g}"]
    cell = Cell(
        name=f"{name}({', '.join(differences)})" if differences else name,
        equations=tuple(draft.equations),
        output=output,
        hidden=hidden,
        memory=memory,
        parameters=parameters,
        lengths=lengths or {},
        constants=draft.constants,
    )
    known = (other for other in CELLS.values() if replace(other, name=cell.name, source="") == cell)
    return next(known, cell)
