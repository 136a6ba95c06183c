"""Random functions as machine code: the values of NumPy and of the interpreter, also of gradients.

WENGERT_FUZZ says how many, WENGERT_FUZZ_START from which seed on; ``make fuzz`` runs many.
"""

from __future__ import annotations

import os

import numpy as np
import pytest
from tests.compile._checks import failures, guilty
from tests.compile._generator import generate
from tests.compile._guards import unguarded

COUNT = int(os.environ.get("WENGERT_FUZZ", "100"))
START = int(os.environ.get("WENGERT_FUZZ_START", "0"))


@pytest.mark.parametrize("seed", range(START, START + COUNT))
def test_machine_code_gives_what_numpy_gives(seed: int) -> None:
    with unguarded():
        drawn = generate(seed)
    wrong = list(failures(drawn))
    if wrong:
        args = [f"x{k} = {a!r}" for k, a in enumerate(drawn.args)]
        pytest.fail("\n".join([*wrong, drawn.source(), *args, f"right without any one of: {guilty(drawn)}"]))


def test_the_same_seed_draws_the_same_function() -> None:
    first, second = generate(11), generate(11)
    assert first.source() == second.source()
    for a, b in zip(first.args, second.args, strict=True):
        np.testing.assert_array_equal(a, b)


def test_functions_are_of_many_kinds() -> None:
    """What the generator is for: without these a campaign would say little."""
    text = "\n".join(generate(seed).source() for seed in range(300))
    for word in ("scan", "fori_loop", "while_loop", "cond", "switch", "map", "@", "einsum", "np.sum", "np.sort", "+=", "np.where",
                 "reshape", "cumsum", "np.concatenate", "astype", "// 0", "np.add.at", "keepdims", "::-1"):  # fmt: skip
        assert word in text, word
