#!/usr/bin/env python3
"""Make the golden vectors: small quantized programs, inputs, and the outputs of the reference interpreter.

Without --write, says whether the reference still gives the outputs on file, and writes nothing. With --write, adds the files that
are missing; one that is there stays, so a change of the arithmetic that is wanted begins with deleting it. Each file holds how it
was made, the image (base64), input codes (batch, time, features) and output codes. Where a program has several phases, or runs on
beyond its inputs, the inputs are those of each phase, and ``timesteps`` says for how many each runs.
"""

from __future__ import annotations

import argparse
import base64
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from golden import FOLDER, VECTORS, read_vector  # noqa: E402

from fxlstm.network import (  # noqa: E402
    CELLS,
    LSTM,
    Backward,
    Cell,
    EncoderDecoder,
    Layer,
    Model,
    Network,
    TimeGate,
    Tree,
    TreeNetwork,
    bidirectional,
    dense,
    lstm,
)
from fxlstm.network.cells import dense_cell, gru_cell, lstm_cell, rnn_cell  # noqa: E402
from fxlstm.network.cells.catalogue import PHASED_LSTM, TREE_CHILD_SUM, tree_nary  # noqa: E402
from fxlstm.program.hardware import Hardware  # noqa: E402
from fxlstm.program.image import to_bytes  # noqa: E402
from fxlstm.program.program import Codes, Program  # noqa: E402
from fxlstm.program.quantize import quantize  # noqa: E402
from fxlstm.program.reference import Reference  # noqa: E402

SEED = 20190114
TIMESTEPS = 12
DIGITAL = Hardware(levels=32768, adc_bits=None, bias="digital")

Random = np.random.Generator


def _lstm(random: Random, inputs: int, units: int) -> Layer:
    bound = 2 / np.sqrt(units)
    kernel, recurrent = (random.uniform(-bound, bound, (rows, 4 * units)) for rows in (inputs, units))
    return lstm(kernel, recurrent, random.uniform(-bound, bound, 4 * units))


def _dense(random: Random, inputs: int, units: int, activation: Any = "linear") -> Layer:
    return dense(random.normal(size=(inputs, units)), random.normal(size=units), activation)


def _layer(random: Random, cell: Cell, inputs: int = 3, units: int = 4, **options: Any) -> Layer:
    sizes = dict.fromkeys(cell.lengths.values(), 2)
    shapes = cell.parameter_shapes({"inputs": inputs, "units": units, **sizes})
    parameters = {name: random.uniform(-1, 1, shape) for name, shape in shapes.items()}
    return Layer(cell, inputs, units, parameters, sizes=sizes, **options)


def _cell(cell: Cell) -> Callable[[Random], Network]:
    """A maker of networks of one layer of the cell, 3 inputs and 4 units."""
    return lambda random: Network((_layer(random, cell),))


def _phased(random: Random) -> Network:
    gates = [TimeGate(random.uniform(3, 9, 4), random.uniform(0, 5, 4), random.uniform(0.3, 0.9, 4), 0.01) for _ in range(2)]
    layers = [_layer(random, PHASED_LSTM, inputs, time_gate=gate) for inputs, gate in zip((3, 4), gates, strict=True)]
    return Network((*layers, _dense(random, 4, 2)))


def _hierarchy(random: Random) -> Network:
    """Layers that run at every timestep, every second and every sixth one, below a dense layer."""
    layers = [_layer(random, LSTM, inputs, period=period) for inputs, period in ((3, 1), (4, 2), (4, 6))]
    return Network((*layers, _dense(random, 4, 2)))


def _tree(random: Random) -> TreeNetwork:
    return TreeNetwork(_layer(random, TREE_CHILD_SUM), (_layer(random, dense_cell("hard_sigmoid"), 4, 2),))


def _initial(random: Random) -> Network:
    """A pair of directions and a backward layer from states that are not zero, and what they finally give."""
    layers = (bidirectional(_lstm(random, 3, 4), _lstm(random, 3, 2)), Backward(_lstm(random, 6, 3)), _dense(random, 3, 2))
    network = Network(layers, returns="final")
    return replace(network, initial={name: random.uniform(-1, 1, length) for name, length in network.states.items()})


def _encoder_decoder(random: Random, feed: Any) -> EncoderDecoder:
    encoder = Network((bidirectional(_lstm(random, 3, 4), _lstm(random, 3, 4)),), returns="final")
    decoder = Network((_lstm(random, {"feedback": 2, "context": 8, "given": 3}[feed], 4), _dense(random, 4, 2)))
    return EncoderDecoder(encoder, decoder, {"lstm/h": "lstm-2/h", "lstm/c": "lstm-1/c"}, feed)


