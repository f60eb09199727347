"""The commands between a trained network and its outputs."""

import json
from dataclasses import fields

import numpy as np
import pytest

import fxlstm as fx
from fxlstm.program.calibration.methods import Percentile


def test_quantize_writes_the_program_that_the_library_makes(command, network_file, inputs_file, program, tmp_path):
    outcome = command("quantize", network_file, "--calibrate", inputs_file, "-o", tmp_path / "made.fxl")
    assert outcome == (0, "", "")
    assert (tmp_path / "made.fxl").read_bytes() == program.to_bytes()


def test_quantize_passes_the_hardware_on(command, network_file, inputs_file, tmp_path):
    options = ("--levels", 64, "--dac-bits", 8, "--adc-bits", 10, "--bias", "digital", "--board", "reference-110k")
    command("quantize", network_file, "--calibrate", inputs_file, "-o", tmp_path / "made.fxl", *options)
    hardware = fx.Program.load(tmp_path / "made.fxl").hardware
    assert (hardware.levels, hardware.dac_bits, hardware.adc_bits, hardware.bias) == (64, 8, 10, "digital")
    assert hardware.board == "reference-110k"


def test_cells_of_low_conductance_run_a_program_for_their_board(command, network_file, inputs_file, tmp_path):
    made, outputs = tmp_path / "made.fxl", tmp_path / "y.npy"
    run = ("run", made, inputs_file, "-o", outputs, "--array", "simulated", "--device", "hfox")
    command("quantize", network_file, "--calibrate", inputs_file, "-o", made)
    assert "quantize for Hardware(board='reference-110k')" in command(*run).err
    command("quantize", network_file, "--calibrate", inputs_file, "-o", made, "--board", "reference-110k")
    assert command(*run).status == 0
    assert np.isfinite(np.load(outputs)).all()


def test_no_adc_bits_make_a_digital_program(command, network_file, inputs_file, tmp_path):
    command("quantize", network_file, "--calibrate", inputs_file, "-o", tmp_path / "made.fxl", "--adc-bits", 0)
    assert fx.Program.load(tmp_path / "made.fxl").hardware.adc_bits is None


def test_quantize_reports_every_layer(command, network_file, inputs_file, tmp_path):
    outcome = command("quantize", network_file, "--calibrate", inputs_file, "-o", tmp_path / "made.fxl", "--report")
    assert "lstm" in outcome.out and "dense" in outcome.out


def test_quantize_reports_to_scripts(command, network_file, inputs_file, tmp_path):
    outcome = command("quantize", network_file, "--calibrate", inputs_file, "-o", tmp_path / "made.fxl", "--json")
    report = json.loads(outcome.out)
    assert report["output"] == str(tmp_path / "made.fxl")
    assert report["bytes"] == (tmp_path / "made.fxl").stat().st_size
    assert report["report"]


def test_run_gives_the_engines_outputs(command, program_file, inputs_file, program, x, tmp_path):
    assert command("run", program_file, inputs_file, "-o", tmp_path / "y.npy") == (0, "", "")
    assert np.array_equal(np.load(tmp_path / "y.npy"), fx.Engine(program).run(x))


def test_run_on_an_ideal_simulated_array_gives_the_same_numbers(command, program_file, inputs_file, tmp_path):
    command("run", program_file, inputs_file, "-o", tmp_path / "exact.npy")
    outcome = command("run", program_file, inputs_file, "-o", tmp_path / "y.npy", "--array", "simulated", "--device", "ideal")
    assert outcome.status == 0
    assert np.array_equal(np.load(tmp_path / "y.npy"), np.load(tmp_path / "exact.npy"))


def test_run_takes_as_many_simulated_arrays_as_a_program_needs(command, wide_files, tmp_path):
    for array, options in (("integer", ()), ("simulated", ("--device", "ideal"))):
        assert command("run", *wide_files, "-o", tmp_path / f"{array}.npy", "--array", array, *options).status == 0
    np.testing.assert_array_equal(np.load(tmp_path / "simulated.npy"), np.load(tmp_path / "integer.npy"))


def test_run_on_simulated_cells_depends_on_the_seed_alone(command, program_file, inputs_file, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        command("run", program_file, inputs_file, "-o", tmp_path / f"{name}.npy", "--array", "simulated", "--seed", seed)
    a, b, c = (np.load(tmp_path / f"{name}.npy") for name in "abc")
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)


def test_run_on_an_ideal_emulated_board_gives_the_same_numbers(command, program_file, inputs_file, tmp_path):
    command("run", program_file, inputs_file, "-o", tmp_path / "exact.npy")
    port = "emu://host?device=ideal"
    assert command("run", program_file, inputs_file, "-o", tmp_path / "y.npy", "--array", "board", "--port", port).status == 0
    assert np.array_equal(np.load(tmp_path / "y.npy"), np.load(tmp_path / "exact.npy"))


def test_run_tells_scripts_what_it_wrote(command, program_file, inputs_file, tmp_path):
    outcome = command("run", program_file, inputs_file, "-o", tmp_path / "y.npy", "--json")
    assert json.loads(outcome.out) == {"output": str(tmp_path / "y.npy"), "shape": [20, 1], "array": "integer"}


@pytest.mark.parametrize("array", ["integer", "simulated"])
def test_nothing_is_drawn_where_nobody_watches(command, program_file, inputs_file, tmp_path, array):
    outcome = command("run", program_file, inputs_file, "-o", tmp_path / "y.npy", "--array", array)
    assert outcome.out == "" and outcome.err == ""


