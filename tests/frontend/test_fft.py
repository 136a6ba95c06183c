"""Fourier transforms: NumPy's own bits, few records, high orders, and errors that teach."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from wengert import grad, jvp, make_program, vjp, vmap

X = np.random.default_rng(0).normal(size=(4, 6))
Z = X + 1j * X[::-1] ** 2
ONE_AXIS: tuple[Any, ...] = (np.fft.fft, np.fft.ifft, np.fft.rfft, np.fft.irfft, np.fft.hfft, np.fft.ihfft)
SEVERAL: tuple[Any, ...] = (
    np.fft.fft2, np.fft.ifft2, np.fft.rfft2, np.fft.irfft2, np.fft.fftn, np.fft.ifftn, np.fft.rfftn, np.fft.irfftn,
)  # fmt: skip
OF_REAL = (np.fft.rfft, np.fft.ihfft, np.fft.rfft2, np.fft.rfftn)


def inputs(f: Any) -> list[Any]:
    return [X, X.astype(np.float32)] + ([] if f in OF_REAL else [Z, Z.astype(np.complex64)])


def identical(f: Any, x: Any, **options: Any) -> None:
    want = f(x, **options)
    got = vjp(lambda x: f(x, **options), x)[0]
    assert got.dtype == want.dtype and np.array_equal(got, want), (f.__name__, options)


@pytest.mark.parametrize("f", ONE_AXIS, ids=lambda f: f.__name__)
def test_values_are_numpys_bits(f: Any) -> None:
    norms = (None, "backward", "ortho", "forward")
    for x, n, axis, norm in itertools.product(inputs(f), (None, 1, 3, 6, 9), (0, -1), norms):
        identical(f, x, n=n, axis=axis, norm=norm)


@pytest.mark.parametrize("f", SEVERAL, ids=lambda f: f.__name__)
def test_values_of_several_axes_are_numpys_bits(f: Any) -> None:
    for x, norm in itertools.product(inputs(f), (None, "ortho", "forward")):
        for s, axes in (
            (None, (0, 1)), (None, (1, 0)), ((3, 7), (0, 1)), ((8, -1), (1, 0)), ((5,), (0,)), ((5, 4), (0, 0)),
            ((2, 9, 4), (1, 0, 1)), (None, (-1,)),
        ):  # fmt: skip
            identical(f, x, s=s, axes=axes, norm=norm)


def test_a_transform_is_one_record() -> None:
    for f in (np.fft.fft, np.fft.fft2, lambda x: np.fft.fftn(x, s=(3, 9), axes=(0, 1)), np.fft.rfft):
        assert len(make_program(f)(X).equations) == 1
    # and so is its transpose, where nothing is cropped or filled up
    back = make_program(lambda g: vjp(np.fft.fft2, Z)[1](g)[0])(Z)
    assert [e.primitive.name for e in back.equations] == ["fft"]


def test_gradient_in_closed_form() -> None:
    # Parseval: Σ|X_k|² = n Σ x_j²
    np.testing.assert_allclose(grad(lambda x: np.sum(np.abs(np.fft.fft(x)) ** 2))(X), 12 * X, rtol=1e-13)
    ortho = lambda x: np.sum(np.abs(np.fft.fft2(x, norm="ortho")) ** 2)
    np.testing.assert_allclose(grad(ortho)(X), 2 * X, rtol=1e-13)
    # with complex numbers: ∂u/∂x − i ∂u/∂y of Σ|z|² is 2 conj(z)
    np.testing.assert_allclose(grad(ortho)(Z), 2 * np.conj(Z), rtol=1e-13)


def test_what_is_imaginary_at_the_ends_has_no_effect() -> None:
    y = np.array([1 + 2j, 3 - 1j, 0.5 + 4j, 2 + 1j])
    for n in (6, 7):
        d = grad(lambda y, n=n: np.sum(np.fft.irfft(y, n) * np.arange(1.0, n + 1)))(y)
        assert d[0].imag == 0
        assert (d[3].imag == 0) == (n == 6)


def test_third_order() -> None:
    def f(x: Any) -> Any:
        return np.sum(np.abs(np.fft.rfft(x)) ** 4)

    def along(g: Any) -> Any:
        return lambda x: jvp(g, (x,), (X[1],))[1]

    x, h = X[0], 1e-3
    third = along(along(along(f)))(x)
    second = along(along(f))
    # a quartic: the central difference of its second derivative is exact but for rounding
    assert third == pytest.approx((second(x + h * X[1]) - second(x - h * X[1])) / (2 * h), rel=1e-8)
    g = grad(lambda x: np.sum(grad(lambda x: np.sum(grad(f)(x) * X[1]))(x) * X[1]))(x)
    assert np.sum(g * X[1]) == pytest.approx(third, rel=1e-12)


def test_float32_stays_single() -> None:
    x = X.astype(np.float32)
    for f in (np.fft.fft, np.fft.rfft, np.fft.irfft, lambda x: np.fft.irfft(np.fft.rfft(x, 9) * 1j)):
        y, t = jvp(f, (x,), (x,))
        assert y.dtype == t.dtype == f(x).dtype
        assert vjp(f, x)[1](y)[0].dtype == np.float32


def test_batched_over_any_axis() -> None:
    for axis in (0, 1):
        got = vmap(lambda x: np.fft.irfft(np.fft.fft(x, 5), 7), in_axes=axis)(X)
        rows = np.moveaxis(X, axis, 0)
        np.testing.assert_array_equal(got, np.fft.irfft(np.fft.fft(rows, 5), 7))


# what, and NumPy's error for it
MISTAKES: dict[str, tuple[Any, type[Exception]]] = {
    "no points": (lambda x: np.fft.fft(x, 0), ValueError),
    "fewer than none": (lambda x: np.fft.rfft(x, -3), ValueError),
    "none to begin with": (lambda x: np.fft.fft(x[:, :0]), ValueError),
    "one frequency": (lambda x: np.fft.irfft(x[:, :1]), ValueError),
    "n is no integer": (lambda x: np.fft.fft(x, 2.5), TypeError),
    "unknown norm": (lambda x: np.fft.fft(x, norm="unitary"), ValueError),
    "unknown norm of hfft": (lambda x: np.fft.hfft(x, norm="unitary"), ValueError),
    "axis": (lambda x: np.fft.fft(x, axis=2), IndexError),
    "axis of n": (lambda x: np.fft.fft(x, 3, axis=2), np.exceptions.AxisError),
    "axes": (lambda x: np.fft.fftn(x, axes=(0, 5)), IndexError),
    "lengths and axes": (lambda x: np.fft.fftn(x, s=(3, 3), axes=(0,)), ValueError),
    "real transform of complex": (lambda x: np.fft.rfft(x * 1j), TypeError),
    "no axes of a real transform": (lambda x: np.fft.rfftn(x, axes=()), IndexError),
    "out of another shape": (lambda x: np.fft.fft(x, out=np.zeros((4, 5), complex)), ValueError),
    "out of another kind": (lambda x: np.fft.fft(x, out=np.zeros((4, 6))), TypeError),
    "no axis at all": (lambda x: np.fft.fft(x[0, 0]), IndexError),
}  # fmt: skip


@pytest.mark.parametrize("what", MISTAKES)
def test_what_numpy_rejects_is_rejected(what: str) -> None:
    call, error = MISTAKES[what]
    with pytest.raises(error):
        call(X)
    with pytest.raises(error):
        vjp(call, X)


def test_deprecated_spellings_warn_as_numpys_do() -> None:
    for f in (lambda x: np.fft.fftn(x, s=(3, 3)), lambda x: np.fft.irfftn(x, s=(3, None), axes=(0, 1))):
        with pytest.warns(DeprecationWarning, match="NumPy 2.0"):
            want = f(X)
        with pytest.warns(DeprecationWarning, match="NumPy 2.0"):
            got = vjp(f, X)[0]
        np.testing.assert_array_equal(got, want)


def test_frequencies_follow_the_spacing() -> None:
    d = grad(lambda d: np.sum(np.fft.fftfreq(5, d) ** 2))(0.5)
    assert d == pytest.approx(-2 / 0.5 * np.sum(np.fft.fftfreq(5, 0.5) ** 2), rel=1e-14)
