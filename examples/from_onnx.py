"""An ONNX file as an integer program: from_onnx, quantize, Engine."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx

import fxlstm as fx

text = """<ir_version: 8, opset_import: ["": 17]> lstm (float[time, batch, 3] x, float[1, 64, 3] W, float[1, 64, 16] R) => (y) {
    y, y_h, y_c = LSTM <hidden_size = 16> (x, W, R)}"""  # a file that came without its weights: they are given beside it
rng = np.random.default_rng(0)
x = rng.uniform(-1, 1, (8, 40, 3))  # (batch, time, features), whatever the file's order
with TemporaryDirectory() as folder:
    onnx.save(onnx.parser.parse_model(text), Path(folder, "lstm.onnx"))
    network = fx.from_onnx(Path(folder, "lstm.onnx"), {"W": rng.normal(0, 0.5, (1, 64, 3)), "R": rng.normal(0, 0.2, (1, 64, 16))})
engine = fx.Engine(fx.quantize(network, calibration=x, hardware=fx.Hardware()))
print(f"integers differ from floats by {np.abs(engine.run(x) - network(x)).max():.1e} at most")