def test_quantize_names_the_layer_that_loses_most_and_draws_every_stage(command, network_file, inputs_file, tmp_path):
    options = ("--report", "--figure", tmp_path / "loss.png", "--levels", 4)
    outcome = command("quantize", network_file, "--calibrate", inputs_file, "-o", tmp_path / "made.fxl", *options)
    assert "Layer 'lstm' loses most" in outcome.out
    assert (tmp_path / "loss.png").read_bytes().startswith(b"\x89PNG")


def test_quantize_calibrates_as_told(command, network_file, inputs_file, network, x, tmp_path):
    made = tmp_path / "made.fxl"
    for options, method in ((("--method", "error"), "error"), (("--method", "percentile", "--percentile", 95), Percentile(95))):
        command("quantize", network_file, "--calibrate", inputs_file, "-o", made, *options)
        assert made.read_bytes() == fx.quantize(network, x, method=method).to_bytes()


def test_quantize_makes_programs_for_all_that_hardware_offers(command, network_file, inputs_file, network, x, tmp_path):
    options = {"levels": 64, "dac_bits": 12, "adc_bits": 14, "bias": "array", "bias_rows": 2, "bias_value": 0.5}
    options |= {"pairing": "columns", "board": "reference-40k", "base": 1e-6}
    assert options.keys() == {part.name for part in fields(fx.Hardware)}
    words = [word for name, value in options.items() for word in ("--" + name.replace("_", "-"), value)]
    assert command("quantize", network_file, "--calibrate", inputs_file, "-o", tmp_path / "made.fxl", *words).status == 0
    assert (tmp_path / "made.fxl").read_bytes() == fx.quantize(network, x, fx.Hardware(**options)).to_bytes()


def test_quantize_lists_the_methods_when_it_knows_none_of_the_name(command, network_file, inputs_file, tmp_path):
    outcome = command("quantize", network_file, "--calibrate", inputs_file, "-o", tmp_path / "made.fxl", "--method", "best")
    assert (outcome.status, "range, percentile, error" in outcome.err) == (1, True)


@pytest.mark.parametrize("array", ["integer", "simulated", "board"])
def test_run_generates_as_many_outputs_as_are_asked_for(array, command, tmp_path):
    random = np.random.default_rng(0)
    sides = [fx.Network((fx.lstm(random.normal(size=(2, 8)), random.normal(size=(2, 8)), np.zeros(8)),)) for _ in range(2)]
    model, x = fx.EncoderDecoder(*sides, feed="context"), random.uniform(-1, 1, (1, 6, 2))
    fx.save_network(model, tmp_path / "net.safetensors")
    np.save(tmp_path / "x.npy", x)
    program = fx.quantize(model, calibration=x)
    program.save(tmp_path / "model.fxl")
    run = ("-o", tmp_path / "y.npy", "--steps", 4)
    assert command("run", tmp_path / "net.safetensors", tmp_path / "x.npy", *run).status == 0
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), model.generate(x, 4))
    where = (
        ("--array", array, "--device", "ideal") if array == "simulated" else ("--array", array, "--port", "emu://host?device=ideal")
    )
    assert command("run", tmp_path / "model.fxl", tmp_path / "x.npy", *run, *where).status == 0
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), fx.Engine(program).generate(x, 4))


@pytest.mark.parametrize("file", ["net.safetensors", "model.fxl"])
def test_a_decoder_without_a_number_of_outputs_is_told_how_to_run(file, command, tmp_path):
    layer = fx.rnn(np.ones((1, 1)), np.ones((1, 1)) / 2, np.zeros(1))
    model = fx.EncoderDecoder(fx.Network((layer,)), fx.Network((layer,)), feed="context")
    np.save(tmp_path / "x.npy", np.ones((5, 1)))
    fx.save_network(model, tmp_path / "net.safetensors")
    fx.quantize(model, calibration=np.ones((5, 1))).save(tmp_path / "model.fxl")
    outcome = command("run", tmp_path / file, tmp_path / "x.npy", "-o", tmp_path / "y.npy")
    assert outcome.status == 1
    assert "--steps N" in outcome.err


def test_a_scheme_says_how_a_simulated_array_is_programmed(command, program_file, inputs_file, tmp_path):
    outputs = []
    for scheme in ("write-verify", "open-loop"):
        path = tmp_path / f"{scheme}.npy"
        arguments = ("--array", "simulated", "--seed", 1, "--scheme", scheme)
        assert command("run", program_file, inputs_file, "-o", path, *arguments).status == 0
        outputs.append(np.load(path))
    assert (outputs[0] != outputs[1]).any()


@pytest.mark.parametrize("option", [("--scheme", "refined"), ("--device", "ta-hfo2")])
def test_exact_integers_and_floats_take_neither_scheme_nor_device(
    command, program_file, network_file, inputs_file, tmp_path, option
):
    for model in (program_file, network_file):
        outcome = command("run", model, inputs_file, "-o", tmp_path / "y.npy", *option)
        assert outcome.status == 1
        assert f"{' '.join(option)}: without an array there are no cells" in outcome.err


def test_a_simulated_array_runs_through_wires_and_converters_with_errors(command, program_file, inputs_file, tmp_path):
    path = tmp_path / "array.toml"
    path.write_text("[adc]\noffset = 300\n")
    results = []
    for around in ((), ("--around", path, "--around", "wires.row=2")):
        arguments = ("run", program_file, inputs_file, "-o", tmp_path / "y.npy", "--array", "simulated", *around)
        assert command(*arguments).status == 0
        results.append(np.load(tmp_path / "y.npy"))
    assert np.abs(results[0] - results[1]).max() > 1e-3


def test_only_a_simulated_array_has_surroundings_to_choose(command, program_file, inputs_file, tmp_path):
    outcome = command("run", program_file, inputs_file, "-o", tmp_path / "y.npy", "--around", "wires.row=2")
    assert outcome.status == 2 and "URL" in outcome.err
