"""Random programs and their gradients: machine code computes what the interpreter does."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest
from tests.compile._compiled import run
from tests.fuzz._programs import generate

from wengert import ConcretizationError, UnsupportedError, grad, make_program
from wengert.core.program import Program

COUNT = int(os.environ.get("WENGERT_FUZZ", "60"))
START = int(os.environ.get("WENGERT_FUZZ_START", "0"))
COMPLEX = {"absolute", "add", "conjugate", "divide", "exp", "imag", "multiply", "real", "subtract"}

pytestmark = [
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
    pytest.mark.filterwarnings("ignore::wengert.errors.FlatDerivativeWarning"),
]


def staged(f: Any, *operands: Any) -> Program | None:
    try:
        return make_program(f)(*operands)
    except (ConcretizationError, UnsupportedError):
        return None  # it branches on values


@pytest.mark.parametrize("seed", range(START, START + COUNT))
def test_random_programs(seed: int) -> None:
    made = generate(seed, 5 + seed % 12)
    threads = 1 + seed % 2
    for f in (made.run, made.loss, grad(made.loss, argnums=(0, 1))):
        program = staged(f, made.x, made.y)
        if program is None:
            continue
        got, fallbacks = run(program, (made.x, made.y), threads)
        for a, b in zip(got, program.evaluate((made.x, made.y)), strict=True):
            scale = max(1.0, float(np.max(np.abs(b), initial=0.0)))
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-12 * scale)
        assert set(fallbacks) <= COMPLEX | {"update"}  # a write through a reshape of what lies otherwise


def test_some_random_programs_are_staged() -> None:
    made = (generate(seed, 5 + seed % 12) for seed in range(60))
    assert sum(staged(p.loss, p.x, p.y) is not None for p in made) > 10
