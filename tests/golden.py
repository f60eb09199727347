"""The golden vectors: where they are, and what each holds (see tools/make_vectors.py, which writes them)."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fxlstm.program.image import from_bytes
from fxlstm.program.program import Codes, Program

FOLDER = Path(__file__).resolve().parent / "vectors"
VECTORS = sorted(FOLDER.glob("*.json"))


@dataclass(frozen=True)
class Vector:
    """A program's image, input codes (batch, given, inputs) and timesteps of each phase, and the output codes."""

    image: bytes
    program: Program
    inputs: list[Codes]
    timesteps: list[int]
    outputs: Any


def read_vector(path: Path) -> Vector:
    """Return what a file holds."""
    data = json.loads(path.read_text())
    image = base64.b64decode(data["image"])
    program = from_bytes(image)
    of_phases = data["inputs"] if "timesteps" in data else [data["inputs"]]
    widths = [phase.input[1] for phase in program.phases]
    inputs = [
        np.array(codes, np.int16).reshape(len(codes), len(codes[0]), width) for codes, width in zip(of_phases, widths, strict=True)
    ]
    return Vector(image, program, inputs, data.get("timesteps", [inputs[0].shape[1]]), data["outputs"])
