"""Random programs: NumPy's values, central differences' derivatives, and every mode the same."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import wengert
from wengert.errors import ConcretizationError, LeakError, WengertError
from tests.fuzz._programs import Program, generate

SEEDS = range(120)


def differences(program: Program, step: float) -> Any:
    out = np.zeros(program.x.shape)
    for at in np.ndindex(out.shape):
        e = np.zeros(out.shape)
        e[at] = step
        out[at] = (program.loss(program.x + e, program.y.copy()) - program.loss(program.x - e, program.y.copy())) / (2 * step)
    return out
