"""wengert.scipy.fft: SciPy's own on plain arrays, and its values and derivatives on traced ones."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import scipy.fft as theirs

from wengert import UnsupportedError, check_grads, grad, jvp, make_program, vjp, vmap
from wengert.scipy import fft as ours

X = np.random.default_rng(3).normal(size=(4, 5))
Z = X + 1j * X[::-1] ** 2
ONE_AXIS = ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
SEVERAL = tuple(f"{name}{n}" for name in ONE_AXIS for n in ("2", "n"))
COSINES = ("dct", "idct", "dst", "idst")
OF_REAL = ("rfft", "ihfft", "rfft2", "rfftn", "ihfft2", "ihfftn")


def agree(name: str, x: Any, *args: Any, **options: Any) -> None:
    """Value, kind and derivative: the derivative along x of a linear function is its value there."""
    want = getattr(theirs, name)(x, *args, **options)
    f = lambda x: getattr(ours, name)(x, *args, **options)
    y, t = jvp(f, (x,), (x,))
    # NumPy's transforms and SciPy's add in another order
    near = {
        "rtol": 0,
        "atol": (1e-6 if x.dtype.itemsize // (2 if x.dtype.kind == "c" else 1) == 4 else 1e-14)
        * 64
        * max(1, np.abs(want).max()),
    }
    for got in (y, t, f(x)):
        assert got.dtype == want.dtype, (name, got.dtype)
        np.testing.assert_allclose(got, want, **near)
    w = np.cos(np.arange(want.size)).reshape(want.shape).astype(want.dtype) * (1 + 0.5j if np.iscomplexobj(want) else 1)
    d = vjp(f, x)[1](w)[0]
    assert np.sum(d * x).real == pytest.approx(
        np.sum(w * want).real, rel=1e-5 if x.dtype.itemsize < 8 or x.dtype == np.complex64 else 1e-12
    )


def inputs(name: str) -> list[Any]:
    return [X, X.astype(np.float32)] + ([] if name in OF_REAL else [Z, Z.astype(np.complex64)])


@pytest.mark.parametrize("name", ONE_AXIS)
def test_one_axis(name: str) -> None:
    for x, n, axis, norm in itertools.product(inputs(name), (None, 3, 8), (0, -1), (None, "ortho", "forward")):
        agree(name, x, n, axis, norm)


@pytest.mark.parametrize("name", SEVERAL)
def test_several_axes(name: str) -> None:
    for x in inputs(name):
        agree(name, x)
        agree(name, x, (3, 6), (1, 0), "ortho")
        agree(name, x, s=(7,), axes=(0,), norm="forward")
        if name.endswith("n"):
            agree(name, x, (3,))


@pytest.mark.parametrize("name", COSINES)
def test_cosines_and_sines(name: str) -> None:
    options = itertools.product((1, 2, 3, 4), (None, "ortho", "forward"), (None, True, False))
    for kind, norm, orthogonal in options:
        for x in inputs(name):
            agree(name, x, kind, norm=norm, orthogonalize=orthogonal)
        agree(name, X, kind, 3, 0, norm, orthogonalize=orthogonal)
        agree(name, X, kind, 9, norm=norm, orthogonalize=orthogonal)
        agree(f"{name}n", X, kind, norm=norm, orthogonalize=orthogonal)
        agree(f"{name}n", X, kind, (3, 6), (1, 0), norm, orthogonalize=orthogonal)


def test_orders_batches_and_programs() -> None:
    f = lambda x: np.sum(ours.dct(np.sin(x), norm="ortho")[1:] ** 3) + np.sum(ours.idstn(x * x, 3) ** 2)
    check_grads(f, (X,))
    g = grad(f)
    np.testing.assert_allclose(vmap(g)(np.stack([X, 2 * X]))[1], g(2 * X), rtol=1e-12)
    np.testing.assert_allclose(make_program(g)(X)(X), g(X), rtol=1e-12)
    # an orthogonal matrix: its transpose is its inverse
    np.testing.assert_allclose(
        vjp(lambda x: ours.dctn(x, norm="ortho"), X)[1](X)[0], ours.idctn(X, norm="ortho"), atol=1e-14
    )


def test_frequencies_and_shifts() -> None:
    assert grad(lambda d: np.sum(ours.fftfreq(5, d) ** 2))(0.5) < 0
    np.testing.assert_array_equal(vjp(ours.fftshift, X)[0], theirs.fftshift(X))
    np.testing.assert_array_equal(vjp(lambda x: ours.ifftshift(x, 1), X)[0], theirs.ifftshift(X, 1))
    assert ours.next_fast_len(97) == theirs.next_fast_len(97)
    assert set(dir(ours)) == set(theirs.__all__)
    with ours.set_workers(1):
        pass


def test_misuse() -> None:
    wrong: list[tuple[str, tuple[Any, ...], dict[str, Any], type[Exception]]] = [
        ("dct", (5,), {}, ValueError), ("dct", (2, 0), {}, ValueError), ("dct", (2,), {"norm": "unitary"}, ValueError),
        ("dct", (2,), {"axis": 2}, IndexError), ("dctn", (2, (3,), (0, 1)), {}, ValueError), ("dst", (2, -3), {}, ValueError),
        ("fftn", (None, (0, 0)), {}, ValueError), ("fft", (0,), {}, ValueError), ("fft", (), {"norm": "x"}, ValueError),
        ("fftn", ((3,), (0, 1)), {}, ValueError), ("fft", (), {"plan": 1}, NotImplementedError), ("rfft", (), {}, TypeError),
    ]  # fmt: skip
    for name, args, options, error in wrong:
        x = Z if error is TypeError else X
        with pytest.raises(error):
            getattr(theirs, name)(x, *args, **options)
        with pytest.raises(error):
            vjp(lambda x, name=name, args=args, options=options: getattr(ours, name)(x, *args, **options), x)
    with pytest.raises(ValueError, match="number of data points"):
        vjp(lambda x: ours.dct(x[:, :1], 1), X)
    with pytest.raises(UnsupportedError, match=r"(?s)scipy\.fft\.fht has no derivative rule.*test_fft\.py"):
        grad(lambda x: np.sum(ours.fht(x, 0.1, 0.5)))(X[0])
