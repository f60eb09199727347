"""What a wrong file, number or name gives: one sentence on stderr that names it, status 1, and nothing half written."""

import json

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

import fxlstm as fx

ABSENT_PORT = "/dev/no-such-port"


def assert_refused(outcome, *words: str) -> None:
    """One line that begins with the program's name and holds the words; no traceback, no output."""
    assert outcome.status == 1
    assert outcome.out == ""
    assert outcome.err.startswith("fxlstm: ") and outcome.err.count("\n") == 1
    for word in words:
        assert word in outcome.err


@pytest.fixture
def quantize(command, network_file, inputs_file, tmp_path):
    """Quantize with one thing replaced."""

    def run(*options, network=network_file, calibrate=inputs_file):
        outcome = command("quantize", network, "--calibrate", calibrate, "-o", tmp_path / "made.fxl", *options)
        assert not list(tmp_path.glob("made*"))
        return outcome

    return run


@pytest.fixture
def run(command, program_file, inputs_file, tmp_path):
    """Run with one thing replaced."""

    def run(*options, program=program_file, inputs=inputs_file):
        outcome = command("run", program, inputs, "-o", tmp_path / "y.npy", *options)
        assert not list(tmp_path.glob("y*"))
        return outcome

    return run


def saved(tmp_path, array) -> str:
    path = tmp_path / "bad.npy"
    np.save(path, array)
    return path


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_inputs_that_are_no_numbers(run, quantize, x, tmp_path, value):
    broken = x.copy()
    broken[3, 1] = value
    path = saved(tmp_path, broken)
    assert_refused(quantize(calibrate=path), "input")
    assert_refused(run(inputs=path), "input")


def test_weights_that_are_no_numbers(quantize, network_file):
    with safe_open(network_file, framework="numpy") as file:
        metadata = file.metadata()
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    tensors["layers.0.weight"][0, 0] = np.nan
    save_file(tensors, network_file, metadata)
    assert_refused(quantize(), "layer 'lstm'", "weight", "nan")


@pytest.mark.parametrize("shape", [(20, 3), (20,), (1, 1, 20, 2), (0, 2)])
def test_inputs_of_another_shape(run, quantize, tmp_path, shape):
    path = saved(tmp_path, np.zeros(shape))
    assert_refused(quantize(calibrate=path), str(shape))
    assert_refused(run(inputs=path))


def test_a_pickled_array_is_not_opened(run, tmp_path):
    path = tmp_path / "bad.npy"
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    assert_refused(run(inputs=path), "bad.npy", "numpy.save")


@pytest.mark.parametrize("array", [np.array(["a"]), np.array([1j])])
def test_an_array_of_something_else(run, tmp_path, array):
    assert_refused(run(inputs=saved(tmp_path, array)), "bad.npy", "real numbers")


def test_files_that_are_not_there(run, quantize, tmp_path):
    assert_refused(run(program=tmp_path / "none.fxl"), "none.fxl")
    assert_refused(run(inputs=tmp_path / "none.npy"), "none.npy", "check the path")
    assert_refused(quantize(network=tmp_path / "none.safetensors"), "none.safetensors", "check the path")


def test_files_of_another_kind(run, quantize, inputs_file, network_file):
    assert_refused(run(program=inputs_file), "[IMAGE_MAGIC]")
    assert_refused(run(inputs=network_file), "net.safetensors", ".npy")
    assert_refused(quantize(network=inputs_file), "x.npy", "an array of NumPy")


def test_an_image_cut_short(run, program_file):
    program_file.write_bytes(program_file.read_bytes()[:-1])
    assert_refused(run(), "[IMAGE_SHORT]", "copy")


def test_an_altered_image(run, program_file):
    image = bytearray(program_file.read_bytes())
    image[len(image) // 2] ^= 1
    program_file.write_bytes(image)
    assert_refused(run(), "[IMAGE_CRC]")


@pytest.mark.parametrize(
    ("option", "value", "word"),
    [
        ("--levels", 1, "levels = 1"),
        ("--dac-bits", 17, "dac_bits = 17"),
        ("--adc-bits", 1, "adc_bits = 1"),
        ("--bias", "none", "bias"),
    ],
)
def test_hardware_that_cannot_be(quantize, option, value, word):
    assert_refused(quantize(option, value), word, "choose")


def test_an_unknown_device_preset(run):
    assert_refused(run("--array", "simulated", "--device", "unobtainium"), "unobtainium", "ta-hfo2")


def test_a_network_larger_than_the_board(command, wide_files, tmp_path):
    options = ("--array", "board", "--port", "emu://host?device=ideal")
    outcome = command("run", *wide_files, "-o", tmp_path / "y.npy", *options)
    assert_refused(outcome, "array")
    assert not (tmp_path / "y.npy").exists()


def test_a_digital_program_on_an_array(command, network, x, inputs_file, tmp_path):
    fx.quantize(network, calibration=x, hardware=fx.Hardware(adc_bits=None)).save(tmp_path / "digital.fxl")
    outcome = command("run", tmp_path / "digital.fxl", inputs_file, "-o", tmp_path / "y.npy", "--array", "simulated")
    assert_refused(outcome, "adc_bits")


def test_a_port_that_is_absent(run, command):
    assert_refused(run("--array", "board", "--port", ABSENT_PORT), ABSENT_PORT)
    assert_refused(command("board", "info", "--port", ABSENT_PORT), ABSENT_PORT)


def test_an_output_folder_that_is_not_there(command, program_file, inputs_file, tmp_path):
    outcome = command("run", program_file, inputs_file, "-o", tmp_path / "none" / "y.npy")
    assert_refused(outcome, "y.npy", "choose another place")


def test_a_failure_leaves_the_former_output_alone(command, program_file, inputs_file, tmp_path):
    command("run", program_file, inputs_file, "-o", tmp_path / "y.npy")
    before = (tmp_path / "y.npy").read_bytes()
    program_file.write_bytes(b"FXL")
    assert command("run", program_file, inputs_file, "-o", tmp_path / "y.npy").status == 1
    assert (tmp_path / "y.npy").read_bytes() == before


@pytest.mark.parametrize(
    "arguments", [("run",), ("quantize", "--levels", "many"), ("nothing",), ("run", "a", "b", "-o", "c", "--array", "x")]
)
def test_wrong_usage_is_status_2(command, arguments):
    outcome = command(*arguments)
    assert outcome.status == 2
    assert "Usage" in outcome.err


def test_json_never_holds_what_json_cannot(capsys):
    from fxlstm.app.console import print_json

    print_json({"missing": np.array([np.nan, 1.0]), "infinite": float("inf"), "code": np.int16(3)})
    assert json.loads(capsys.readouterr().out) == {"missing": [None, 1.0], "infinite": None, "code": 3}
