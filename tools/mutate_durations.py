"""A pytest plugin that writes down how long each test took: which tests to try first on a mutant."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

TOOK: dict[str, float] = {}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note the time of the test itself; what fails without a fault planted finds none."""
    if report.when == "call" and report.passed:
        TOOK[report.nodeid] = report.duration


def pytest_sessionfinish() -> None:
    """Write the file that the environment names."""
    Path(os.environ["WENGERT_DURATIONS"]).write_text(json.dumps(TOOK))
