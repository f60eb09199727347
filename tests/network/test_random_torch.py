"""Random PyTorch modules of all kinds: the imported network gives what the module gives."""

import numpy as np
import pytest
from random_torch import random_torch_case

import fxlstm as fx


@pytest.mark.parametrize("seed", range(30))
def test_a_random_module_equals_its_network(seed):
    module, x, lengths, expected = random_torch_case(np.random.default_rng(seed), 24, 20, 6)
    np.testing.assert_allclose(fx.from_torch(module)(x, lengths), expected, rtol=1e-9, atol=1e-9)
