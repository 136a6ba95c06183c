"""Schedules at the points where their formulas are plain."""

import numpy as np
import pytest

from wengert.errors import ModelError
from wengert.optim import schedules


def test_step_and_exponential_decay():
    steps = schedules.step_decay(0.4, every=5, factor=0.1)
    np.testing.assert_allclose([steps(t) for t in (0, 4, 5, 14)], [0.4, 0.4, 0.04, 0.004])
    smooth = schedules.exponential_decay(0.4, steps=5, factor=0.1)
    np.testing.assert_allclose([smooth(t) for t in (0, 5, 10)], [0.4, 0.04, 0.004])
    assert smooth(1) == pytest.approx(0.4 * 10 ** (-0.2))


def test_cosine():
    fall = schedules.cosine(0.4, steps=60, final=0.1)
    # cos 0, 60°, 90°, 120°, 180°
    np.testing.assert_allclose([fall(t) for t in (0, 20, 30, 40, 60, 99)], [0.4, 0.325, 0.25, 0.175, 0.1, 0.1])


def test_warmup_cosine():
    schedule = schedules.warmup_cosine(0.4, warmup=4, steps=64, final=0.1)
    np.testing.assert_allclose([schedule(t) for t in range(5)], [0.1, 0.2, 0.3, 0.4, 0.4])
    np.testing.assert_allclose([schedule(t) for t in (24, 34, 64, 1000)], [0.325, 0.25, 0.1, 0.1])


def test_misuse():
    with pytest.raises(ModelError, match="every is a number of steps, at least 1, and not 0"):
        schedules.step_decay(0.1, every=0)
    with pytest.raises(ModelError, match="steps must be more than warmup"):
        schedules.warmup_cosine(0.1, warmup=10, steps=10)
    with pytest.raises(ModelError, match="the learning rate must be"):
        schedules.constant(-1.0)
