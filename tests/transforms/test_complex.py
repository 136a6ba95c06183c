"""Derivatives in complex numbers: ∂u/∂x − i ∂u/∂y of real functions, f′(z) of holomorphic ones, and nothing else."""

from __future__ import annotations

import doctest
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wengert import (
    DerivativeError,
    ShapeError,
    check_grads,
    elementwise_grad,
    grad,
    hessian,
    hvp,
    jacfwd,
    jacobian,
    jacrev,
    jvp,
    linearize,
    make_program,
    stop_gradient,
    value_and_grad,
    vjp,
    vmap,
)

Z = np.array([0.3 + 0.4j, -1.1 + 0.7j, 0.8 - 1.3j])
A = np.array([[2 + 1j, 0.3 - 0.2j, 0.1j], [0.5, 3 - 1j, 0.2 + 0.2j], [-0.4j, 0.7, 2 + 2j]])
H = A + A.conj().T + 6 * np.eye(3)
V = np.array([1 - 0.5j, 0.2 + 1j, -0.7 + 0.1j])


def along(f: Callable[..., Any], z: Any, v: Any, h: float = 2e-4) -> Any:
    """The derivative of f at z along v by central differences, improved once by Richardson."""
    wide, narrow = (f(z + 2 * h * v) - f(z - 2 * h * v)) / (4 * h), (f(z + h * v) - f(z - h * v)) / (2 * h)
    return (4 * narrow - wide) / 3


def numeric(u: Callable[..., Any], z: Any) -> Any:
    """∂u/∂x − i ∂u/∂y of each element."""
    z = np.asarray(z)
    g = np.zeros(z.shape, complex)
    for at in np.ndindex(z.shape):
        e = np.zeros(z.shape, complex)
        e[at] = 1
        g[at] = along(u, z, e) - 1j * along(u, z, 1j * e)
    return g


# ---- the convention


def test_gradients_in_closed_form() -> None:
    z = 1 + 2j
    cases: list[tuple[Any, complex]] = [
        (lambda z: (z**2).real, 2 * z), (lambda z: (z**2).imag, -2j * z), (lambda z: z.real, 1), (lambda z: z.imag, -1j),
        (lambda z: abs(z) ** 2, 2 * z.conjugate()), (np.abs, z.conjugate() / abs(z)), (np.angle, -1j / z),
        (lambda z: np.log(abs(z)), 1 / z), (lambda z: np.exp(z).real, np.exp(z)),
        (lambda z: (z * np.conj(z)).real, 2 * z.conjugate()),
    ]  # fmt: skip
    for u, want in cases:
        got = grad(u)(z)
        assert type(got) is complex
        assert got == pytest.approx(want, rel=1e-15)
        array = elementwise_grad(u)(np.array([z, 3j]))
        assert array.dtype == complex and array[0] == pytest.approx(want, rel=1e-15)


def test_its_conjugate_is_the_direction_of_steepest_ascent() -> None:
    u = lambda z: np.abs(z - (3 - 1j)) ** 2
    z = 0j
    for _ in range(60):
        z = z - 0.2 * np.conj(grad(u)(z))
    assert z == pytest.approx(3 - 1j, rel=1e-12)


def written(z: Any) -> Any:
    y = np.zeros((2, 3), complex)
    y[0] = z
    y[1].real = z.imag
    y.imag[1, 1:] = z[1:].real * 2
    view = y[:, ::-1].imag
    view[0, 0] *= 3
    y[0, 0] += 1j * y[1, 2]
    return y @ np.arange(1.0, 4.0)


