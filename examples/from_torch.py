"""A PyTorch module as an integer program: from_torch, quantize, Engine."""

import numpy as np
import torch

import fxlstm as fx

torch.manual_seed(0)
module = torch.nn.Sequential(torch.nn.LSTM(3, 16, num_layers=2, batch_first=True), torch.nn.Linear(16, 2), torch.nn.Tanh())
network = fx.from_torch(module)
x = np.random.default_rng(0).uniform(-1, 1, (8, 40, 3))  # (batch, time, features)
program = fx.quantize(network, calibration=x, hardware=fx.Hardware())
difference = np.abs(fx.Engine(program).run(x) - network(x)).max()
print(f"integers differ from floats by {difference:.1e} at most")
