"""The two classification tasks: their data, the networks that ship, and what the documentation says of them."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

import accuracy_table
import fxlstm as fx
from fxlstm.app.demos.classification import ClassificationTask, classify, held_to_one_length, japanese_vowels, wafer
from fxlstm.app.demos.shipped import weights_digest
from fxlstm.data import load_wafer
from fxlstm.program.calibration.methods import METHODS
from generators.pages import fill
from tools import train_tasks

PAGE = (Path(__file__).resolve().parent.parent.parent / "docs" / "accuracy.md").read_text()
TASKS = {"JapaneseVowels": japanese_vowels(), "Wafer": wafer()}


@pytest.fixture(params=TASKS)
def task(request) -> ClassificationTask:
    return TASKS[request.param]


def rows(part: str) -> list[list[str]]:
    """The cells of a generated table of the page, heads first, without the line below them."""
    lines = PAGE.split(f"<!-- begin {part} -->\n")[1].split(f"\n<!-- end {part} -->")[0].splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [cells[0], *cells[2:]]


def test_the_japanese_vowels_are_as_published():
    train, test = TASKS["JapaneseVowels"].train, TASKS["JapaneseVowels"].test
    assert np.bincount(train.labels).tolist() == [30] * 9
    assert (len(test.labels), np.bincount(test.labels).min(), np.bincount(test.labels).max()) == (370, 24, 88)
    lengths = [[len(sequence) for sequence in part.sequences] for part in (train, test)]
    assert [(min(part), max(part)) for part in lengths] == [(7, 26), (7, 29)]
    assert {sequence.shape[1] for part in (train, test) for sequence in part.sequences} == {12}
    assert train.sequences[0][0, :3] == pytest.approx([1.860936, -0.207383, 0.261557], abs=1e-6)


def test_the_wafers_are_as_published_but_for_one():
    train, test = load_wafer()
    assert np.bincount(train.labels).tolist() == [903, 97]
    assert np.bincount(test.labels).tolist() == [5498, 665]
    for part in (train, test):
        values = np.array(part.sequences)
        assert values.shape[1:] == (152, 1)
        assert np.abs(values.mean(axis=1)).max() < 1e-6
        assert values.std(axis=1, ddof=1) == pytest.approx(1, abs=1e-6)


def test_a_wafer_timestep_holds_successive_readings():
    assert np.array_equal(TASKS["Wafer"].test.sequences[5].ravel(), load_wafer()[1].sequences[5].ravel())
    assert TASKS["Wafer"].test.sequences[5].shape == (19, 8)


def test_sequences_of_different_lengths_are_classified_as_each_alone():
    task = TASKS["JapaneseVowels"]
    sequences, network = task.test.sequences[:40], task.load_network()
    assert classify(network, sequences).tolist() == [int(network(sequence).argmax()) for sequence in sequences]


def test_a_shorter_sequence_goes_on_with_its_last_timestep():
    held = held_to_one_length((np.array([[1.0], [2.0]]), np.array([[3.0], [4.0], [5.0]])))
    assert held[:, :, 0].tolist() == [[1, 2, 2], [3, 4, 5]]


def test_recall_counts_the_rare_class_alone():
    task = TASKS["Wafer"]
    metrics = task.metrics(np.zeros_like(task.test.labels))
    assert (metrics.accuracy, metrics.recall) == (5498 / 6163, 0.0)
    assert TASKS["JapaneseVowels"].metrics(TASKS["JapaneseVowels"].test.labels).recall is None


def test_the_shipped_network_is_what_its_provenance_says(task):
    network = task.load_network()
    assert network.metadata["weights_sha256"] == weights_digest(network)
    assert network.metadata["test"] == pytest.approx(asdict(accuracy_table.float_metrics(task)))
    assert (network.layers[0].inputs, network.layers[0].units, network.outputs) == (task.inputs, task.cells, task.classes)


def test_the_same_seed_trains_the_same_network():
    train_tasks.make_reproducible()
    task, settings = TASKS["JapaneseVowels"], train_tasks.Settings(weight_noise=0.05, epochs=1)
    digests = [weights_digest(train_tasks.fit(task, task.train, settings, seed).network("", {})) for seed in (1, 1, 2)]
    assert digests[0] == digests[1] != digests[2]


def test_sixteen_bits_put_every_test_sequence_into_the_class_that_float_does(task):
    network = task.load_network()
    program = fx.quantize(network, task.calibration, accuracy_table.hardware(16, 16))
    predicted = classify(fx.Engine(program).run, task.test.sequences)
    assert predicted.tolist() == classify(network, task.test.sequences).tolist()


def test_the_page_gives_every_task_width_and_method():
    heads, *lines = rows("accuracy")
    assert len(heads) == 5
    widths = [
        ("float", "-"),
        *((f"{w}/{c}", method) for w, c in accuracy_table.BITS for method in METHODS),
    ]
    assert [tuple(line[:3]) for line in lines] == [(title, *width) for title in TASKS for width in widths]
    assert len(rows("methods")) == 1 + 2 * len(accuracy_table.BITS)


@pytest.mark.parametrize("part", ["accuracy", "methods"])
def test_the_script_can_write_the_page_again(part):
    assert f"\nnew\n<!-- end {part} -->" in fill(PAGE, part, "new")


def test_the_page_says_that_sixteen_bits_equal_float():
    lines = {tuple(line[:3]): line[3:] for line in rows("accuracy")[1:]}
    for title in TASKS:
        assert lines[title, "16/16", "range"] == lines[title, "float", "-"]


@pytest.mark.parametrize(("bits", "method"), [((4, 8), "range"), ((6, 8), "error")])
def test_the_page_says_what_a_width_really_scores(task, bits, method):
    row = accuracy_table.row(task, "/".join(map(str, bits)), accuracy_table.integer_metrics(task, bits, method), method)
    assert list(row) in rows("accuracy")
