"""``fxlstm demo airline`` as a user and a script meet it."""

import json


def test_the_demonstration_prints_its_table_and_draws_its_picture(command, tmp_path):
    outcome = command("demo", "airline", "--output", tmp_path / "shown")
    assert outcome.status == 0
    for name in ("persistence", "float network", "integer program", "simulated array", "emulated board", "quantization"):
        assert name.split()[0] in outcome.out
    assert (tmp_path / "shown" / "airline.png").read_bytes().startswith(b"\x89PNG")


def test_the_demonstration_for_scripts(command, tmp_path):
    outcome = command("demo", "airline", "--output", tmp_path, "--json", "--port", "emu://host?device=ideal")
    result = json.loads(outcome.out)
    assert outcome.status == 0 and outcome.err == ""
    assert result["rmse"]["emulated board"] == result["rmse"]["integer program"]


def test_a_board_that_is_not_there(command, tmp_path):
    outcome = command("demo", "airline", "--output", tmp_path / "none", "--port", "/dev/no-such-port")
    assert outcome.status == 1
    assert "/dev/no-such-port" in outcome.err
