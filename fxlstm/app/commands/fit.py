"""``fxlstm fit``: a device preset from a measured sweep."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fxlstm.app.console import Json, print_json, print_table

if TYPE_CHECKING:
    from fxlstm.crossbar.fit import Fit

EPILOG = "Example: fxlstm fit sweep.csv -o my-device.toml --figure fit.png, then fxlstm run ... --device my-device.toml"

# Field of a fit, factor to the unit it is shown in, and that unit.
_SHOWN = (
    ("slope", 1e6, "µS/V"),
    ("slope_error", 1e6, "µS/V"),
    ("spread", 1e6, "µS"),
    ("set_noise", 1e6, "µS"),
    ("floor", 1e6, "µS"),
    ("reset_noise", 1e6, "µS"),
    ("read_noise", 100.0, "%"),
    ("unresponsive", 100.0, "%"),
    ("r_squared", 1.0, ""),
    ("residual", 1e6, "µS"),
)


def fit(
    sweep: Annotated[
        Path, typer.Argument(metavar="SWEEP.csv", help="Columns cell, pulse (set, reset or read), gate_volts, conductance_siemens.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DEVICE.toml", help="Where the preset goes.")],
    figure: Annotated[Path | None, typer.Option(metavar="PNG", help="Draw the readings and the fit there.")] = None,
    as_json: Json = False,
) -> None:
    """Fit a device preset to a measured sweep of SETs at different gate voltages; it serves wherever a device is named."""
    from fxlstm.crossbar import fit as fitting
    from fxlstm.files import write_whole

    found = fitting.fit(fitting.load_sweep(sweep))
    text = fitting.preset_text(found, sweep.name)
    write_whole(output, lambda file: file.write(text.encode()))
    if figure is not None:
        _draw(found, figure)
    if as_json:
        numbers = {name: getattr(found, name) for name, _, _ in _SHOWN}
        print_json({"output": str(output), "sets": found.gates.size, "cells": found.cells} | numbers)
    else:
        rows = [(name.replace("_", " "), *_words(getattr(found, name) * factor, unit)) for name, factor, unit in _SHOWN]
        print_table(f"{found.gates.size} SETs of {found.cells} cells", ("", "", ""), rows)


def _words(number: float, unit: str) -> tuple[str, str]:
    """Return a number and its unit as text; NaN is what the sweep does not say."""
    return ("not measured", "") if math.isnan(number) else (f"{number:.4g}", unit)


def _draw(found: Fit, path: Path) -> None:
    import numpy as np

    from fxlstm.analysis import canvas
    from fxlstm.app import plots

    line = found.line(found.gates)
    band = np.full_like(line, 2 * found.residual)
    with canvas.style():
        figure = canvas.new_figure(5.0, 4.5)
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        plots.draw_fit(upper, lower, found.gates, found.conductances, line, band)
        canvas.save(figure, path)
