"""A small problem to learn."""

import pytest


@pytest.fixture
def problem(rng):
    x = rng.normal(size=(90, 3))
    return x, (x[:, 0] * x[:, 1] > 0).astype(int)
