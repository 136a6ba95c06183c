"""Every ufunc in the front end's table: plain calls, options, reduce, accumulate, outer and at."""

from __future__ import annotations

import inspect
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests.frontend._harness import Case, check, draw
from tests.ops._samples import of_ufunc

from wengert import EscapeError, UnsupportedError, grad, jvp, vjp, vmap
from wengert.frontend.tables import UFUNCS

SPECIAL: dict[str, list[tuple[Any, ...]]] = {
    "matmul": [(draw("m", 2, 3), draw("n", 3, 2)), (draw("m", 3), draw("n", 3))],
    "vecdot": [(draw("m", 2, 3), draw("n", 2, 3)), (draw("m", 3), draw("n", 3))],
    "matvec": [(draw("m", 2, 3), draw("n", 3)), (draw("m", 4, 2, 3), draw("n", 4, 3))],
    "vecmat": [(draw("m", 3), draw("n", 3, 2))],
    "divmod": [(draw("m", 2, 3, low=1.5, high=2.1), draw("n", 3, low=1.1, high=1.3))],
    "modf": [(draw("m", 2, 3),), (1.3,)],
    "frexp": [(draw("m", 2, 3, low=0.6, high=0.9),), (1.3,)],
}
DOMAIN_OF = {"degrees": "rad2deg", "radians": "deg2rad", "conjugate": "negative", "fabs": "absolute"}
# scipy.special enters ufuncs of its own, when it is loaded
NAMES = sorted({f.__name__ for f in UFUNCS if getattr(np, f.__name__, None) is f})


def arguments(name: str) -> list[tuple[Any, ...]]:
    """Arguments of a ufunc: floats where it takes floats."""
    if name in SPECIAL:
        return SPECIAL[name]
    ufunc = getattr(np, name)
    record: Any = SimpleNamespace(name=DOMAIN_OF.get(name, name), ufunc=ufunc)
    return [s.operands for s in of_ufunc(record) if all(np.size(x) for x in s.operands)]


def differs(x: Any) -> bool:
    return np.asarray(x).dtype.kind == "f"


def cases(name: str) -> list[Case]:
    ufunc = getattr(np, name)
    out: list[Case] = []
    for operands in arguments(name):
        at = [k for k, x in enumerate(operands) if differs(x)]

        def f(*xs: Any, operands: Any = operands, at: Any = at) -> Any:
            full = list(operands)
            for k, x in zip(at, xs, strict=True):
                full[k] = x
            return ufunc(*full)

        if at:
            args = tuple(x if np.ndim(x) or isinstance(x, float) else float(x) for x in (operands[k] for k in at))
            out.append(Case(name, f, args))
    return out


@pytest.mark.parametrize("name", NAMES)
def test_ufunc(name: str) -> None:
    for case in cases(name):
        check(case)


def test_the_table_has_every_ufunc_with_a_derivative() -> None:
    """NumPy's ufuncs of floats, without those whose absence is known."""
    floats = {n for n in dir(np) if isinstance(f := getattr(np, n), np.ufunc) and any("d" in t for t in f.types)}
    missing = {getattr(np, n).__name__ for n in floats} - set(NAMES)
    assert not missing, missing


