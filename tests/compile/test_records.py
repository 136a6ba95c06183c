"""Every record as machine code: what it computes of its samples is what the interpreter does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.compile._compiled import near, run
from tests.ops._samples import samples

import wengert.scipy.linalg
from wengert import make_program
from wengert.core.primitive import REGISTRY, Primitive

assert wengert.scipy.linalg  # its records are loaded on their first use

# what moves elements, or goes in NumPy's order, is equal to the bit
EXACT = frozenset(
    ("broadcast_to", "concatenate", "cumprod", "cumsum", "getitem", "random_bits", "reshape", "running_max",
     "scatter_add", "stop_gradient", "transpose", "update", "where")
)  # fmt: skip
# what is never left to NumPy, for real numbers and arrays that are not empty
NATIVE = frozenset(
    ("argmax", "argmin", "argsort", "bracket", "broadcast_to", "cholesky", "concatenate", "conv", "count_nonzero",
     "cumprod", "cumsum", "det", "digitize", "dot", "eigh", "eigvalsh", "einsum", "euclidean", "getitem", "inv", "isin",
     "last_written", "matmul", "max", "min", "prod", "qr", "random_bits", "recurrence", "reshape", "running_max",
     "scatter_add", "searchsorted", "slogdet", "solve", "sum", "svd", "svdvals", "transpose", "update", "where")
)  # fmt: skip

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def _is_real(x: Any) -> bool:
    return np.asarray(x).dtype.kind in "biuf" and np.asarray(x).dtype.itemsize <= 8


@pytest.fixture(params=sorted(REGISTRY))
def record(request: pytest.FixtureRequest) -> Primitive:
    return REGISTRY[request.param]


def test_computes_what_the_interpreter_does(record: Primitive) -> None:
    chosen = samples(record)
    operands = [x for sample in chosen for x in sample.operands]

    def f(*given: Any) -> list[Any]:
        rest, out = iter(given), []
        for sample in chosen:
            found = record(*[next(rest) for _ in sample.operands], **sample.params)
            out += found if record.multiple else [found]
        return out

    program = make_program(f)(*operands)
    got, _ = run(program, operands)
    for a, b in zip(got, program.evaluate(operands), strict=True):
        near(a, b, 0.0 if record.name in EXACT else 32.0)


@pytest.mark.parametrize("name", sorted(NATIVE))
def test_is_native(name: str) -> None:
    record = REGISTRY[name]
    for sample in samples(record):
        if all(_is_real(x) and np.size(x) for x in sample.operands):
            program = make_program(lambda *xs, s=sample: record(*xs, **s.params))(*sample.operands)
            results = program.evaluate(sample.operands)
            if all(np.size(y) for y in results):
                assert run(program, sample.operands)[1] == [], str(sample)