# real numbers of a complex vector
FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "moduli": lambda z: np.sum(np.abs(z) ** 3),
    "angles": lambda z: np.sum(np.angle(z) * np.angle(z * 1j, deg=True)),
    "exponentials": lambda z: np.sum(np.exp(z) * np.log(z) + np.sqrt(z) * z**1.5).imag,
    "powers": lambda z: np.real(np.sum(z**z + 2.0**z + (-2.0) ** z + z**-2 + np.abs(z) ** z)),
    "arcs": lambda z: np.real(np.sum(np.arcsin(z) * np.arccos(z) + np.arctan(z) * np.arcsinh(z) + np.arccosh(z))),
    "a Hermitian form": lambda z: np.vdot(z, H @ z).real,
    "einsum": lambda z: np.abs(np.einsum("i,ij,j->", z, A, z.conj())),
    "solve": lambda z: np.linalg.norm(np.linalg.solve(A + np.outer(z, z), z)),
    "inverse": lambda z: np.abs(np.linalg.inv(A + np.diag(z))).sum(),
    "determinant": lambda z: np.abs(np.linalg.det(A + np.outer(z, z.conj()))) + np.linalg.slogdet(A * z)[1],
    "eigvalsh": lambda z: np.sum(np.linalg.eigvalsh(H + np.outer(z, z.conj())) ** 2 * np.arange(3)),
    "cholesky": lambda z: np.abs(np.linalg.cholesky(H + np.outer(z, z.conj()))).sum(),
    "singular values": lambda z: np.sum(np.linalg.svd(A * z, compute_uv=False) * np.arange(3)),
    "norms": lambda z: np.linalg.norm(z) + np.linalg.norm(np.outer(z, z) + A, "nuc"),
    "fft": lambda z: np.sum(np.abs(np.fft.fft(z, 5)) ** 2 * np.arange(5)) + np.fft.irfft(z)[1],
    "written": lambda z: np.abs(written(z)).sum(),
    "sorted and chosen": lambda z: np.sum(np.where(z.real > 0, z**2, z * 1j)[np.argsort(z.imag)] * np.arange(3)).real,
    "reductions": lambda z: np.abs(np.prod(z) + np.mean(z) ** 2 + np.cumprod(z)[1]) + np.var(z) + np.std(z),
    "maximum": lambda z: np.sum(np.maximum(z, z[::-1] * 0.9) * np.fmin(z, 0.3j)).real,
    "parts": lambda z: np.sum(z.real * np.imag(z) ** 2) + np.sum(np.sign(z)).real,
    "joined with reals": lambda z: np.abs(np.concatenate([z.real, z, [1.0]]) * np.arange(7)).sum(),
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_real_functions_of_complex_vectors(name: str) -> None:
    u = FUNCTIONS[name]
    want = numeric(u, Z)
    scale = np.max(np.abs(want))
    near = {"rtol": 0, "atol": 1e-8 * scale}
    value, g = value_and_grad(u)(Z)
    assert value == pytest.approx(u(Z), rel=1e-13)
    assert g.dtype == complex
    np.testing.assert_allclose(g, want, **near)
    pushed = jvp(u, (Z,), (V,))[1]
    assert pushed == pytest.approx(np.sum(want * V).real, abs=1e-8 * scale)
    for d in (jacfwd(u)(Z), jacrev(u)(Z), vjp(u, Z)[1](1.0)[0], make_program(grad(u))(Z)(Z), vmap(grad(u))(Z[None])[0]):
        np.testing.assert_allclose(d, g, rtol=0, atol=1e-12 * scale)
    assert linearize(u, Z)[1](V) == pytest.approx(pushed, rel=1e-12)
    second = along(lambda z: grad(u)(z), Z, V)
    np.testing.assert_allclose(hvp(u, Z, V), second, rtol=0, atol=1e-7 * np.max(np.abs(second)))
    twice = grad(lambda z: np.sum(grad(u)(z) * V).real)(Z)  # the real Hessian is symmetric
    np.testing.assert_allclose(twice, second, rtol=0, atol=1e-7 * np.max(np.abs(second)))
    check_grads(u, (Z,))


def test_single_precision_stays_single() -> None:
    z = Z.astype(np.complex64)
    u = lambda z: np.sum(np.abs(np.exp(z) * 2j + 1.5) ** 2)
    assert grad(u)(z).dtype == np.complex64
    assert type(grad(lambda z: abs(z) ** 2)(np.complex64(1 + 1j))) is np.complex64
    assert hvp(u, z, z).dtype == np.complex64
    y, t = jvp(np.exp, (z,), (z,))
    assert y.dtype == t.dtype == np.complex64
    assert grad(lambda z: np.sum(z) ** 2, holomorphic=True)(z).dtype == np.complex64