X, Y = draw("X", 2, 3), draw("Y", 2, 3)
OPTIONS = {
    "dtype": lambda x: np.add(x, 1, dtype=np.float64),
    "dtype of a unary": lambda x: np.sin(x, dtype=np.float64),
    "out": lambda x: np.multiply(x, x, out=np.zeros((2, 3))),
    "out in place": lambda x: np.exp(x, out=x),
    "out, positional": lambda x: np.add(x, 1.0, np.zeros((2, 3))),
    "where with out": lambda x: np.divide(x, x - 1.0, out=np.ones((2, 3)), where=x > 1.1),
    "where with out, where the derivative is infinite": lambda x: np.arccosh(x, out=np.zeros((2, 3)), where=x > 1.1),
    "out in which operands stretch": lambda x: np.add(x[0], 1, out=np.zeros((2, 3))),
    "order": lambda x: np.add(x, 1, order="F"),
    "signature": lambda x: np.add(x, 1, signature="dd->d"),
    "signature, by types": lambda x: np.multiply(x, x, signature=(None, None, np.float64), casting="safe"),
    "two outputs": lambda x: np.divmod(x, 0.37, out=(np.zeros((2, 3)), np.zeros((2, 3)))),
    "two outputs, one of them given": lambda x: np.modf(x, out=(None, np.zeros((2, 3)))),
    "two outputs, one of integers": lambda x: np.frexp(x / 2, out=(np.zeros((2, 3)), np.zeros((2, 3), int)))[0],
    "outer with out": lambda x: np.multiply.outer(x[0], x[1], out=np.zeros((3, 3))),
    "axes of a matrix product": lambda x: np.matmul(x, x, axes=[(1, 0), (0, 1), (1, 0)]),
    "axes of stacks of matrices": lambda x: np.matmul(x[:, None], x[:, :, None], axes=[(0, 2), (1, 0), (0, 1)]),
    "axis of a product of vectors": lambda x: np.vecdot(x, x + 1, axis=0),
    "axis kept": lambda x: np.vecdot(x, x + 1, axis=0, keepdims=True),
    "axes of a product of vectors": lambda x: np.vecdot(x, x.T + 1, axes=[0, 1, ()]),
    "reduce without order": lambda x: np.logical_xor.reduce(x > 1.0, axis=0) * x,
    "accumulate of conditions": lambda x: np.logical_or.accumulate(x > 1.0, axis=1) * x,
    "where with out, an undefined point": lambda x: np.log(x - 1.0, out=np.zeros((2, 3)), where=x > 1.1),
    "casting": lambda x: np.add(x, 1, casting="same_kind"),
    "outer": lambda x: np.multiply.outer(x, x[0]),
    "outer of a number": lambda x: np.subtract.outer(x[0, 0], x),
    "reduce": lambda x: np.add.reduce(x),
    "reduce over all": lambda x: np.multiply.reduce(x, axis=None),
    "reduce over a tuple": lambda x: np.maximum.reduce(x, axis=(0, 1), keepdims=True),
    "reduce with initial": lambda x: np.minimum.reduce(x, axis=1, initial=0.9),
    "reduce with where": lambda x: np.add.reduce(x, where=x > 1.0),
    "accumulate": lambda x: np.add.accumulate(x),
    "accumulate along": lambda x: np.multiply.accumulate(x, axis=1),
    "a list beside it": lambda x: np.add(x, [1.0, 2.0, 3.0]),
    "a list in front of it": lambda x: np.power([1.0, 2.0, 3.0], x),
    "an integer array": lambda x: np.multiply(x, np.arange(3)),
    "a boolean array": lambda x: np.multiply(x, np.array([True, False, True])),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_option(name: str) -> None:
    abstract = name != "out in place"
    if "vecdot" in inspect.getsource(OPTIONS[name]) and not hasattr(np, "vecdot"):
        pytest.skip("this NumPy has no vecdot")
    check(Case(name, OPTIONS[name], (X,), abstract))


def test_where_without_out_gives_no_number() -> None:
    """NumPy leaves memory as it found it there; here nothing can be mistaken for a result."""
    mask = np.array([[True, False, True], [False, True, True]])
    y, pullback = vjp(lambda x: np.log(x + 0.5, where=mask), X)
    np.testing.assert_array_equal(y, np.where(mask, np.log(np.where(mask, X + 0.5, 1.0)), np.nan))
    (d,) = pullback(np.ones((2, 3)))
    np.testing.assert_allclose(d, np.where(mask, 1 / (X + 0.5), 0.0), rtol=1e-15)


def test_options_on_constants_are_numpys() -> None:
    def f(x: Any) -> Any:
        a = np.array([0.0, 1.0, 4.0])
        b = np.divide(1.0, a, out=np.full(3, 7.0), where=a > 0)
        np.sqrt(a, out=a, where=[False, True, True])
        c = np.zeros(3, int)
        np.add(c, [1, 2, 3], out=c)
        q, r = np.divmod(c, 2, out=(np.zeros(3, int), np.zeros(3, int)))
        np.add.at(a, [0, 0, 1], 1.0)
        return np.sum(x * (a + b + c + q + r))

    check(Case("constants", f, (X,)))


def test_writing_floats_into_integers_raises_as_in_numpy() -> None:
    def constants(x: Any) -> Any:
        a = np.zeros(3, int)
        np.add(a, 0.5, out=a)
        return np.sum(x)

    def traced(x: Any) -> Any:
        return np.sum(np.add(x, 0.5, out=np.zeros((2, 3), int)))

    for f in (constants, traced):
        with pytest.raises(TypeError):
            f(X)
        with pytest.raises(TypeError):
            grad(f)(X)


def test_a_foreign_ufunc_is_named() -> None:
    with pytest.raises(UnsupportedError, match="has no derivative rule"):
        grad(lambda x: np.sum(np.frompyfunc(lambda t: t * t, 1, 1)(x)))(X)


def test_out_in_a_foreign_array_is_refused() -> None:
    foreign = np.zeros((2, 3))
    for f in (lambda x: np.add(x, 1.0, out=foreign), lambda x: np.add(foreign, x, foreign)):
        with pytest.raises(
            EscapeError,
            match=r"(?s)made outside of the differentiated function.*test_ufuncs\.py.*write: make the buffer",
        ):
            grad(lambda x, f=f: np.sum(f(x)))(X)
    assert not foreign.any()


def test_two_outputs() -> None:
    y, pullback = vjp(lambda x: np.modf(x), X)
    assert isinstance(y, tuple)
    np.testing.assert_array_equal(y[1], np.modf(X)[1])
    (d,) = pullback((np.ones((2, 3)), np.ones((2, 3))))
    np.testing.assert_array_equal(d, 1.0)
    whole, part = jvp(lambda x: np.divmod(x, 0.4), (X,), (X,))[1]
    np.testing.assert_array_equal(whole, 0.0)
    np.testing.assert_array_equal(part, X)
    mantissa, exponent = vmap(np.frexp)(X)
    np.testing.assert_array_equal(np.ldexp(mantissa, exponent), X)


# ---- reduce, accumulate, reduceat, outer


FOLDS: list[np.ufunc] = [
    np.add, np.multiply, np.maximum, np.minimum, np.fmax, np.fmin, np.logaddexp, np.logaddexp2, np.hypot,
    np.subtract, np.divide, np.power, np.arctan2, np.float_power,
]  # fmt: skip
REORDERABLE = FOLDS[:9]
PARTS = np.array([[True, False, True], [False, True, True]])
T = draw("T", 2, 3, 4)


@pytest.mark.parametrize("ufunc", FOLDS, ids=lambda u: u.__name__)
def test_methods(ufunc: np.ufunc) -> None:
    """Along the middle axis: some builds of NumPy reduce power and arctan2 along lines that lie together in memory by
    the last element alone (np.power.reduce([2, 3, 2.5]) is 2**2.5 there), which is no oracle."""
    check(Case("reduce", lambda x: ufunc.reduce(x, 1), (T[:, :, :2],)))
    check(Case("reduce", lambda x: ufunc.reduce(x, 1, keepdims=True), (T,), order=1))
    check(Case("initial", lambda x, y: ufunc.reduce(x, 1, initial=y), (T, 1.3), order=1))
    check(Case("where", lambda x: ufunc.reduce(x, 1, initial=0.7, where=PARTS[:, :, None]), (T,), order=1))
    check(Case("out", lambda x: ufunc.reduce(x, 1, out=np.zeros((2, 4))), (T,), order=1))
    check(Case("accumulate", lambda x: ufunc.accumulate(x, 1), (X,)))
    check(Case("accumulate", lambda x: ufunc.accumulate(x, axis=0, out=np.zeros((2, 3))), (X,), order=1))
    check(Case("reduceat", lambda x: ufunc.reduceat(x, [0, 2, 1], axis=1), (X,), order=1))
    check(Case("outer", lambda x, y: ufunc.outer(x, y), (X, Y[0]), order=1))


@pytest.mark.parametrize("ufunc", REORDERABLE, ids=lambda u: u.__name__)
def test_reduce_over_several_axes(ufunc: np.ufunc) -> None:
    check(Case("axes", lambda x: ufunc.reduce(x, axis=(0, 2)), (T,), order=1))
    check(Case("all", lambda x: ufunc.reduce(x, axis=None, keepdims=True), (T,), order=1))
    check(Case("none", lambda x: ufunc.reduce(x, axis=()), (X,), order=1))


def test_ties_share_equally() -> None:
    x = np.array([1.0, 3.0, 3.0, 2.0, 3.0])
    for ufunc in (np.maximum, np.fmax):
        np.testing.assert_allclose(grad(lambda x, u=ufunc: u.reduce(x))(x), np.array([0, 1, 1, 0, 1]) / 3, rtol=1e-15)
    (d,) = vjp(np.maximum.accumulate, x)[1](np.ones(5))
    np.testing.assert_allclose(d, [1, 1 + 0.5 + 0.5 + 1 / 3, 0.5 + 0.5 + 1 / 3, 0, 1 / 3], rtol=1e-15)
    (d,) = vjp(np.minimum.accumulate, -x)[1](np.ones(5))
    np.testing.assert_allclose(d, [1, 1 + 0.5 + 0.5 + 1 / 3, 0.5 + 0.5 + 1 / 3, 0, 1 / 3], rtol=1e-15)


def test_nans_are_passed_over() -> None:
    x = np.array([[np.nan, 2.0, 1.0], [np.nan, np.nan, np.nan]])
    y, pullback = vjp(lambda x: np.fmax.reduce(x, axis=1), x)
    np.testing.assert_array_equal(y, [2.0, np.nan])
    np.testing.assert_array_equal(pullback(np.array([5.0, 0.0]))[0][0], [0, 5, 0])


REJECTED: dict[str, Any] = {
    "casting": lambda x: np.add(x, 1, dtype=int),
    "a name of casting": lambda x: np.add(x, 1, casting="sometimes"),
    "a keyword": lambda x: np.add(x, 1, shape=3),
    "a signature": lambda x: np.add(x, 1, signature="ii->i"),
    "an order": lambda x: np.add(x, 1, order="Z"),
    "axes of no gufunc": lambda x: np.add(x, 1, axes=[0, 0, 0]),
    "too few axes": lambda x: np.matmul(x, x.T, axes=[(0, 1)]),
    "out too small": lambda x: np.add(x, 1, out=np.zeros(3)),
    "out of another shape": lambda x: np.add.reduce(x, out=np.zeros(2)),
    "out that would have to be cast": lambda x: np.add(x, 1, out=np.zeros((2, 3)), casting="no", dtype=np.float32),
    "one out of two": lambda x: np.divmod(x, 2, out=np.zeros((2, 3))),
    "an axis": lambda x: np.logaddexp.reduce(x, axis=2),
    "two axes in an order": lambda x: np.subtract.reduce(x, axis=(0, 1)),
    "nothing without an identity": lambda x: np.divide.reduce(x[:, :0], axis=1),
    "where without initial": lambda x: np.fmax.reduce(x, where=x > 1),
    "accumulate of one operand": lambda x: np.sin.accumulate(x),
    "reduce with two outputs": lambda x: np.divmod.reduce(x),
    "indices out of bounds": lambda x: np.add.reduceat(x, [0, 5]),
    "outer of a gufunc": lambda x: np.matmul.outer(x, x),
}


@pytest.mark.parametrize("name", REJECTED)
def test_what_numpy_rejects_is_rejected_as_numpy_does(name: str) -> None:
    with pytest.raises(Exception) as numpys:
        REJECTED[name](X)
    for f in (REJECTED[name], lambda x: vmap(REJECTED[name])(np.stack([x, x]))):
        with pytest.raises(Exception) as ours:
            vjp(f, X)
        assert isinstance(
            ours.value, numpys.type if numpys.type.__module__ == "builtins" else numpys.type.__mro__[1]
        ), ours
