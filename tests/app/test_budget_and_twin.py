"""``fxlstm budget`` and ``fxlstm twin``: tables, figures and JSON of what the analysis finds."""

import json

PORT = "emu://host?device=ta-hfo2&seed=1"


def test_a_budget_is_printed_and_drawn(command, network_file, inputs_file, tmp_path):
    picture = tmp_path / "budget.png"
    outcome = command("budget", network_file, "--calibrate", inputs_file, "--seeds", 2, "--figure", picture, "--layers")
    assert outcome.status == 0
    for words in ("stuck cells", "read noise", "Layer", "All together", "Left out: wires"):
        assert words in outcome.out
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_budget_with_wires_as_json(command, network_file, inputs_file):
    arguments = ("--seeds", 1, "--around", "wires.row=0.1", "--around", "wires.column=0.1", "--levels", 16, "--json")
    outcome = command("budget", network_file, "--calibrate", inputs_file, *arguments)
    assert outcome.status == 0
    sources = [row["source"] for row in json.loads(outcome.out)["sources"]]
    assert sources == ["levels", "DAC", "ADC", "activation", "formats", "programming", "stuck cells", "read noise", "wires"]


def test_an_unknown_device_is_one_sentence(command, network_file, inputs_file):
    outcome = command("budget", network_file, "--calibrate", inputs_file, "--device", "nothing")
    assert outcome.status == 1 and "nothing" in outcome.err and outcome.err.count("\n") == 1


def test_a_twin_is_printed_drawn_and_given_as_json(command, network_file, inputs_file, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    program, picture = tmp_path / "model.fxl", tmp_path / "twin.png"
    assert command("quantize", network_file, "--calibrate", inputs_file, "-o", program).status == 0
    outcome = command("twin", program, inputs_file, "--port", PORT, "--figure", picture)
    assert outcome.status == 0 and "explained" in outcome.out
    assert picture.read_bytes().startswith(b"\x89PNG")
    numbers = json.loads(command("twin", program, inputs_file, "--port", PORT, "--json").out)
    assert numbers["rows"][-1]["vector"] == "output"
