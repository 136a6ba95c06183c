"""Every ufunc in the front end's table: plain calls, options, reduce, accumulate, outer and at."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests.frontend._harness import Case, check, check_gradient, check_value, draw
from tests.ops._samples import of_ufunc

from wengert import EscapeError, UnsupportedError, grad, jvp, vjp, vmap
from wengert.frontend.tables import ACCUMULATE, REDUCE, UFUNCS

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
NAMES = sorted({f.__name__ for f in UFUNCS})


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
    check(Case(name, OPTIONS[name], (X,), abstract))


def test_where_without_out_is_refused() -> None:
    with pytest.raises(
        UnsupportedError, match=r"np\.exp with where= .*\n.*test_ufuncs\.py.*\n  write: np\.where\(mask"
    ):
        grad(lambda x: np.sum(np.exp(x, where=x > 1.0)))(X)


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


@pytest.mark.parametrize("ufunc", [*REDUCE, *ACCUMULATE])
def test_reduce_and_accumulate(ufunc: np.ufunc) -> None:
    for method in ("reduce", "accumulate"):
        table = {"reduce": REDUCE, "accumulate": ACCUMULATE}[method]
        if ufunc in table:
            case = Case(method, lambda x, m=method: getattr(ufunc, m)(x, 1), (X,))
            check_value(case)
            check_gradient(case)


def test_methods_without_a_rule_are_named() -> None:
    for method, args in (("reduceat", ([0, 1],)), ("at", (0, 1.0))):
        with pytest.raises(UnsupportedError, match=rf"np\.add\.{method} has no derivative rule.*\n.*test_ufuncs\.py"):
            grad(lambda x, m=method, a=args: np.sum(getattr(np.add, m)(x, *a)))(X)
    with pytest.raises(UnsupportedError, match=r"np\.logaddexp\.reduce has no derivative rule"):
        grad(lambda x: np.sum(np.logaddexp.reduce(x)))(X)


def test_a_foreign_ufunc_is_named() -> None:
    special = pytest.importorskip("scipy.special")
    with pytest.raises(UnsupportedError, match=r"scipy\.special\.erf has no derivative rule"):
        grad(lambda x: np.sum(special.erf(x)))(X)
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