def _stacked(random: Random) -> Network:
    return Network((_lstm(random, 3, 6), _lstm(random, 6, 5), _dense(random, 5, 4, "tanh"), _dense(random, 4, 2)), returns="last")


def _uneven(random: Random) -> Network:
    """Weights of which the upper rows carry far more current than the lower ones."""
    weight = random.uniform(-0.1, 0.1, (70, 66))
    weight[:35] += 0.5
    return Network((dense(weight, random.normal(size=66), "tanh"),))


def _bidirectional(random: Random, returns: Any = "sequence") -> Network:
    """Two pairs of directions, one joined and one added, and a dense head."""
    first = bidirectional(_lstm(random, 3, 4), _lstm(random, 3, 2))
    second = bidirectional(_lstm(random, 6, 4), _lstm(random, 6, 4), merge="sum")
    return Network((first, second, _dense(random, 4, 2)), returns=returns)


# name -> what it is for, the network, the hardware
CASES: dict[str, tuple[str, Callable[[Random], Model], Hardware]] = {
    "lstm": ("one LSTM, 256 levels, bias rows in the array", lambda r: Network((_lstm(r, 2, 5),)), Hardware()),
    "lstm-digital": ("one LSTM without an ADC stage, 16-bit weights", lambda r: Network((_lstm(r, 3, 7),)), DIGITAL),
    "airline": ("the published geometry, 34 x 60 and 32 x 1", lambda r: Network((_lstm(r, 1, 15), _dense(r, 15, 1))), Hardware()),
    "stacked-last": ("two LSTMs and two dense layers, last output only", _stacked, Hardware(levels=1024, bias="digital")),
    "stacked-last-digital": ("the same without an ADC stage", _stacked, DIGITAL),
    "dense-heads": (
        "dense layers alone, sigmoid on linear",
        lambda r: Network((_dense(r, 4, 3), _dense(r, 3, 2, "sigmoid"))),
        Hardware(levels=64, pairing="halves"),
    ),
    "low-bits": (
        "8 levels, 6-bit DAC, 7-bit ADC, two bias rows",
        lambda r: Network((_lstm(r, 2, 4), _dense(r, 4, 2))),
        Hardware(levels=8, dac_bits=6, adc_bits=7, bias_rows=2),
    ),
    "tiled": ("four tiles of one matrix in different ADC ranges", _uneven, Hardware()),
}
for _kind in (cell for cell in CELLS.values() if cell.states and cell != LSTM):
    CASES[_kind.name] = (f"one layer of {_kind.name}, 256 levels, bias rows in the array", _cell(_kind), Hardware())
    CASES[f"{_kind.name}-digital"] = (f"one layer of {_kind.name} without an ADC stage", _cell(_kind), DIGITAL)
CASES |= {
    "bidirectional": ("two pairs of directions and a dense head", _bidirectional, Hardware()),
    "bidirectional-last-digital": ("the same without an ADC stage, last output only", lambda r: _bidirectional(r, "last"), DIGITAL),
    "bidirectional-alone": (
        "an LSTM, then a pair of directions of different lengths that ends the network",
        lambda r: Network((_lstm(r, 2, 3), bidirectional(_lstm(r, 3, 4), _lstm(r, 3, 3)))),
        Hardware(levels=1024, bias="digital"),
    ),
}
for _kind in (
    rnn_cell("relu", clip=4.0),
    lstm_cell("hard_sigmoid", output="relu", peepholes=True, clip=2.0),
    gru_cell(("affine", 0.25, 0.5), ("leaky_relu", 0.1), reset_after=False),
    gru_cell(candidate=("scaled_tanh", 1.7159, 2 / 3)),
):
    CASES[_kind.name.partition("(")[0] + "-activations"] = (f"one layer of {_kind.name}", _cell(_kind), Hardware())
    CASES[_kind.name.partition("(")[0] + "-activations-digital"] = (f"{_kind.name} without an ADC stage", _cell(_kind), DIGITAL)
