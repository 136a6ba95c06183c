"""The laws that every primitive obeys, over the whole registry: a new record is tested by existing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.ops._samples import NUMPY, samples

import wengert.scipy.linalg
import wengert.transforms
from wengert import grad
from wengert.core.primitive import REGISTRY, Primitive
from wengert.extend import LAWS
from wengert.extend._derivatives import is_what_the_oracle_computes

assert wengert.transforms
assert wengert.scipy.linalg  # its records are loaded on their first use
RECORDS = sorted(REGISTRY)

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


@pytest.fixture(params=RECORDS)
def record(request: pytest.FixtureRequest) -> Primitive:
    return REGISTRY[request.param]


def test_has_samples(record: Primitive) -> None:
    assert samples(record), (
        f"the record {record.name!r} is not tested: add operands for it to EXPLICIT in tests/ops/_samples.py (and "
        "what NumPy computes to NUMPY), or, if it is a ufunc's, the interval of its operands to DOMAIN"
    )


def test_is_what_numpy_computes(record: Primitive) -> None:
    oracle = record.ufunc or NUMPY.get(record.name)
    assert oracle is not None, f"add what NumPy computes for {record.name!r} to NUMPY in tests/ops/_samples.py"
    for sample in samples(record):
        is_what_the_oracle_computes(record, sample, oracle)


@pytest.mark.parametrize("law", LAWS)
def test_law(record: Primitive, law: str) -> None:
    for sample in samples(record):
        LAWS[law](record, sample)


@pytest.mark.parametrize("owner", ["the caller", "a read-only view", "the function"])
def test_large_constants_may_be_overwritten_between_uses(owner: str) -> None:
    n = 5000  # 40 kB

    def f(x: Any) -> Any:
        base = np.ones(n) if owner == "the function" else BUFFER
        base[:] = 2.0
        buffer = np.broadcast_to(base, (2, n)) if owner == "a read-only view" else base
        first = np.multiply(x, buffer)
        second = x * buffer
        base[:] = 5.0
        third = x * buffer
        base[:1] = 7.0
        fourth = x * buffer
        base[:] = np.nan
        return np.sum(first + second + third + fourth)

    rows = 2 if owner == "a read-only view" else 1
    want = np.full(n, 14.0 * rows)
    want[0] = 16.0 * rows
    np.testing.assert_array_equal(grad(f)(np.ones(n)), want)


BUFFER = np.zeros(5000)
