"""The operators LSTM, GRU and RNN as ONNX's specification writes them, plainly in NumPy: the oracle of the importer's tests."""

import numpy as np

FUNCTIONS = {
    "Relu": lambda x, a, b: np.maximum(x, 0),
    "Tanh": lambda x, a, b: np.tanh(x),
    "Sigmoid": lambda x, a, b: 1 / (1 + np.exp(-x)),
    "Affine": lambda x, a, b: a * x + b,
    "LeakyRelu": lambda x, a, b: np.where(x >= 0, x, a * x),
    "ScaledTanh": lambda x, a, b: a * np.tanh(b * x),
    "HardSigmoid": lambda x, a, b: np.minimum(np.maximum(a * x + b, 0), 1),
}


class Direction:
    """One direction: its weights, and ``functions``: (name, alpha, beta) of f, g and h."""

    def __init__(self, kernel, recurrent, bias, peephole, functions, clip, flag):
        self.kernel, self.recurrent, self.bias, self.peephole, self.flag = kernel, recurrent, bias, peephole, flag
        self.functions = [self._clipped(function, clip) for function in functions]

    @staticmethod
    def _clipped(function, clip):
        name, alpha, beta = function
        return lambda x: FUNCTIONS[name](x if clip is None else np.clip(x, -clip, clip), alpha, beta)

    def lstm(self, x, h, c):
        f_act, g_act, h_act = self.functions
        w_bias, r_bias = np.split(self.bias, 2)
        i, o, f, a = np.split(x @ self.kernel.T + h @ self.recurrent.T + w_bias + r_bias, 4, axis=-1)
        p_i, p_o, p_f = np.split(self.peephole, 3)
        i = f_act(i + p_i * c)
        f = 1 - i if self.flag else f_act(f + p_f * c)
        new = f * c + i * g_act(a)
        return f_act(o + p_o * new) * h_act(new), new

    def gru(self, x, h, c):
        f_act, g_act = self.functions
        (w_z, w_r, w_h), (r_z, r_r, r_h) = np.split(self.kernel, 3), np.split(self.recurrent, 3)
        wb_z, wb_r, wb_h, rb_z, rb_r, rb_h = np.split(self.bias, 6)
        z = f_act(x @ w_z.T + h @ r_z.T + wb_z + rb_z)
        r = f_act(x @ w_r.T + h @ r_r.T + wb_r + rb_r)
        reset = r * (h @ r_h.T + rb_h) if self.flag else (r * h) @ r_h.T + rb_h
        return (1 - z) * g_act(x @ w_h.T + reset + wb_h) + z * h, c

    def rnn(self, x, h, c):
        w_bias, r_bias = np.split(self.bias, 2)
        return self.functions[0](x @ self.kernel.T + h @ self.recurrent.T + w_bias + r_bias), c


def run(step, x, lengths, h, c, reverse):
    """(batch, time, features) -> outputs over time, 0 beyond each length, and the states once the sequence is read."""
    batch, time, _ = x.shape
    y = np.zeros((batch, time, h.shape[-1]))
    for t in range(time)[::-1] if reverse else range(time):
        within = (t < lengths)[:, np.newaxis]
        new_h, new_c = step(x[:, t], h, c)
        h, c = np.where(within, new_h, h), np.where(within, new_c, c)
        y[:, t] = np.where(within, h, 0)
    return y, h, c
