"""Programs for kernels that run by a plan: whole tiles and chunks, every form of weights, every gated cell."""

from __future__ import annotations

from functools import cache

import numpy as np
from random_networks import random_layer

from fxlstm.network import CELLS, Network
from fxlstm.program.hardware import Hardware
from fxlstm.program.program import Program
from fxlstm.program.quantize import quantize

HARDWARE = {
    "bytes": Hardware(levels=128, adc_bits=None, bias="digital"),
    "top": Hardware(levels=128, dac_bits=8, adc_bits=None, bias="digital"),
    "words": Hardware(levels=256, adc_bits=None),
    "split": Hardware(levels=32768, adc_bits=None, bias="digital"),
    "adc": Hardware(levels=256, adc_bits=14, dac_bits=12),
    "adc-bytes": Hardware(levels=100, adc_bits=16),
    "adc-split": Hardware(levels=32768, adc_bits=12),
    "adc-top": Hardware(levels=128, dac_bits=7, adc_bits=10),
}
GATED = ("lstm", "lstm-peephole", "lstm-cifg", "lstm-projected", "lstm-1997", "gru-reset-before", "gru-reset-after", "rnn-tanh")
LARGE = 1200  # inputs whose 8-bit weights do not fit 32-bit sums, and more rows than an array has
LARGE_FORMS = ("bytes", "top", "adc", "adc-bytes", "adc-split")


def program_of(name: str, hardware: Hardware, inputs: int, units: int) -> Program:
    """A random layer and what a quantizer makes of it; its codes soon saturate, as it is calibrated on small inputs."""
    random = np.random.default_rng([inputs, units])
    layer = random_layer(random, CELLS[name], inputs, units, 2.0)
    return quantize(Network((layer,)), 0.3 * random.normal(size=(12, inputs)), hardware)


@cache
def planned_programs() -> dict[str, Program]:
    """Programs by name: cells and forms in turn, and large layers."""
    forms = list(HARDWARE.items())
    cells = {f"{name}-{form}": program_of(name, hardware, 18, 37) for name in ("lstm",) for form, hardware in forms}
    wide_codes = [(form, hardware) for form, hardware in forms if hardware.dac_bits > 8]
    for index, name in enumerate(GATED):
        form, hardware = wide_codes[index % len(wide_codes)]
        cells[f"{name}-{form}"] = program_of(name, hardware, 17 + index, 20)
    large = {f"dense-large-{form}": program_of("dense-tanh", HARDWARE[form], LARGE, 33) for form in LARGE_FORMS}
    return cells | large
