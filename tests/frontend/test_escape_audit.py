"""The ways out of a trace, one by one: each gives the right derivative, or says where it was and what to write.

The derivative is right if central differences of the function in plain NumPy say so. No way out may change the
derivative without a word, in any transform.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.frontend import _audit_arrays, _audit_numbers, _audit_programs

from wengert import grad, jvp, make_program, vmap
from wengert.core.trace import current
from wengert.errors import ConcretizationError, WengertError

X = np.array([0.7, 1.3, 0.4])
TABLES = (_audit_numbers, _audit_arrays, _audit_programs)
REFUSED = {name: row for table in TABLES for name, row in table.REFUSED.items()}
FOLLOWED = {name: row for table in TABLES for name, row in table.FOLLOWED.items()}
BUFFER = _audit_arrays.BUFFER

Function = Callable[[Any], Any]
CONCRETE: dict[str, Callable[[Function], Any]] = {
    "grad": lambda f: grad(f)(X),
    "jvp": lambda f: np.array([jvp(f, (X,), (e,))[1] for e in np.eye(3)]),
}
ABSTRACT: dict[str, Callable[[Function], Any]] = {
    "vmap": lambda f: vmap(grad(f))(X[None])[0],
    "make_program": lambda f: make_program(grad(f))(X)(X),
    "second order": lambda f: (grad(lambda x: np.sum(grad(f)(x)))(X), grad(f)(X))[1],
}


@pytest.fixture(autouse=True)
def _quiet() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        BUFFER[:] = 0.0
        yield
    assert current() is None


def differences(f: Function) -> Any:
    """Central differences in plain NumPy."""
    out = np.zeros(3)
    for k, e in enumerate(np.eye(3) * 1e-5):
        out[k] = (f(X + e) - f(X - e)) / 2e-5
    return out


def text_of(error: BaseException) -> str:
    """What the user reads: the error, and what was added to it."""
    return "\n".join([str(error), *getattr(error, "__notes__", [])])


def teaches(error: BaseException) -> bool:
    """Whether an error tells file and line, and what to write."""
    text = text_of(error)
    return "_audit_" in text and ".py:" in text and "write:" in text


def test_the_audit_is_wide() -> None:
    assert len(REFUSED) == sum(len(t.REFUSED) for t in TABLES)
    assert len(FOLLOWED) == sum(len(t.FOLLOWED) for t in TABLES)
    assert len(REFUSED) + len(FOLLOWED) >= 80


@pytest.mark.parametrize("transform", CONCRETE)
@pytest.mark.parametrize("name", FOLLOWED)
def test_followed(name: str, transform: str) -> None:
    f = FOLLOWED[name]
    np.testing.assert_allclose(CONCRETE[transform](f), differences(f), atol=1e-8)


@pytest.mark.parametrize("transform", CONCRETE)
@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str, transform: str) -> None:
    f, remedy = REFUSED[name]
    with pytest.raises(Exception, match="") as caught:
        CONCRETE[transform](f)
    assert teaches(caught.value), text_of(caught.value)
    assert re.search(remedy, text_of(caught.value)), text_of(caught.value)
    assert not BUFFER.any(), "the foreign buffer was written to"
    # what was refused has left nothing behind
    np.testing.assert_allclose(grad(lambda x: np.sum(x * x))(X), 2 * X)


@pytest.mark.parametrize("transform", ABSTRACT)
@pytest.mark.parametrize("name", [*FOLLOWED, *REFUSED])
def test_no_other_transform_is_silent(name: str, transform: str) -> None:
    f = FOLLOWED[name] if name in FOLLOWED else REFUSED[name][0]
    got, error = None, None
    try:
        got = ABSTRACT[transform](f)
    except Exception as caught:  # noqa: BLE001 - which it may be is seen below
        error = caught
    if error is None:
        np.testing.assert_allclose(got, differences(f), atol=1e-8)
    elif name in FOLLOWED:
        assert isinstance(error, WengertError), text_of(error)
    assert not isinstance(error, ConcretizationError) or teaches(error), text_of(error)
    assert not BUFFER.any(), "the foreign buffer was written to"
