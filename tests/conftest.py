"""What every test shares: Hypothesis repeats itself, and pictures are drawn without a screen."""

import os
import tempfile

import hypothesis
import numpy as np
import pytest

os.environ.setdefault("MPLBACKEND", "Agg")

# What is compiled is kept for this run alone, and found by the processes that tests start.
_cache = tempfile.TemporaryDirectory(prefix="wengert-tests-", ignore_cleanup_errors=True)
os.environ["WENGERT_CACHE_DIR"] = _cache.name

# The same examples on every run, and no deadline: no test depends on the time it takes.
hypothesis.settings.register_profile("wengert", derandomize=True, deadline=None, print_blob=True)
hypothesis.settings.load_profile("wengert")


@pytest.fixture
def rng() -> np.random.Generator:
    """A NumPy generator, the same for every test that asks for one."""
    return np.random.default_rng(20260101)
