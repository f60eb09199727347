"""The commands that talk to a board, on an emulated one."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import serial

import fxlstm as fx

IDEAL = "emu://host?device=ideal"


def test_info_says_who_the_board_is(command):
    outcome = command("board", "info", "--port", IDEAL)
    assert outcome.status == 0
    assert "fxlstm-reference" in outcome.out and "128" in outcome.out


def test_info_for_scripts(command):
    info = json.loads(command("board", "info", "--port", IDEAL, "--json").out)
    assert (info["rows"], info["columns"], info["device"]) == (128, 64, "ideal")
    assert info["pulses"] == 0


def test_the_port_may_come_from_the_environment(command, monkeypatch):
    monkeypatch.setenv("FXLSTM_PORT", IDEAL)
    assert command("board", "info").status == 0


def test_looking_at_a_board_leaves_no_log(command, measurements_folder):
    command("board", "info", "--port", IDEAL)
    assert not measurements_folder.exists()


def test_selftest_lists_every_chip(command):
    outcome = command("board", "selftest", "--port", IDEAL, "--json")
    report = json.loads(outcome.out)
    assert outcome.status == 0
    kinds = ["row_dac"] * 8 + ["gate_dac"] * 4 + ["column_adc"] * 8 + ["monitor_adc"]
    assert [chip["kind"] for chip in report["chips"]] == kinds
    assert (len(report["outputs"]), len(report["amplifiers"])) == (128 + 64, 64)


def test_selftest_says_how_far_outputs_and_amplifiers_are_off(command):
    outcome = command("board", "selftest", "--port", "emu://host?device=ta-hfo2&seed=3&stuck=0&weak_column=9")
    assert outcome.status == 1
    assert "192 DAC outputs, the worst 1.1 mV off" in outcome.out
    assert "64 amplifiers, the worst 10.0" in outcome.out and "column 9" in outcome.out


def test_selftest_goes_on_without_the_monitors_adc_and_fails(command):
    outcome = command("board", "selftest", "--port", f"{IDEAL}&missing_chip=20")
    assert outcome.status == 1
    assert "monitor ADC at chip select 20" in outcome.out and "array alone" in outcome.out


def test_selftest_fails_when_a_chip_is_missing(command):
    outcome = command("board", "selftest", "--port", f"{IDEAL}&missing_chip=3")
    assert outcome.status == 1
    assert "echo" in outcome.out and "are not measured" in outcome.out


@pytest.mark.parametrize(("fault", "seen"), [("bad_crc=1", "CRC-16"), ("stuck_busy=1", "stayed busy")])
def test_selftest_tells_what_every_adc_does_with_samples(command, fault, seen):
    outcome = command("board", "selftest", "--port", f"{IDEAL}&{fault}", "--json")
    assert outcome.status == 1
    assert [chip["kind"] for chip in json.loads(outcome.out)["chips"] if seen in chip["words"]] == ["column_adc"] * 8 + [
        "monitor_adc"
    ]


def test_a_scheme_is_chosen_by_its_name(command, program_file):
    outcome = command("board", "program", program_file, "--port", IDEAL, "--scheme", "open-loop")
    assert outcome.status == 0
    assert "1.00 cycles per cell" in outcome.out
    refused = command("board", "program", program_file, "--port", IDEAL, "--scheme", "incremental")
    assert refused.status == 1
    assert "'ideal' lacks programming.reversals" in refused.err


def test_program_reports_what_became_of_the_cells(command, program_file, program):
    outcome = command("board", "program", program_file, "--port", IDEAL, "--json")
    report = json.loads(outcome.out)
    cells = sum(2 * matrix.weights.size for matrix in program.matrices)
    assert outcome.status == 0
    assert (report["cells"], report["in_tolerance"], report["failed"]) == (cells, cells, [])


def test_read_saves_siemens(command, tmp_path):
    outcome = command("board", "read", "--port", "emu://host?device=ta-hfo2&seed=1", "-o", tmp_path / "g.npy")
    siemens = np.load(tmp_path / "g.npy")
    assert outcome.status == 0
    assert siemens.shape == (128, 64)
    assert 20e-6 < np.nanmedian(siemens) < 200e-6
    assert "uS" in outcome.out


def test_run_gives_the_engines_outputs(command, program_file, inputs_file, program, x, tmp_path):
    assert command("board", "run", program_file, inputs_file, "-o", tmp_path / "y.npy", "--port", IDEAL).status == 0
    assert np.array_equal(np.load(tmp_path / "y.npy"), fx.Engine(program).run(x))


def test_log_shows_what_was_done(command, program_file):
    command("board", "program", program_file, "--port", IDEAL)
    command("board", "read", "--port", IDEAL)
    tables = json.loads(command("board", "log", "--json").out)
    assert [session["url"] for session in tables["sessions"]] == [IDEAL, IDEAL]
    assert len(tables["campaigns"]) == 1
    assert tables["readings"][-1]["kind"] == "conductance"
    assert "conductance" in command("board", "log").out


def test_log_of_nothing(command, tmp_path):
    outcome = command("board", "log", "--file", tmp_path / "none.db")
    assert outcome.status == 1
    assert "none.db" in outcome.err


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--pty", "--tcp", "127.0.0.1:0"),
        ("--tcp", "here"),
        ("--tcp", "127.0.0.1:0", "--link", "x"),
        ("--pty", "--fault", "rain=1"),
    ],
)
def test_emulate_says_what_it_needs(command, options):
    outcome = command("emulate", *options)
    assert outcome.status == 2
    assert outcome.out == ""


@pytest.fixture
def served():
    """An emulated board in a process of its own; give its options, get its port."""
    processes = []

    def serve(*options: str) -> str:
        arguments = [sys.executable, "-m", "fxlstm", "emulate", "--device", "ideal", "--json", *options]
        process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"})
        processes.append(process)
        lines = []
        while not lines or lines[-1] != "}\n":
            lines.append(process.stdout.readline())
            assert lines[-1], "the board was not served"
        return json.loads("".join(lines))["port"]

    yield serve
    for process in processes:
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 0
        process.stdout.close()


@pytest.mark.parametrize("options", [("--pty",), ("--tcp", "127.0.0.1:0")], ids=["pty", "tcp"])
def test_a_served_board_is_a_board_to_other_processes(command, served, options, program_file, inputs_file, program, x, tmp_path):
    port = served(*options)
    outcome = command("board", "run", program_file, inputs_file, "-o", tmp_path / "y.npy", "--port", port, "--device", "ideal")
    assert outcome.status == 0, outcome.err
    assert np.array_equal(np.load(tmp_path / "y.npy"), fx.Engine(program).run(x))


def test_a_served_array_is_kept_in_its_state_file(command, served, program_file, tmp_path):
    state = tmp_path / "array.npz"
    port = served("--tcp", "127.0.0.1:0", "--state", str(state))
    command("board", "program", program_file, "--port", port, "--device", "ideal")
    assert fx.SimulatedArray.load(state).pulse_counts.any()


def test_a_board_whose_cells_are_unknown_is_not_programmed(command, served, program_file):
    outcome = command("board", "program", program_file, "--port", served("--tcp", "127.0.0.1:0"))
    assert outcome.status == 1
    assert "device" in outcome.err


def test_a_port_in_use_is_refused(command, served):
    port = served("--pty")
    with serial.serial_for_url(port, exclusive=True):
        outcome = command("board", "info", "--port", port)
    assert outcome.status == 1
    assert port in outcome.err and "in use by another program" in outcome.err


def test_time_needs_no_board_and_says_what_dominates(command, tmp_path):
    random = np.random.default_rng(0)
    weights = random.normal(0, 0.3, (1, 8)), random.normal(0, 0.3, (2, 8)), np.zeros(8)
    x = random.uniform(-1, 1, (5, 1))
    fx.quantize(fx.Network([fx.lstm(*weights), fx.dense(np.ones((2, 1)), np.zeros(1))]), x).save(tmp_path / "model.fxl")
    np.save(tmp_path / "x.npy", x)
    arguments = ("board", "time", str(tmp_path / "model.fxl"), "--inputs", str(tmp_path / "x.npy"), "--device", "ideal")
    text = command(*arguments).out
    times = json.loads(command(*arguments, "--json").out)
    assert "A timestep, mean of 5" in text and times["timestep"]["dominant"] in text
    assert "cycles an instruction assumed" in text and times["assumptions"] in text
    for part in ("timestep", "read_out", "pulse", "programming"):
        assert times[part]["microseconds"] > 0
