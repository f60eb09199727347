"""What hosts compute behind a network that ends before its softmax."""

import numpy as np
import pytest
import torch

import fxlstm as fx


@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4), (5, 1)])
def test_softmax_and_argmax_equal_torch(shape):
    y = np.random.default_rng(0).normal(size=shape) * 10
    np.testing.assert_allclose(fx.softmax(y), torch.softmax(torch.tensor(y), -1).numpy(), rtol=1e-12)
    assert np.array_equal(fx.argmax(y), torch.argmax(torch.tensor(y), -1).numpy())


def test_softmax_of_large_outputs_does_not_overflow():
    assert np.array_equal(fx.softmax([1e4, -1e4, 1e4]), [0.5, 0, 0.5])


def test_of_equal_classes_the_first_is_chosen():
    assert fx.argmax([1.0, 2.0, 2.0]) == 1


@pytest.mark.parametrize("y", [3.0, np.zeros((2, 0))])
def test_outputs_without_classes_are_refused(y):
    for function in (fx.softmax, fx.argmax):
        with pytest.raises(fx.ModelError, match=r"give .*classes"):
            function(y)
