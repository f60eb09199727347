"""Sweeps: the same bytes whoever computes, nothing finished is lost, results say everything."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import fxlstm as fx
from fxlstm.errors import SweepError
from fxlstm.sweep import run_sweep
from fxlstm.sweep.journal import Journal
from fxlstm.sweep.measure import Outcome
from fxlstm.sweep.plan import read_plan
from fxlstm.sweep.results import read_results

ROOT = Path(__file__).resolve().parents[2]
LONG = 'task = "airline"\nseeds = { from = 1, to = 12 }\n[device]\nread.noise = [0.01, 0.02]\n'


def start(folder: Path, *arguments: str) -> subprocess.Popen:
    """Start a sweep of LONG in a process of its own."""
    (folder / "plan.toml").write_text(LONG)
    command = [sys.executable, "-m", "fxlstm", "sweep", "plan.toml", "-o", "results.parquet", "--json", *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)


def lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def wait_until(condition, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def whole(plan, task, tmp_path_factory) -> Path:
    """The results of the small sweep, computed by one process."""
    path = tmp_path_factory.mktemp("whole") / "results.parquet"
    assert run_sweep(plan, task, path, workers=1).points == 12
    return path


def test_two_workers_write_the_bytes_that_one_writes(plan, task, whole, results):
    run_sweep(plan, task, results, workers=2)
    assert results.read_bytes() == whole.read_bytes()


def test_a_sweep_that_is_finished_computes_nothing_again(plan, task, whole):
    content = whole.read_bytes()
    whole.unlink()
    assert run_sweep(plan, task, whole, workers=1).resumed == 12 and whole.read_bytes() == content


def test_killed_at_any_moment_a_sweep_goes_on_where_it_stood(tmp_path):
    (tmp_path / "killed").mkdir()
    journal = tmp_path / "killed/results.parquet.journal"
    process = start(tmp_path / "killed", "--workers", "2")
    wait_until(lambda: lines(journal) >= 3)
    children = [int(child) for child in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]
    process.kill()
    process.communicate()
    finished = lines(journal)
    assert 3 <= finished < 24 and len(children) >= 2
    wait_until(lambda: not any(running(child) for child in children))
    resumed = json.loads(start(tmp_path / "killed", "--workers", "2").communicate()[0])
    (tmp_path / "whole").mkdir()
    undisturbed = json.loads(start(tmp_path / "whole", "--workers", "1").communicate()[0])
    assert (resumed["resumed"], undisturbed["resumed"]) == (finished, 0)
    assert (tmp_path / "killed/results.parquet").read_bytes() == (tmp_path / "whole/results.parquet").read_bytes()


def running(process: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_journal_that_was_torn_or_damaged_gives_what_is_whole(tmp_path):
    path = tmp_path / "journal"
    with Journal(path) as journal:
        for index in range(4):
            journal.add(f"point {index}", Outcome({"rmse": index / 3, "signal_to_noise": float("inf")}))
    content = path.read_bytes()
    ends = [index + 1 for index, byte in enumerate(content) if byte == ord("\n")]
    for length in range(len(content) + 1):
        path.write_bytes(content[:length])
        with Journal(path) as journal:
            assert len(journal.finished) == sum(end <= length for end in ends)
            journal.add("next", Outcome({}, "no room"))
        with Journal(path) as journal:
            assert journal.finished["next"].error == "no room"
    flipped = bytearray(content)
    flipped[ends[1] + 20] ^= 1
    path.write_bytes(flipped)
    with Journal(path) as journal:
        assert sorted(journal.finished) == ["point 0", "point 1", "point 3"]


def test_what_is_no_journal_is_left_as_it_is(tmp_path):
    path = tmp_path / "journal"
    path.write_text("dear diary\n")
    with pytest.raises(SweepError, match="no journal"):
        Journal(path)
    assert path.read_text() == "dear diary\n"


def test_two_sweeps_cannot_write_one_file(plan, task, results):
    with Journal(results.with_name("results.parquet.journal")), pytest.raises(SweepError, match="another sweep"):
        run_sweep(plan, task, results)


def test_a_larger_plan_takes_over_what_it_shares(task, results):
    plan = 'task = "small"\nseeds = {}\n[hardware]\nlevels = {}'
    run_sweep(read_plan(plan.format("[1, 2]", "[16]")), task, results, workers=1)
    summary = run_sweep(read_plan(plan.format("[1, 2, 3]", "[16, 32]")), task, results, workers=1)
    assert (summary.points, summary.resumed) == (6, 2)


def test_results_hold_every_parameter(plan, whole):
    columns = read_results(whole)
    for index, point in enumerate(plan.points):
        assert {name: columns[name][index] for name in point.parameters} == dict(point.parameters)
    assert columns["seed"] == [1, 2, 3] * 4 and columns["own_seed"] == [point.own_seed for point in plan.points]
    assert columns["error"] == [None] * 12 and all(value > 0 for value in columns["rmse"])


def test_points_that_cannot_be_run_are_rows_with_a_reason(task, results):
    summary = run_sweep(read_plan('task = "small"\nseeds = [1]\n[array]\nrows = [2, 128]'), task, results, workers=1)
    columns = read_results(results)
    assert len(summary.errors) == 1 and columns["error"] == [summary.errors[0], None]
    assert columns["rmse"][0] is None and columns["rmse"][1] > 0


def test_a_program_brings_its_hardware(task, network, results):
    program = fx.quantize(network, task.calibration, fx.Hardware(levels=32))
    of_program = type(task)("program", program, task.inputs, task.calibration, task.targets)
    run_sweep(read_plan('task = "small"\nseeds = [1]'), of_program, results, workers=1)
    assert read_results(results)["hardware.levels"] == [32]
    with pytest.raises(SweepError, match=r"hardware.levels is fixed"):
        run_sweep(read_plan('task = "small"\nseeds = [1]\n[hardware]\nlevels = 16'), of_program, results)


def test_results_that_cannot_be_written_are_refused_before_anything_is_computed(plan, task, tmp_path):
    with pytest.raises(SweepError, match="choose another place"):
        run_sweep(plan, task, tmp_path / "nowhere/results.parquet")
    with pytest.raises(SweepError, match="workers = 0"):
        run_sweep(plan, task, tmp_path / "results.parquet", workers=0)


def test_a_process_that_ends_is_an_error_and_what_is_finished_is_kept(tmp_path):
    process = start(tmp_path, "--workers", "1")
    journal = tmp_path / "results.parquet.journal"
    wait_until(lambda: lines(journal) >= 1)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    worker = next(child for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes())
    os.kill(int(worker), signal.SIGKILL)
    process.communicate()
    assert process.returncode == 1 and lines(journal) >= 1
