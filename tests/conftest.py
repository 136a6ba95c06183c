"""What every test shares: Hypothesis repeats itself, and pictures are drawn without a screen."""

import os

import hypothesis
import numpy as np
import pytest

os.environ.setdefault("MPLBACKEND", "Agg")

# Tests look at what is emitted, which must not depend on what an earlier run has left on the disk.
os.environ["WENGERT_CACHE"] = "0"

# The same examples on every run, and no deadline: no test depends on the time it takes.
hypothesis.settings.register_profile("wengert", derandomize=True, deadline=None, print_blob=True)
hypothesis.settings.load_profile("wengert")


@pytest.fixture
def rng() -> np.random.Generator:
    """A NumPy generator, the same for every test that asks for one."""
    return np.random.default_rng(20260101)
