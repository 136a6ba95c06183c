"""A traced call beside NumPy's own: the result, the warnings, or the exception."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from tests.frontend._harness import kind, outputs

from wengert import jvp, vjp


def outcome(run: Callable[[], Any]) -> Any:
    """The result, or the exception; with the warnings that came with it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = run()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is compared
            result = error
    return result, {w.category for w in caught if "Flat" not in w.category.__name__}


def equal(got: Any, want: Any, rtol: float) -> None:
    """Equal kinds, shapes and dtypes, and values up to rounding relative to the largest."""
    for a, b in zip(outputs(got), outputs(want), strict=True):
        assert kind(a) == kind(b), f"{kind(a)}, NumPy: {kind(b)}"
        finite = np.abs(b)[np.isfinite(b)]
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * float(np.max(finite, initial=1.0)))


def agree(f: Callable[[Any], Any], x: Any, rtol: float = 1e-14) -> None:
    """``f`` traced, in reverse and in forward mode, does what it does on plain values."""
    want, warned = outcome(lambda: f(np.copy(x) if isinstance(x, np.ndarray) else x))
    for run in (lambda: vjp(f, x)[0], lambda: jvp(f, (x,), (x,))[0]):
        got, told = outcome(run)
        if isinstance(want, Exception):
            assert isinstance(got, type(want)) or isinstance(want, type(got)), f"{got!r}; NumPy: {want!r}"
            assert isinstance(got, Exception), f"{got!r}; NumPy: {want!r}"
        else:
            if isinstance(got, Exception):
                raise got
            equal(got, want, rtol)
            assert told == warned
