"""wengert.extend: records that others add are known to every transform, and the laws find their mistakes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from wengert import UnsupportedError, extend, grad, hessian, jvp, stop_gradient, vmap
from wengert.extend import LawError, Primitive, Sample

X = np.array([-1.0, 0.5, 3.0])


@pytest.fixture
def made() -> Iterator[list[Primitive]]:
    """Records that a test makes, taken out of the registry afterwards."""
    records: list[Primitive] = []
    yield records
    for record in records:
        extend.remove(record)


def gaussian(made: list[Primitive], diff: Any = lambda t, z, x: -2 * t * x * z, **options: Any) -> Primitive:
    record = extend.elementwise(
        "test.gaussian", lambda x: np.exp(-np.square(x)), [diff], **{"tex": r"e^{{-{0}^2}}", **options}
    )
    made.append(record)
    return record


def test_a_record_is_known_to_every_transform(made: list[Primitive]) -> None:
    f = gaussian(made)
    want = -2 * X * np.exp(-(X**2))
    np.testing.assert_allclose(grad(lambda x: np.sum(f(x)))(X), want, rtol=1e-15)
    np.testing.assert_allclose(jvp(f, (X,), (X,))[1], want * X, rtol=1e-15)
    np.testing.assert_allclose(vmap(grad(f))(X), want, rtol=1e-15)
    np.testing.assert_allclose(
        hessian(lambda x: np.sum(f(x)))(X), np.diag((4 * X**2 - 2) * np.exp(-(X**2))), rtol=1e-14, atol=1e-15
    )
    laws = extend.check_laws(f, [Sample((X,)), Sample((0.3,)), Sample((X.reshape(3, 1),))], lambda x: np.exp(-(x**2)))
    assert set(extend.LAWS) < set(laws)


def test_two_operands_broadcast(made: list[Primitive]) -> None:
    record = extend.elementwise(
        "test.scaled", lambda x, s: x * s * s, [lambda t, _z, _x, s: t * s * s, lambda t, _z, x, s: 2 * t * x * s],
        tex="{0} {1}^2",
    )  # fmt: skip
    made.append(record)
    extend.check_laws(record, [Sample((X, 2.0)), Sample((X[:, None], X)), Sample((X, X + 0.1))])
    np.testing.assert_allclose(grad(lambda s: np.sum(record(X, s)))(2.0), 4.0 * np.sum(X), rtol=1e-15)


@pytest.mark.parametrize(("diff", "law"), [
    (lambda t, z, x: 2 * t * x * z, "first_derivative_forward"),
    (lambda t, z, x: -2 * np.sum(t) * x * z, "first_derivative_forward"),
    (lambda t, z, x: (-2 * t * x * z).astype(np.float64), "float32_stays_float32"),
    (lambda t, z, x: -2 * t * x * stop_gradient(z), "second_derivative, forward over forward"),
])  # fmt: skip
def test_mistakes_are_found(made: list[Primitive], diff: Any, law: str) -> None:
    with pytest.raises(LawError, match=rf"test.gaussian breaks the law '{law}'"):
        extend.check_laws(gaussian(made, diff), [Sample((X,))])


def test_what_is_read_must_be_named(made: list[Primitive]) -> None:
    """A parameter that begins with an underscore is not kept, and must not be read."""
    with pytest.raises(TypeError):
        extend.check_laws(gaussian(made, lambda t, _z, x: -2 * t * x * _z), [Sample((X,))])


def test_a_wrong_value_or_type_is_found(made: list[Primitive]) -> None:
    f = gaussian(made)
    with pytest.raises(LawError, match="'is_what_the_oracle_computes'"):
        extend.check_laws(f, [Sample((X,))], lambda x: np.exp(-np.abs(x)))
    extend.remove(f)
    g = gaussian(made, infer=lambda aval: aval.__class__((), aval.dtype, "array"))
    with pytest.raises(LawError, match=r"'inferred_type_is_actual'.*inferred.*actual"):
        extend.check_laws(g, [Sample((X,))])
    extend.remove(g)
    h = gaussian(made, tex="e^{{-{1}}}")
    with pytest.raises(LawError, match="'formula'"):
        extend.check_laws(h, [Sample((X,))])


def test_a_transpose_that_is_none_is_found(made: list[Primitive]) -> None:
    record = extend.linear(
        "test.reverse", lambda x: x[::-1].copy(), lambda g, _x: g, lambda _b, xs, _p: xs[0][:, ::-1], tex="{0}"
    )
    made.append(record)
    with pytest.raises(LawError, match="'forward_and_reverse_are_transposes'"):
        extend.check_laws(record, [Sample((X,))])


def test_general_and_flat_records(made: list[Primitive]) -> None:
    cube = extend.general("test.cube", lambda x: x**3, vjp=lambda g, _z, xs, _w, _p: (3 * g * xs[0] ** 2,), tex="{0}^3")
    step = extend.flat("test.step", lambda x: (x > 0).astype(x.dtype), r"[{0} > 0]")
    made.extend([cube, step])
    extend.check_laws(cube, [Sample((X,))])
    extend.check_laws(step, [Sample((X,))])
    np.testing.assert_allclose(jvp(cube, (X,), (X,))[1], 3 * X**3, rtol=1e-15)


def test_a_ufunc_of_another_library() -> None:
    double = np.frompyfunc(lambda x: 2.0 * x, 1, 1)
    with pytest.raises(UnsupportedError):
        grad(lambda x: np.sum(double(x)))(X)
    extend.ufunc(double, lambda x: 2.0 * x)
    np.testing.assert_array_equal(grad(lambda x: np.sum(double(x)))(X), [2.0, 2.0, 2.0])
    extend.remove(double)
    with pytest.raises(UnsupportedError):
        grad(lambda x: np.sum(double(x)))(X)


def test_a_name_is_taken_once(made: list[Primitive]) -> None:
    gaussian(made)
    with pytest.raises(ValueError, match=r"named 'test\.gaussian' exists already"):
        gaussian(made)
    with pytest.raises(ValueError, match="no samples"):
        extend.check_laws(made[0], [])
