#!/usr/bin/env python3
"""Make the golden vectors: small quantized programs, inputs, and the outputs of the reference interpreter.

Without --write, says whether the reference still gives the outputs on file, and writes nothing. With --write, adds the files that
are missing; one that is there stays, so a change of the arithmetic that is wanted begins with deleting it. Each file holds how it
was made, the image (base64), input codes (batch, time, features) and output codes.
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
sys.path.insert(0, str(ROOT))

from fxlstm.network import CELLS, LSTM, Cell, Layer, Network, bidirectional, dense, lstm  # noqa: E402
from fxlstm.program.hardware import Hardware  # noqa: E402
from fxlstm.program.image import from_bytes, to_bytes  # noqa: E402
from fxlstm.program.quantize import quantize  # noqa: E402
from fxlstm.program.reference import Reference  # noqa: E402

FOLDER = ROOT / "tests" / "vectors"
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


def _cell(cell: Cell) -> Callable[[Random], Network]:
    """A maker of networks of one layer of the cell, 3 inputs and 4 units."""
    sizes = dict.fromkeys(cell.lengths.values(), 2)
    shapes = cell.parameter_shapes({"inputs": 3, "units": 4, **sizes})

    def build(random: Random) -> Network:
        return Network((Layer(cell, 3, 4, {name: random.uniform(-1, 1, shape) for name, shape in shapes.items()}, sizes=sizes),))

    return build


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
CASES: dict[str, tuple[str, Callable[[Random], Network], Hardware]] = {
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


def make(name: str) -> dict[str, Any]:
    """Return the vector called ``name``, newly quantized and run."""
    about, build, hardware = CASES[name]
    random = np.random.default_rng([SEED, list(CASES).index(name)])
    network = build(random)
    calibration = 1 + np.cumsum(random.normal(size=(30, network.inputs)), axis=0) / 3
    program = replace(quantize(network, calibration, hardware), metadata={"network": name})
    near, far = (random.integers(-limit, limit, (1, TIMESTEPS, network.inputs), endpoint=True) for limit in (8192, 32767))
    inputs = np.concatenate([near, far]).astype(np.int16)
    return {
        "name": name,
        "how": f"tools/make_vectors.py, seed {SEED}: {about}; inputs uniform to a quarter and to all of full scale",
        "image": base64.b64encode(to_bytes(program)).decode(),
        "inputs": inputs.tolist(),
        "outputs": Reference(program).run_codes(inputs).tolist(),
    }


def holds(vector: dict[str, Any]) -> bool:
    """Whether the reference still gives the outputs on file."""
    program = from_bytes(base64.b64decode(vector["image"]))
    return bool(Reference(program).run_codes(np.array(vector["inputs"], dtype=np.int16)).tolist() == vector["outputs"])


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
    broken = [path.name for path in sorted(FOLDER.glob("*.json")) if not holds(json.loads(path.read_text()))]
    print("\n".join(f"differs: {name}" for name in broken) or "all vectors hold")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