CASES |= {
    "lstm-phased": ("two Phased LSTM layers below a dense one", _phased, Hardware()),
    "lstm-phased-digital": ("the same without an ADC stage", _phased, DIGITAL),
    "tree-child-sum": ("a node of a child-sum tree with a head: twelve children", _tree, Hardware()),
    "tree-child-sum-digital": ("the same without an ADC stage", _tree, DIGITAL),
    "tree-nary": ("nodes of a tree of up to two children", lambda r: TreeNetwork(_layer(r, tree_nary(2))), Hardware()),
    "hierarchy": ("periods of 1, 2 and 6 timesteps", _hierarchy, Hardware()),
    "hierarchy-digital": ("the same without an ADC stage", _hierarchy, DIGITAL),
    "final-initial": ("backward layers, initial states, final output", _initial, Hardware()),
    "final-initial-digital": ("the same without an ADC stage", _initial, DIGITAL),
    "feedback": (
        "an LSTM whose outputs are its next inputs, beyond the given ones",
        lambda r: Network((_lstm(r, 3, 4), _dense(r, 4, 3, "tanh")), feeds_back=True),
        Hardware(),
    ),
    **{
        f"encoder-decoder-{_feed}": (
            f"a bidirectional encoder, its states handed to a decoder fed by {_feed}",
            lambda r, feed=_feed: _encoder_decoder(r, feed),  # type: ignore[misc]
            Hardware(levels=128),
        )
        for _feed in ("feedback", "context", "given")
    },
}
CASES["column-pairs"] = (
    "the published geometry with sign by column pairs: two tiles of 17 x 60 devices, one of 16 x 2",
    lambda r: Network((_lstm(r, 1, 15), _dense(r, 15, 1))),
    Hardware(pairing="columns"),
)
BEYOND = 5  # timesteps for which a network that feeds back runs after its inputs, and a decoder altogether


def make(name: str) -> dict[str, Any]:
    """Return the vector called ``name``, newly quantized and run."""
    about, build, hardware = CASES[name]
    random = np.random.default_rng([SEED, list(CASES).index(name)])
    model = build(random)
    program = replace(_quantized(random, model, hardware), metadata={"network": name})
    given, timesteps = _given(random, program, model)
    whole = len(given) == 1 and timesteps == [TIMESTEPS]
    return {
        "name": name,
        "how": f"tools/make_vectors.py, seed {SEED}: {about}; inputs uniform to a quarter and to all of full scale",
        "image": base64.b64encode(to_bytes(program)).decode(),
        "inputs": given[0].tolist() if whole else [codes.tolist() for codes in given],
        **({} if whole else {"timesteps": timesteps}),
        "outputs": Reference(program).run_phases(given, timesteps).tolist(),
    }


def _quantized(random: Random, model: Model, hardware: Hardware) -> Program:
    """The program of a model, calibrated with random walks or, for trees, with random nodes."""
    if isinstance(model, TreeNetwork):
        tree = Tree(((1, 2), (3, 4), (), (), ()))
        return quantize(model, [(random.normal(size=(5, model.inputs)), tree)], hardware)
    of = model.encoder if isinstance(model, EncoderDecoder) else model
    calibration = 1 + np.cumsum(random.normal(size=(30, of.inputs)), axis=0) / 3
    if isinstance(model, EncoderDecoder) and model.feed == "given":
        return quantize(model, calibration, hardware, start=random.normal(size=(8, model.decoder.inputs)))
    return quantize(model, calibration, hardware)


def _given(random: Random, program: Program, model: Model) -> tuple[list[Codes], list[int]]:
    """Input codes of each phase, a quarter and all of full scale, and the timesteps that it runs."""
    inputs = program.input.length
    near, far = (random.integers(-limit, limit, (1, TIMESTEPS, inputs), endpoint=True) for limit in (8192, 32767))
    first = np.concatenate([near, far]).astype(np.int16)
    if isinstance(model, Network):
        gates = sum(part.length for part in program.inputs[0][1:])
        first[..., inputs - gates :] = np.abs(first[..., inputs - gates :].astype(np.int32))
        return [first], [TIMESTEPS + BEYOND * model.feeds_back]
    if isinstance(model, TreeNetwork):
        return [first], [TIMESTEPS]
    count = {"feedback": 1, "context": 0, "given": BEYOND}[model.feed]
    second = random.integers(-20000, 20000, (2, count, program.phases[1].input[1])).astype(np.int16)
    return [first, second], [TIMESTEPS, BEYOND]


def holds(path: Path) -> bool:
    """Whether the reference still gives the outputs on file."""
    vector = read_vector(path)
    return bool(Reference(vector.program).run_phases(vector.inputs, vector.timesteps).tolist() == vector.outputs)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="add the files that are missing")
    if parser.parse_args().write:
        FOLDER.mkdir(exist_ok=True)
        for path in (FOLDER / f"{name}.json" for name in CASES):
            if not path.exists():
                path.write_text(json.dumps(make(path.stem), indent=None, separators=(",", ":")) + "\n")
                print(f"wrote {path.name}")
        return 0
    broken = [path.name for path in VECTORS if not holds(path)]
    print("\n".join(f"differs: {name}" for name in broken) or "all vectors hold")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
