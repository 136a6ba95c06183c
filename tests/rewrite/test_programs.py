"""Random programs, their gradients, and networks: a rewritten Program computes what it did."""

from __future__ import annotations

import pytest
from tests.fuzz._programs import generate
from tests.rewrite._equal import rewritten_is_equal

from wengert import ConcretizationError, UnsupportedError, grad, make_program


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("seed", range(300))
def test_random_programs(seed: int) -> None:
    program = generate(seed, 6)
    for f in (program.loss, grad(program.loss, argnums=(0, 1))):
        try:
            staged = make_program(f)(program.x, program.y)
        except (ConcretizationError, UnsupportedError):
            continue  # it branches on values
        rewritten_is_equal(staged, (program.x, program.y))


def test_some_random_programs_are_staged() -> None:
    def staged(seed: int) -> bool:
        program = generate(seed, 6)
        try:
            make_program(program.loss)(program.x, program.y)
        except (ConcretizationError, UnsupportedError):
            return False
        return True

    assert sum(map(staged, range(300))) > 20
