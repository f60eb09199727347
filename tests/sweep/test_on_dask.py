"""Sweeps on a real Dask scheduler with worker processes."""

from __future__ import annotations

import gc
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from distributed import Client

from fxlstm.errors import SweepError
from fxlstm.sweep import cluster, run_sweep
from fxlstm.sweep.plan import read_plan

FOLDERS = (Path(__file__).resolve().parents[2], Path(__file__).resolve().parent)
QUIET = {"DASK_DISTRIBUTED__WORKER__DAEMON": "False", "DASK_DISTRIBUTED__ADMIN__LOG_FORMAT": "%(message)s"}


def free_port() -> int:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return int(opened.getsockname()[1])


def wait_for_port(port: int) -> None:
    """Return when somebody listens."""
    end = time.monotonic() + 60
    while True:
        with socket.socket() as probe:
            if not probe.connect_ex(("127.0.0.1", port)):
                return
        assert time.monotonic() < end, "the scheduler did not start"
        time.sleep(0.1)


class Cluster:
    """A scheduler and two workers, each a process of its own."""

    def __init__(self, folder: Path, workers: int) -> None:
        self.address = f"tcp://127.0.0.1:{free_port()}"
        self._folder = folder
        port = self.address.rpartition(":")[2]
        self.scheduler = self._start("dask_scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard")
        wait_for_port(int(port))
        options = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--death-timeout", "20", "--host", "127.0.0.1")
        self.workers = [self._start("dask_worker", self.address, *options) for _ in range(workers)]

    def _start(self, program: str, *arguments: str) -> subprocess.Popen:
        environment = os.environ | QUIET | {"PYTHONPATH": os.pathsep.join(map(str, FOLDERS))}
        command = [sys.executable, "-m", f"distributed.cli.{program}", *arguments]
        with (self._folder / "dask.log").open("ab") as log:
            return subprocess.Popen(command, cwd=self._folder, env=environment, stdout=log, stderr=log)

    def stop(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()


@pytest.fixture
def two_workers(tmp_path) -> Iterator[Cluster]:
    made = Cluster(tmp_path, 2)
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def patience(monkeypatch) -> None:
    """Long enough for a busy machine to start a process, shorter where something is to be missed."""
    monkeypatch.setattr(cluster, "PATIENCE", 60.0)


def test_a_cluster_writes_the_bytes_that_local_processes_write(plan, task, two_workers, tmp_path):
    seen = []
    here, there = tmp_path / "here.parquet", tmp_path / "there.parquet"
    run_sweep(plan, task, there, scheduler=two_workers.address, progress=lambda done, total: seen.append((done, total)))
    run_sweep(plan, task, here, workers=1)
    assert here.read_bytes() == there.read_bytes()
    assert seen == [(done, 12) for done in range(13)]


@pytest.mark.parametrize("dies", ["scheduler", "workers"])
def test_what_dies_midway_is_an_error_and_what_is_finished_is_kept(dies, task, two_workers, results, monkeypatch):
    plan = read_plan('task = "small"\nseeds = { from = 1, to = 400 }')
    enough = threading.Event()

    def progress(done: int, total: int) -> None:
        if done >= 5 and not enough.is_set():
            enough.set()
            monkeypatch.setattr(cluster, "PATIENCE", 3.0)
            for process in [two_workers.scheduler] if dies == "scheduler" else two_workers.workers:
                process.kill()

    started = time.monotonic()
    with pytest.raises(SweepError, match=r"what is finished is kept"):
        run_sweep(plan, task, results, scheduler=two_workers.address, progress=progress)
    assert time.monotonic() - started < 120
    kept = results.with_name("results.parquet.journal").read_bytes().count(b"\n")
    few = read_plan('task = "small"\nseeds = { from = 1, to = 6 }')
    assert kept >= 5 and run_sweep(few, task, results, workers=1).resumed >= 4


def test_an_absent_scheduler_is_refused(plan, task, results, monkeypatch):
    monkeypatch.setattr(cluster, "PATIENCE", 1.0)
    address = f"tcp://127.0.0.1:{free_port()}"
    with pytest.raises(SweepError, match=f"no Dask scheduler answers at '{address}'"):
        run_sweep(plan, task, results, scheduler=address)


def test_an_address_that_is_none_is_refused(plan, task, results):
    with pytest.raises(SweepError, match="no Dask scheduler answers at 'carrier pigeon'"):
        run_sweep(plan, task, results, scheduler="carrier pigeon")
    clients = [thing for thing in gc.get_objects() if type(thing) is Client]  # isinstance would wake lazy objects of others
    left = [client for client in clients if client.status != "closed"]
    assert not left, "the interpreter would wait for them when it ends"


def test_a_scheduler_without_workers_is_refused(plan, task, results, tmp_path, monkeypatch):
    alone = Cluster(tmp_path, 0)
    try:
        monkeypatch.setattr(cluster, "PATIENCE", 3.0)
        with pytest.raises(SweepError, match="has no workers"):
            run_sweep(plan, task, results, scheduler=alone.address)
    finally:
        alone.stop()