def test_trees_of_real_and_complex_arguments() -> None:
    u = lambda p: np.sum(np.abs(p["z"] * p["x"]) ** 2)
    x = np.array([1.0, 2.0, 3.0])
    g = grad(u)({"z": Z, "x": x})
    assert g["x"].dtype == float and g["z"].dtype == complex
    np.testing.assert_allclose(g["x"], 2 * x * np.abs(Z) ** 2, rtol=1e-14)
    np.testing.assert_allclose(g["z"], 2 * x**2 * Z.conj(), rtol=1e-14)
    both = grad(lambda z, x: np.sum(np.abs(z * x) ** 2), argnums=(0, 1))(Z, x)
    np.testing.assert_array_equal(both[0], g["z"])
    np.testing.assert_array_equal(both[1], g["x"])


def test_arguments_do_not_change() -> None:
    z = Z.copy()

    def u(z: Any) -> Any:
        z.real[0] = 5.0
        z.imag *= 2
        return np.sum(np.abs(z) ** 2)

    g = grad(u)(z)
    np.testing.assert_array_equal(z, Z)
    np.testing.assert_allclose(g, [-8j * Z[0].imag, *(2 * Z[1:].real - 8j * Z[1:].imag)], rtol=1e-14)


def test_zero_derivatives_are_of_the_arguments_kind() -> None:
    assert type(grad(lambda z: 1.0)(1j)) is complex
    assert grad(lambda z: 1.0)(Z).dtype == complex
    t = jvp(lambda z: 2j, (1j,), (1j,))[1]
    assert t == 0 and np.iscomplexobj(t)


def test_tangents_and_cotangents_of_another_kind() -> None:
    # a real direction of a complex number is one; a real number has no complex direction
    np.testing.assert_array_equal(jvp(lambda z: z * z, (Z,), (np.ones(3),))[1], 2 * Z)
    np.testing.assert_array_equal(jvp(written, (Z,), (np.ones(3),))[1], jvp(written, (Z,), (np.ones(3, complex),))[1])
    with pytest.raises(DerivativeError, match=r"(?s)tangent 0 is complex, its value real.*test_complex\.py.*write: "):
        jvp(np.sin, (1.0,), (1j,))
    with pytest.raises(DerivativeError, match="a cotangent is complex, its value real"):
        vjp(np.sin, 1.0)[1](1j)
    with pytest.raises(ShapeError):
        jvp(np.sin, (Z,), (1j,))


# ---- holomorphic functions

HOLOMORPHIC: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "square": (lambda z: z**2, lambda z: 2 * z), "exp": (np.exp, np.exp), "log": (np.log, lambda z: 1 / z),
    "quotient": (lambda z: (z + 1j) / (z - 2), lambda z: -(2 + 1j) / (z - 2) ** 2),
    "constant by cancelling": (lambda z: np.sin(z) ** 2 + np.cos(z) ** 2, lambda z: 0 * z),
    "of the conjugate twice": (lambda z: np.conj(np.sin(np.conj(z))), np.cos),
    "of its parts": (lambda z: z.real + 1j * z.imag, lambda z: 1 + 0 * z),
    "constant": (lambda z: 0 * z + 3j, lambda z: 0 * z),
}  # fmt: skip


