"""``fxlstm fit`` from a sweep to a preset and a figure."""

from __future__ import annotations

import json

import numpy as np
import pytest

from fxlstm.program.device import load_device


@pytest.fixture
def sweep(tmp_path):
    random = np.random.default_rng(1)
    lines = ["cell,pulse,gate_volts,conductance_siemens"]
    for cell in range(5):
        lines.append(f"{cell},reset,,{10e-6 + 1e-6 * random.standard_normal()}")
        lines += [f"{cell},set,{gate},{300e-6 * gate + 2e-6 * random.standard_normal()}" for gate in (0.5, 0.8, 1.1, 1.4, 1.7)]
    path = tmp_path / "sweep.csv"
    path.write_text("\n".join(lines))
    return path


def test_fit_writes_a_preset_and_a_figure_and_shows_the_goodness_of_fit(command, sweep, tmp_path):
    outcome = command("fit", sweep, "-o", tmp_path / "mine.toml", "--figure", tmp_path / "fit.png")
    assert outcome.status == 0, outcome.err
    assert "25 SETs of 5 cells" in outcome.out
    assert "r squared" in outcome.out
    assert "not measured" in outcome.out and "nan" not in outcome.out, "the sweep reads no cell twice"
    assert load_device(str(tmp_path / "mine.toml"))["gate.slope"] == pytest.approx(300e-6, rel=0.02)
    assert (tmp_path / "fit.png").read_bytes().startswith(b"\x89PNG")


def test_fit_gives_its_numbers_to_scripts(command, sweep, tmp_path):
    numbers = json.loads(command("fit", sweep, "-o", tmp_path / "mine.toml", "--json").out)
    assert numbers["cells"] == 5
    assert numbers["r_squared"] > 0.999
    assert numbers["read_noise"] is None


def test_a_sweep_that_is_none_ends_with_one_sentence(command, tmp_path):
    (tmp_path / "sweep.csv").write_text("a,b\n1,2\n")
    outcome = command("fit", tmp_path / "sweep.csv", "-o", tmp_path / "mine.toml")
    assert outcome.status == 1
    assert "its first line must be 'cell,pulse,gate_volts,conductance_siemens'" in outcome.err
    assert not (tmp_path / "mine.toml").exists()
