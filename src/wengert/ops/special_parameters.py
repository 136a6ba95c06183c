"""Families of functions that are closed under differentiation in a parameter.

A family has integers for its members, given as keywords: the member ``order=n`` is the n-th derivative in
the parameter, or a moment from which that derivative is made. Each member's derivatives are other members,
so the families differentiate to all orders. Values come from integrals and series, computed in double
precision for some thousand elements at a time.

Operands are real; where a value is not known well enough, it is NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from wengert.core.primitive import Primitive, Rule
from wengert.core.types import Aval, aval_of, dtype_of, shape_of
from wengert.errors import UnsupportedError, at_line
from wengert.ops.families import align, fit, general, spread

__all__ = ["family", "half_line", "unit_nodes"]

_CHUNK = 4096


def family(name: str, kernel: Rule, diffs: Sequence[Rule | None], tex: str) -> Primitive:
    """A record for a family of functions of each element.

    ``kernel(*operands, **members)`` takes vectors of float64 of one length. ``diffs[k](t, *operands, **members)``
    is the differential in operand k.
    """
    rules = tuple(diffs)

    def impl(*operands: Any, **members: int) -> Any:
        return _by_chunks(name, lambda *xs: kernel(*xs, **members), operands)

    def jvp(tangents: Sequence[Any], z: Any, operands: Sequence[Any], members: dict[str, Any]) -> Any:
        total = None
        for t, diff in zip(tangents, rules, strict=True):
            if t is not None and diff is not None:
                term = diff(t, *operands, **members)
                total = term if total is None else total + term
        return None if total is None else spread(total, shape_of(z))

    def vjp(g: Any, _z: Any, operands: Sequence[Any], wanted: Sequence[bool], members: dict[str, Any]) -> Any:
        return tuple(
            fit(diff(g, *operands, **members), x) if want and diff is not None else None
            for diff, x, want in zip(rules, operands, wanted, strict=True)
        )

    def batch(batched: Sequence[bool], operands: Sequence[Any], members: dict[str, Any]) -> Any:
        return record(*align(batched, operands), **members)

    def infer(*avals: Aval, **_members: int) -> Aval:
        shape = np.broadcast_shapes(*(a.shape for a in avals))
        return Aval(shape, _dtype(avals), "array" if shape else "scalar")

    def reads(_k: int, n: int) -> tuple[bool, ...]:
        return (True,) * n + (False,)

    record = general(name, impl, jvp=jvp, vjp=vjp, batch=batch, infer=infer, reads=reads, tex=tex, family="elementwise")
    return record


def _dtype(operands: Sequence[Any]) -> np.dtype[Any]:
    """float32 where NumPy's promotion gives no more than that, else float64."""
    avals = [aval_of(x) for x in operands]
    common = np.result_type(*(0.0 if a.kind == "python" else a.dtype for a in avals))
    return np.dtype(np.float32 if np.can_cast(common, np.float32) else np.float64)


def _by_chunks(name: str, kernel: Callable[..., Any], operands: Sequence[Any]) -> Any:
    """The kernel on vectors of bounded length, so that the nodes of its integral fit into memory."""
    for x in operands:
        if dtype_of(x).kind == "c":
            raise UnsupportedError(
                f"the derivative of a special function in its parameter ({name}) is known for real numbers only, "
                f"not for {dtype_of(x)}{at_line()}\n"
                "  write: np.real(x), if the imaginary part is zero"
            )
    arrays = np.broadcast_arrays(*[np.asarray(x, np.float64) for x in operands])
    vectors = [np.ravel(x) for x in arrays]
    out = np.empty(arrays[0].size)
    with np.errstate(all="ignore"):
        for rows in _chunks(out.size):
            out[rows] = kernel(*[x[rows] for x in vectors])
        return out.reshape(arrays[0].shape).astype(_dtype(operands), copy=False)[()]


def _chunks(size: int) -> Iterator[slice]:
    for start in range(0, size, _CHUNK):
        yield slice(start, start + _CHUNK)


# ---- quadrature


def half_line(n: int, low: float, high: float) -> tuple[Any, Any]:
    """Nodes and weights on (0, ∞) for integrands of scale 1 that decay exponentially.

    The trapezoidal rule after y = exp(τ − exp(−τ)), low ≤ τ ≤ high (Takahasi and Mori, Publ. RIMS Kyoto 9, 1974):
    the nodes lie ever more densely towards 0, so that an integrand may also vary on smaller scales.
    """
    tau = np.linspace(low, high, n)
    y = np.exp(tau - np.exp(-tau))
    return y, (tau[1] - tau[0]) * y * (1 + np.exp(-tau))


def unit_nodes(n: int) -> tuple[Any, Any]:
    """Gauss and Legendre's nodes and weights on (0, 1)."""
    y, w = np.polynomial.legendre.leggauss(n)
    return (y + 1) / 2, w / 2
