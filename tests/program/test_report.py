import json

import numpy as np
import pytest
from networks import random_dense, random_lstm, waves

from fxlstm.network import Network
from fxlstm.program.hardware import Hardware
from fxlstm.program.quantize import quantize
from fxlstm.program.report import LayerLoss, Report


def test_each_layer_is_given_what_the_one_below_puts_out(rng: np.random.Generator) -> None:
    network = Network((random_lstm(rng, 2, 6), random_lstm(rng, 6, 5), random_dense(rng, 5, 2)))
    report = quantize(network, waves(60, 2, rng)).report()
    assert [layer.layer for layer in report.layers] == ["lstm-1", "lstm-2", "dense"]
    ratios = {(row.layer, row.vector): row.signal_to_noise for row in report.rows}
    assert [(layer.given, layer.output) for layer in report.layers] == [
        (ratios["lstm-1", "x"], ratios["lstm-1", "h"]),
        (ratios["lstm-2", "x"], ratios["lstm-2", "h"]),
        (ratios["dense", "x"], ratios["dense", "y"]),
    ]
    assert report.layers[1].given == pytest.approx(report.layers[0].output, abs=0.1)


def test_the_layer_with_the_largest_drop_is_named_in_words() -> None:
    report = Report(1, (), (), (LayerLoss("lstm", 90.0, 50.0), LayerLoss("dense", 50.0, 8.5)))
    assert report.weakest == report.layers[1]
    sentence = "Layer 'dense' loses most: its signal to noise drops by 41.5 dB, from 50.0 dB at its input to 8.5 dB at its output."
    assert report.summary == sentence
    assert sentence in str(report)


def test_a_layer_with_hardly_any_levels_is_the_one_that_loses_most(rng: np.random.Generator) -> None:
    network = Network((random_lstm(rng, 2, 6), random_dense(rng, 6, 2)))
    report = quantize(network, waves(60, 2, rng), Hardware(levels=4)).report()
    assert report.weakest is not None
    assert (report.weakest.layer, report.weakest.loss > 20) == ("lstm", True)


def test_a_report_survives_json(rng: np.random.Generator) -> None:
    program = quantize(Network((random_lstm(rng, 2, 3),)), waves(20, 2, rng))
    data = json.loads(json.dumps(program.metadata["report"]))
    assert program.report().as_dict() == data
    assert len(program.report().layers) == 1


def test_the_report_of_an_older_image_says_that_it_does_not_know() -> None:
    assert "quantize again" in Report(1, (), ()).summary
