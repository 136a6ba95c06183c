"""What is refused of NumPy's numerical functions, and what NumPy itself rejects: by its own exceptions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided
from numpy.lib.stride_tricks import sliding_window_view as windows
from tests.frontend._harness import draw

from wengert import ConcretizationError, EscapeError, UnsupportedError, vjp, vmap

V, X = draw("V", 3), draw("X", 2, 3)

REFUSED: dict[str, tuple[Any, type[Exception], str]] = {
    "roots that are real or not": (lambda x: vmap(np.roots)(np.stack([x, x])), ConcretizationError, r"np\.roots\(p\.astype"),
    "as_strided": (lambda x: as_strided(x, (2, 2)), EscapeError, "would become a plain array"),
    "nditer": (lambda x: [float(v) for v in np.nditer(x)], TypeError, "Iterator operand"),
    "broadcast": (lambda x: np.broadcast(x, x), EscapeError, "would become a plain array"),
    "frompyfunc": (lambda x: np.frompyfunc(lambda v: v * v, 1, 1)(x), UnsupportedError, "no derivative rule"),
    "windows that can be written to": (lambda x: windows(x, 2, writeable=True), UnsupportedError, "or to a copy"),
    "windows written to": (lambda x: windows(x, 2).__setitem__(0, 1.0), ValueError, "read-only"),
    "inserting into integers": (lambda x: np.insert(np.arange(3), 1, x[0]), EscapeError, "would truncate"),
    "pieces of integers": (lambda x: np.piecewise(np.arange(3), [[True, False, True]], [lambda _: x[0], 0]), EscapeError, "would truncate"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    f, error, message = REFUSED[name]
    with pytest.raises(error, match=message):
        vjp(lambda x: (f(x), np.sum(x))[1], V)


REJECTED: dict[str, Any] = {
    "interp, lengths": lambda x: np.interp(x, [1, 2, 3], [1.0, 2.0]),
    "interp, no knots": lambda x: np.interp(x, [], []),
    "interp, period": lambda x: np.interp(x, [1, 2], [1.0, 2.0], period=0),
    "gradient, too short": lambda x: np.gradient(x, axis=0, edge_order=2),
    "gradient, spacings": lambda x: np.gradient(x, 1.0, 2.0, 3.0),
    "gradient, coordinates": lambda x: np.gradient(x, [1.0, 2.0, 3.0], axis=0),
    "gradient, axis": lambda x: np.gradient(x, axis=2),
    "trapezoid, axis": lambda x: np.trapezoid(x, axis=2) if hasattr(np, "trapezoid") else np.diff(x, axis=2),
    "convolve, mode": lambda x: np.convolve(x[0], x[1], "fool"),
    "convolve, axes": lambda x: np.convolve(x, x),
    "convolve, empty": lambda x: np.convolve(x[0], []),
    "correlate, a number": lambda x: np.correlate(x[0, 0], [1.0]),
    "polyfit, degree": lambda x: np.polyfit(x[0], x[1], -1),
    "polyfit, lengths": lambda x: np.polyfit(x[0], x[0, :2], 1),
    "polyfit, weights": lambda x: np.polyfit(x[0], x[1], 1, w=x),
    "polyder, order": lambda x: np.polyder(x[0], -1),
    "polyint, constants": lambda x: np.polyint(x[0], 3, k=[1.0, 2.0]),
    "roots, axes": lambda x: np.roots(x),
    "poly, axes": lambda x: np.poly(x),
    "vander, axes": lambda x: np.vander(x),
    "i0, complex": lambda x: np.i0(x * 1j),
    "linspace, number": lambda x: np.linspace(x, x, -1),
    "linspace, not a number of points": lambda x: np.linspace(x, x, 2.5),  # type: ignore[arg-type]
    "geomspace, zero": lambda x: np.geomspace(0.0, x[0, 0]),
    "meshgrid, indexing": lambda x: np.meshgrid(x[0], x[1], indexing="yx"),
    "ix_, axes": lambda x: np.ix_(x, [1]),
    "windows, too large": lambda x: windows(x, (3, 3)),
    "windows, axes": lambda x: windows(x, 2),
    "pad, mode": lambda x: np.pad(x, 1, "mirror"),
    "pad, widths": lambda x: np.pad(x, ((1, 2), (3, 4), (5, 6))),
    "pad, negative": lambda x: np.pad(x, -1),
    "pad, options": lambda x: np.pad(x, 1, "edge", constant_values=1),
    "pad, fractions": lambda x: np.pad(x, 1.5),
    "pad, nothing to extend": lambda x: np.pad(x[:0], 1, "edge"),
    "insert, index": lambda x: np.insert(x, 9, 1.0),
    "insert, shape": lambda x: np.insert(x, 1, [1.0, 2.0], axis=0),
    "delete, index": lambda x: np.delete(x, 9, axis=0),
    "trim_zeros, ends": lambda x: np.trim_zeros(x[0], "fbx"),
    "piecewise, functions": lambda x: np.piecewise(x, [x > 1], [np.sin, np.cos, np.tan]),
    "apply_along_axis, nothing": lambda x: np.apply_along_axis(np.sum, 0, x[:, :0]),
    "apply_along_axis, axis": lambda x: np.apply_along_axis(np.sum, 2, x),
    "apply_over_axes, shape": lambda x: np.apply_over_axes(lambda a, k: a[0, 0], x, 0),
    "select, lengths": lambda x: np.select([x > 1], [x, x]),
    "select, conditions": lambda x: np.select([x], [x]),
    "select, nothing": lambda x: np.select([], [], x),
    "concatenate, shapes": lambda x: np.concatenate([x, x.T]),
    "concatenate, casting": lambda x: np.concatenate([x, x], dtype=int, casting="safe"),
    "concatenate, out": lambda x: np.concatenate([x, x], out=np.zeros((2, 3))),
    "stack, shapes": lambda x: np.stack([x, x.T]),
    "block, depths": lambda x: np.block([[x], x]),
    "block, tuples": lambda x: np.block([(x, x)]),
    "block, empty": lambda x: np.block([[x], []]),
    "einsum, terms": lambda x: np.einsum("ij,jk", x),
    "einsum, axes": lambda x: np.einsum("ijk", x),
    "einsum, sizes": lambda x: np.einsum("ij,jk", x, x),
    "einsum, output": lambda x: np.einsum("ij->ijj", x),
    "einsum, unknown output": lambda x: np.einsum("ij->k", x),
    "einsum, keyword": lambda x: np.einsum("ij->i", x, axis=0),
    "einsum, casting": lambda x: np.einsum("ij->i", x, dtype=int, casting="safe"),
    "tensordot, shapes": lambda x: np.tensordot(x, x, 1),
    "cross, lengths": lambda x: np.cross(x.T[:, :1], x.T[:, :1]),
    "kron, axes of a split": lambda x: np.split(x, 2, axis=1),
    "can_cast, of a number": lambda x: np.can_cast(3, float),
    "chkfinite": lambda x: np.asarray_chkfinite(x / np.array([0.0, 1.0, 1.0])),
    "arange, no end": lambda x: np.arange(x[0, 0], x[0, 1], 0.0),
}


@pytest.mark.parametrize("name", REJECTED)
def test_what_numpy_rejects_is_rejected_as_numpy_does(name: str) -> None:
    f = REJECTED[name]
    with np.errstate(all="ignore"):
        with pytest.raises(Exception) as numpys:
            f(X)
        with pytest.raises(Exception) as ours:
            vjp(f, X)
    builtin = next(t for t in numpys.type.__mro__ if t.__module__ == "builtins")
    assert isinstance(ours.value, builtin), f"{ours.type.__name__}: {ours.value}; NumPy: {numpys.type.__name__}"
