"""Which arrays share memory, and which do not: each way to make one from another, as NumPy has it.

A write to either shows in both or in one, by NumPy's rules; a transform that sees it otherwise computes
the wrong value without a word. Where NumPy refuses a write, or a transform says that it cannot, is no fault.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from wengert import grad, jvp, make_program, vjp, vmap
from wengert.errors import WengertError

BASE = np.array([[1.5, -0.5, 0.25], [2.0, 0.75, -1.25]])
WEIGHTS = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])

MAKERS: list[tuple[str, Callable[[Any], Any]]] = [
    ("row", lambda x: x[0]), ("rows", lambda x: x[1:]), ("column", lambda x: x[..., 0]), ("reversed", lambda x: x[:, ::-1]),
    ("transpose", lambda x: x.T), ("row of transpose", lambda x: x.T[0]), ("reshape", lambda x: x.reshape(-1)),
    ("reshape of transpose", lambda x: x.T.reshape(-1)), ("ravel", np.ravel), ("flatten", lambda x: x.flatten()),
    ("ravel of transpose", lambda x: x.T.ravel()), ("ravel in F order", lambda x: np.ravel(x, "F")),
    ("ravel of a column", lambda x: x[:, 0].ravel()), ("reshape of a column", lambda x: x[:, 0].reshape(-1)),
    ("ravel of reversed", lambda x: x[:, ::-1].ravel()), ("ravel of a row", lambda x: x[:1, :2].ravel()),
    ("reshape with copy", lambda x: x.reshape(6, copy=True)), ("diagonal", np.diagonal), ("diag", np.diag),
    ("method diagonal", lambda x: x.diagonal()), ("broadcast_to", lambda x: np.broadcast_to(x, (2, 2, 3))),
    ("broadcast_arrays", lambda x: np.broadcast_arrays(x, np.ones((2, 1, 1)))[0]), ("atleast_3d", np.atleast_3d),
    ("expand_dims", lambda x: np.expand_dims(x, 0)), ("squeeze", lambda x: np.squeeze(x[None])),
    ("moveaxis", lambda x: np.moveaxis(x, 0, 1)), ("flip", np.flip), ("rot90", np.rot90), ("split", lambda x: np.split(x, [1])[0]),
    ("asarray", lambda x: np.asarray(x)), ("array", lambda x: np.array(x)), ("array without copy", lambda x: np.array(x, copy=None)),
    ("asarray in C order", lambda x: np.asarray(x, order="C")), ("ascontiguousarray", lambda x: np.ascontiguousarray(x)),
    ("asfortranarray", lambda x: np.asfortranarray(x)), ("array with ndmin", lambda x: np.array(x, ndmin=3, copy=None)),
    ("copy", lambda x: x.copy()), ("astype", lambda x: x.astype(float)), ("astype without copy", lambda x: x.astype(float, copy=False)),
    ("conj of a real", lambda x: x.conj()), ("real", np.real), ("positive", lambda x: +x), ("take", lambda x: np.take(x, 0, axis=0)),
    ("fancy", lambda x: x[[0, 1]]), ("mask", lambda x: x[x > 0]), ("basic number", lambda x: x[np.int64(1)]),
    ("where", lambda x: np.where(True, x, x)), ("einsum", lambda x: np.einsum("ij->ji", x)), ("rows of a list", lambda x: list(x)[1]),
    ("reshape of sin of transpose", lambda x: np.sin(x.T).reshape(-1)), ("stack", lambda x: np.stack([x])[0]),
]  # fmt: skip
# Faults that are known, by name and side of the write; an entry goes with its fault.
# NumPy warns where this is written to; here it is refused
REFUSED = ("broadcast_arrays",)


def write_base(make: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def f(x: Any) -> Any:
        z = x + 0.0
        made = make(z)
        z[...] = z * 2.0
        return np.sum(np.sum(made**2) * np.sum(z * WEIGHTS))

    return f


def write_result(make: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def f(x: Any) -> Any:
        z = x + 0.0
        made = make(z)
        made[...] = made * 3.0
        return np.sum(np.sum(made**2) * np.sum(z * WEIGHTS))

    return f


def central(f: Callable[[Any], Any]) -> Any:
    out = np.zeros(BASE.shape)
    for at in np.ndindex(out.shape):
        e = np.zeros(out.shape)
        e[at] = 1e-6
        out[at] = (f(BASE + e) - f(BASE - e)) / 2e-6
    return out


TRANSFORMS: dict[str, Callable[[Any], Any]] = {
    "vjp": lambda f: vjp(f, BASE)[0],
    "jvp": lambda f: jvp(f, (BASE,), (BASE,))[0],
    "program": lambda f: make_program(f)(BASE)(BASE),
    "vmap": lambda f: vmap(f)(np.stack([BASE, BASE]))[1],
    "vjp of vjp": lambda f: vjp(lambda x: vjp(f, x)[0], BASE)[0],
}


def cases() -> Any:
    """Each maker with each side of the write."""
    known = {(n, write_result) for n in REFUSED}
    for name, make in MAKERS:
        for writes in (write_base, write_result):
            marks = [pytest.mark.xfail(reason="refused here")] if (name, writes) in known else []
            yield pytest.param(make, writes, id=f"{name}-{writes.__name__}", marks=marks)


@pytest.mark.parametrize(("make", "writes"), list(cases()))
def test_memory_is_shared_as_in_numpy(make: Any, writes: Any) -> None:
    f = writes(make)
    try:
        wanted = f(BASE.copy())
    except ValueError:
        pytest.skip("NumPy gives an array that cannot be written to")
    for transform in TRANSFORMS.values():
        try:
            value = transform(f)
        except WengertError:
            continue
        np.testing.assert_allclose(value, wanted, rtol=1e-12)
    np.testing.assert_allclose(grad(f)(BASE), central(f), rtol=1e-5, atol=1e-5)


# ---- arrays in column order: where the root lies otherwise than what is carried beside it


def cleared(x: Any) -> Any:
    z = x.T * 1.0
    z.T.reshape(-1)[:2] = 0.0
    return np.sum(z * WEIGHTS.T)


def scaled(x: Any) -> Any:
    z = x.T * 1.0
    flat = z.T.reshape(-1)
    flat *= 2.0
    return np.sum(z**2 * WEIGHTS.T)


def staged(x: Any) -> Any:
    z = x * 1.0
    z.reshape(-1)[0] = 0.0
    return np.sum(z.T**2 * WEIGHTS.T)


@pytest.mark.parametrize("f", [cleared, scaled, staged])
def test_layout_of_cotangents_and_tangents(f: Any) -> None:
    wanted = central(f)
    t = np.asfortranarray(np.ones(BASE.shape))
    np.testing.assert_allclose(grad(f)(BASE), wanted, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(jvp(f, (BASE,), (t,))[1], np.sum(wanted), rtol=1e-5)
    np.testing.assert_allclose(make_program(grad(f))(BASE)(BASE), wanted, rtol=1e-5, atol=1e-6)
    second = [jvp(grad(f), (BASE,), (s,))[1] for s in (t, np.ones(BASE.shape))]
    np.testing.assert_allclose(*second)
