"""Phased LSTM: time gates and irregular times, against the equations of Neil et al. written plainly."""

from __future__ import annotations

import numpy as np
import pytest

from fxlstm.errors import ModelError
from fxlstm.network import Backward, Layer, Network, TimeGate, load_network, lstm, phased_lstm, save_network

RANDOM = np.random.default_rng(1)
KERNEL, RECURRENT, BIAS, PEEPHOLE = (RANDOM.normal(size=shape) for shape in ((2, 16), (4, 16), 16, (3, 4)))
GATE = TimeGate(np.array([2.0, 5.0, 9.5, 40.0]), np.array([0.0, 1.0, -3.0, 17.0]), np.array([0.3, 1.0, 0.5, 0.05]), 0.02)
X = RANDOM.normal(size=(3, 15, 2))
TIMES = np.cumsum(RANDOM.uniform(0, 4, size=(3, 15)), axis=1)


def s(x):
    return 1 / (1 + np.exp(-x))


def openness(time: float, period: float, phase: float, ratio: float, leak: float) -> float:
    phi = ((time - phase) % period) / period
    if phi < ratio / 2:
        return 2 * phi / ratio
    return 2 - 2 * phi / ratio if phi < ratio else leak * phi


def neil(x: np.ndarray, times: np.ndarray) -> np.ndarray:
    """One sequence, timestep by timestep; the output gate sees the candidate cell state."""
    h, c, outputs = np.zeros(4), np.zeros(4), []
    for x_t, time in zip(x, times, strict=True):
        a, i, f, o = np.split(x_t @ KERNEL + h @ RECURRENT + BIAS, 4)
        i, f = s(i + PEEPHOLE[0] * c), s(f + PEEPHOLE[1] * c)
        candidate = f * c + i * np.tanh(a)
        new = s(o + PEEPHOLE[2] * candidate) * np.tanh(candidate)
        rows = zip(GATE.period, GATE.phase, GATE.open_ratio, strict=True)
        k = np.array([openness(time, *row, GATE.leak) for row in rows])
        c, h = k * candidate + (1 - k) * c, k * new + (1 - k) * h
        outputs.append(h)
    return np.array(outputs)


def network(**options) -> Network:
    return Network([phased_lstm(KERNEL, RECURRENT, BIAS, GATE, PEEPHOLE)], **options)


def test_a_phased_lstm_with_irregular_times_is_the_equations():
    wanted = np.array([neil(x, times) for x, times in zip(X, TIMES, strict=True)])
    np.testing.assert_allclose(network()(X, times=TIMES), wanted, atol=1e-12)
    np.testing.assert_allclose(network()(X[0], times=TIMES[0]), wanted[0], atol=1e-12)
    trace = network().trace(X, times=TIMES)[0]
    np.testing.assert_array_equal(trace["k"], GATE.openness(TIMES))


def test_without_times_timesteps_are_counted():
    np.testing.assert_array_equal(network()(X), network()(X, times=np.arange(15)))


def test_lengths_masks_and_backward_layers_keep_each_timestep_with_its_time():
    padded = TIMES.copy()
    padded[0, 6:] = 0
    wanted = neil(X[0, :6], TIMES[0, :6])
    np.testing.assert_allclose(network()(X, [6, 15, 15], times=padded)[0, :6], wanted, atol=1e-12)
    masked = X.copy()
    masked[0, [2, 5]] = 9
    kept = np.delete(np.arange(15), [2, 5])
    np.testing.assert_allclose(network(mask_value=9)(masked, times=TIMES)[0, kept], neil(X[0, kept], TIMES[0, kept]), atol=1e-12)
    backward = Network([Backward(network().every_layer[0])])
    np.testing.assert_allclose(backward(X, times=TIMES)[0, ::-1], neil(X[0, ::-1], TIMES[0, ::-1]), atol=1e-12)


def test_an_open_gate_is_a_plain_lstm_and_a_closed_one_holds():
    wide = TimeGate(np.full(4, 2.0), np.full(4, -1.0), 1.0)
    assert (wide.openness(np.arange(0, 20, 2)) == 1).all()
    open_always = Network([phased_lstm(KERNEL, RECURRENT, BIAS, wide)])
    np.testing.assert_allclose(open_always(X, times=2 * np.arange(15)), Network([lstm(KERNEL, RECURRENT, BIAS)])(X), atol=1e-12)
    narrow = TimeGate(np.full(4, 100.0), np.full(4, 50.0), 0.1)
    assert not Network([phased_lstm(KERNEL, RECURRENT, BIAS, narrow)])(X).any()


@pytest.mark.parametrize(
    ("times", "message"),
    [
        (TIMES[:, ::-1], r"times of sequence 0 go back from .* at timestep 1; sort its timesteps"),
        (TIMES[:, :5], r"times have shape \(3, 5\); give \(3, 15\)"),
        (np.full((3, 15), np.nan), "times holds nan"),
        ("yesterday", "times is not an array of numbers"),
    ],
)
def test_times_that_do_not_fit_are_refused(times, message):
    with pytest.raises(ModelError, match=message):
        network()(X, times=times)


def test_a_time_gate_survives_a_file(tmp_path):
    save_network(network(), tmp_path / "net.safetensors")
    loaded = load_network(tmp_path / "net.safetensors")
    np.testing.assert_array_equal(loaded(X, times=TIMES), network()(X, times=TIMES))


def test_times_for_a_network_without_time_gates_are_refused():
    with pytest.raises(ModelError, match="no time gate to look at times"):
        Network([lstm(KERNEL, RECURRENT, BIAS)])(X, times=TIMES)


def test_time_gates_that_cannot_be_are_refused():
    ones = np.ones(4)
    with pytest.raises(ModelError, match=r"a period of 0\.0; periods must be positive"):
        TimeGate(0 * ones, ones, ones)
    with pytest.raises(ModelError, match="open_ratio must be above 0 and at most 1"):
        TimeGate(ones, ones, 1.5 * ones)
    with pytest.raises(ModelError, match=r"leak = -1"):
        TimeGate(ones, ones, ones, -1)
    with pytest.raises(ModelError, match=r"have the shapes \(\(4,\), \(3,\), \(4,\)\)"):
        TimeGate(ones, np.ones(3), ones)
    with pytest.raises(ModelError, match="its time gate has 3 units, the layer 4"):
        phased_lstm(KERNEL, RECURRENT, BIAS, TimeGate(np.ones(3), np.ones(3), np.ones(3)), PEEPHOLE)
    with pytest.raises(ModelError, match="its cell 'lstm' has no input 'k'"):
        Layer(lstm(KERNEL, RECURRENT, BIAS).cell, 2, 4, {}, time_gate=GATE)
    with pytest.raises(ModelError, match="'lstm-phased' takes k, which the network does not give it"):
        layer = network().every_layer[0]
        Network([Layer(layer.cell, 2, 4, layer.parameters)])
    with pytest.raises(ModelError, match="reads_backward turns the times of its time gates round"):
        network(reads_backward=True)