@pytest.mark.parametrize("name", HOLOMORPHIC)
def test_holomorphic_derivatives(name: str) -> None:
    f, df = HOLOMORPHIC[name]
    z = 0.3 + 0.4j
    for transform in (grad, jacfwd, jacrev, jacobian, elementwise_grad):
        got = transform(f, holomorphic=True)(z)
        assert got == pytest.approx(df(z), rel=1e-14, abs=1e-15), transform
    assert type(grad(f, holomorphic=True)(z)) is complex
    value, d = value_and_grad(f, holomorphic=True)(z)
    assert value == pytest.approx(f(z), rel=1e-15) and d == pytest.approx(df(z), rel=1e-14, abs=1e-15)
    np.testing.assert_allclose(elementwise_grad(f, holomorphic=True)(Z), df(Z), rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(vmap(grad(f, holomorphic=True))(Z), df(Z), rtol=1e-13, atol=1e-15)
    assert make_program(grad(f, holomorphic=True))(z)(z) == pytest.approx(df(z), rel=1e-14, abs=1e-15)


def test_holomorphic_jacobians() -> None:
    f = lambda z: np.exp(A @ z) * z[0]
    want = np.exp(A @ Z)[:, None] * (A * Z[0] + np.eye(3)[0])
    for transform in (jacfwd, jacrev, jacobian):
        np.testing.assert_allclose(transform(f, holomorphic=True)(Z), want, rtol=1e-13)
    trees = jacobian(lambda p: {"y": p["a"] * p["b"]}, holomorphic=True)({"a": Z, "b": V})
    np.testing.assert_allclose(trees["y"]["a"], np.diag(V), rtol=1e-14)
    np.testing.assert_allclose(trees["y"]["b"], np.diag(Z), rtol=1e-14)


def test_higher_orders() -> None:
    d = lambda f: grad(f, holomorphic=True)
    z = 0.3 + 0.4j
    assert d(d(d(np.sin)))(z) == pytest.approx(-np.cos(z), rel=1e-14)
    assert jvp(d(np.sin), (z,), (1j,))[1] == pytest.approx(-1j * np.sin(z), rel=1e-14)
    J = lambda f: jacobian(f, holomorphic=True)
    np.testing.assert_allclose(J(J(lambda z: np.sum(z**3)))(Z), np.diag(6 * Z), rtol=1e-13, atol=1e-14)
    assert grad(lambda x: abs(d(np.exp)(x * (1 + 1j))))(0.5) == pytest.approx(np.exp(0.5), rel=1e-14)


NOT_HOLOMORPHIC: dict[str, Callable[[Any], Any]] = {
    "conj": np.conj, "modulus": lambda z: abs(z) + 0j, "a real part": lambda z: z.real * z, "sign": np.sign,
    "a bit of it": lambda z: np.exp(z) + 1e-4 * np.conj(z), "small": lambda z: 1e-9 * np.conj(z),
}  # fmt: skip


@pytest.mark.parametrize("name", NOT_HOLOMORPHIC)
def test_what_is_not_holomorphic_is_refused(name: str) -> None:
    f = NOT_HOLOMORPHIC[name]
    z = 0.3 + 0.4j
    for transform in (grad, value_and_grad, jacfwd, jacrev, jacobian, elementwise_grad):
        with pytest.raises(
            DerivativeError, match=r"(?s)not holomorphic at this point.*Cauchy–Riemann.*test_complex\.py.*write: "
        ):
            transform(f, holomorphic=True)(z)
    with pytest.raises(DerivativeError, match="not holomorphic"):
        vmap(grad(f, holomorphic=True))(Z)
    # in a Program there is no value to look at: the result says it, unless the derivative is known already
    try:
        staged = make_program(grad(f, holomorphic=True))(z)
    except DerivativeError:
        assert name in ("conj", "small")
    else:
        assert np.isnan(staged(z))


def test_the_message_names_both_derivatives() -> None:
    # of z conj(z)²: ∂f/∂z = conj(z)², ∂f/∂z̄ = 2 z conj(z)
    for transform in (grad, jacfwd):
        with pytest.raises(DerivativeError, match=r"(?s)∂f/∂z = -3-4j it has ∂f/∂z̄ = 10[+-]0j"):
            transform(lambda z: z * np.conj(z) ** 2, holomorphic=True)(1 + 2j)
        with pytest.raises(DerivativeError, match=r"(?s)∂f/∂z = 0[+-]0j it has ∂f/∂z̄ = 2-4j"):
            transform(lambda z: np.conj(z) ** 2, holomorphic=True)(1 + 2j)


def test_kinds_that_holomorphic_refuses() -> None:
    for transform in (grad, value_and_grad, jacfwd, jacrev, jacobian, elementwise_grad):
        with pytest.raises(DerivativeError, match=r"(?s)argument 0.* is real .*write: complex\(x\)"):
            transform(np.exp, holomorphic=True)(1.0)
        with pytest.raises(DerivativeError, match=r"(?s)returned a real number.*constant.*∂u/∂x − i ∂u/∂y"):
            transform(np.abs, holomorphic=True)(1j)
        with pytest.raises(DerivativeError, match=r"(?s)integer type.*complex\(x\)"):
            transform(np.exp, holomorphic=True)(3)
    with pytest.raises(DerivativeError, match=r"(?s)\['x'\] is real .*astype\(complex\)"):
        grad(lambda p: np.sum(p["z"] * p["x"]), holomorphic=True)({"z": Z, "x": np.ones(3)})
    with pytest.raises(DerivativeError, match=r"(?s)returned a complex number.*holomorphic=True"):
        grad(np.exp)(1j)


def test_complex_in_complex_needs_the_word() -> None:
    for transform in (jacfwd, jacrev, jacobian, elementwise_grad):
        with pytest.raises(DerivativeError, match=r"(?s)input and output are complex.*∂f/∂z̄.*holomorphic=True"):
            transform(np.exp)(Z)


def test_complex_outputs_of_real_inputs() -> None:
    x = np.array([0.3, -0.8])
    f = lambda x: np.exp(1j * np.outer([1.0, 2.0, 3.0], x)).sum(axis=1)
    want = 1j * np.outer([1.0, 2.0, 3.0], np.ones(2)) * np.exp(1j * np.outer([1.0, 2.0, 3.0], x))
    for transform in (jacfwd, jacrev, jacobian):
        np.testing.assert_allclose(transform(f)(x), want, rtol=1e-14)
    np.testing.assert_allclose(elementwise_grad(lambda x: np.exp(1j * x))(x), 1j * np.exp(1j * x), rtol=1e-14)
    check_grads(f, (x,))


def test_real_outputs_of_complex_inputs() -> None:
    f = lambda z: {"modulus": np.abs(z), "x": z.real * np.sum(z).imag}
    for transform in (jacfwd, jacrev):
        J = transform(f)(Z)
        for k in range(3):
            for name in ("modulus", "x"):
                np.testing.assert_allclose(
                    J[name][k], numeric(lambda z, k=k, name=name: f(z)[name][k], Z), rtol=0, atol=1e-9
                )


def test_mixed_jacobians() -> None:
    x = np.array([0.5, 1.5])
    f = lambda p: p["x"] * np.abs(p["z"]).sum()
    for transform in (jacfwd, jacrev):
        J = transform(f)({"x": x, "z": Z})
        assert J["x"].dtype == float
        np.testing.assert_allclose(J["x"], np.diag([np.abs(Z).sum()] * 2), rtol=1e-14)
        np.testing.assert_allclose(J["z"], np.outer(x, Z.conj() / np.abs(Z)), rtol=1e-14)


def test_hessians_are_of_real_arguments() -> None:
    u = lambda z: np.sum(np.abs(z) ** 4)
    with pytest.raises(DerivativeError, match=r"(?s)hessian.*argument 0 is complex.*f?\(x \+ 1j \* y\).*hvp"):
        hessian(u)(Z)
    (xx, xy), (yx, yy) = hessian(lambda x, y: u(x + 1j * y), argnums=(0, 1))(Z.real, Z.imag)
    np.testing.assert_allclose(xy, yx, rtol=1e-12)
    h = (xx @ V.real + xy @ V.imag) - 1j * (yx @ V.real + yy @ V.imag)
    np.testing.assert_allclose(hvp(u, Z, V), h, rtol=1e-13)


def test_check_grads_finds_a_wrong_complex_rule() -> None:
    wrong = lambda z: np.sum(np.abs(np.conj(z) * 1.0 + z) ** 2)
    check_grads(wrong, (Z,))
    check_grads(lambda z: z * np.conj(z) ** 2, (Z,))
    check_grads(lambda z: np.exp(z), (0.3 + 1j,))
    with pytest.raises(AssertionError, match="central differences"):
        check_grads(lambda z: z * np.conj(stop_gradient(z)), (Z,))


@pytest.mark.parametrize("page", ["complex.md", "array-api.md"])
def test_the_manual_runs(page: str) -> None:
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    path = Path(__file__).parents[2] / "docs" / page
    assert doctest.testfile(str(path), module_relative=False, optionflags=flags).failed == 0
