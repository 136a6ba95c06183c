"""Complex numbers inside a real function: functions that are complex-linear, those that are not, and mixtures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.frontend._harness import (
    Case,
    check,
    check_batch,
    check_gradient,
    check_second,
    check_staged,
    copies,
    draw,
    quietly,
    same,
)

from wengert import grad, jvp, vjp, vmap

V = draw("complex", 3)
S = np.diag([2.0, 3.0, 4.0])


def written(r: Any, z: Any) -> Any:
    y = np.zeros(3, complex)
    y[0] = z[1]
    y[1:] = r[:2] * 2
    y[2] *= 1j
    y += z
    return y * z


def parts(r: Any, z: Any) -> Any:
    y = np.zeros((2, 3), complex)
    y.real = r
    y.imag[0] = z.imag
    y[1].real *= y.imag[0]
    return y * y


# of a real array r and a complex array z
CALLS: dict[str, Callable[[Any, Any], Any]] = {
    # complex-linear and holomorphic
    "arithmetic": lambda r, z: (1 + z) / (2j + z[::-1]) - r * z,
    "exp and log": lambda r, z: np.exp(z) * np.log(z + 3),
    "roots and powers": lambda r, z: np.sqrt(z) + z**2 + z**1.5 + z ** (1 + 2j) + 2.0**z,
    "powers of both": lambda r, z: r**z + z**r,
    "circular": lambda r, z: np.sin(z) + np.tanh(z) + np.arctan(z / 4),
    "reductions": lambda r, z: np.sum(z) * np.prod(z) * np.mean(z),
    "cumulative": lambda r, z: np.cumsum(z) * np.cumprod(z),
    "products": lambda r, z: np.outer(z, np.conj(z)) @ z + np.einsum("i,j,j->i", z, r, z),
    "a product with a real matrix": lambda r, z: np.outer(r, r) @ z,
    "solve, real and complex": lambda r, z: np.linalg.solve(np.outer(r, r) + S, z) + np.linalg.solve(np.outer(z, z) + 9 * S, r),
    "inverse and determinant": lambda r, z: np.linalg.inv(np.outer(z, z.conj()) + S) * np.linalg.det(np.outer(z, r) + S),
    "a complex constant": lambda r, z: z * (1 + 2j) + complex(0.5, 1.0) * r,
    # not complex-linear
    "moduli": lambda r, z: np.abs(z) + np.abs(z) ** 2 * np.absolute(r - 1),
    "conjugates": lambda r, z: np.conj(z) * z * z,
    "parts": lambda r, z: z.real * z.imag + np.real(z * z) * np.imag(z),
    "angle": lambda r, z: np.angle(z) + np.angle(r * z, deg=True),
    "sign": lambda r, z: np.sign(z) * np.sign(r),
    "vdot": lambda r, z: np.abs(np.vdot(z, r)) + np.vdot(z, z).real,
    "variance": lambda r, z: np.var(z) + np.std(z + r),
    "norm": lambda r, z: np.linalg.norm(z) + np.linalg.norm(np.stack([r, z])),
    # real and complex side by side: what is real gets a real cotangent
    "concatenate": lambda r, z: np.concatenate([r, z, z.real]),
    "stack": lambda r, z: np.stack([z, r, np.ones(3), z.imag]) * z,
    "array of numbers": lambda r, z: np.array([[r[0], z[1]], [1, 2j]]) @ np.array([z[0], r[1]]),
    "append, insert, block": lambda r, z: np.append(r, z)[::2] * np.insert(z, 1, r[0])[:3] * np.block([r, z])[:3],
    "where": lambda r, z: np.where(r > 1, r, z) + np.select([r > 1.2], [z], r),
    "average": lambda r, z: np.average(z, weights=r) + np.sum(z, initial=r[0]),
    "diff and cross": lambda r, z: np.diff(z, prepend=r[0]) * np.cross(r, z),
    "kron and tensordot": lambda r, z: np.kron(r, z) + np.ravel(np.tensordot(r, z, 0)),
    "linspace": lambda r, z: np.linspace(r[0], z[1], 3),
    "out": lambda r, z: np.multiply(r, z, out=np.zeros(3, complex)),
    "fancy": lambda r, z: z[[0, 0, 2]] * r[np.array([1, 2, 2])] * 1j,
    "written": written,
    "written by parts": parts,
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_call(name: str) -> None:
    def f(x: Any) -> Any:
        y = CALLS[name](x, x + 1j * (x[::-1] ** 2 + 0.2))
        return np.real(y) + 2.0 * np.imag(y)

    case = Case(name, f, (V,))
    for law in (check_gradient, check_second, check_batch, check_staged):
        law(case)
    got = quietly(lambda: vjp(f, *copies(case.args))[0])
    same(got, f(V.copy()), "reverse", 1e-13)


def test_kinds_and_dtypes() -> None:
    check(Case("number", lambda x: np.abs(x[0] + 1j) * np.real(x[1] * 1j + 2), (V,)))
    check(Case("cast", lambda x: x.astype(complex).real * np.imag(x.astype(complex) * 1j), (V,)))


@pytest.mark.parametrize("name", CALLS)
def test_complex_argument(name: str) -> None:
    """The same calls of a complex array: ∂u/∂x − i ∂u/∂y by differences in both directions."""
    z = V + 1j * (V[::-1] ** 2 + 0.2)

    def u(z: Any) -> Any:
        y = CALLS[name](z.real * 1.1, z)
        return np.sum((np.real(y) + 2.0 * np.imag(y)) * np.cos(np.arange(np.size(y))).reshape(np.shape(y)))

    def slope(v: Any, h: float = 1e-4) -> Any:
        wide, narrow = (u(z + 2 * h * v) - u(z - 2 * h * v)) / 4, (u(z + h * v) - u(z - h * v)) / 2
        return (4 * narrow - wide) / (3 * h)

    want = np.array([slope(e) - 1j * slope(1j * e) for e in np.eye(3)])
    got = grad(u)(z)
    near = 1e-7 * float(np.max(np.abs(want)))
    np.testing.assert_allclose(got, want, rtol=0, atol=near)
    v = np.array([0.3 - 1j, 1 + 0.2j, -0.5j])
    assert jvp(u, (z,), (v,))[1] == pytest.approx(np.sum(want * v).real, abs=4 * near)
    np.testing.assert_allclose(vmap(grad(u))(np.stack([z, z]))[1], got, rtol=1e-11, atol=1e-13)
